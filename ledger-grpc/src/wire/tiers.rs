//! Tiers: tiers, their footing and streaks, as messages.

use super::{EncodeChange, Names, Within, values};
use crate::proto::{self, change::Change};
use ledger_core::calendar::show_day;
use ledger_core::change;
use ledger_core::features::tiers::change::TierWhy;
use ledger_core::features::tiers::tier_progress;
use ledger_core::member::{Member, Streak};
use ledger_core::program::Program;
use ledger_core::units::At;

/// Where a member stands; nothing if the program has no tiers.
pub(super) fn standing(program: &Program, member: &Member, at: At, names: &Names) -> Option<proto::TierStanding> {
    let tiers = program.tiers.as_ref()?;
    let tier_progress = tier_progress(program, member, at)?;
    let rank = program.rank_of(member.tier.tier);
    let next = tiers.ranks.get(rank + 1);
    let needed_for_next = next.map_or(0, |tier| tier.least);
    let requires =
        |(term, at_most)| proto::AttributeLimit { name: names.term(term), at_most, value: member.attribute(term) };
    Some(proto::TierStanding {
        tier: names.term(member.tier.tier),
        metric: tier_progress.metric,
        window_days: tiers.window_days.unsigned_abs(),
        needed_to_keep: tiers.ranks.get(rank).map_or(0, |tier| tier.least),
        next: next.map(|tier| names.term(tier.id)).unwrap_or_default(),
        needed_for_next,
        missing_for_next: needed_for_next.saturating_sub(tier_progress.metric).max(0),
        next_requires: next.and_then(|tier| tier.attribute).map(requires),
        unmet_since: member.tier.unmet_since.map(show_day).unwrap_or_default(),
        falls_on: tier_progress.lost_on.map(show_day).unwrap_or_default(),
        falls_short_on: tier_progress.falls_short_on.map(show_day).unwrap_or_default(),
    })
}

/// Days in a row.
pub(super) fn streak(streak: &Streak, names: &Names) -> proto::Streak {
    proto::Streak { name: names.term(streak.term), days: streak.count(), last: show_day(streak.last) }
}

impl EncodeChange for change::TierSet {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let why = match self.why {
            TierWhy::Joined => proto::TierWhy::Joined,
            TierWhy::Earned => proto::TierWhy::Earned,
            TierWhy::Granted => proto::TierWhy::Granted,
            TierWhy::Progress => proto::TierWhy::Progress,
            TierWhy::Lapsed => proto::TierWhy::Lapsed,
            TierWhy::Opened => proto::TierWhy::Opened,
        };
        Some(Change::TierSet(proto::TierSet {
            member: within.names.member(self.member),
            previous_tier: within.names.term(self.from),
            tier: within.names.term(self.to),
            unmet_since: self.unmet_since.map(show_day).unwrap_or_default(),
            due: values::stamp(self.due),
            why: why.into(),
        }))
    }
}

impl EncodeChange for change::Streak {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let name = within.names.term(self.term);
        let streak = proto::Streak { name, days: self.count, last: show_day(self.day) };
        let member = within.names.member(self.member);
        Some(Change::StreakSet(proto::StreakSet { member, streak: Some(streak) }))
    }
}
