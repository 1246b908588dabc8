//! Lots that wait until they can be spent.

use crate::kernel::lots::Lots;
use crate::kernel::units::{At, LotId};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What of a purse waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// Lots that wait until they can be spent.
    pub(crate) pending: Lots,
    /// Until when each lot waits that is pending or in review, soonest first.
    pub(crate) waits: Vec<Wait>,
}

/// Until when a lot waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Wait {
    /// [`At::NEVER`] for as long as its purchase is not settled.
    pub(crate) until: At,
    pub(crate) lot: LotId,
}

impl Waiting {
    /// A lot waits until then, whatever it did before.
    pub(crate) fn wait(&mut self, lot: LotId, until: At) {
        self.waits.retain(|wait| wait.lot != lot);
        let wait = Wait { until, lot };
        let place = self.waits.partition_point(|other| *other < wait);
        self.waits.insert(place, wait);
    }

    /// Drops lots that were emptied, and forgets what they waited for; some in review may be gone as well.
    pub(crate) fn sweep(&mut self, review: &Lots, is_review_swept: bool) {
        let swept = self.pending.sweep() || is_review_swept;
        if swept && !self.waits.is_empty() {
            let mut known: Vec<LotId> = review.iter().chain(self.pending.iter()).map(|lot| lot.id).collect();
            known.sort_unstable();
            self.waits.retain(|wait| known.binary_search(&wait.lot).is_ok());
        }
    }
}
