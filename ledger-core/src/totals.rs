//! What all members did together, read back from the counters of everybody, as of the last record and by the program in
//! force.

use crate::features::{earning, exchange, funds, items};
use crate::kernel::tally::Tally;
use crate::tables::program::Program;
use crate::tables::state::State;
use alloc::vec::Vec;

/// Every feature that has tallies, in the order they are told.
const FEATURES: &[fn(&State, &Program) -> Vec<Tally>] = &[
    earning::totals::campaigns,
    earning::totals::budgets,
    funds::totals::funds,
    items::totals::items,
    exchange::totals::exchanges,
];

/// Every tally of a program, those of a kind together and in its order.
pub fn tallies(state: &State, program: &Program) -> Vec<Tally> {
    FEATURES.iter().flat_map(|feature| feature(state, program)).collect()
}
