//! Visits, as messages.

use super::{EncodeChange, Within, values};
use crate::proto::{self, change::Change};
use ledger_core::change;

impl EncodeChange for change::Visited {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let counted = self.counted.iter();
        let count =
            |(limit, amount): &(_, i64)| proto::VisitCount { limit: within.names.term(*limit), amount: *amount };
        Some(Change::Visited(proto::Visited {
            member: within.names.member(self.member),
            began_at: values::stamp(self.stay.from),
            until: values::stamp(self.stay.until),
            late: self.stay.late,
            counted: counted.map(count).collect(),
        }))
    }
}
