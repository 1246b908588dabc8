//! Refunds: what is kept earns what it would have earned alone, by the purchase's own program version
//! and facts; the difference goes back. The lots of the purchase give first, then the member's other
//! lots of the same wallet in their order; what is then missing is the wallet's to say.

use crate::features::earning::basket::Basket;
use crate::features::earning::kept::{Kept, KeptLine};
use crate::features::earning::limits;
use crate::features::earning::rules::{self as earning, Facts, is_whole};
use crate::features::merge::rules::moved;
use crate::features::pending::rules as pending;
use crate::features::returns::clawback::{Clawback, claw_back, settle_groups};
use crate::features::returns::reversal;
pub(crate) use crate::features::returns::reversal::reverse;
use crate::features::risk::rules as risk;
use crate::features::waiting::rules::{self as waiting, Waited};
use crate::kernel::account::{Account, Posting};
use crate::kernel::names::Found;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::{Adjustment, Trace};
use crate::kernel::units::{LotId, MemberNo, Money, Points, Rounding, TermNo, share};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::desk::{Purchase, References, Subject};
use crate::tables::draft::{Draft, Effect};
use crate::tables::event::{self, Body, Event, Line, LineName, LinePart, LineRefund, MemberRef};
use crate::tables::member::{DEFERRED_MAX, LineReturned, PurchaseRef};
use crate::tables::program::EarnRule;
use crate::tables::record::{Cause, Record};
use alloc::vec::Vec;

/// A purchase, and what went back of its lines.
pub(super) struct PurchaseState<'p> {
    pub(super) purchase: Purchase<'p>,
    pub(super) returned: Vec<LineReturned>,
    /// The record that merged whoever bought, if it was not the member itself.
    pub(super) merge: Option<&'p Record>,
}

/// What goes back by one event.
#[derive(Default)]
pub(super) struct RefundAmount {
    /// How much money in all.
    pub(super) amount: Money,
    /// Of which lines.
    pub(super) lines: Vec<LineReturned>,
    /// How much was told beyond what was there to go back.
    pub(super) excess: Money,
}

impl<'p> PurchaseState<'p> {
    pub(super) fn new(draft: &Draft<'p>, purchase: Purchase<'p>, merge: Option<&'p Record>) -> PurchaseState<'p> {
        let buyer = purchase.owner.map_or_else(|| draft.member(), |owner| draft.beside(owner).member());
        let returned = buyer.returned(purchase.known.position).collect();
        PurchaseState { purchase, returned, merge }
    }

    /// Who bought.
    pub(super) fn buyer(&self, draft: &Draft<'_>) -> MemberNo {
        self.purchase.owner.map_or_else(|| draft.no(), |owner| owner.no)
    }

    /// The lots that a lot of the purchase may be now.
    pub(super) fn lots(&self, lot: LotId) -> impl Iterator<Item = LotId> {
        let moved = self.merge.into_iter().flat_map(moved).filter(move |(old, _)| old.lot == lot);
        core::iter::once(lot).chain(moved.map(|(_, new)| new.lot))
    }

    /// The lots that its rules made for whoever bought, with their wallets, as they may be now.
    fn all_lots(&self, buyer: MemberNo) -> impl Iterator<Item = (TermNo, LotId)> {
        self.made(buyer).flat_map(|posting| self.lots(posting.lot).map(move |lot| (posting.wallet, lot)))
    }

    /// The postings by which its rules made lots for whoever bought: what became of those in the same record, be it
    /// the household's or a conversion's, is no lot of the purchase.
    pub(super) fn made(&self, buyer: MemberNo) -> impl Iterator<Item = &'p Posting> {
        let program = self.purchase.program;
        let is_its = move |posting: &&Posting| {
            let earned = posting.from == Account::Issued && program.earn_rule(posting.rule).is_some();
            earned && posting.member == buyer
        };
        self.purchase.record.verdict.postings.iter().filter(is_its)
    }

    /// What is kept once `more` has gone back as well.
    pub(super) fn keeping(&self, more: &RefundAmount) -> Option<Kept> {
        let refunded = Money(self.purchase.known.refunded.0.saturating_add(more.amount.0));
        let returned = [&self.returned[..], &more.lines].concat();
        Kept::of(&facts(&self.purchase).basket.paid, refunded, &returned)
    }

