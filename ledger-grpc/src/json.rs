//! JSON: the one way between it and the messages of the proto, which alone say what there is.
//!
//! Import, Kafka in each of its formats, `--json`, the outbox and the help of the command line come through here. No
//! kind and no field is named in the code: they are read from the descriptor, so what is added to the proto is known
//! everywhere. prost-reflect reads the descriptor and writes messages. It does not read events: its messages of
//! dynamic shape take several times as long, and its faults do not name the field. Events are read by
//! `read` into the bytes that prost decodes.

mod any;
mod help;
mod read;
mod shape;
mod write;

pub use any::parse;
pub use help::kinds_explained;
pub use read::{read, read_value};
pub use write::write;

use crate::proto::{DESCRIPTORS, Event};
use prost::Name;
use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor};
use std::fmt;
use std::sync::LazyLock;

static POOL: LazyLock<Pool> = LazyLock::new(|| {
    let all = DescriptorPool::decode(DESCRIPTORS).expect("the descriptors were compiled with this program");
    let event = all.get_message_by_name(&Event::full_name()).expect("the proto has an event");
    Pool { all, event }
});

/// What the proto describes.
struct Pool {
    all: DescriptorPool,
    event: MessageDescriptor,
}

static KINDS: LazyLock<Vec<Box<str>>> = LazyLock::new(|| names(|field| field.containing_oneof().is_some()));
static ENVELOPE: LazyLock<Vec<Box<str>>> = LazyLock::new(|| names(|field| field.containing_oneof().is_none()));

/// The messages of the API.
pub(crate) fn package() -> impl Iterator<Item = MessageDescriptor> {
    POOL.all.all_messages().filter(|message| message.package_name() == Event::PACKAGE)
}

fn names(of: impl Fn(&FieldDescriptor) -> bool) -> Vec<Box<str>> {
    POOL.event.fields().filter(of).map(|field| field.name().into()).collect()
}

/// The kinds of events: what may be said, by its names, in the order of the proto.
pub fn kinds() -> &'static [Box<str>] {
    &KINDS
}

/// The fields that every event may have, whatever it says, in the order of the proto.
pub fn envelope() -> &'static [Box<str>] {
    &ENVELOPE
}

/// An event, described.
pub(crate) fn event_described() -> MessageDescriptor {
    POOL.event.clone()
}

fn says_one_thing() -> String {
    format!("an event says exactly one thing: one of {}", kinds().join(", "))
}

/// Why JSON is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The path of the field, `purchase.lines[3].net`; empty if it is the whole.
    pub field: String,
    /// What is wrong with it, and what to send instead.
    pub problem: String,
}

impl Fault {
    fn at(field: impl Into<String>, problem: impl Into<String>) -> Fault {
        Fault { field: field.into(), problem: problem.into() }
    }

    fn of(error: &serde_json::Error, path: String) -> Fault {
        // Most JSON is one line, and the number of the line in its file is told beside this.
        let problem = error.to_string().replace(" at line 1 column ", ", at column ");
        // Where the text is no JSON its column says where.
        Fault { field: if error.is_data() { path } else { String::new() }, problem }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.field.is_empty() { "" } else { ": " };
        write!(f, "{}{colon}{}", self.field, self.problem)
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> String {
        fault.to_string()
    }
}

#[cfg(test)]
mod tests;
