//! Timers: what happens by itself. Each counts from the instant it was due, however late it fires, so
//! ticks may come early, late or never and every member ends the same.

use super::Draft;
use super::basket::Basket;
use crate::event::RiskKeys;
use crate::lots::{SLICES_MAX, Slice};
use crate::member::Hold;
use crate::program::Trigger;
use crate::record::{Account, Change, Timer, Verdict};
use crate::units::{At, TermNo};
use alloc::vec::Vec;

pub(super) fn fire(mut draft: Draft<'_>, due: At, timer: Timer) -> Verdict {
    (draft.today, draft.counted_at) = (draft.day, due);
    match timer {
        Timer::Expiry => {
            // A closed member's points are all due.
            let closed = draft.member.closed_at().is_some_and(|closed_at| closed_at <= due);
            let due_lots = |lots: &crate::lots::Lots| -> Vec<Slice> {
                lots.iter().take_while(|lot| closed || lot.expires_at <= due).take(SLICES_MAX).copied().collect()
            };
            for purse in draft.member.purses.iter() {
                let (available, review) = (due_lots(&purse.lots), due_lots(purse.review()));
                draft.post_all(purse.wallet, (Account::Available, Account::Expired), &available, TermNo::NONE);
                draft.post_all(purse.wallet, (Account::Review, Account::Expired), &review, TermNo::NONE);
            }
        }
        Timer::HoldExpiry => {
            let member = draft.member;
            let due: Vec<&Hold> = member.holds.iter().filter(|hold| hold.expires_at <= due).collect();
            due.into_iter().for_each(|hold| draft.release(hold));
        }
        Timer::Tier => draft.review_tier(),
        Timer::Inactivity => {
            draft.change(Change::Active { member: draft.no, dormant_at: At::NEVER });
            draft.count_kind("inactive", &RiskKeys::default(), 0);
            // A balance at its limit earns nothing more; the dormancy is over all the same.
            if draft.earn(Trigger::Inactive, Basket::empty(due)).is_ok() {
                draft.count_consequences("inactive", &RiskKeys::default());
                draft.stand();
            }
        }
    }
    draft.closed()
}