    /// All that did not go back yet: the money, or, of what cost none, the items.
    fn rest(&self) -> Result<RefundAmount, Refusal> {
        let before = self.keeping(&RefundAmount::default()).ok_or(Refusal::RefundOverLine)?;
        if before.is_nothing() && before.money.0 == 0 {
            return Err(Refusal::RefundOverPaid);
        }
        if before.money.0 > 0 {
            return Ok(RefundAmount { amount: before.money, ..RefundAmount::default() });
        }
        let paid = facts(&self.purchase).basket.paid;
        let left = (0u16..).zip(paid.lines).map(|(place, line)| (place, before.left_of(place.into(), line).0));
        let lines = left.filter_map(|(line, items)| {
            let (purchase, items) =
                (self.purchase.known.position, u64::try_from(items).ok().filter(|items| *items > 0)?);
            Some(LineReturned { purchase, line, items, amount: Money(0) })
        });
        Ok(RefundAmount { lines: lines.collect(), ..RefundAmount::default() })
    }

    /// What a refund comes to: at least what its lines do. What is told beyond what is there is the excess of it.
    fn part(&self, said: &event::Refunded) -> Result<RefundAmount, Refusal> {
        let before = self.keeping(&RefundAmount::default()).ok_or(Refusal::RefundOverLine)?;
        let (mut back, mut beyond) = (RefundAmount::default(), 0i64);
        let mut there = Sold::new(facts(&self.purchase).basket.paid.lines, &self.returned, said);
        for line in &said.lines {
            let (returned, over) = self.find(line, &mut there)?;
            beyond = beyond.saturating_add(over);
            back.lines.extend(returned);
        }
        let after = self.keeping(&back).ok_or(Refusal::RefundOverLine)?;
        let named = before.left.0.saturating_sub(after.left.0);
        let known = if said.so_far { self.purchase.known.refunded.0 } else { 0 };
        let told = said.amount.0.saturating_sub(known).max(0);
        back.amount = Money(told.max(named).min(before.money.0));
        // Whoever gives back what was paid with points as money, too, says no more than was paid.
        let points_paid = facts(&self.purchase).basket.paid.points_paid.0;
        let over = told.saturating_sub(before.money.0).saturating_sub(points_paid);
        back.excess = Money(over.max(beyond).max(0));
        Ok(back)
    }

    /// What goes back of a line that is there, and the price of what does not.
    fn find(&self, refund: &LineRefund, there: &mut Sold<'_>) -> Result<(Option<LineReturned>, i64), Refusal> {
        let line = there.place(&refund.line).ok_or(Refusal::LineUnknown)?;
        let (bought, gone) = there.line(line).ok_or(Refusal::LineUnknown)?;
        let left = KeptLine::of(bought, gone.0, gone.1).ok_or(Refusal::RefundOverLine)?;
        let (items, amount, over) = match refund.part {
            LinePart::Items(items) => {
                let (asked, all) = (items.millionths(), bought.quantity.millionths());
                let over = asked.saturating_sub(left.items).max(0);
                let price = share(bought.net.0.max(0), over, all, Rounding::Down).unwrap_or(0);
                (asked.min(left.items).max(0), 0, price)
            }
            LinePart::Amount(amount) => {
                let counts = amount.0.min(left.net.max(0));
                (0, counts, amount.0.saturating_sub(counts))
            }
        };
        *gone = (gone.0.saturating_add(items), gone.1.saturating_add(amount));
        let (purchase, items, amount) =
            (self.purchase.known.position, u64::try_from(items).unwrap_or(0), Money(amount));
        let is_any = items > 0 || amount.0 > 0;
        Ok((is_any.then_some(LineReturned { purchase, line, items, amount }), over))
    }
}

/// The lines of a purchase, while refunds of many of them are read.
struct Sold<'p> {
    lines: &'p [Line],
    /// What went back of each so far: items and money.
    gone: Vec<(i64, i64)>,
    /// Their places by stock-keeping unit, if any is asked for.
    by_sku: Vec<(&'p str, u16)>,
}

