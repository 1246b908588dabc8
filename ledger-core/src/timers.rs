//! Timers: what happens by itself. Each counts from the instant it was due, however late it fires, so
//! ticks may come early, late or never and every member ends the same.

use crate::features::counting::happening::Happening;
use crate::features::earning::basket::Basket;
use crate::kernel::units::{At, Money};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use crate::tables::event::RiskKeys;
use crate::tables::member::Hold;
use crate::tables::program::Trigger;
use crate::tables::record::{Timer, Verdict};
use alloc::vec::Vec;

pub(crate) fn fire(mut draft: Draft<'_>, due: At, timer: Timer) -> Verdict {
    (draft.today, draft.counted_at) = (draft.day, due);
    match timer {
        Timer::Activation => {
            draft.activate_due(due);
            draft.settle();
        }
        Timer::ExchangeLapse => {
            draft.lapse_exchanges(due);
            draft.settle();
        }
        Timer::Expiry => {
            draft.expire(due);
            // What was told too late dies before what is known already: no reminder follows from it.
            draft.lapse();
        }
        Timer::HoldExpiry => {
            let member = draft.member;
            let due: Vec<&Hold> = member.holds.iter().filter(|hold| hold.expires_at <= due).collect();
            due.into_iter().for_each(|hold| draft.release(hold));
            draft.settle();
        }
        Timer::Tier => draft.review_tier(),
        Timer::Reminder => draft.remind(due),
        Timer::Inactivity => {
            draft.change(Change::Active(change::Active { member: draft.no, dormant_at: At::NEVER }));
            draft.count_kind(Happening::Inactive, &RiskKeys::default(), 0);
            // A balance at its limit earns nothing more; the dormancy is over all the same.
            if draft.earn(Trigger::Inactive, Basket::empty(due)).is_ok() {
                draft.count_consequences(Happening::Inactive, &RiskKeys::default());
                draft.convert();
                draft.live_on(Some(Happening::Inactive), || Money(0));
                draft.look_ahead();
                draft.stand();
            }
        }
    }
    draft.closed()
}
