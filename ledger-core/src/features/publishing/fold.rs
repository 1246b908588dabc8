//! How programs and the vocabulary are folded.

use crate::features::publishing::change::{ProgramSet, TermsAdded};
use crate::features::publishing::state::ProgramRow;
use crate::tables::here::{Folds, Here, Rows};
use crate::tables::totals::Shared;

impl Folds for TermsAdded {
    #[inline]
    fn add_up(&self, shared: &mut Shared, _: &Here) -> Result<(), &'static str> {
        shared.terms.extend(self.terms.iter().cloned());
        Ok(())
    }
}

impl Folds for ProgramSet {
    #[inline]
    fn apply_shared(&self, rows: &mut Rows<'_>, here: &Here) -> Result<(), &'static str> {
        let Here { position, at, .. } = *here;
        let programs = &mut rows.state.programs;
        if programs.last().is_none_or(|last| last.position < position) {
            programs.push(ProgramRow { position, at, text: self.text.clone() });
        }
        Ok(())
    }
}
