//! Fields: the limits that every field of an event keeps to, and what is wrong with one that does not.
//!
//! What breaks a limit never becomes a record. Whether an event fits the ledger is not asked here: that is `decide`.
//! A limit of one feature alone stands beside its event.

use crate::kernel::currencies::minor_digits;
use crate::kernel::names::{Currency, Name, RecordRef};
use crate::kernel::normal::{is_plain, normal, unseen};
use crate::kernel::units::{At, Money, MonthDay, Points};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Longest source, id, member name, order, hold, line or attribute name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Longest kind that sources name in their own words, as that of an alias, in bytes.
pub const KIND_BYTES_MAX: usize = 32;
/// Longest name of whoever of the staff stands for something, in bytes.
pub const STAFF_BYTES_MAX: usize = 64;
/// Longest reason or note, in bytes.
pub const NOTE_BYTES_MAX: usize = 512;
/// Most lines of one purchase.
pub const LINES_MAX: usize = 10_000;
/// Most tags of one line.
pub const TAGS_MAX: usize = 32;
/// Most pieces of an item in one redemption or hold.
pub const PIECES_MAX: u32 = 10_000;
/// Most lots of a member that comes from another system, and most of each other list of it.
pub const OPENING_LOTS_MAX: usize = 500;
/// Most of what was counted of it.
pub const OPENING_COUNTS_MAX: usize = 1_000;
/// Most attributes set by one event.
pub const ATTRIBUTES_MAX: usize = 32;
/// Largest amount of one line, refund, credit or redemption (10^12): sums stay far below 2^63.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// Longest program text, in bytes.
pub const PROGRAM_BYTES_MAX: usize = 262_144;
/// Longest hold, in milliseconds: 400 days.
pub const HOLD_MS_MAX: i64 = 400 * crate::kernel::units::DAY_MS;
/// Latest instant an event may name: 9999-01-01. The earliest is its negative counterpart, year 0.
pub const AT_MAX: At = At(253_370_764_800_000);
/// Earliest instant an event may name: 1900-01-01.
pub const AT_MIN: At = At(-2_208_988_800_000);

/// A field that breaks its limit, in words for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, as in the proto: `purchase.lines[3].net`.
    pub field: String,
    /// What is wrong and what to send instead.
    pub problem: String,
}

/// What an event says, checked field by field.
pub trait Payload {
    /// Adds what breaks a limit, and puts every name into its normal form.
    fn limits(&mut self, found: &mut Fields);
}

/// The violations found so far, in the fields of one kind of event.
#[derive(Debug, Default)]
pub struct Fields {
    /// The kind, which stands before the names of its fields; empty for the fields of every event.
    pub(crate) of: &'static str,
    pub(crate) found: Vec<Violation>,
}

impl Fields {
    pub(crate) fn add(&mut self, field: &str, problem: String) {
        let field = if self.of.is_empty() { field.to_string() } else { format!("{}.{field}", self.of) };
        self.found.push(Violation { field, problem });
    }

    /// A name, which is put into its normal form.
    pub(crate) fn name(&mut self, field: &str, value: &mut Name, bytes_min: usize) {
        self.normal(field, value, bytes_min, NAME_BYTES_MAX);
    }

    /// The name of somebody of the staff.
    pub(crate) fn staff(&mut self, field: &str, value: &mut Name, bytes_min: usize) {
        self.normal(field, value, bytes_min, STAFF_BYTES_MAX);
    }

    fn normal(&mut self, field: &str, value: &mut Name, bytes_min: usize, bytes_max: usize) {
        if let Some(problem) = name_problem(value, bytes_min, bytes_max) {
            self.add(field, problem);
        }
    }

    /// The record that is spoken of: by its event, the names of that.
    pub(crate) fn record(&mut self, field: &str, record: &mut RecordRef) {
        if let RecordRef::Event(event) = record {
            self.name(&format!("{field}.source"), &mut event.source, 1);
            self.name(&format!("{field}.id"), &mut event.id, 1);
        }
    }

    pub(crate) fn text(&mut self, field: &str, value: &str, bytes_min: usize, bytes_max: usize) {
        if let Some(problem) = text_problem(value, bytes_min, bytes_max) {
            self.add(field, problem);
        }
    }

    /// A kind, in the source's own words.
    pub(crate) fn kind(&mut self, field: &str, value: &str) {
        if !is_kind(value) {
            self.add(field, format!("must be 1 to {KIND_BYTES_MAX} of a-z, 0-9 and _"));
        }
    }

    pub(crate) fn amount(&mut self, field: &str, value: i64, least: i64) {
        if value < least || value > AMOUNT_MAX {
            self.add(field, format!("is {value}; must be {least} to {AMOUNT_MAX}"));
        }
    }

    /// Points that may be left out, but not be 0.
    pub(crate) fn points(&mut self, field: &str, points: Option<Points>) {
        if let Some(points) = points {
            self.amount(field, points.0, 1);
        }
    }

    /// Money that may be left out, or be 0.
    pub(crate) fn money(&mut self, field: &str, money: Option<Money>) {
        if let Some(money) = money {
            self.amount(field, money.0, 0);
        }
    }

    pub(crate) fn instant(&mut self, field: &str, at: At) {
        if !(AT_MIN..=AT_MAX).contains(&at) {
            self.add(field, "must lie between 1900-01-01 and 9999-01-01".into());
        }
    }

    pub(crate) fn birthday(&mut self, field: &str, birthday: Option<MonthDay>) {
        if birthday.is_some_and(|birthday| !birthday.is_date()) {
            self.add(field, "is not a date; send month 1-12 and a day of it".into());
        }
    }

    pub(crate) fn currency(&mut self, field: &str, currency: Currency) {
        if !currency.0.iter().all(u8::is_ascii_uppercase) {
            self.add(field, "must be three capital letters, as in ISO 4217".into());
        } else if minor_digits(currency).is_none() {
            self.add(field, format!("{currency} is no money of ISO 4217; send the code of one, such as EUR"));
        }
    }
}

/// Puts a name into its normal form, and says what is wrong with it, if anything is.
pub fn name_problem(name: &mut Name, bytes_min: usize, bytes_max: usize) -> Option<String> {
    if is_plain(name) && (bytes_min..=bytes_max).contains(&name.len()) {
        return None;
    }
    let normal = normal(name);
    if *normal != **name {
        let normal = Name::from(&*normal);
        *name = normal;
    }
    let unseen = || Some(format!("must not contain U+{:04X}, which cannot be seen", u32::from(unseen(name)?)));
    text_problem(name, bytes_min, bytes_max).or_else(unseen)
}

fn text_problem(text: &str, bytes_min: usize, bytes_max: usize) -> Option<String> {
    if text.len() < bytes_min {
        Some("must not be empty".into())
    } else if text.len() > bytes_max {
        Some(format!("has {} bytes; at most {bytes_max} are allowed", text.len()))
    } else if text.chars().any(char::is_control) {
        Some("must not contain control characters".into())
    } else {
        None
    }
}

/// Whether it may be a kind: 1 to [`KIND_BYTES_MAX`] of a-z, 0-9 and _.
pub(crate) fn is_kind(value: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    !value.is_empty() && value.len() <= KIND_BYTES_MAX && value.bytes().all(plain)
}