impl<'p> Sold<'p> {
    fn new(lines: &'p [Line], returned: &[LineReturned], said: &event::Refunded) -> Sold<'p> {
        let mut gone = Vec::new();
        gone.resize(lines.len(), (0i64, 0i64));
        for back in returned {
            if let Some((items, amount)) = gone.get_mut(usize::from(back.line)) {
                *items = items.saturating_add_unsigned(back.items);
                *amount = amount.saturating_add(back.amount.0);
            }
        }
        let asks = said.lines.iter().any(|refund| matches!(refund.line, LineName::Sku(_)));
        let named = lines.iter().zip(0u16..).filter(|_| asks).map(|(line, place)| (&*line.sku, place));
        let mut by_sku: Vec<(&str, u16)> = named.collect();
        by_sku.sort_unstable();
        Sold { lines, gone, by_sku }
    }

    /// The place of a line; of a stock-keeping unit, if no other line has the same.
    fn place(&self, name: &LineName) -> Option<u16> {
        let sku = match name {
            LineName::Place(place) => return Some(*place),
            LineName::Sku(sku) => &**sku,
        };
        let mut same = self.by_sku.get(self.by_sku.partition_point(|(known, _)| *known < sku)..)?.iter();
        let (_, place) = same.next().filter(|(known, _)| *known == sku)?;
        same.next().is_none_or(|(known, _)| *known != sku).then_some(*place)
    }

    /// A line, and what went back of it.
    fn line(&mut self, place: u16) -> Option<(&'p Line, &mut (i64, i64))> {
        Some((self.lines.get(usize::from(place))?, self.gone.get_mut(usize::from(place))?))
    }
}

/// The facts of a purchase as they were.
fn facts<'a>(purchase: &Purchase<'a>) -> Facts<'a> {
    let basket = match purchase.record.cause() {
        Cause::Event(event) => Basket::of(event),
        Cause::Timer { due, .. } => Basket::empty(due),
        Cause::HeldBack => Basket::empty(purchase.record.at),
    };
    let counted = purchase.record.verdict.changes.iter().find_map(|change| match change {
        Change::TierCounted(change::TierCounted { tier, .. }) => Some(*tier),
        _ => None,
    });
    Facts { program: purchase.program, basket, tier: counted.unwrap_or(TermNo::NONE) }
}

/// What each rule that applied to the purchase would have been granted for what is kept alone: never
/// more than it was. Of a group, whichever rule is best for what is kept; never more than the group was.
fn earned_by(facts: &Facts<'_>, trace: &[Trace]) -> Vec<Trace> {
    let mut lines: Vec<Trace> = Vec::with_capacity(trace.len());
    for line in trace {
        let rule = facts.program.earn_rule(line.rule);
        let most = line.granted.max(match line.adjustment {
            Adjustment::Beaten { by } => {
                trace.iter().find(|best| best.rule == by).map_or(Points::ZERO, |best| best.granted)
            }
            _ => Points::ZERO,
        });
        let computed = match rule {
            Some(rule) if is_lost(rule, facts) => Some(Points::ZERO),
            Some(rule) => facts.compute(rule, brought(rule, line, facts), &lines),
            None => Some(line.granted),
        };
        let mut granted = computed.unwrap_or(line.granted).min(most);
        let group = rule.and_then(|rule| rule.group);
        let is_mate = |other: &Trace| facts.program.earn_rule(other.rule).is_some_and(|rule| rule.group == group);
        for mate in lines.iter_mut().filter(|mate| group.is_some() && is_mate(mate)) {
            if mate.granted < granted {
                mate.granted = Points::ZERO;
            } else {
                granted = Points::ZERO;
            }
        }
        lines.push(Trace { granted, ..*line });
    }
    lines
}

/// The least that earlier purchases must have brought to a rule, given what it came to: for the rules that
/// build on its points, the purchase is worked out again as if that was all.
fn brought(rule: &EarnRule, line: &Trace, facts: &Facts<'_>) -> i64 {
    let Some((unit, give, _)) = rule.amount.carrying().filter(|_| is_whole(line.adjustment)) else { return 0 };
    let whole = Facts { basket: facts.basket.whole(), ..*facts };
    let units = line.computed.0.checked_div(whole.value(give, rule)).unwrap_or(0);
    units.saturating_mul(unit).saturating_sub(whole.counted(rule)).max(0)
}

/// Whether a rule would not have applied to what is kept.
fn is_lost(rule: &EarnRule, facts: &Facts<'_>) -> bool {
    let lines = rule.when.as_ref().and_then(|when| when.lines.as_ref());
    facts.basket.is_gone() || !facts.reaches(rule) || lines.is_some_and(|lines| !facts.basket.has(lines))
}

/// The purchase that the event speaks of, if it can still be refunded.
pub(crate) fn found<'a>(draft: &Draft<'a>, parties: &References<'a>) -> Option<Purchase<'a>> {
    parties.purchase.filter(|purchase| purchase.known.day >= draft.horizon())
}

