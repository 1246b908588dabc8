//! Publishing: what changes the ledger itself, as messages.

use super::{Decode, Encode, Faults, Names, values};
use crate::proto;
use ledger_core::event;
use ledger_core::program::Fault;
use ledger_core::state::ProgramRow;

impl Decode for proto::ProgramPublished {
    type Event = event::ProgramPublished;

    fn decode(self, _: &mut Faults) -> event::ProgramPublished {
        event::ProgramPublished { text: self.text.into() }
    }
}

impl Encode for event::ProgramPublished {
    type Message = proto::ProgramPublished;

    fn encode(&self, _: &Names) -> proto::ProgramPublished {
        proto::ProgramPublished { text: self.text.to_string() }
    }
}

impl Decode for proto::Tick {
    type Event = event::Tick;

    fn decode(self, faults: &mut Faults) -> event::Tick {
        event::Tick { up_to: values::instant("up_to", self.up_to, faults) }
    }
}

impl Encode for event::Tick {
    type Message = proto::Tick;

    fn encode(&self, _: &Names) -> proto::Tick {
        proto::Tick { up_to: values::stamp(self.up_to) }
    }
}

/// Remarks on a program file.
pub fn faults(faults: &[Fault]) -> Vec<proto::Fault> {
    let one =
        |fault: &Fault| proto::Fault { line: fault.line, field: fault.field.clone(), problem: fault.problem.clone() };
    faults.iter().map(one).collect()
}

/// A program as published.
pub fn program(version: u32, row: &ProgramRow) -> proto::ProgramVersion {
    proto::ProgramVersion { version, position: row.position.0, at: values::stamp(row.at), text: row.text.to_string() }
}
