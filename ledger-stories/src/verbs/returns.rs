//! What goes back of purchases.

use super::{Act, Detail, Verb, no_place};
use crate::play::{Answer, Play, list_or_none};
use crate::words::Words;
use ledger_core::calendar::show_day;
use ledger_core::event::{self, Body, LineName, LinePart, LineRefund, Name, ReversalWhy};
use ledger_core::quantity::Quantity;

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "refund",
        syntax: &["refund MEMBER ORDER AMOUNT"],
        meaning: "So much of an order is paid back, and the points that it earned are taken back. With `of` the amount \
                  is 0 and the lines say what goes back.",
        example: "
purchase M1 o-1 38.00                              -> earned 38, available 38, basic
refund M1 o-1 10.00                                -> earned 0, available 28, basic
purchase M1 o-2 9.00 line tea///2/4.00 line cake///1/5.00 -> earned 9, available 37, basic
refund M1 o-2 0 of tea/1x                          -> earned 0, available 35, basic
refund M1 o-2 0 of 1/5.00                          -> earned 0, available 30, basic
",
        act: Act::Event(refund),
    },
    Verb {
        word: "refunded-so-far",
        syntax: &["refunded-so-far MEMBER ORDER AMOUNT"],
        meaning: "The same, told as the total of all refunds of the order so far.",
        example: "
purchase M1 o-1 38.00        -> earned 38, available 38, basic
refunded-so-far M1 o-1 10.00 -> earned 0, available 28, basic
refunded-so-far M1 o-1 20.00 -> earned 0, available 18, basic
",
        act: Act::Event(refunded_so_far),
    },
    Verb {
        word: "cancel",
        syntax: &["cancel MEMBER ORDER"],
        meaning: "All that is left of an order goes back.",
        example: "
purchase M1 o-1 38.00 -> earned 38, available 38, basic
cancel M1 o-1         -> earned 0, available 0, basic
",
        act: Act::Event(|_, words| Ok(Body::Cancelled(event::Cancelled { order: words.next()?.into() }))),
    },
    Verb {
        word: "reverse",
        syntax: &["reverse MEMBER ID [won-back]"],
        meaning: "The refund or cancellation of this id failed, or was won back: the order is as if it had never been \
                  refunded.",
        example: "
purchase M1 o-1 38.00           -> earned 38, available 38, basic
refund M1 o-1 10.00 id r-1      -> earned 0, available 28, basic
reverse M1 r-1                  -> earned 0, available 38, basic
",
        act: Act::Event(|play, words| {
            let refund = play.event_of(words.next()?);
            let why = if words.take("won-back") { ReversalWhy::WonBack } else { ReversalWhy::Failed };
            Ok(Body::RefundReversed(event::RefundReversed { refund, why }))
        }),
    },
    Verb {
        word: "parked",
        syntax: &["parked MEMBER [as-of TIME]"],
        meaning: "The dates of what came before what it speaks of, and waits for it.",
        example: "
refund M1 o-1 10.00   -> earned 0, available 0, basic, parked
parked M1             -> 2026-03-02
purchase M1 o-1 38.00 -> earned 38, available 28, basic
parked M1             -> none
",
        act: Act::Other(deferred),
    },
];

pub(super) const DETAILS: &[Detail] = &[Detail {
    word: "of",
    value: "0/1.00",
    of: &["refund"],
    meaning: "Of which line, named by its place (from 0) or its SKU: an amount, or a number of items as 2x or 0.5x.",
    set: |play, saying, text| match saying.body() {
        Body::Refunded(event::Refunded { lines, .. }) => {
            lines.push(line_refund_of(play, text)?);
            Ok(())
        }
        body => Err(no_place(body)),
    },
}];

fn refund(play: &Play<'_>, words: &mut Words<'_>) -> Result<Body<Name>, String> {
    let (order, amount) = (words.next()?, words.next()?);
    Ok(Body::refund(order, play.program()?.currency, play.money(amount)?))
}

fn refunded_so_far(play: &Play<'_>, words: &mut Words<'_>) -> Result<Body<Name>, String> {
    let mut body = refund(play, words)?;
    if let Body::Refunded(said) = &mut body {
        said.so_far = true;
    }
    Ok(body)
}

fn line_refund_of(play: &Play<'_>, text: &str) -> Result<LineRefund, String> {
    let (line, part) = text.split_once('/').ok_or("a line is refunded as `of LINE/AMOUNT` or `of LINE/3x`")?;
    let line = line.parse().map_or_else(|_| LineName::Sku(line.into()), LineName::Place);
    let part = match part.strip_suffix('x') {
        Some(items) => {
            LinePart::Items(Quantity::read(items).ok_or_else(|| format!("{text:?} has no number of items"))?)
        }
        None => LinePart::Amount(play.money(part)?),
    };
    Ok(LineRefund { line, part })
}

fn deferred(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    Ok(list_or_none(play.seen(words)?.deferred.into_iter().map(show_day)))
}
