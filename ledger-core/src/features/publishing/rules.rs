//! Publishing: a new version of the program, if it is one.

use crate::kernel::refusal::Refusal;
use crate::tables::change::{self, Change};
use crate::tables::desk::Inputs;
use crate::tables::event::ProgramPublished;
use crate::tables::program::Program;
use crate::tables::record::Verdict;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A control: a new version of the program takes effect.
pub(crate) fn publish(desk: &Inputs<'_>, said: &ProgramPublished) -> Result<Verdict, Refusal> {
    let mut terms = desk.state.shared.terms.clone();
    let known = terms.len();
    let program = Program::read(&said.text, &mut terms).map_err(|_| Refusal::ProgramInvalid)?;
    if desk.program.is_some_and(|current| !program.follows(current)) {
        return Err(Refusal::ProgramInvalid);
    }
    let mut verdict = Verdict::default();
    let new: Vec<Box<str>> = terms.get(known..).unwrap_or_default().to_vec();
    if !new.is_empty() {
        verdict.changes.push(Change::TermsAdded(change::TermsAdded { terms: new }));
    }
    verdict.changes.push(Change::ProgramSet(change::ProgramSet { text: said.text.clone() }));
    Ok(verdict)
}
