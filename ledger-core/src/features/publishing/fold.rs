//! How programs and the vocabulary are folded.

use crate::features::publishing::change::{ProgramSet, TermsAdded};
use crate::features::publishing::event::ProgramPublished;
use crate::features::publishing::state::ProgramRow;
use crate::tables::cause::Cause;
use crate::tables::event::{Body, Event};
use crate::tables::here::{Folds, Here, Rows};
use crate::tables::totals::Shared;

impl Folds for TermsAdded {
    #[inline]
    fn add_up(&self, shared: &mut Shared) -> Result<(), &'static str> {
        shared.terms.extend(self.terms.iter().cloned());
        Ok(())
    }
}

impl Folds for ProgramSet {
    #[inline]
    fn apply_shared(&self, rows: &mut Rows<'_>, here: &Here<'_>) -> Result<(), &'static str> {
        let Cause::Event(Event { body: Body::ProgramPublished(ProgramPublished { text }), .. }) = here.cause else {
            return Err("a program is set by something that is no program");
        };
        let Here { position, at, .. } = *here;
        let programs = &mut rows.state.programs;
        if programs.last().is_none_or(|last| last.position < position) {
            programs.push(ProgramRow { position, at, text: text.clone() });
        }
        Ok(())
    }
}
