//! Reads `pending`, of a wallet or a rule: how long new points wait before they can be spent.

use crate::features::pending::program::{Pending, PendingUntil};
use crate::kernel::fields::AMOUNT_MAX;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::Points;
use crate::kernel::words::{DAYS, Form, Takes, Word};
use alloc::vec;

/// `pending` of a wallet.
pub(crate) static OF_WALLET: Form = Form::within(
    "How long what rules give to the wallet waits before it can be spent: exactly one of `after` and `on`.",
    "[[wallet]]\nid = \"stars\"\n[wallet.pending]\n",
    WORDS,
);

/// `pending` of a rule.
pub(crate) static OF_RULE: Form = Form::within(
    "How long what the rule gives waits before it can be spent, instead of what its wallet says: exactly one of \
     `after` and `on`.",
    "[[earn]]\nid = \"trip\"\non = \"purchase\"\nfixed = 5\n[earn.pending]\n",
    WORDS,
);

const WORDS: &[Word] = &[
    Word::new(
        "after",
        DAYS,
        "Until the beginning of the local date so many days behind the one on which they were earned.",
        "after = \"14d\"",
    )
    .means("`on` says it"),
    Word::new(
        "on",
        Takes::OneOf(|| vec!["settled"]),
        "Until the event `settled` says so of their purchase. What is earned by anything else waits for nothing.",
        "on = \"settled\"",
    )
    .means("`after` says it"),
    Word::new(
        "over",
        Takes::Integer(1, AMOUNT_MAX, "points"),
        "Only more points than these, given by one rule for one event, wait.",
        "after = \"14d\"\nover = 1000",
    )
    .means("all wait"),
];

/// `pending = { after = "14d", over = 1000 }`, or `{ on = "settled" }`.
pub(crate) fn pending(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Pending> {
    let mut section = reading.table(section, "pending")?;
    let over = reading.int(&mut section, "over").map_or(0, |(over, _)| over);
    let words = ["after", "on"];
    let until = match words.map(|word| section.has(word)) {
        [true, false] => reading.days(&mut section, "after").map(PendingUntil::Days),
        [false, true] => reading.choice(&mut section, "on").map(|_| PendingUntil::Settled),
        _ => {
            section.pass_over(&words);
            reading.fault(section.at, &section.path, "needs one of `after` or `on`".into());
            None
        }
    };
    reading.end(&section);
    Some(Pending { over: Points(over), until: until? })
}
