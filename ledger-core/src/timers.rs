//! Timers: what happens by itself. Each counts from the instant it was due, however late it fires, so
//! ticks may come early, late or never and every member ends the same.

use crate::consequences::{Asker, follow};
use crate::features::exchange::rules as exchange;
use crate::features::expiry::rules as expiry;
use crate::features::membership::rules as membership;
use crate::features::pending::rules as pending;
use crate::features::spending::rules as spending;
use crate::features::tiers::rules as tiers;
use crate::features::waiting::rules as waiting;
use crate::kernel::units::At;
use crate::tables::draft::Draft;
use crate::tables::record::{Timer, Verdict};

pub(crate) fn fire(mut draft: Draft<'_>, due: At, timer: Timer) -> Verdict {
    let asker = match timer {
        Timer::Activation => {
            pending::activate_due(&mut draft, due);
            Some(Asker::Moved)
        }
        Timer::ExchangeLapse => {
            exchange::lapse(&mut draft, due);
            Some(Asker::Moved)
        }
        Timer::HoldExpiry => {
            spending::release_due(&mut draft, due);
            Some(Asker::Moved)
        }
        // What was told too late dies before what is known already: no reminder follows from it.
        Timer::Expiry => {
            expiry::expire(&mut draft, due);
            Some(Asker::Died)
        }
        Timer::Inactivity => {
            let refused = draft.attempt(|draft| {
                membership::fall_dormant(draft, due)?;
                follow(draft, Asker::Inactivity, None);
                draft.check()
            });
            // A member at a limit earns nothing more; the dormancy is over all the same.
            if refused.is_some() {
                membership::end_dormancy(&mut draft);
            }
            None
        }
        Timer::Tier => {
            tiers::review(&mut draft);
            None
        }
        Timer::Reminder => {
            expiry::remind(&mut draft, due);
            None
        }
        Timer::WaitOver => {
            waiting::lapse(&mut draft, due);
            None
        }
        // It is of no member, and follows the record that it waited for.
        Timer::Resumption => None,
    };
    if let Some(asker) = asker {
        follow(&mut draft, asker, None);
    }
    draft.verdict()
}
