//! Rows: however much a member has, what is written can be read again.

use crate::ledger::{self, directory};
use crate::said::{BEGIN, event, publish};
use ledger_core::bytes::VALUE_BYTES_MAX;
use ledger_core::event::{
    self, Body, Currency, LINES_MAX, Line, LineDetail, LineName, LinePart, LineRefund, NAME_BYTES_MAX, Name,
};
use ledger_core::lots::SLICES_MAX;
use ledger_core::quantity::Quantity;
use ledger_core::refusal::Refusal;
use ledger_core::units::{Money, Points};

const PROGRAM: &str =
    "id = \"t\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\nexpiry = { after = \"12M\" }\n";

/// What one hold takes: as many lots as a record may name.
const LOTS: usize = SLICES_MAX;

#[test]
fn a_member_as_large_as_it_may_be_is_opened_again() {
    let dir = directory();
    let ledger = ledger::open(dir.path(), 10_000_000);
    let handle = ledger.handle();
    ledger::say(
        &handle,
        vec![
            publish(PROGRAM, BEGIN),
            event("a", "enrol", BEGIN, "ada", Body::Enrolled(event::Enrolled { birthday: None })),
        ],
    );
    let credit = |n: usize| event("c", &format!("{n}"), BEGIN, "ada", Body::credit(Points(1), "r"));
    let mut refused = None;
    let mut holds = 0;
    'full: for round in 0..200 {
        for first in (round * LOTS..(round + 1) * LOTS).step_by(5_000) {
            let outcomes = ledger::say(&handle, (first..first + 5_000).map(credit).collect());
            refused = outcomes.iter().find_map(|outcome| outcome.refusal);
            if refused.is_some() {
                break 'full;
            }
        }
        let hold = event("h", &format!("{round}"), BEGIN, "ada", Body::hold(&format!("{round}"), Points(LOTS as i64)));
        refused = ledger::say(&handle, vec![hold])[0].refusal;
        if refused.is_some() {
            break;
        }
        holds += 1;
    }
    assert_eq!(refused, Some(Refusal::MemberLimitReached), "beyond the limit points are refused");
    let view = ledger::member(&handle, "ada");
    let row = ledger::row_bytes(&view.member).len();
    eprintln!("{holds} holds of {LOTS} lots: a row of {row} bytes");
    assert!(row <= VALUE_BYTES_MAX && holds > 40, "{row} bytes, {holds} holds");
    // What makes room is not refused.
    let void = event("v", "0", BEGIN, "ada", Body::Void(event::Void { hold: "0".into() }));
    let check_in = event("v", "1", BEGIN, "ada", Body::CheckIn(event::CheckIn));
    let outcomes = ledger::say(&handle, vec![void, check_in]);
    assert_eq!(outcomes[0].refusal, None);
    let before = ledger::balances(&ledger::member(&handle, "ada").member);
    drop(handle);
    ledger.close().expect("nothing failed");

    let ledger = ledger::open(dir.path(), 10_000_000);
    let after = ledger::balances(&ledger::member(&ledger.handle(), "ada").member);
    assert_eq!(before, after, "and it opens again");
    ledger.close().expect("nothing failed");
}

/// An order of as many lines as there may be, each with names as long as they may be.
fn largest(order: &str) -> Body<Name> {
    let name = |n: usize| format!("{n:0wide$}", wide = NAME_BYTES_MAX);
    let line = |n: usize| {
        let detail = Some(Box::new(LineDetail { category: name(n).into(), ..LineDetail::default() }));
        let quantity = Quantity::read("4294.967295").expect("it is a quantity");
        Line { detail, quantity, ..Line::plain(&name(n), 1, Money(100)) }
    };
    Body::purchase(order, Currency(*b"EUR"), (0..LINES_MAX).map(line).collect())
}

#[test]
fn the_largest_orders_and_their_refunds_are_opened_again() {
    let dir = directory();
    let ledger = ledger::open(dir.path(), 10_000_000);
    let handle = ledger.handle();
    let earn = "[[earn]]\nid = \"base\"\non = \"purchase\"\nper = \"1.00\"\ngive = 1\n";
    ledger::say(&handle, vec![publish(&format!("{PROGRAM}{earn}"), BEGIN)]);
    let refund = |order: &str| {
        let name = |n: usize| LineName::Sku(format!("{n:0wide$}", wide = NAME_BYTES_MAX).into());
        let half = LinePart::Amount(Money(50));
        let lines = (0..LINES_MAX).rev().map(|n| LineRefund { line: name(n), part: half }).collect();
        let (order, currency, amount, so_far) = (order.into(), Currency(*b"EUR"), Money(0), false);
        Body::Refunded(event::Refunded { order, currency, amount, lines, so_far })
    };
    let buy = |n: u32| event("b", &format!("{n}"), BEGIN, "ada", largest(&format!("o-{n}")));
    let back = |n: u32| event("r", &format!("{n}"), BEGIN, "ada", refund(&format!("o-{n}")));
    let bought = ledger::say(&handle, (0..8).map(buy).collect());
    assert!(bought.iter().all(|outcome| outcome.earned_first() == Points(10_000)));
    // The first of them last: what came back stands in the order of purchases.
    let refunded = ledger::say(&handle, (0..8).rev().map(back).collect());
    assert!(refunded.iter().all(|outcome| outcome.refusal.is_none()));
    let before = ledger::member(&handle, "ada");
    assert_eq!(ledger::balances(&before.member).available, Points(40_000));
    drop(handle);
    ledger.close().expect("nothing failed");
    let ledger = ledger::open(dir.path(), 10_000_000);
    assert_eq!(ledger::member(&ledger.handle(), "ada").member, before.member, "and it opens again");
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}
