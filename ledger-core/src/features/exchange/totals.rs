//! What was exchanged with partners.

use crate::kernel::tally::{Figure, Tally, Unit};
use crate::kernel::units::TermNo;
use crate::tables::program::Program;
use crate::tables::state::State;
use alloc::vec::Vec;

/// What every exchange took and gave, and was settled: what each side owes the other.
pub(crate) fn exchanges(state: &State, program: &Program) -> Vec<Tally> {
    let points = |name, term: TermNo| Figure::points(name, state.counted(term));
    let units = |name, term: TermNo| Figure { name, amount: state.counted(term), unit: Unit::PartnerUnits };
    let settled = program.exchanges.iter().map(|one| {
        let out = [points("points_out", one.gone.points), units("units_out", one.gone.units)];
        let inward = [units("units_in", one.come.units), points("points_in", one.come.points)];
        let figures = [out, inward].concat();
        Tally { kind: "exchange", name: one.id, wallet: one.wallet, since: None, figures, max: None }
    });
    settled.collect()
}
