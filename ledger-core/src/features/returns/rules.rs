//! Refunds: what is kept earns what it would have earned alone, by the purchase's own program version
//! and facts; the difference goes back. The lots of the purchase give first, then the member's other
//! lots of the same wallet in their order; what is then missing is the wallet's to say.

use crate::features::earning::basket::Basket;
use crate::features::earning::rules::{Facts, is_whole};
use crate::features::merge::rules::moved;
use crate::features::returns::kept::Kept;
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::{Lot, SLICES_MAX, Slice};
use crate::kernel::names::order_hash;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::{Cut, Trace};
use crate::kernel::units::{LotId, MemberNo, Money, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::{Draft, Purchase};
use crate::tables::event::{self, Body, Event, LineName, LinePart, LineRefund, Who};
use crate::tables::fold::move_points;
use crate::tables::member::{LineReturned, Member, PARKED_MAX, Parked, PurchaseRef};
use crate::tables::program::{EarnRule, Negative, Wallet};
use crate::tables::record::{Cause, Record};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// A purchase, and what went back of its lines.
pub(crate) struct Sold<'p> {
    purchase: Purchase<'p>,
    returned: Vec<LineReturned>,
    /// The record that merged whoever bought, if it was not the member itself.
    merge: Option<&'p Record>,
}

/// What goes back by one event.
pub(crate) struct Back {
    /// How much money in all.
    amount: Money,
    /// Of which lines.
    lines: Vec<LineReturned>,
}

