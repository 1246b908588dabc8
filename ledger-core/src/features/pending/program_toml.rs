//! Reads `pending`, of a wallet or a rule: how long new points wait before they can be spent.

use crate::kernel::units::Points;
use crate::program_file::{Reading, Section};
use crate::tables::event::AMOUNT_MAX;
use crate::tables::program::{Pending, PendingUntil};

impl Reading<'_> {
    /// `pending = { after = "14d", over = 1000 }`, or `{ on = "settled" }`.
    pub(crate) fn pending(&mut self, section: &mut Section<'_>) -> Option<Pending> {
        let mut section = self.table(section, "pending")?;
        let over = self.int(&mut section, "over", 1, AMOUNT_MAX, false).map_or(0, |(over, _)| over);
        let said = ["after", "on"].map(|word| section.table.get(word).is_some());
        let until = match said {
            [true, false] => self.days(&mut section, "after", true).map(PendingUntil::Days),
            [false, true] => self.choice(&mut section, "on", &["settled"], true).map(|_| PendingUntil::Settled),
            _ => {
                section.used.extend(["after", "on"]);
                self.fault(section.at, &section.path.clone(), "needs one of `after` or `on`".into());
                None
            }
        };
        self.end(&section);
        Some(Pending { over: Points(over), until: until? })
    }
}
