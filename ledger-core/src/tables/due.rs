//! Due: when the next timer of a member is, the soonest that any feature says. One line for each timer.

use crate::features::{exchange, expiry, pending, spending, tiers, waiting};
use crate::tables::cause::Next;
use crate::tables::member::Member;

impl Member {
    /// What is due next, from the numbers of this row alone.
    pub(crate) fn due(&self) -> Next {
        // A member that is merged sleeps, but for what waits in its row.
        if self.merged_into().is_some() {
            return waiting::due::lapse(self);
        }
        let mut next = pending::due::activation(self);
        for other in [
            expiry::due::expiry(self),
            spending::due::release(self),
            tiers::due::tier(self),
            tiers::due::inactivity(self),
            expiry::due::reminder(self),
            exchange::due::lapse(self),
            waiting::due::lapse(self),
        ] {
            next = next.min(other);
        }
        next
    }
}
