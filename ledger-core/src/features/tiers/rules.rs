//! Tiers: a member stands in the highest tier it earns, at once; it falls one step after it was short
//! of its standard for as long as the program is patient, and then the patience starts again.

use crate::features::tiers::change::TierWhy;
use crate::kernel::counter::{Counter, Tally};
use crate::kernel::units::{At, Day, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::{Draft, Granted};
use crate::tables::member::Member;
use crate::tables::program::{Program, Tiers};
use alloc::vec::Vec;

/// How firmly a member stands, for people who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierProgress {
    /// The metric in its window, in minor units.
    pub metric: i64,
    /// The next tier and what its metric must be.
    pub next: Option<(TermNo, i64)>,
    /// The first date on which the metric no longer earns the tier, if nothing more is bought.
    pub falls_short_on: Option<Day>,
    /// The date on which the tier is lost, if it falls short already and nothing more is bought.
    pub lost_on: Option<Day>,
}

/// How firmly a member stands at `at`; `None` without tiers.
pub fn tier_progress(program: &Program, member: &Member, at: At) -> Option<TierProgress> {
    let tiers = program.tiers.as_ref()?;
    let today = program.calendar.day_of(at);
    let tallies = Tallies::new(member.counter(tiers.metric), (today, 0));
    let rank = program.rank_of(member.tier.tier);
    let next = tiers.ranks.get(rank.saturating_add(1)).map(|tier| (tier.id, tier.least));
    let lost_on = member.tier.unmet_since.and_then(|since| tiers.patience_days.map(|days| since.plus(days)));
    let falls = if member.tier.unmet_since.is_some() { None } else { short_on(tiers, rank, &tallies, today) };
    Some(TierProgress { metric: tallies.sum(tiers, today), next, falls_short_on: falls, lost_on })
}

/// Makes a newcomer that the event only speaks of a member, with the lowest tier.
pub(crate) fn welcome(draft: &mut Draft<'_>) {
    if !draft.register() {
        return;
    }
    if let Some(lowest) = draft.program().tiers.as_ref().and_then(|tiers| tiers.ranks.first()) {
        tier_change(draft, lowest.id, None, At::NEVER, TierWhy::Joined);
    }
}

/// Looks at the member's tier after an event.
pub(crate) fn evaluate(draft: &mut Draft<'_>) {
    let program = draft.program();
    let Some(tiers) = &program.tiers else { return };
    let gain = draft.metric();
    // What comes from another system comes with many dates.
    let brought = if gain.amount == 0 { draft.brought(tiers.metric) } else { None };
    let known = brought.as_ref().or_else(|| draft.member().counter(tiers.metric));
    let tallies = Tallies::new(known, (gain.day, gain.amount));
    let standing = draft.member().tier;
    let mut rank = program.rank_of(standing.tier);
    let mut why = if standing.tier == TermNo::NONE { TierWhy::Joined } else { TierWhy::Progress };
    let mut unmet_since = standing.unmet_since;
    let is_higher = |granted: &Granted| granted.rank > rank || (granted.rank, granted.why) == (rank, TierWhy::Opened);
    if let Some(granted) = draft.granted().filter(is_higher) {
        (rank, why, unmet_since) = (granted.rank, granted.why, granted.unmet_since);
    }
    // A purchase earns its tier before refunds that had waited for it take from it, as if they had come behind it.
    let most = if gain.most > 0 { gain.most } else { gain.amount };
    let best = Tallies::new(known, (gain.day, most));
    let late = Late::new(draft, tiers, &best, (gain.day, most));
    let earned = natural(draft, tiers, best.sum(tiers, draft.today())).max(late.as_ref().map_or(0, |late| late.peak));
    if earned > rank {
        (rank, why, unmet_since) = (earned, TierWhy::Earned, None);
    }
    let natural = natural(draft, tiers, tallies.sum(tiers, draft.today()));
    if let Some(late) = late.filter(|_| natural < rank && why != TierWhy::Granted) {
        (rank, unmet_since) = late.since(tiers, (rank, natural), unmet_since);
    }
    if why == TierWhy::Earned && tiers.ranks.get(rank).is_some_and(|tier| tier.id == standing.tier) {
        why = TierWhy::Progress;
    }
    unmet_since = if natural < rank { unmet_since.or_else(|| Some(draft.today())) } else { None };
    set_tier(draft, tiers, &tallies, rank, unmet_since, why);
}

/// What was told late of the metric, and so which tiers it earned on which date until today.
struct Late {
    today: Day,
    /// From the date on which it happened to yesterday: the rank earned on each.
    earned: Vec<(Day, usize)>,
    /// The highest of them.
    peak: usize,
}

impl Late {
    /// `None` if nothing was told late that counts.
    fn new(draft: &Draft<'_>, tiers: &Tiers, tallies: &Tallies<'_>, (happened, amount): (Day, i64)) -> Option<Late> {
        let (from, today) = (happened.max(draft.late_horizon()), draft.today());
        if amount <= 0 || from >= today || happened.plus(tiers.window_days) <= from {
            return None;
        }
        let days = (from.0..today.0).map(Day);
        let earned: Vec<(Day, usize)> =
            days.map(|day| (day, natural(draft, tiers, tallies.sum_at(tiers, day)))).collect();
        let peak = earned.iter().map(|(_, rank)| *rank).max().unwrap_or(0);
        Some(Late { today, earned, peak })
    }

