//! Opening: members that come from another system, as messages.

use super::{Decode, Encode, Faults, Names, values};
use crate::proto;
use ledger_core::event::{Opened, OpeningCount, OpeningDebt, OpeningLot, OpeningStreak, OpeningTier};
use ledger_core::units::{At, Points};
use prost_types::Timestamp;

impl Decode for proto::Opened {
    type Event = Opened;

    fn decode(self, faults: &mut Faults) -> Opened {
        Opened {
            enrolled_at: at("enrolled_at", self.enrolled_at, faults),
            birthday: self.birthday.map(values::decode_month_day),
            lots: self.lots.into_iter().enumerate().map(|(n, lot)| decode_lot(n, lot, faults)).collect(),
            debts: self.debts.into_iter().map(decode_debt).collect(),
            tier: self.tier.map(|tier| Box::new(decode_tier(tier, faults))),
            counts: self.counts.into_iter().enumerate().map(|(n, count)| decode_count(n, count, faults)).collect(),
            streaks: self.streaks.into_iter().enumerate().map(|(n, one)| decode_streak(n, one, faults)).collect(),
        }
    }
}

impl Encode for Opened {
    type Message = proto::Opened;

    fn encode(&self, _: &Names) -> proto::Opened {
        proto::Opened {
            enrolled_at: self.enrolled_at.and_then(values::stamp),
            birthday: self.birthday.map(values::month_day),
            lots: self.lots.iter().map(lot).collect(),
            debts: self.debts.iter().map(debt).collect(),
            tier: self.tier.as_deref().map(tier),
            counts: self.counts.iter().map(count).collect(),
            streaks: self.streaks.iter().map(streak).collect(),
        }
    }
}

/// An instant that may be left out.
fn at(field: &str, stamp: Option<Timestamp>, faults: &mut Faults) -> Option<At> {
    stamp.map(|stamp| values::instant(field, Some(stamp), faults))
}

fn decode_lot(n: usize, lot: proto::OpeningLot, faults: &mut Faults) -> OpeningLot {
    let field = |name: &str| format!("lots[{n}].{name}");
    OpeningLot {
        wallet: lot.wallet.into(),
        points: Points(lot.points),
        earned_at: values::instant(&field("earned_at"), lot.earned_at, faults),
        expires_at: at(&field("expires_at"), lot.expires_at, faults),
    }
}

fn decode_debt(debt: proto::OpeningDebt) -> OpeningDebt {
    OpeningDebt { wallet: debt.wallet.into(), points: Points(debt.points) }
}

fn decode_tier(tier: proto::OpeningTier, faults: &mut Faults) -> OpeningTier {
    let until = at("tier.until", tier.until, faults);
    OpeningTier { tier: tier.tier.into(), until, reason: tier.reason.into() }
}

fn decode_count(n: usize, count: proto::OpeningCount, faults: &mut Faults) -> OpeningCount {
    let at = values::instant(&format!("counts[{n}].at"), count.at, faults);
    OpeningCount { counter: count.counter.into(), at, amount: count.amount }
}

fn decode_streak(n: usize, streak: proto::OpeningStreak, faults: &mut Faults) -> OpeningStreak {
    let last_at = values::instant(&format!("streaks[{n}].last_at"), streak.last_at, faults);
    OpeningStreak { streak: streak.streak.into(), days: streak.days, last_at }
}

fn lot(lot: &OpeningLot) -> proto::OpeningLot {
    proto::OpeningLot {
        points: lot.points.0,
        earned_at: values::stamp(lot.earned_at),
        expires_at: lot.expires_at.and_then(values::stamp),
        wallet: lot.wallet.to_string(),
    }
}

fn debt(debt: &OpeningDebt) -> proto::OpeningDebt {
    proto::OpeningDebt { points: debt.points.0, wallet: debt.wallet.to_string() }
}

fn tier(tier: &OpeningTier) -> proto::OpeningTier {
    let until = tier.until.and_then(values::stamp);
    proto::OpeningTier { tier: tier.tier.to_string(), until, reason: tier.reason.to_string() }
}

fn count(count: &OpeningCount) -> proto::OpeningCount {
    proto::OpeningCount { counter: count.counter.to_string(), at: values::stamp(count.at), amount: count.amount }
}

fn streak(streak: &OpeningStreak) -> proto::OpeningStreak {
    let last_at = values::stamp(streak.last_at);
    proto::OpeningStreak { streak: streak.streak.to_string(), days: streak.days, last_at }
}
