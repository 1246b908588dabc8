//! Baskets as shops have them: as many lines as there may be, bought, given back, and the row that is left.

use crate::ledger::{self, event};
use ledger_core::event::{self, Body, Currency, LINES_MAX, Line, LineDetail, LineName, LinePart, LineRefund, Name};
use ledger_core::memory::Memory;
use ledger_core::outcome::Outcome;
use ledger_core::quantity::Quantity;
use ledger_core::units::{At, Money};

const PROGRAM: &str = r#"id = "wholesale"
timezone = "Europe/Berlin"
currency = "EUR"

[[wallet]]
id = "points"

[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1

[[earn]]
id = "bulk"
on = "purchase"
per_items = 3
give = 2
when = { categories = ["bulk"] }
"#;
const EUR: Currency = Currency(*b"EUR");

fn lines(pieces: u32) -> Vec<Line> {
    let line = |n: usize| Line::plain(&format!("https://shop.example/goods/{n:05}"), pieces, Money(100));
    (0..LINES_MAX).map(line).collect()
}

fn say(memory: &mut Memory, id: &str, body: Body<Name>) -> Outcome {
    memory.submit(event(id, "M1", At(0), body), At(0)).expect("the record folds")
}

fn available(memory: &Memory) -> i64 {
    ledger::balances(ledger::members(&memory.state).next().expect("there is a member").1).available.0
}

fn back(order: &str, parts: impl Iterator<Item = (LineName, LinePart)>) -> Body<Name> {
    let lines = parts.map(|(line, part)| LineRefund { line, part }).collect();
    let (order, amount, so_far) = (order.into(), Money(0), false);
    Body::Refunded(event::Refunded { order, currency: EUR, amount, lines, so_far })
}

#[test]
fn an_order_of_ten_thousand_lines_is_one_order() {
    let mut memory = ledger::publish(PROGRAM, At(0));
    assert_eq!(say(&mut memory, "1", Body::purchase("o-1", EUR, lines(2))).earned_first().0, 10_000);
    assert_eq!(say(&mut memory, "2", Body::purchase("o-2", EUR, lines(1))).earned_first().0, 10_000);
    // One piece of every line goes back by its name, then half of what is left of every other by its place.
    let name = |n: usize| LineName::Sku(format!("https://shop.example/goods/{n:05}").into());
    let pieces = (0..LINES_MAX).map(|n| (name(n), LinePart::Items(Quantity::ONE)));
    assert_eq!(say(&mut memory, "3", back("o-1", pieces)).refusal, None);
    assert_eq!(available(&memory), 15_000);
    let halves = (0..LINES_MAX).step_by(2).map(|n| (LineName::Place(n as u16), LinePart::Amount(Money(25))));
    assert_eq!(say(&mut memory, "4", back("o-1", halves)).refusal, None);
    assert_eq!(available(&memory), 13_750);
    let all = (0..LINES_MAX).rev().map(|n| (name(n), LinePart::Items(Quantity::ONE)));
    assert_eq!(say(&mut memory, "5", back("o-2", all)).refusal, None);
    assert_eq!(available(&memory), 3_750);
    let cancelled = say(&mut memory, "6", Body::Cancelled(event::Cancelled { order: "o-1".into() }));
    assert_eq!((cancelled.refusal, available(&memory)), (None, 0));
    ledger::check(&memory);
}

#[test]
fn what_is_weighed_is_counted_to_the_millionth() {
    let mut memory = ledger::publish(PROGRAM, At(0));
    let detail = Some(Box::new(LineDetail { category: "bulk".into(), ..LineDetail::default() }));
    let weighed = |weight: &str| Line {
        quantity: Quantity::read(weight).expect("it is a weight"),
        detail: detail.clone(),
        ..Line::plain("rice", 1, Money(0))
    };
    // A hundred times 0.03 kilograms are three, and a gram less is not.
    let bought = |lines: Vec<Line>| Body::purchase("o", EUR, lines);
    assert_eq!(say(&mut memory, "1", bought(vec![weighed("0.03"); 100])).earned_first().0, 2);
    let short = [vec![weighed("0.03"); 99], vec![weighed("0.029999")]].concat();
    let mut memory = ledger::publish(PROGRAM, At(0));
    assert_eq!(say(&mut memory, "1", bought(short)).earned_first().0, 0);
    let mut memory = ledger::publish(PROGRAM, At(0));
    assert_eq!(say(&mut memory, "1", bought(vec![weighed("13000")])).earned_first().0, 2 * 13_000 / 3);
    // Said again with a point and noughts behind it, it is the same event.
    assert!(say(&mut memory, "1", bought(vec![weighed("13000.000")])).duplicate);
}