/// A fact: all of a purchase that is not yet refunded was given back.
pub(crate) fn cancel<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    said: &event::Cancelled,
    parties: &References<'a>,
) -> Result<(), Refusal> {
    if reversal::came_before(draft, event, parties)? {
        return Ok(());
    }
    let Some(purchase) = found(draft, parties) else { return defer(draft, event, &said.order) };
    let sold = PurchaseState::new(draft, purchase, parties.merge);
    let rest = sold.rest()?;
    risk::observe(draft, event, Points::ZERO)?;
    take_back(draft, &sold, &rest, purchase.owner)
}

/// A fact: part of a purchase was given back.
pub(crate) fn refund<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    said: &event::Refunded,
    parties: &References<'a>,
) -> Result<(), Refusal> {
    if said.currency != draft.program().currency {
        return Err(Refusal::CurrencyMismatch);
    }
    if reversal::came_before(draft, event, parties)? {
        return Ok(());
    }
    let Some(purchase) = found(draft, parties) else { return defer(draft, event, &said.order) };
    let sold = PurchaseState::new(draft, purchase, parties.merge);
    let part = sold.part(said)?;
    risk::observe(draft, event, Points::ZERO)?;
    take_back(draft, &sold, &part, purchase.owner)
}

/// A fact: a purchase is settled; what waited for that can be spent.
pub(crate) fn settle<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    said: &event::Settled,
    parties: &References<'a>,
) -> Result<(), Refusal> {
    let Some(purchase) = found(draft, parties) else { return defer(draft, event, &said.order) };
    let sold = PurchaseState::new(draft, purchase, parties.merge);
    risk::observe(draft, event, Points::ZERO)?;
    pending::settle(draft, sold.all_lots(sold.buyer(draft)));
    Ok(())
}

/// A refund or settlement whose purchase is not known waits for it, as long as a purchase of today can be refunded.
fn defer(draft: &mut Draft<'_>, event: &Event<MemberRef>, order: &str) -> Result<(), Refusal> {
    if draft.member().returns.as_ref().is_some_and(|returns| returns.deferred.len() >= DEFERRED_MAX) {
        return Err(Refusal::MemberLimitReached);
    }
    risk::observe(draft, event, Points::ZERO)?;
    let (order, day) = (draft.short(Found::Order, order), draft.today());
    let until = day.plus(draft.program().refund_days.saturating_add(1));
    let until = draft.program().calendar.start_of(until);
    draft.change(Change::Deferred(change::Deferred { member: draft.no(), order, day, until }));
    Ok(())
}

/// What waited for the purchase in this very record: as if each had come right behind it. One that would then have
/// been refused does nothing, and the record says why. One that happened on an earlier date is of another purchase,
/// and waits on.
pub(crate) fn resume_deferred(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Purchase,
    deferred: &[Waited],
) {
    if deferred.is_empty() {
        return;
    }
    let record = Record::said(draft.at(), 0, event.clone(), draft.verdict_so_far().clone());
    let (order, position, refunded) = (draft.short(Found::Order, &said.order), draft.position(), Money(0));
    let known = PurchaseRef { order, position, day: draft.day(), refunded };
    let mut sold = PurchaseState {
        purchase: Purchase { known, record: &record, program: draft.program(), owner: None },
        returned: Vec::new(),
        merge: None,
    };
    let calendar = &draft.program().calendar;
    let is_its = |(.., late): &&Waited| {
        let Cause::Event(late) = late.cause() else { return false };
        calendar.day_of(late.occurred_at) >= known.day
    };
    for (whose, waited, late) in deferred.iter().filter(is_its) {
        waiting::resume(draft, (*whose, waited), |draft| catch_up(draft, &mut sold, late));
    }
}

fn catch_up(draft: &mut Draft<'_>, sold: &mut PurchaseState<'_>, late: &Record) -> Result<(), Refusal> {
    if draft.day() < draft.horizon() {
        return Err(Refusal::OrderUnknown);
    }
    let back = match late.cause() {
        Cause::Event(Event { body: Body::Settled(..), .. }) => {
            pending::settle(draft, sold.all_lots(sold.buyer(draft)));
            return Ok(());
        }
        Cause::Event(Event { body: Body::Refunded(said), .. }) => sold.part(said)?,
        _ => sold.rest()?,
    };
    take_back(draft, sold, &back, None)?;
    sold.purchase.known.refunded.0 = sold.purchase.known.refunded.0.saturating_add(back.amount.0);
    sold.returned.extend(back.lines);
    Ok(())
}

