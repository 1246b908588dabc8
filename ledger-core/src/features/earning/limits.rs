//! Limits and budgets: at most how much rules give, to a member and to all together.
//!
//! What was given is counted in counters, a budget's under [`Key::EVERYONE`]; what this very event has given
//! already is in the verdict. So a limit that several rules share is exact within one event, and a budget over
//! any number of events in one batch: each is judged on what those before it left.

use crate::features::counting::rules::{Counting, count};
use crate::features::earning::basket::Basket;
use crate::features::pending::rules as pending;
use crate::features::visits::rules as visits;
use crate::kernel::counter::Key;
use crate::kernel::trace::Adjustment;
use crate::kernel::units::{Day, Points};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use crate::tables::program::{EarnRule, Limit, Measure, Over, Wallet, Whose, Window};

/// What may be given of what a rule came to.
pub(crate) struct Allowed {
    pub(crate) granted: Points,
    pub(crate) adjustment: Adjustment,
    /// Whether it counts against the limits.
    pub(crate) counts: bool,
}

/// What may be given of `computed`.
pub(crate) fn allowed(draft: &Draft<'_>, rule: &EarnRule, wallet: &Wallet, computed: Points) -> Allowed {
    if let Some(adjustment) = draft.denied() {
        return Allowed { granted: Points::ZERO, adjustment, counts: false };
    }
    // What goes to a fund is in no purse: it has no date, no room, and waits for no case.
    let is_members = rule.fund.is_none();
    if is_members && wallet.expiry.is_over(draft.day()) {
        return Allowed { granted: Points::ZERO, adjustment: Adjustment::Expired, counts: false };
    }
    let open = if is_members && draft.in_review() { Adjustment::Review } else { Adjustment::None };
    // What a rule asks for is held against its limits first: a full purse makes no excess fit.
    let mut allowed = Allowed { granted: computed, adjustment: open, counts: true };
    for limit in &rule.limits {
        let used = used(draft, limit);
        let room = used.map_or(0, |used| limit.max.saturating_sub(used).max(0));
        let granted = match (limit.measure, limit.over) {
            (Measure::Count, _) if room == 0 => {
                allowed.counts = false;
                Points::ZERO
            }
            (Measure::Count | Measure::Members, _) => continue,
            (Measure::Points, Over::Nothing) if room < allowed.granted.0 => Points::ZERO,
            (Measure::Points, _) => allowed.granted.min(Points(room)),
        };
        if granted < allowed.granted {
            let limit = limit.id;
            let adjustment = if used.is_some() { Adjustment::Limit { limit } } else { Adjustment::Late { limit } };
            (allowed.granted, allowed.adjustment) = (granted, adjustment);
        }
    }
    if let Some(room) = room(draft, rule, wallet, allowed.granted).filter(|room| is_members && *room < allowed.granted)
    {
        (allowed.granted, allowed.adjustment) = (room, Adjustment::MaxBalance);
    }
    // A rule that gave nothing used up no time of a limit in times.
    allowed.counts &= !allowed.granted.is_zero();
    allowed
}

/// How many points of a rule find room: those that repay debt at once take none.
fn room(draft: &Draft<'_>, rule: &EarnRule, wallet: &Wallet, points: Points) -> Option<Points> {
    let room = draft.room(wallet)?;
    let repays =
        |room: Points| !draft.in_review() && pending::waits_until(draft, rule, wallet, points.min(room)).is_none();
    let with_debt = Points(room.0.saturating_add(draft.debt(wallet.id).0));
    Some(if repays(with_debt) { with_debt } else { room })
}

/// Counts what a rule gave, against its limits and for its campaigns.
pub(crate) fn count_given(draft: &mut Draft<'_>, rule: &EarnRule, basket: &Basket<'_>, granted: Points) {
    for limit in &rule.limits {
        let amount = if limit.measure == Measure::Count { 1 } else { granted.0 };
        count_limit(draft, limit, (draft.day(), basket), amount);
    }
    count_campaigns(draft, rule, granted.0);
}

