//! Counting: what was counted, as messages.

use super::{EncodeChange, Names, Within};
use crate::proto::{self, change::Change};
use ledger_core::calendar::show_day;
use ledger_core::change;
use ledger_core::counter::Key;
use ledger_store::CounterView;

/// Whose a counter is: the name of a member, or a risk key.
pub(super) fn owner(key: Key, names: &Names) -> (String, String) {
    match key {
        Key::Member(no) => (names.member(no), String::new()),
        Key::Risk(key) => (String::new(), key.to_string()),
    }
}

/// A counter as it stands.
pub fn counter(counter: &CounterView, names: &Names) -> proto::CounterValue {
    let members = counter.members.iter().map(|no| names.member(*no)).collect();
    proto::CounterValue { name: names.term(counter.term), window: counter.window, total: counter.total, members }
}

impl EncodeChange for change::Counted {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, risk_key) = owner(self.key, within.names);
        let counter = within.names.term(self.term);
        Some(Change::Counted(proto::Counted { counter, member, risk_key, amount: self.amount }))
    }
}

impl EncodeChange for change::ToldLate {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, day, since) = (within.names.member(self.member), show_day(self.day), show_day(self.since));
        Some(Change::ToldLate(proto::ToldLate { member, day, since }))
    }
}
