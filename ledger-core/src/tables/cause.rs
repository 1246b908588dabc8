//! Causes: why there is a record, and what is due by itself.

use crate::kernel::units::{At, MemberNo};
use crate::tables::event::{Event, MemberRef};
use serde::{Deserialize, Serialize};

/// What brings a record about, as its verdict part tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// Somebody said something.
    Said {
        /// The member it concerns; nobody if there is none.
        member: MemberNo,
    },
    /// Something was due by itself.
    Timer {
        /// For whom.
        member: MemberNo,
        /// Since when; the postings count from here, however late the timer fires.
        due: At,
        /// What.
        timer: Timer,
    },
}

impl Why {
    /// Why there is a record of this event.
    pub fn of(event: &Event<MemberRef>) -> Why {
        Why::Said { member: event.member.no().unwrap_or(MemberNo::NOBODY) }
    }
}

/// What was said, as far as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly all are events, and a box for each would be one allocation more")]
pub enum CausePart {
    /// Nothing was said: something was due by itself.
    None,
    /// This.
    Event(Event<MemberRef>),
    /// Something, of which only the hash is there.
    HeldBack,
}

/// What brings a record about, with what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'r> {
    /// Somebody said something.
    Event(&'r Event<MemberRef>),
    /// Something was due by itself.
    Timer {
        /// For whom.
        member: MemberNo,
        /// Since when; the postings count from here, however late the timer fires.
        due: At,
        /// What.
        timer: Timer,
    },
    /// Somebody said something, and what is held back.
    HeldBack,
}

/// What can be due. At one instant they fire in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Timer {
    /// Points have waited long enough.
    Activation,
    /// Lots reach their expiry.
    Expiry,
    /// A hold reaches its own.
    HoldExpiry,
    /// A tier is no longer earned, or no longer kept.
    Tier,
    /// The member has done nothing for as long as the program allows.
    Inactivity,
    /// Points die in so many days that the program says it now.
    Reminder,
    /// No partner settled an exchange in time.
    ExchangeLapse,
    /// What something waited for did not come in time.
    WaitOver,
    /// What was told before its case follows it.
    Resumption,
}

impl Timer {
    /// Its word in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Timer::Activation => "activation",
            Timer::ExchangeLapse => "exchange_lapse",
            Timer::Expiry => "expiry",
            Timer::HoldExpiry => "hold_expiry",
            Timer::Tier => "tier",
            Timer::Inactivity => "inactivity",
            Timer::Reminder => "reminder",
            Timer::Resumption => "resumption",
            Timer::WaitOver => "wait_over",
        }
    }
}

/// When a member's next timer is due (derived; never stored).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Next {
    /// When.
    pub at: At,
    /// Which; at one instant, in the order timers fire.
    pub timer: Timer,
}

impl Default for Next {
    fn default() -> Next {
        Next { at: At::NEVER, timer: Timer::Inactivity }
    }
}
