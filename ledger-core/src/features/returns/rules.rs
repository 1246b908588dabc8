//! Refunds: what is kept earns what it would have earned alone, by the purchase's own program version
//! and facts; the difference goes back. The lots of the purchase give first, then the member's other
//! lots of the same wallet in their order; what is then missing is the wallet's to say.

use crate::features::earning::basket::Basket;
use crate::features::earning::kept::Kept;
use crate::features::earning::limits;
use crate::features::earning::rules::{self as earning, Facts, is_whole};
use crate::features::funds::rules as funds;
use crate::features::household::rules as household;
use crate::features::merge::rules::moved;
use crate::features::pending::rules as pending;
use crate::features::risk::rules as risk;
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::{Lot, SLICES_MAX, Slice};
use crate::kernel::names::Found;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::{Adjustment, Trace};
use crate::kernel::units::{LotId, MemberNo, Money, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::desk::{Purchase, References, Subject};
use crate::tables::draft::{Draft, Effect};
use crate::tables::event::{self, Body, Event, LineName, LinePart, LineRefund, MemberRef};
use crate::tables::member::{DEFERRED_MAX, Deferred, LineReturned, Member, PurchaseRef};
use crate::tables::program::{EarnRule, Negative, Program, Wallet};
use crate::tables::record::{Cause, Record};
use alloc::vec::Vec;

/// A purchase, and what went back of its lines.
struct PurchaseState<'p> {
    purchase: Purchase<'p>,
    returned: Vec<LineReturned>,
    /// The record that merged whoever bought, if it was not the member itself.
    merge: Option<&'p Record>,
}

/// What goes back by one event.
struct RefundAmount {
    /// How much money in all.
    amount: Money,
    /// Of which lines.
    lines: Vec<LineReturned>,
}

impl<'p> PurchaseState<'p> {
    fn new(draft: &Draft<'p>, purchase: Purchase<'p>, merge: Option<&'p Record>) -> PurchaseState<'p> {
        let buyer = purchase.owner.map_or_else(|| draft.member(), |owner| draft.beside(owner).member());
        let returned = buyer.returned(purchase.known.position).copied().collect();
        PurchaseState { purchase, returned, merge }
    }

    /// The lots that a lot of the purchase may be now.
    fn lots(&self, lot: LotId) -> impl Iterator<Item = LotId> {
        let moved = self.merge.and_then(|merge| moved(merge).find(|(old, _)| old.lot == lot));
        core::iter::once(lot).chain(moved.map(|(_, new)| new.lot))
    }

    /// The lots that it made, with their wallets, as they may be now.
    fn all_lots(&self) -> impl Iterator<Item = (TermNo, LotId)> {
        self.made().flat_map(|posting| self.lots(posting.lot).map(move |lot| (posting.wallet, lot)))
    }

    /// The postings that made its lots.
    fn made(&self) -> impl Iterator<Item = &'p Posting> {
        self.purchase.record.verdict.postings.iter().filter(|posting| posting.from == Account::Issued)
    }

    /// What is kept once `more` has gone back as well.
    fn keeping(&self, more: &RefundAmount) -> Option<Kept> {
        let basket = facts(&self.purchase).basket;
        let refunded = Money(self.purchase.known.refunded.0.saturating_add(more.amount.0));
        let returned = [&self.returned[..], &more.lines].concat();
        Kept::of(basket.lines(), basket.net(), refunded, &returned)
    }

    /// All that did not go back yet.
    fn rest(&self) -> Result<RefundAmount, Refusal> {
        let rest = facts(&self.purchase).basket.net().0.saturating_sub(self.purchase.known.refunded.0);
        let back = RefundAmount { amount: Money(rest), lines: Vec::new() };
        if rest > 0 { Ok(back) } else { Err(Refusal::RefundOverPaid) }
    }