/// What goes back of a purchase: counted back for whoever bought, and taken from the member.
fn take_back<'a>(
    draft: &mut Draft<'a>,
    sold: &PurchaseState<'_>,
    gone: &RefundAmount,
    owner: Option<Subject<'a>>,
) -> Result<(), Refusal> {
    let Some(owner) = owner else {
        let back = undo(draft, sold, gone)?;
        return claw_back(draft, sold, back);
    };
    // What was counted was counted for whoever bought; the points are the member's now.
    let mut buyer = draft.beside(owner);
    let back = draft.lend(&mut buyer, |buyer| undo(buyer, sold, gone))?;
    draft.affects(buyer, Effect::Measured);
    claw_back(draft, sold, back)
}

/// Counts back what a refund changes; answers what each rule gave too much.
fn undo(draft: &mut Draft<'_>, sold: &PurchaseState<'_>, gone: &RefundAmount) -> Result<Vec<Clawback>, Refusal> {
    let kept = |gone| sold.keeping(gone).ok_or(Refusal::RefundOverLine);
    let (before, after) = (kept(&RefundAmount::default())?, kept(gone)?);
    let back = differ(draft, &sold.purchase, &before, &after);
    let (member, amount, excess) = (draft.no(), gone.amount, gone.excess);
    draft.change(Change::Refunded(change::Refunded { member, purchase: sold.purchase.known.position, amount, excess }));
    for LineReturned { purchase, line, items, amount } in gone.lines.iter().copied() {
        draft.change(Change::LineReturned(change::LineReturned { member, purchase, line, items, amount }));
    }
    Ok(back)
}

/// Counts what it changes that something else of a purchase is kept; answers how much less each rule gives for that.
pub(super) fn differ(draft: &mut Draft<'_>, purchase: &Purchase<'_>, before: &Kept, after: &Kept) -> Vec<Clawback> {
    let whole = facts(purchase);
    let before = Facts { basket: whole.basket.keeping(before), ..whole };
    let after = Facts { basket: whole.basket.keeping(after), ..whole };
    let trace = &purchase.record.verdict.trace;
    let mut back: Vec<Clawback> = Vec::with_capacity(trace.len());
    for (line, (had, has)) in trace.iter().zip(earned_by(&before, trace).iter().zip(earned_by(&after, trace))) {
        let rule = purchase.program.earn_rule(line.rule);
        let carrying = rule.filter(|rule| rule.amount.carry().is_some() && is_whole(line.adjustment));
        let points = match carrying {
            Some(rule) => uncarry(draft, rule, &before, &after),
            None => had.granted.0.saturating_sub(has.granted.0),
        };
        let wallet = rule.map_or(purchase.program.wallet.id, |rule| rule.wallet);
        back.push(Clawback { rule: line.rule, wallet, points: Points(points), kept: has.granted });
    }
    settle_groups(trace, &mut back);
    for Clawback { rule, points, .. } in &back {
        if let Some(rule) = purchase.program.earn_rule(*rule) {
            let when = (purchase.known.day, &whole.basket);
            limits::count_taken_back(draft, rule, when, *points, purchase.program.refund_reopens);
        }
    }
    let gone = before.basket.kept().0.saturating_sub(after.basket.kept().0);
    earning::measure(draft, purchase.known.day, gone.saturating_neg());
    back
}

/// Takes from what waits for the next purchase, and, as far as that does not reach, whole units: so all
/// that a member keeps earns as if it were one purchase, whatever was given back in which order.
fn uncarry(draft: &mut Draft<'_>, rule: &EarnRule, before: &Facts<'_>, after: &Facts<'_>) -> i64 {
    let Some((unit, give, carry)) = rule.amount.carrying() else { return 0 };
    let counted = |facts: &Facts<'_>| if facts.reaches(rule) { facts.counted(rule) } else { 0 };
    let gone = counted(before).saturating_sub(counted(after));
    let left = earning::carried(draft, carry).saturating_sub(gone);
    // Rounded down, so as many units as bring what is left to 0 or more; and if something is kept again, to less than
    // one.
    let units = left.div_euclid(unit);
    let units = if gone < 0 { units.max(0) } else { units.min(0) }.saturating_neg();
    earning::keep(draft, carry, units.saturating_mul(unit).saturating_sub(gone));
    units.saturating_mul(before.value(give, rule))
}
