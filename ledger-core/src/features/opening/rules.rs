//! Opening: a member comes from another system as that left it, once, whatever happened here before. Nothing is given
//! for it: its points are issued with their own dates, its debt is owed from now on, what was counted counts where the
//! program looks, and its tier holds until the day that is said.

use crate::features::approvals::state::ManualAdjustment;
use crate::features::earning::limits;
use crate::features::earning::rules as earning;
use crate::features::expiry::rules as expiry;
use crate::features::membership::rules::birthday;
use crate::features::risk::rules as risk;
use crate::features::tiers::change::TierWhy;
use crate::features::tiers::state::Streak;
use crate::features::wallets::rules as wallets;
use crate::kernel::account::Account;
use crate::kernel::lots::{LOTS_MAX, Slice};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Points, TermNo};
use crate::tables::change::{self, Change};
use crate::tables::draft::{Draft, Granted};
use crate::tables::event::{self, Event, MemberRef, OpeningCount, OpeningLot, OpeningTier};
use crate::tables::program::{CounterRule, Earner, KeyKind, Limit, Measure, Wallet, Whose, Window};
use alloc::vec::Vec;

/// A control: a member comes from another system.
pub(crate) fn open(draft: &mut Draft<'_>, event: &Event<MemberRef>, said: &event::Opened) -> Result<(), Refusal> {
    if draft.member().opened {
        return Err(Refusal::OpenedAlready);
    }
    if said.enrolled_at.is_some_and(|at| at > draft.at()) {
        return Err(Refusal::InTheFuture);
    }
    let tier = said.tier.as_deref().map(|said| standing(draft, said)).transpose()?;
    let debts = debts(draft, said)?;
    let lots = lots(draft, said, tier)?;
    let counts = said.counts.iter().map(|said| counted(draft, said)).collect::<Result<Vec<_>, _>>()?;
    let streaks = streaks(draft, said)?;
    risk::observe(draft, event, Points::ZERO)?;
    let known = draft.member().enrolled_at;
    let enrolled_at = said.enrolled_at.filter(|at| known.is_none_or(|known| *at < known));
    let (member, birthday) = (draft.no(), said.birthday.map(|date| birthday(draft, date)));
    draft.change(Change::Opened(change::Opened { member, enrolled_at, birthday, streaks }));
    // What is owed there is repaid by what comes with it, as by any points.
    for (wallet, points) in debts {
        draft.post(wallet, (Account::Debt, Account::Debited), Slice::in_no_lot(points), TermNo::NONE);
    }
    for Dated { wallet, points, expires_at, .. } in lots {
        draft.grant(TermNo::NONE, wallet, points, expires_at);
    }
    for (Counts { how, term }, OpeningCount { at, amount, .. }) in counts.into_iter().zip(&said.counts) {
        let day = draft.program().calendar.day_of(*at);
        match how {
            How::Metric => earning::count_metric(draft, day, *amount),
            How::Rule(rule) => risk::count_brought(draft, rule, *at, *amount),
            How::Limit(limit) => limits::count_brought(draft, limit, day, *amount),
            How::Sum => earning::keep(draft, term, *amount),
        }
    }
    if let Some(tier) = tier {
        draft.grant_tier(tier);
    }
    Ok(())
}

/// A lot with the date that it has here.
struct Dated {
    earned_at: At,
    expires_at: At,
    wallet: TermNo,
    points: Points,
}

/// The lots, the oldest first: a lot is as old as its number says, and spending the oldest first asks for nothing else.
fn lots(draft: &mut Draft<'_>, said: &event::Opened, tier: Option<Granted>) -> Result<Vec<Dated>, Refusal> {
    if draft.lots_len().saturating_add(said.lots.len()) > LOTS_MAX {
        return Err(Refusal::MemberLimitReached);
    }
    if said.lots.iter().any(|lot| lot.earned_at > draft.at()) {
        return Err(Refusal::InTheFuture);
    }
    let earner = earner(draft, said, tier);
    let mut dated = Vec::with_capacity(said.lots.len());
    for lot in &said.lots {
        let wallet = wallets::named(draft, &lot.wallet)?;
        let expires_at = lot.expires_at.unwrap_or_else(|| as_if_earned_here(draft, wallet, lot, earner));
        if expires_at <= draft.at() {
            return Err(Refusal::LotExpired);
        }
        dated.push(Dated { earned_at: lot.earned_at, expires_at, wallet: wallet.id, points: lot.points });
    }
    for wallet in draft.program().wallets() {
        let points = sum(dated.iter().filter(|lot| lot.wallet == wallet.id).map(|lot| lot.points));
        if draft.room(wallet).is_some_and(|room| room < points) {
            return Err(Refusal::OverMaxBalance);
        }
        ask_for_one(draft, ManualAdjustment::Credit, points)?;
    }
    dated.sort_by_key(|lot| lot.earned_at);
    Ok(dated)
}

/// When points die that were earned elsewhere, as if they had been earned here. What lives with its member's activity
/// does so from now on.
fn as_if_earned_here(draft: &mut Draft<'_>, wallet: &Wallet, lot: &OpeningLot, earner: Earner) -> At {
    let program = draft.program();
    match program.expires_at(wallet, program.calendar.day_of(lot.earned_at), earner) {
        At::SLIDING => expiry::expires_at(draft, wallet),
        expires_at => expires_at,
    }
}

