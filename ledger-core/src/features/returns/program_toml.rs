//! Reads `[refund]`: how long purchases can be refunded, and what that does to limits.

use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::words::{DAYS, Form, Takes, Word};

/// How many days a purchase can be refunded, unless the program says so.
const REFUND_DAYS: i32 = 400;

/// `[refund]`.
pub(crate) static REFUND: Form = Form {
    about: include_str!("refund.md"),
    example: include_str!("refund.toml"),
    frame: "[refund]\n",
    words: &[
        Word::new("horizon", DAYS, "For how long a purchase can be refunded.", "horizon = \"60d\"").same("\"400d\""),
        Word::new(
            "reopens_limits",
            Takes::Flag,
            "Whether what a refund takes back makes room in the limits of points it was counted against, in the period \
             of its purchase; otherwise what was counted stays counted.",
            "reopens_limits = true",
        )
        .same("false"),
    ],
};

/// How many days a purchase can be refunded, and whether that makes room in limits.
pub(crate) fn refund(reading: &mut Reading<'_>, root: &mut Section<'_>) -> (i32, bool) {
    let Some(mut section) = reading.table(root, "refund") else { return (REFUND_DAYS, false) };
    let horizon = reading.days(&mut section, "horizon");
    let reopens = reading.flag(&mut section, "reopens_limits");
    reading.end(&section);
    (horizon.unwrap_or(REFUND_DAYS), reopens)
}
