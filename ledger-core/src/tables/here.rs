//! Here: what each change does to rows, and where the record stands that says so.
//!
//! A change is folded by its feature: into its members' rows, into rows that are no member's, into the totals, each
//! if it has anything to do with it.

use crate::kernel::units::{At, Position, RiskKey, TermNo};
use crate::tables::life::Life;
use crate::tables::member::Member;
use crate::tables::state::State;
use crate::tables::totals::Shared;
use alloc::vec::Vec;

/// The record of which a change is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Here {
    /// Where it stands.
    pub(crate) position: Position,
    /// The ledger time at which it was judged.
    pub(crate) at: At,
}

/// Rows that are no member's, while one record is folded into them.
#[derive(Debug)]
pub(crate) struct Rows<'s> {
    /// All of them.
    pub(crate) state: &'s mut State,
    /// Counters into which this record was folded: rules that share a budget each count on it.
    pub(crate) counted: Vec<(RiskKey, TermNo)>,
}

/// How a change is folded. What does not add up is told in a few words, and the record is corrupt.
///
/// What input can make a sum too large for is asked by [`Folds::fits`] before there is a record, and refused.
pub(crate) trait Folds {
    /// Whether every sum that folding it makes fits, given the rows before its record.
    #[inline]
    fn fits(&self, _: &State) -> bool {
        true
    }

    /// Into the row of a member whose it is.
    #[inline]
    fn apply(&self, _: &mut Member, _: &Here) -> Result<(), &'static str> {
        Ok(())
    }

    /// Into the row of a member whose it is, behind the postings of the record.
    #[inline]
    fn close(&self, _: &mut Member) -> Result<(), &'static str> {
        Ok(())
    }

    /// Into rows that are no member's, each of which knows whether it has the record already.
    #[inline]
    fn apply_shared(&self, _: &mut Rows<'_>, _: &Here) -> Result<(), &'static str> {
        Ok(())
    }

    /// Into the totals and the vocabulary, which do not have the record yet.
    #[inline]
    fn add_up(&self, _: &mut Shared, _: &Here) -> Result<(), &'static str> {
        Ok(())
    }
}

/// How a change of a member's life is folded into it.
pub(crate) trait FoldsLife {
    /// Whether every sum that folding it makes fits, given the row before its record.
    #[inline]
    fn fits(&self, _: &Member) -> bool {
        true
    }

    /// Into the life of the member.
    fn apply(&self, life: &mut Life, here: &Here) -> Result<(), &'static str>;
}
