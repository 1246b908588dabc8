//! Reads `[approvals]`: how many people must stand for points that are given or taken by hand.

use crate::kernel::units::Points;
use crate::program_file::{Reading, Section};
use crate::tables::event::AMOUNT_MAX;
use crate::tables::program::{Approvals, PEOPLE_MAX, Quorum};

impl Reading<'_> {
    pub(crate) fn approvals(&mut self, root: &mut Section<'_>) -> Approvals {
        let mut approvals = Approvals::default();
        let Some(mut section) = self.table(root, "approvals") else { return approvals };
        let asks = ["credit", "debit"].map(|key| section.table.contains_key(key));
        approvals.credit = self.quorum(&mut section, "credit");
        approvals.debit = self.quorum(&mut section, "debit");
        if let Some((ms, _)) = self.duration_ms(&mut section, "lapse", false) {
            approvals.lapse_ms = ms;
        }
        if asks == [false, false] {
            let problem = "asks for nobody; add credit = { over = 1000, people = 2 }, or debit";
            self.fault(section.at, "approvals", problem.into());
        }
        self.end(&section);
        approvals
    }

    fn quorum(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<Quorum> {
        let mut table = self.table(section, key)?;
        let over = self.int(&mut table, "over", 0, AMOUNT_MAX, true);
        let most = i64::try_from(PEOPLE_MAX).unwrap_or(i64::MAX);
        let people = self.int(&mut table, "people", 2, most, true);
        self.end(&table);
        Some(Quorum { over: Points(over?.0), people: usize::try_from(people?.0).ok()? })
    }
}
