//! What funds were given.

use crate::kernel::tally::{Figure, Tally};
use crate::tables::program::Program;
use crate::tables::state::State;
use alloc::vec::Vec;

/// What every fund was given by rules and members, less what refunds took back.
pub(crate) fn funds(state: &State, program: &Program) -> Vec<Tally> {
    let given = program.funds.iter().map(|fund| {
        let figures = [Figure::points("given", state.counted(fund.given))].into();
        Tally { kind: "fund", name: fund.id, wallet: fund.wallet, since: None, figures, max: None }
    });
    given.collect()
}
