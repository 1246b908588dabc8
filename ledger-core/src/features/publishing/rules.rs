//! Publishing: a new version of the program, if it is one.

use crate::kernel::refusal::Refusal;
use crate::tables::change::{self, Change};
use crate::tables::desk::Inputs;
use crate::tables::event::ProgramPublished;
use crate::tables::program::PreparedProgram;
use crate::tables::record::Verdict;

/// A control: a new version of the program takes effect.
pub(crate) fn publish(desk: &Inputs<'_>, said: &ProgramPublished) -> Result<Verdict, Refusal> {
    let terms = &desk.state.shared.terms;
    let read_now;
    let read = match desk.prepared.and_then(|prepared| prepared.read_with(terms.len())) {
        Some(read) => read,
        None => {
            read_now = PreparedProgram::new(&said.text, terms);
            read_now.read_with(terms.len()).ok_or(Refusal::ProgramInvalid)?
        }
    };
    let (program, new) = read.as_ref().ok_or(Refusal::ProgramInvalid)?;
    if desk.program.is_some_and(|current| !program.follows(current)) {
        return Err(Refusal::ProgramInvalid);
    }
    let mut verdict = Verdict::default();
    if !new.is_empty() {
        verdict.changes.push(Change::TermsAdded(change::TermsAdded { terms: new.clone() }));
    }
    verdict.changes.push(Change::ProgramSet(change::ProgramSet { text: said.text.clone() }));
    Ok(verdict)
}