    /// Which rank is left of one that is not earned any more, and since when its standard is not met: as if each date
    /// had been looked at on its day.
    fn since(&self, tiers: &Tiers, (mut rank, now): (usize, usize), mut since: Option<Day>) -> (usize, Option<Day>) {
        while now < rank {
            let met = self.earned.iter().rev().find(|(_, earned)| *earned >= rank).map(|(day, _)| day.plus(1));
            since = since.max(met);
            let lapses = since.zip(tiers.patience_days).map(|(since, days)| since.plus(days));
            let Some(lapses) = lapses.filter(|day| *day <= self.today) else { break };
            (rank, since) = (rank.saturating_sub(1), Some(lapses));
        }
        (rank, since)
    }
}

/// What the tier timer finds at its date: the standard is no longer met, or no longer waited for.
pub(crate) fn review(draft: &mut Draft<'_>) {
    let program = draft.program();
    let Some(tiers) = &program.tiers else {
        // The program has no tiers any more: nothing is due.
        return tier_change(draft, draft.member().tier.tier, None, At::NEVER, TierWhy::Progress);
    };
    let tallies = Tallies::new(draft.member().counter(tiers.metric), (draft.today(), 0));
    let natural = natural(draft, tiers, tallies.sum(tiers, draft.today()));
    let mut rank = program.rank_of(draft.member().tier.tier);
    let mut unmet_since = draft.member().tier.unmet_since;
    let mut why = TierWhy::Progress;
    let expired_recently = |since: Day| tiers.patience_days.is_some_and(|days| draft.today() >= since.plus(days));
    if natural < rank && unmet_since.is_some_and(expired_recently) {
        (rank, why, unmet_since) = (rank.saturating_sub(1), TierWhy::Lapsed, None);
    }
    unmet_since = if natural < rank { unmet_since.or_else(|| Some(draft.today())) } else { None };
    set_tier(draft, tiers, &tallies, rank, unmet_since, why);
}

fn set_tier(
    draft: &mut Draft<'_>,
    tiers: &Tiers,
    tallies: &Tallies<'_>,
    rank: usize,
    unmet_since: Option<Day>,
    why: TierWhy,
) {
    let Some(tier) = tiers.ranks.get(rank) else { return };
    let due_on = match (unmet_since, tiers.patience_days) {
        (Some(since), Some(days)) => Some(since.plus(days)),
        (Some(_), None) => None,
        (None, _) => short_on(tiers, rank, tallies, draft.today()),
    };
    let due = due_on.map_or(At::NEVER, |day| draft.program().calendar.start_of(day));
    tier_change(draft, tier.id, unmet_since, due, why);
}

fn tier_change(draft: &mut Draft<'_>, to: TermNo, unmet_since: Option<Day>, due: At, why: TierWhy) {
    let known = draft.member().tier;
    if (known.tier, known.unmet_since, known.due.unwrap_or(At::NEVER)) != (to, unmet_since, due) {
        draft.change(Change::TierSet(change::TierSet {
            member: draft.no(),
            from: known.tier,
            to,
            unmet_since,
            due,
            why,
        }));
    }
}

/// The highest tier whose standard is met.
fn natural(draft: &Draft<'_>, tiers: &Tiers, metric: i64) -> usize {
    let met = |tier: &crate::tables::program::Tier| {
        metric >= tier.least
            && tier.attribute.is_none_or(|(term, most)| draft.attribute(term).is_some_and(|value| value <= most))
    };
    tiers.ranks.iter().rposition(met).unwrap_or(0)
}

/// The member's tallies with one more amount that is not folded yet, without a copy of them.
#[derive(Clone, Copy)]
struct Tallies<'a> {
    before: &'a [Tally],
    /// The tally of that amount's date.
    changed: Option<Tally>,
    after: &'a [Tally],
}

impl<'a> Tallies<'a> {
    pub(crate) fn new(counter: Option<&'a Counter>, (day, amount): (Day, i64)) -> Tallies<'a> {
        let known = counter.map(|counter| counter.tallies()).unwrap_or_default();
        let at = known.partition_point(|tally| tally.bucket < day.0);
        let (before, after) = known.split_at_checked(at).unwrap_or((known, &[]));
        let (same, after) = match after.split_first() {
            Some((same, after)) if same.bucket == day.0 => (same.amount, after),
            _ => (0, after),
        };
        let changed = Tally { bucket: day.0, amount: same.saturating_add(amount) };
        Tallies { before, changed: (changed.amount != 0).then_some(changed), after }
    }

    /// Oldest first.
    fn iter(&self) -> impl DoubleEndedIterator<Item = Tally> + 'a {
        self.before.iter().copied().chain(self.changed).chain(self.after.iter().copied())
    }

    fn sum(&self, tiers: &Tiers, today: Day) -> i64 {
        let from = today.0.saturating_sub(tiers.window_days).saturating_add(1);
        let inside = self.iter().rev().take_while(|tally| tally.bucket >= from);
        inside.fold(0, |sum, tally| tally.amount.saturating_add(sum))
    }

    /// The metric as it was on a date that is over, by all that is known now.
    fn sum_at(&self, tiers: &Tiers, day: Day) -> i64 {
        let from = day.0.saturating_sub(tiers.window_days).saturating_add(1);
        let inside =
            self.iter().rev().skip_while(|tally| tally.bucket > day.0).take_while(|tally| tally.bucket >= from);
        inside.fold(0, |sum, tally| tally.amount.saturating_add(sum))
    }
}

/// The first date after `today` on which the metric falls below the standard of `rank`, if nothing is
/// added: an amount dated D counts on D to D + window - 1.
fn short_on(tiers: &Tiers, rank: usize, tallies: &Tallies<'_>, today: Day) -> Option<Day> {
    let least = tiers.ranks.get(rank)?.least;
    if least <= 0 {
        return None;
    }
    let mut later = 0i64;
    for tally in tallies.iter().rev() {
        later = later.saturating_add(tally.amount);
        if later >= least {
            return Some(Day(tally.bucket).plus(tiers.window_days)).filter(|day| *day > today);
        }
    }
    None
}
