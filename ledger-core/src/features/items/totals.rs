//! How many pieces of items are taken.

use crate::kernel::tally::{Figure, Tally, Unit};
use crate::tables::program::Program;
use crate::tables::state::State;
use alloc::vec::Vec;

/// How many pieces of every item were redeemed and are held, of how many there are, and what one costs.
pub(crate) fn items(state: &State, program: &Program) -> Vec<Tally> {
    let taken = program.items.iter().map(|item| {
        let taken = Figure { name: "taken", amount: state.counted(item.taken), unit: Unit::Pieces };
        let figures = [taken, Figure::points("price", item.points.0)].into();
        Tally { kind: "item", name: item.id, wallet: item.wallet, since: None, figures, max: item.stock }
    });
    taken.collect()
}
