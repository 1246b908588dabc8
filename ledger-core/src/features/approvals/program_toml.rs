//! Reads `[approvals]`: how many people must stand for points that are given or taken by hand.

use crate::features::approvals::program::{Approvals, PEOPLE_MAX, Quorum};
use crate::kernel::fields::AMOUNT_MAX;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::Points;
use crate::kernel::words::{DURATION, Form, Takes, Word};

/// `[approvals]`.
pub(crate) static APPROVALS: Form = Form {
    about: include_str!("approvals.md"),
    example: include_str!("approvals.toml"),
    frame: "[approvals]\ndebit = { over = 500, people = 3 }\n",
    words: &[
        Word::new(
            "credit",
            Takes::Table(&QUORUM),
            "From how many points on several people must stand for what is given by hand.",
            "credit = { over = 1000, people = 2 }",
        )
        .means("one person is enough"),
        Word::new(
            "debit",
            Takes::Table(&QUORUM),
            "The same for what is taken by hand.",
            "debit = { over = 500, people = 3 }",
        )
        .means("one person is enough"),
        Word::new("lapse", DURATION, "For how long a proposal is open.", "lapse = \"14d\"").same("\"30d\""),
    ],
};

static QUORUM: Form = Form::within(
    "From how many points on how many people must agree.",
    "[approvals.credit]\nover = 1000\npeople = 2\n",
    &[
        Word::new(
            "over",
            Takes::Integer(0, AMOUNT_MAX, "points"),
            "Several must stand for more points than these; up to them one is enough.",
            "over = 1000",
        ),
        Word::new(
            "people",
            Takes::Integer(2, PEOPLE_MAX, "people"),
            "How many people must stand for it.",
            "people = 2",
        ),
    ],
);

pub(crate) fn approvals(reading: &mut Reading<'_>, root: &mut Section<'_>) -> Approvals {
    let mut approvals = Approvals::default();
    let Some(mut section) = reading.table(root, "approvals") else { return approvals };
    approvals.credit = quorum(reading, &mut section, "credit");
    approvals.debit = quorum(reading, &mut section, "debit");
    if let Some((ms, _)) = reading.duration_ms(&mut section, "lapse") {
        approvals.lapse_ms = ms;
    }
    if !section.has("credit") && !section.has("debit") {
        let problem = "asks for nobody; add credit = { over = 1000, people = 2 }, or debit";
        reading.fault(section.at, "approvals", problem.into());
    }
    reading.end(&section);
    approvals
}

fn quorum(reading: &mut Reading<'_>, section: &mut Section<'_>, key: &'static str) -> Option<Quorum> {
    let mut table = reading.table(section, key)?;
    let over = reading.int(&mut table, "over");
    let people = reading.int(&mut table, "people");
    reading.end(&table);
    Some(Quorum { over: Points(over?.0), people: usize::try_from(people?.0).ok()? })
}