/// The member as expiries ask of it, as it is said to be.
fn earner(draft: &Draft<'_>, said: &event::Opened, tier: Option<Granted>) -> Earner {
    let (known, program) = (expiry::earner(draft), draft.program());
    let joined = said.enrolled_at.map(|at| program.calendar.day_of(at));
    let enrolled_on = known.enrolled_on.into_iter().chain(joined).min();
    let ranks = program.tiers.as_ref().map(|tiers| tiers.ranks.as_slice()).unwrap_or_default();
    let brought = tier.filter(|tier| tier.rank >= program.rank_of(known.tier)).and_then(|tier| ranks.get(tier.rank));
    Earner { enrolled_on, tier: brought.map_or(known.tier, |tier| tier.id) }
}

/// What is owed, by wallet.
fn debts(draft: &Draft<'_>, said: &event::Opened) -> Result<Vec<(TermNo, Points)>, Refusal> {
    let mut debts = Vec::with_capacity(said.debts.len());
    for debt in &said.debts {
        debts.push((wallets::spendable(draft, &debt.wallet)?.id, debt.points));
    }
    for wallet in draft.program().wallets() {
        let owed = debts.iter().filter(|(of, _)| *of == wallet.id);
        ask_for_one(draft, ManualAdjustment::Debit, sum(owed.map(|(_, points)| *points)))?;
    }
    Ok(debts)
}

/// What one person may not do by hand, one event does not do either.
fn ask_for_one(draft: &Draft<'_>, adjustment: ManualAdjustment, points: Points) -> Result<(), Refusal> {
    match draft.program().approvals.quorum(adjustment, points) {
        Some(_) => Err(Refusal::OpeningOverApprovals),
        None => Ok(()),
    }
}

fn sum(points: impl Iterator<Item = Points>) -> Points {
    Points(points.fold(0, |sum, points| points.0.saturating_add(sum)))
}

/// Where the member stands, and from which date on it falls short of it if its metric does not say otherwise: so long
/// before the end of its tier as the program is patient.
fn standing(draft: &Draft<'_>, said: &OpeningTier) -> Result<Granted, Refusal> {
    let program = draft.program();
    let tiers = program.tiers.as_ref().ok_or(Refusal::TierUnknown)?;
    let rank = tiers.ranks.iter().position(|tier| draft.term(tier.id) == &*said.tier).ok_or(Refusal::TierUnknown)?;
    let unmet_since = match said.until {
        None => None,
        Some(until) => {
            let patience = tiers.patience_days.filter(|_| until > draft.at()).ok_or(Refusal::TierUntilInvalid)?;
            let over = program.calendar.day_of(until.plus_ms(-1)).plus(1);
            Some(over.plus(patience.saturating_neg()))
        }
    };
    Ok(Granted { rank, why: TierWhy::Opened, unmet_since })
}

/// By what something was counted, and how that is done here.
struct Counts<'p> {
    how: How<'p>,
    term: TermNo,
}

enum How<'p> {
    /// By the metric of tiers.
    Metric,
    /// By a counter of the member's.
    Rule(&'p CounterRule),
    /// By a limit of the member's.
    Limit(&'p Limit),
    /// By what has no window.
    Sum,
}

fn counted<'p>(draft: &Draft<'p>, said: &OpeningCount) -> Result<Counts<'p>, Refusal> {
    if said.at > draft.at() {
        return Err(Refusal::InTheFuture);
    }
    let program = draft.program();
    let metric = program.tiers.iter().map(|tiers| Counts { how: How::Metric, term: tiers.metric });
    let own = |rule: &&CounterRule| rule.key == KeyKind::Member && rule.measure != Measure::Members;
    let rules = program.counters.iter().filter(own).map(|rule| Counts { how: How::Rule(rule), term: rule.id });
    let of_time =
        |limit: &&Limit| limit.whose == Whose::Member && !matches!(limit.window, Window::Order | Window::Visit);
    let limits = program.earn.iter().flat_map(|rule| rule.limits.iter()).filter(of_time);
    let limits = limits.map(|limit| Counts { how: How::Limit(limit), term: limit.id });
    let first = program.earn.iter().filter_map(|rule| rule.when.as_ref().and_then(|when| when.first));
    let sums = program.ladders.iter().map(|ladder| ladder.id).chain(first);
    let sums = sums.chain(program.earn.iter().filter_map(|rule| rule.amount.carry()));
    let sums = sums.map(|term| Counts { how: How::Sum, term });
    let mut all = metric.chain(rules).chain(limits).chain(sums);
    all.find(|known| draft.term(known.term) == &*said.counter).ok_or(Refusal::CounterUnknown)
}

/// The streaks as they are with the days that the other system knew of.
fn streaks(draft: &Draft<'_>, said: &event::Opened) -> Result<Vec<Streak>, Refusal> {
    let mut streaks: Vec<Streak> = Vec::with_capacity(said.streaks.len());
    for event::OpeningStreak { streak, days, last_at } in &said.streaks {
        let mut rules = draft.program().streaks.iter().map(|rule| rule.id);
        let term = rules.find(|id| draft.term(*id) == &**streak).ok_or(Refusal::CounterUnknown)?;
        if *last_at > draft.at() {
            return Err(Refusal::InTheFuture);
        }
        let row = Streak::row(term, draft.program().calendar.day_of(*last_at), *days);
        match streaks.iter_mut().find(|known| known.term == term) {
            Some(known) => *known = known.and(&row),
            None => {
                let known = draft.member().streaks.iter().find(|known| known.term == term);
                streaks.push(known.map_or(row, |known| known.and(&row)));
            }
        }
    }
    Ok(streaks)
}