/// Counts what a refund takes back of what a rule gave on a day for a basket: its campaigns have given less, and
/// its limits have room again if they may.
pub(crate) fn count_taken_back(
    draft: &mut Draft<'_>,
    rule: &EarnRule,
    when: (Day, &Basket<'_>),
    points: Points,
    reopens: bool,
) {
    let points = points.0.saturating_neg();
    for limit in rule.limits.iter().filter(|limit| reopens && limit.measure == Measure::Points) {
        count_limit(draft, limit, when, points);
    }
    count_campaigns(draft, rule, points);
}

fn count_campaigns(draft: &mut Draft<'_>, rule: &EarnRule, points: i64) {
    for term in rule.campaigns.iter().filter(|_| points != 0) {
        count(draft, (Key::EVERYONE, *term), Counting::Sum, points);
    }
}

fn count_limit(draft: &mut Draft<'_>, limit: &Limit, (day, basket): (Day, &Basket<'_>), amount: i64) {
    if amount == 0 || limit.window == Window::Order {
        return;
    }
    if limit.window == Window::Visit {
        return visits::count_in_visit(draft, limit.id, basket.place(draft), amount);
    }
    let (bucket, keep_from) = (limit.bucket(&draft.program().calendar, day), keep_from(draft, limit, amount > 0));
    count(draft, (key_of(draft, limit), limit.id), Counting::Limited { bucket, keep_from }, amount);
}

/// Counts against a limit what another system gave on a day.
pub(crate) fn count_brought(draft: &mut Draft<'_>, limit: &Limit, day: Day, amount: i64) {
    let (bucket, keep_from) = (limit.bucket(&draft.program().calendar, day), keep_from(draft, limit, false));
    count(draft, (key_of(draft, limit), limit.id), Counting::Limited { bucket, keep_from }, amount);
}

/// How much of a limit is used up on the day of the event; `None` if that is so long ago that it is not known.
fn used(draft: &Draft<'_>, limit: &Limit) -> Option<i64> {
    match limit.window {
        Window::Order => return Some(given_in_order(draft, limit)),
        Window::Visit => return visits::used_in_visit(draft, limit.id),
        _ => {}
    }
    let (calendar, day, key) = (&draft.program().calendar, draft.day(), key_of(draft, limit));
    let counter = draft.counter(key, limit.id);
    let is_late = day < draft.late_horizon();
    if is_late && counter.is_some_and(|counter| !counter.knows(limit.since(calendar, day))) {
        return None;
    }
    let before = counter.map_or(0, |counter| limit.used(counter, calendar, day));
    let used = draft.changes().iter().fold(before, |sum, change| match change {
        Change::Counted(change::Counted { key: whose, term, amount, .. }) if (*whose, *term) == (key, limit.id) => {
            sum.saturating_add(*amount)
        }
        _ => sum,
    });
    Some(used)
}

/// What the rules that share a limit of an order have given in this one.
fn given_in_order(draft: &Draft<'_>, limit: &Limit) -> i64 {
    let shares = |rule: &EarnRule| rule.limits.iter().any(|other| other.id == limit.id);
    let given = draft.traced().iter().filter(|line| draft.program().earn_rule(line.rule).is_some_and(shares));
    given.fold(0, |sum, line| sum.saturating_add(line.granted.0))
}

fn key_of(draft: &Draft<'_>, limit: &Limit) -> Key {
    match limit.whose {
        Whose::Member => Key::Member(draft.no()),
        Whose::Everyone => Key::EVERYONE,
    }
}

/// The first bucket that is still needed once something is counted: all that windows have in common with a date of
/// which things may still be told, and with the date of the event itself, whose neighbours may come right behind it.
fn keep_from(draft: &Draft<'_>, limit: &Limit, gives: bool) -> i32 {
    let late = if gives { draft.late_horizon().min(draft.day()) } else { draft.late_horizon() };
    let first = match limit.window {
        Window::Days(_) => late,
        // As long as purchases can be refunded.
        _ => late.min(draft.horizon()),
    };
    limit.since(&draft.program().calendar, first)
}
