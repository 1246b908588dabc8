//! Events: who shares with whom.

use crate::kernel::fields::{Fields, Payload};
use crate::kernel::names::Name;
use serde::{Deserialize, Serialize};

/// Control: from now on the member shares what it earns with a household.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdJoined<W> {
    /// The household, which is a member, too.
    pub household: W,
}

impl<W> HouseholdJoined<W> {
    /// The same, speaking of somebody else.
    pub(crate) fn map<V>(self, mut who: impl FnMut(W) -> V) -> HouseholdJoined<V> {
        let HouseholdJoined { household } = self;
        HouseholdJoined { household: who(household) }
    }
}

impl Payload for HouseholdJoined<Name> {
    fn limits(&mut self, found: &mut Fields) {
        found.name("household", &mut self.household, 1);
    }
}

/// Control: it does so no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdLeft;

impl Payload for HouseholdLeft {
    fn limits(&mut self, _: &mut Fields) {}
}