    /// What a refund of these lines, and of so much money in all, comes to: at least what the lines do.
    fn part(&self, amount: Money, lines: &[LineRefund]) -> Result<RefundAmount, Refusal> {
        let before = self.keeping(&RefundAmount::NOTHING).ok_or(Refusal::RefundOverLine)?;
        let lines: Result<Vec<_>, _> = lines.iter().map(|line| self.find(line, &before)).collect();
        let mut back = RefundAmount { amount: Money(0), lines: lines? };
        let after = self.keeping(&back).ok_or(Refusal::RefundOverLine)?;
        back.amount = amount.max(Money(before.left.0.saturating_sub(after.left.0)));
        if back.amount > before.net { Err(Refusal::RefundOverPaid) } else { Ok(back) }
    }

    fn find(&self, refund: &LineRefund, before: &Kept) -> Result<LineReturned, Refusal> {
        let lines = facts(&self.purchase).basket.lines();
        let place = match &refund.line {
            LineName::Place(place) => usize::from(*place),
            LineName::Sku(sku) => {
                let mut same = (0..).zip(lines).filter(|(_, line)| line.sku == *sku).map(|(place, _)| place);
                same.next().filter(|_| same.next().is_none()).ok_or(Refusal::LineUnknown)?
            }
        };
        let bought = lines.get(place).ok_or(Refusal::LineUnknown)?;
        let line = u16::try_from(place).map_err(|_| Refusal::LineUnknown)?;
        let (items, amount) = match refund.part {
            LinePart::Items(items) => (items, Money(0)),
            LinePart::Amount(amount) if amount.0 > before.price_of(place, bought) => {
                return Err(Refusal::RefundOverLine);
            }
            LinePart::Amount(amount) => (0, amount),
        };
        Ok(LineReturned { purchase: self.purchase.known.position, line, items, amount })
    }
}