impl<'p> Sold<'p> {
    pub(crate) fn new(purchase: Purchase<'p>, member: &Member, merge: Option<&'p Record>) -> Sold<'p> {
        let buyer = purchase.owner.map_or(member, |owner| owner.member);
        let returned = buyer.returned(purchase.known.position).copied().collect();
        Sold { purchase, returned, merge }
    }

    /// The lots that a lot of the purchase may be now.
    pub(crate) fn lots(&self, lot: LotId) -> impl Iterator<Item = LotId> {
        let moved = self.merge.and_then(|merge| moved(merge).find(|(old, _)| old.lot == lot));
        core::iter::once(lot).chain(moved.map(|(_, new)| new.lot))
    }

    /// The postings that made its lots.
    pub(crate) fn made(&self) -> impl Iterator<Item = &'p Posting> {
        self.purchase.record.verdict.postings.iter().filter(|posting| posting.from == Account::Issued)
    }

    /// What is kept once `more` has gone back as well.
    pub(crate) fn keeping(&self, more: &Back) -> Option<Kept> {
        let basket = facts(&self.purchase).basket;
        let refunded = Money(self.purchase.known.refunded.0.saturating_add(more.amount.0));
        let returned = [&self.returned[..], &more.lines].concat();
        Kept::of(basket.lines(), basket.net(), refunded, &returned)
    }

    /// All that did not go back yet.
    pub(crate) fn rest(&self) -> Result<Back, Refusal> {
        let rest = facts(&self.purchase).basket.net().0.saturating_sub(self.purchase.known.refunded.0);
        let back = Back { amount: Money(rest), lines: Vec::new() };
        if rest > 0 { Ok(back) } else { Err(Refusal::RefundOverPaid) }
    }

    /// What a refund of these lines, and of so much money in all, comes to: at least what the lines do.
    pub(crate) fn part(&self, amount: Money, lines: &[LineRefund]) -> Result<Back, Refusal> {
        let before = self.keeping(&Back::NOTHING).ok_or(Refusal::RefundOverLine)?;
        let lines: Result<Vec<_>, _> = lines.iter().map(|line| self.find(line, &before)).collect();
        let mut back = Back { amount: Money(0), lines: lines? };
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

impl Back {
    const NOTHING: Back = Back { amount: Money(0), lines: Vec::new() };
}

/// The facts of a purchase as they were.
fn facts<'a>(purchase: &Purchase<'a>) -> Facts<'a> {
    let basket = match &purchase.record.cause {
        Cause::Event(event) => Basket::of(event),
        Cause::Timer { due, .. } => Basket::empty(*due),
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
        let most = line.granted.max(match line.cut {
            Cut::Beaten { by } => trace.iter().find(|best| best.rule == by).map_or(Points::ZERO, |best| best.granted),
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
    let Some((unit, give, _)) = rule.amount.carrying().filter(|_| is_whole(line.cut)) else { return 0 };
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
pub(crate) struct Due {
    pub(crate) rule: TermNo,
    wallet: TermNo,
    pub(crate) points: Points,
    /// What the rule gives for what is kept.
    kept: Points,
}

/// Points of a group are those of the rule that gave them, whichever is best for what is kept.
fn settle_groups(trace: &[Trace], back: &mut [Due]) {
    for (at, line) in trace.iter().enumerate() {
        let Cut::Beaten { by } = line.cut else { continue };
        let points = back.get_mut(at).map_or(0, |back| core::mem::take(&mut back.points.0));
        if let Some(best) = back.iter_mut().find(|back| back.rule == by) {
            best.points.0 = best.points.0.saturating_add(points);
        }
    }
}

/// A lot that the purchase made, and where it is.
struct Own {
    rule: TermNo,
    wallet: TermNo,
    account: Account,
    lot: Lot,
}

impl<'a> Draft<'a> {
    /// A refund or settlement whose purchase is not known waits for it.
    pub(crate) fn park(&mut self, event: &Event<Who>, order: &str) -> Result<(), Refusal> {
        if self.member.parked_from(self.horizon()).count() >= PARKED_MAX {
            return Err(Refusal::MemberFull);
        }
        self.observe(event)?;
        let (order, day, forget_before) = (order_hash(order), self.today, self.horizon());
        self.change(Change::Parked(change::Parked { member: self.no, order, day, forget_before }));
        Ok(())
    }

    /// What waited for the purchase in this very record: as if each had come right behind it. One that would then have
    /// been refused does nothing, and the record says why. One that happened on an earlier date is of another purchase,
    /// and waits on.
    pub(crate) fn unpark(&mut self, event: &Event<Who>, parked: &[(MemberNo, Parked, Record)]) {
        let Body::Purchase(event::Purchase { order, .. }) = &event.body else { return };
        let (at, cause, verdict) = (self.desk.at, Cause::Event(event.clone()), self.verdict.clone());
        let record = Record { at, program: 0, cause, verdict };
        let (order, position, refunded) = (order_hash(order), self.desk.position, Money(0));
        let known = PurchaseRef { order, position, day: self.day, refunded };
        let mut sold = Sold {
            purchase: Purchase { known, record: &record, program: self.program, owner: None },
            returned: Vec::new(),
            merge: None,
        };
        let (horizon, calendar) = (self.horizon(), &self.program.calendar);
        let is_its = |(_, waiting, late): &&(MemberNo, Parked, Record)| {
            let Cause::Event(late) = &late.cause else { return false };
            waiting.day >= horizon && calendar.day_of(late.occurred_at) >= known.day
        };
        for (whose, waiting, late) in parked.iter().filter(is_its) {
            let before = (self.verdict.clone(), self.first, self.others.clone(), self.metric);
            let refusal = self.catch_up(&mut sold, late).err();
            if refusal.is_some() {
                (self.verdict, self.first, self.others, self.metric) = before;
            }
            self.change(Change::Unparked(change::Unparked { member: *whose, event: waiting.position, refusal }));
        }
    }

    fn catch_up(&mut self, sold: &mut Sold<'_>, late: &Record) -> Result<(), Refusal> {
        if self.day < self.horizon() {
            return Err(Refusal::OrderUnknown);
        }
        let back = match &late.cause {
            Cause::Event(Event { body: Body::Settled(..), .. }) => {
                self.settle_purchase(sold);
                return Ok(());
            }
            Cause::Event(Event { body: Body::Refunded(event::Refunded { amount, lines, .. }), .. }) => {
                sold.part(*amount, lines)?
            }
            _ => sold.rest()?,
        };
        self.refund(sold, &back)?;
        sold.purchase.known.refunded.0 = sold.purchase.known.refunded.0.saturating_add(back.amount.0);
        sold.returned.extend(back.lines);
        Ok(())
    }

    /// The member's row, with what this verdict has moved so far.
    pub(crate) fn row(&self) -> Cow<'a, Member> {
        if self.verdict.postings.is_empty() {
            return Cow::Borrowed(self.member);
        }
        let mut row = self.member.clone();
        // What does not add up here does not fold either, which says where.
        let _ = move_points(&mut row, self.no, &self.verdict.postings);
        Cow::Owned(row)
    }

    pub(crate) fn refund(&mut self, sold: &Sold<'_>, gone: &Back) -> Result<(), Refusal> {
        let Some(owner) = sold.purchase.owner else {
            let back = self.undo(sold, gone)?;
            return self.claw_back(sold, back);
        };
        // What was counted was counted for whoever bought; the points are the member's now.
        let mut buyer = Draft::new(self.desk, self.program, owner, self.desk.at);
        let back = self.lend(&mut buyer, |buyer| {
            let back = buyer.undo(sold, gone);
            buyer.stand();
            back
        });
        self.claw_back(sold, back?)
    }

    /// Counts back what a refund changes; answers what each rule gave too much.
    fn undo(&mut self, sold: &Sold<'_>, gone: &Back) -> Result<Vec<Due>, Refusal> {
        let (purchase, whole) = (&sold.purchase, facts(&sold.purchase));
        let kept = |gone| sold.keeping(gone).ok_or(Refusal::RefundOverLine);
        let (before, after) = (kept(&Back::NOTHING)?, kept(gone)?);
        let before = Facts { basket: whole.basket.keeping(&before), ..whole };
        let after = Facts { basket: whole.basket.keeping(&after), ..whole };
        let trace = &purchase.record.verdict.trace;
        let mut back: Vec<Due> = Vec::with_capacity(trace.len());
        for (line, (had, has)) in trace.iter().zip(earned_by(&before, trace).iter().zip(earned_by(&after, trace))) {
            let rule = purchase.program.earn_rule(line.rule);
            let carrying = rule.filter(|rule| rule.amount.carry().is_some() && is_whole(line.cut));
            let points = match carrying {
                Some(rule) => self.uncarry(rule, &before, &after),
                None => had.granted.0.saturating_sub(has.granted.0),
            };
            let wallet = rule.map_or(purchase.program.wallet.id, |rule| rule.wallet);
            back.push(Due { rule: line.rule, wallet, points: Points(points), kept: has.granted });
        }
        settle_groups(trace, &mut back);
        for Due { rule, points, .. } in &back {
            if let Some(rule) = purchase.program.earn_rule(*rule) {
                let when = (purchase.known.day, &whole.basket);
                self.count_taken_back(rule, when, *points, purchase.program.refund_reopens);
            }
        }
        let (member, amount) = (self.no, gone.amount);
        self.change(Change::Refunded(change::Refunded { member, purchase: purchase.known.position, amount }));
        for LineReturned { purchase, line, items, amount } in gone.lines.iter().copied() {
            self.change(Change::LineReturned(change::LineReturned { member, purchase, line, items, amount }));
        }
        self.measure(purchase.known.day, amount.0.saturating_neg());
        Ok(back)
    }

    /// Takes from what waits for the next purchase, and, as far as that does not reach, whole units: so all
    /// that a member keeps earns as if it were one purchase, whatever was given back in which order.
    fn uncarry(&mut self, rule: &EarnRule, before: &Facts<'_>, after: &Facts<'_>) -> i64 {
        let Some((unit, give, carry)) = rule.amount.carrying() else { return 0 };
        let counted = |facts: &Facts<'_>| if facts.reaches(rule) { facts.counted(rule) } else { 0 };
        let gone = counted(before).saturating_sub(counted(after));
        let left = self.carried(carry).saturating_sub(gone);
        // Rounded down, so as many units as bring what is left to 0 or more.
        let units = left.div_euclid(unit).min(0).saturating_neg();
        self.keep(carry, units.saturating_mul(unit).saturating_sub(gone));
        units.saturating_mul(before.value(give, rule))
    }

    fn claw_back(&mut self, sold: &Sold<'_>, mut back: Vec<Due>) -> Result<(), Refusal> {
        self.take_from_funds(sold.purchase.program, &mut back);
        let row = self.row();
        let mut own: Vec<Own> = sold
            .made()
            .flat_map(|posting| sold.lots(posting.lot).map(move |lot| (posting, lot)))
            .filter_map(|(posting, lot)| {
                let purse = row.purses.of(posting.wallet);
                let available = purse.lots.find(lot).map(|lot| (Account::Available, *lot));
                let pending = || purse.pending().find(lot).map(|lot| (Account::Pending, *lot));
                let review = || purse.review().find(lot).map(|lot| (Account::Review, *lot));
                let found = available.or_else(pending).or_else(review);
                found.map(|(account, lot)| Own { rule: posting.rule, wallet: posting.wallet, account, lot })
            })
            .collect();
        let own_ids: Vec<LotId> = own.iter().map(|own| own.lot.id).collect();
        self.take_contributed(&sold.purchase, &mut back);
        for back in &mut back {
            let rule = back.rule;
            self.take_own(&mut own, back, |own| own.rule == rule);
        }
        for back in &mut back {
            self.take_own(&mut own, back, |_| true);
        }
        let program = self.program;
        program.wallets().try_for_each(|wallet| self.take_others(&row, wallet, &own_ids, &back))
    }

    /// Takes from the household what it would not have got for what is kept.
    fn take_contributed(&mut self, purchase: &Purchase<'_>, back: &mut [Due]) {
        let Some(rules) = purchase.program.household else { return };
        let of_wallet = |due: &&Due| due.wallet == rules.wallet;
        let sum = |points: fn(&Due) -> Points| {
            back.iter().filter(of_wallet).fold(Points::ZERO, |sum, due| Points(sum.0.saturating_add(points(due).0)))
        };
        let (due, kept) = (sum(|due| due.points), sum(|due| due.kept));
        let had = rules.of(Points(kept.0.saturating_add(due.0)));
        let mut due = Points(had.0.saturating_sub(rules.of(kept).0));
        for back in back.iter_mut().filter(|back| back.wallet == rules.wallet) {
            let taken = self.take_from_household(purchase.record, back.wallet, back.rule, back.points.min(due));
            back.points = Points(back.points.0.saturating_sub(taken.0));
            due = Points(due.0.saturating_sub(taken.0));
        }
    }

    /// Takes from the purchase's own lots.
    fn take_own(&mut self, own: &mut [Own], back: &mut Due, of: impl Fn(&Own) -> bool) {
        for own in own.iter_mut().filter(|own| own.wallet == back.wallet && of(own)) {
            let taken = own.lot.left.min(back.points);
            self.post(own.wallet, (own.account, Account::ClawedBack), Slice { left: taken, ..own.lot }, back.rule);
            own.lot.left = Points(own.lot.left.0.saturating_sub(taken.0));
            back.points = Points(back.points.0.saturating_sub(taken.0));
        }
    }

    /// Takes what is still missing from a wallet's other lots; what they do not have is owed, let go or
    /// forbidden, as the wallet says.
    fn take_others(&mut self, row: &Member, wallet: &Wallet, own: &[LotId], back: &[Due]) -> Result<(), Refusal> {
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
        for Due { rule, points, .. } in back() {
            let mut points = *points;
            while !points.is_zero() {
                let Some(current) = slice.take().or_else(|| others.next()) else { break };
                let taken = current.left.min(points);
                let way = (Account::Available, Account::ClawedBack);
                self.post(wallet.id, way, Slice { left: taken, ..current }, *rule);
                points = Points(points.0.saturating_sub(taken.0));
                let left = Points(current.left.0.saturating_sub(taken.0));
                slice = (!left.is_zero()).then_some(Slice { left, ..current });
            }
            if wallet.negative == Negative::Clamp && !points.is_zero() {
                self.trace(*rule, Points(points.0.saturating_neg()), Points::ZERO, Cut::Clamped);
                continue;
            }
            self.post(wallet.id, (Account::Debt, Account::ClawedBack), Slice::in_no_lot(points), *rule);
        }
        Ok(())
    }
}