impl RefundAmount {
    const NOTHING: RefundAmount = RefundAmount { amount: Money(0), lines: Vec::new() };
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

/// What a refund takes back of one rule.
struct Clawback {
    rule: TermNo,
    wallet: TermNo,
    points: Points,
    /// What the rule gives for what is kept.
    kept: Points,
}

/// Points of a group are those of the rule that gave them, whichever is best for what is kept.
fn settle_groups(trace: &[Trace], back: &mut [Clawback]) {
    for (at, line) in trace.iter().enumerate() {
        let Adjustment::Beaten { by } = line.adjustment else { continue };
        let points = back.get_mut(at).map_or(0, |back| core::mem::take(&mut back.points.0));
        if let Some(best) = back.iter_mut().find(|back| back.rule == by) {
            best.points.0 = best.points.0.saturating_add(points);
        }
    }
}

/// A lot that the purchase made, and where it is.
struct OwnLot {
    rule: TermNo,
    wallet: TermNo,
    account: Account,
    lot: Lot,
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
    let Some(purchase) = found(draft, parties) else { return defer(draft, event, &said.order) };
    let sold = PurchaseState::new(draft, purchase, parties.merge);
    let part = sold.part(said.amount, &said.lines)?;
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
    pending::settle(draft, sold.all_lots());
    Ok(())
}

/// A refund or settlement whose purchase is not known waits for it.
fn defer(draft: &mut Draft<'_>, event: &Event<MemberRef>, order: &str) -> Result<(), Refusal> {
    if draft.member().deferred_from(draft.horizon()).count() >= DEFERRED_MAX {
        return Err(Refusal::MemberLimitReached);
    }
    risk::observe(draft, event, Points::ZERO)?;
    let (order, day, forget_before) = (draft.short(Found::Order, order), draft.today(), draft.horizon());
    draft.change(Change::Deferred(change::Deferred { member: draft.no(), order, day, forget_before }));
    Ok(())
}

/// What waited for the purchase in this very record: as if each had come right behind it. One that would then have
/// been refused does nothing, and the record says why. One that happened on an earlier date is of another purchase,
/// and waits on.
pub(crate) fn resume_deferred(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Purchase,
    deferred: &[(MemberNo, Deferred, Record)],
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
    let (horizon, calendar) = (draft.horizon(), &draft.program().calendar);
    let is_its = |(_, waiting, late): &&(MemberNo, Deferred, Record)| {
        let Cause::Event(late) = late.cause() else { return false };
        waiting.day >= horizon && calendar.day_of(late.occurred_at) >= known.day
    };
    for (whose, waiting, late) in deferred.iter().filter(is_its) {
        let refusal = draft.attempt(|draft| catch_up(draft, &mut sold, late));
        draft.lend_to_no(*whose, |owner| {
            let (member, event) = (owner.no(), waiting.position);
            owner.change(Change::DeferredApplied(change::DeferredApplied { member, event, refusal }));
        });
    }
}

fn catch_up(draft: &mut Draft<'_>, sold: &mut PurchaseState<'_>, late: &Record) -> Result<(), Refusal> {
    if draft.day() < draft.horizon() {
        return Err(Refusal::OrderUnknown);
    }
    let back = match late.cause() {
        Cause::Event(Event { body: Body::Settled(..), .. }) => {
            pending::settle(draft, sold.all_lots());
            return Ok(());
        }
        Cause::Event(Event { body: Body::Refunded(event::Refunded { amount, lines, .. }), .. }) => {
            sold.part(*amount, lines)?
        }
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
    let (purchase, whole) = (&sold.purchase, facts(&sold.purchase));
    let kept = |gone| sold.keeping(gone).ok_or(Refusal::RefundOverLine);
    let (before, after) = (kept(&RefundAmount::NOTHING)?, kept(gone)?);
    let before = Facts { basket: whole.basket.keeping(&before), ..whole };
    let after = Facts { basket: whole.basket.keeping(&after), ..whole };
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
    let (member, amount) = (draft.no(), gone.amount);
    draft.change(Change::Refunded(change::Refunded { member, purchase: purchase.known.position, amount }));
    for LineReturned { purchase, line, items, amount } in gone.lines.iter().copied() {
        draft.change(Change::LineReturned(change::LineReturned { member, purchase, line, items, amount }));
    }
    earning::measure(draft, purchase.known.day, amount.0.saturating_neg());
    Ok(back)
}

/// Takes from what waits for the next purchase, and, as far as that does not reach, whole units: so all
/// that a member keeps earns as if it were one purchase, whatever was given back in which order.
fn uncarry(draft: &mut Draft<'_>, rule: &EarnRule, before: &Facts<'_>, after: &Facts<'_>) -> i64 {
    let Some((unit, give, carry)) = rule.amount.carrying() else { return 0 };
    let counted = |facts: &Facts<'_>| if facts.reaches(rule) { facts.counted(rule) } else { 0 };
    let gone = counted(before).saturating_sub(counted(after));
    let left = earning::carried(draft, carry).saturating_sub(gone);
    // Rounded down, so as many units as bring what is left to 0 or more.
    let units = left.div_euclid(unit).min(0).saturating_neg();
    earning::keep(draft, carry, units.saturating_mul(unit).saturating_sub(gone));
    units.saturating_mul(before.value(give, rule))
}

fn claw_back(draft: &mut Draft<'_>, sold: &PurchaseState<'_>, mut back: Vec<Clawback>) -> Result<(), Refusal> {
    take_from_funds(draft, sold.purchase.program, &mut back);
    let row = draft.row();
    let mut own: Vec<OwnLot> = sold
        .made()
        .flat_map(|posting| sold.lots(posting.lot).map(move |lot| (posting, lot)))
        .filter_map(|(posting, lot)| {
            let purse = row.purses.of(posting.wallet);
            let available = purse.lots.find(lot).map(|lot| (Account::Available, *lot));
            let pending = || purse.pending().find(lot).map(|lot| (Account::Pending, *lot));
            let review = || purse.review().find(lot).map(|lot| (Account::Review, *lot));
            let found = available.or_else(pending).or_else(review);
            found.map(|(account, lot)| OwnLot { rule: posting.rule, wallet: posting.wallet, account, lot })
        })
        .collect();
    let own_ids: Vec<LotId> = own.iter().map(|own| own.lot.id).collect();
    take_contributed(draft, &sold.purchase, &mut back);
    for back in &mut back {
        let rule = back.rule;
        take_own(draft, &mut own, back, |own| own.rule == rule);
    }
    for back in &mut back {
        take_own(draft, &mut own, back, |_| true);
    }
    let program = draft.program();
    program.wallets().try_for_each(|wallet| take_others(draft, &row, wallet, &own_ids, &back))
}

/// Takes from funds what a purchase gave them too much; what is due from the member stays due.
fn take_from_funds(draft: &mut Draft<'_>, program: &Program, back: &mut [Clawback]) {
    for due in back.iter_mut().filter(|due| !due.points.is_zero()) {
        let Some(fund) = program.earn_rule(due.rule).and_then(|rule| program.fund_of(rule)) else { continue };
        funds::take_back(draft, due.rule, fund, core::mem::take(&mut due.points));
    }
}

/// Takes from the household what it would not have got for what is kept.
fn take_contributed(draft: &mut Draft<'_>, purchase: &Purchase<'_>, back: &mut [Clawback]) {
    let Some(rules) = purchase.program.household else { return };
    let of_wallet = |due: &&Clawback| due.wallet == rules.wallet;
    let sum = |points: fn(&Clawback) -> Points| {
        back.iter().filter(of_wallet).fold(Points::ZERO, |sum, due| Points(sum.0.saturating_add(points(due).0)))
    };
    let (due, kept) = (sum(|due| due.points), sum(|due| due.kept));
    let had = household::share_of(&rules, Points(kept.0.saturating_add(due.0)));
    let mut due = Points(had.0.saturating_sub(household::share_of(&rules, kept).0));
    for back in back.iter_mut().filter(|back| back.wallet == rules.wallet) {
        let taken = household::take_back(draft, purchase.record, back.wallet, back.rule, back.points.min(due));
        back.points = Points(back.points.0.saturating_sub(taken.0));
        due = Points(due.0.saturating_sub(taken.0));
    }
}

/// Takes from the purchase's own lots.
fn take_own(draft: &mut Draft<'_>, own: &mut [OwnLot], back: &mut Clawback, of: impl Fn(&OwnLot) -> bool) {
    for own in own.iter_mut().filter(|own| own.wallet == back.wallet && of(own)) {
        let taken = own.lot.left.min(back.points);
        draft.post(own.wallet, (own.account, Account::ClawedBack), Slice { left: taken, ..own.lot }, back.rule);
        own.lot.left = Points(own.lot.left.0.saturating_sub(taken.0));
        back.points = Points(back.points.0.saturating_sub(taken.0));
    }
}

/// Takes what is still missing from a wallet's other lots; what they do not have is owed, let go or
/// forbidden, as the wallet says.
fn take_others(
    draft: &mut Draft<'_>,
    row: &Member,
    wallet: &Wallet,
    own: &[LotId],
    back: &[Clawback],
) -> Result<(), Refusal> {
    let back = || back.iter().filter(|back| back.wallet == wallet.id && !back.points.is_zero());
    let all = Points(back().fold(0, |sum, back| back.points.0.saturating_add(sum)));
    if all.is_zero() {
        return Ok(());
    }
    let is_own = |lot: &Lot| own.contains(&lot.id);
    let purse = row.purses.of(wallet.id);
    let others = match purse.quote(all, is_own) {
        Ok(slices) => slices,
        Err(_) if wallet.negative == Negative::Forbid => return Err(Refusal::NotEnoughPoints),
        Err(fewer) => purse.quote(fewer, is_own).unwrap_or_default(),
    };
    let mut others = others.into_iter().take(SLICES_MAX);
    let mut slice: Option<Slice> = None;
    for Clawback { rule, points, .. } in back() {
        let mut points = *points;
        while !points.is_zero() {
            let Some(current) = slice.take().or_else(|| others.next()) else { break };
            let taken = current.left.min(points);
            let way = (Account::Available, Account::ClawedBack);
            draft.post(wallet.id, way, Slice { left: taken, ..current }, *rule);
            points = Points(points.0.saturating_sub(taken.0));
            let left = Points(current.left.0.saturating_sub(taken.0));
            slice = (!left.is_zero()).then_some(Slice { left, ..current });
        }
        if wallet.negative == Negative::Clamp && !points.is_zero() {
            draft.trace(*rule, Points(points.0.saturating_neg()), Points::ZERO, Adjustment::Clamped);
            continue;
        }
        draft.post(wallet.id, (Account::Debt, Account::ClawedBack), Slice::in_no_lot(points), *rule);
    }
    Ok(())
}
