//! Spending: redeem at once, or hold, extend, capture and void. Which lots go first is the wallet's to say.

use crate::features::items::rules::Bought;
use crate::features::risk::change::Action;
use crate::features::spending::redemption::hash_of;
use crate::kernel::account::Account;
use crate::kernel::lots::{SLICES_MAX, Slice};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Money, Points, Position, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use crate::tables::event::{Event, Finding, Wanted, Who};
use crate::tables::member::{HOLDS_MAX, Hold, Purse};
use crate::tables::program::{SpendOrder, Wallet, WalletKind};
use alloc::vec::Vec;

/// The slices that spending `points` takes, in the order of their wallet, or how many points there are if too few.
pub(crate) fn in_spend_order(wallet: &Wallet, purse: &Purse, points: Points) -> Result<Vec<Slice>, Points> {
    match wallet.spend {
        SpendOrder::SoonestExpiry => purse.quote(points, |_| false),
        SpendOrder::Oldest => purse.lots.quote_oldest(points),
    }
}

/// Points that may be spent, and what for.
pub(crate) struct Spending<'a> {
    wallet: &'a Wallet,
    points: Points,
    order: u64,
    item: Option<Bought<'a>>,
}

impl<'a> Draft<'a> {
    /// What may be spent, whatever the balance: as the item and the wallet ask for.
    pub(crate) fn spending(
        &mut self,
        wallet: &str,
        points: Points,
        order: &str,
        (total, wanted): (Option<Money>, Option<&Wanted>),
    ) -> Result<Spending<'a>, Refusal> {
        let item = wanted.map(|wanted| self.buys(wallet, points, wanted)).transpose()?;
        let (wallet, points) = match &item {
            Some(bought) => (self.program.wallet(bought.item.wallet), bought.cost()),
            None => (self.spendable(wallet)?, points),
        };
        self.redeemable(wallet, points, order, total)?;
        Ok(Spending { wallet, points, order: hash_of(order), item })
    }

    pub(crate) fn redeem(&mut self, event: &Event<Who>, spending: &Spending<'a>) -> Result<(), Refusal> {
        let Spending { wallet, points, order, item } = spending;
        let slices = self.quote(wallet, *points)?;
        self.observe(event)?;
        self.post_all(wallet.id, (Account::Available, Account::Redeemed), &slices, TermNo::NONE);
        item.iter().for_each(|bought| self.take_pieces(bought));
        self.redeemed((wallet.id, *order, self.today), *points, item.as_ref().map(Bought::piece));
        Ok(())
    }

    /// The wallet of this name, the first if it is empty, if its points can be spent.
    pub(crate) fn spendable(&self, name: &str) -> Result<&'a Wallet, Refusal> {
        let program = self.program;
        let named = |wallet: &&Wallet| name.is_empty() || self.desk.state.term(wallet.id) == name;
        let wallet = program.wallets().find(named).ok_or(Refusal::WalletUnknown)?;
        if wallet.kind == WalletKind::Tier { Err(Refusal::WalletNotSpendable) } else { Ok(wallet) }
    }

    pub(crate) fn hold(
        &mut self,
        event: &Event<Who>,
        name: &str,
        Spending { wallet, points, order, item }: &Spending<'a>,
        ttl_ms: Option<i64>,
    ) -> Result<(), Refusal> {
        if self.member.hold(name).is_some() || self.was_held(name) {
            return Err(Refusal::HoldExists);
        }
        if self.member.holds.len() >= HOLDS_MAX {
            return Err(Refusal::MemberFull);
        }
        let slices = self.quote(wallet, *points)?;
        self.observe(event)?;
        item.iter().for_each(|bought| self.take_pieces(bought));
        let no = self.member.holds_made.saturating_add(1);
        let (expires_at, order, day) = (self.held_until(wallet, ttl_ms), *order, self.today);
        let (member, wallet, name, item) = (self.no, wallet.id, name.into(), item.as_ref().map(Bought::piece));
        self.change(Change::HoldOpened(change::HoldOpened { member, no, wallet, name, expires_at, order, day, item }));
        self.post_all(wallet, (Account::Available, Account::Held(no)), &slices, TermNo::NONE);
        Ok(())
    }

    pub(crate) fn capture(
        &mut self,
        event: &Event<Who>,
        name: &str,
        points: Option<Points>,
        last: bool,
    ) -> Result<(), Refusal> {
        let hold = self.open_hold(name)?;
        let held = hold.points();
        let points = points.unwrap_or(held);
        if points > held {
            return Err(Refusal::CaptureOverHold);
        }
        self.is_whole(hold, points)?;
        self.observe(event)?;
        let (spent, rest) = split(hold, points);
        self.post_all(hold.wallet, (Account::Held(hold.no), Account::Redeemed), &spent, TermNo::NONE);
        if last {
            self.let_go((hold.wallet, Account::Held(hold.no)), &rest);
            self.let_pieces_go(hold, Points(held.0.saturating_sub(points.0)));
        }
        self.redeemed((hold.wallet, hold.order, hold.day), points, hold.item);
        if last || rest.is_empty() {
            self.change(Change::HoldClosed(change::HoldClosed { member: self.no, no: hold.no }));
        }
        Ok(())
    }

    pub(crate) fn extend(&mut self, event: &Event<Who>, name: &str, ttl_ms: Option<i64>) -> Result<(), Refusal> {
        let hold = self.open_hold(name)?;
        self.observe(event)?;
        let expires_at = self.held_until(self.program.wallet(hold.wallet), ttl_ms);
        self.change(Change::HoldExtended(change::HoldExtended { member: self.no, no: hold.no, expires_at }));
        Ok(())
    }

    fn held_until(&self, wallet: &Wallet, ttl_ms: Option<i64>) -> At {
        self.desk.at.plus_ms(ttl_ms.unwrap_or(wallet.hold_ms))
    }

    pub(crate) fn void(&mut self, event: &Event<Who>, name: &str) -> Result<(), Refusal> {
        let hold = self.open_hold(name)?;
        self.observe(event)?;
        self.release(hold);
        Ok(())
    }

    /// Lets go of everything held.
    pub(crate) fn release(&mut self, hold: &Hold) {
        let (_, rest) = split(hold, Points::ZERO);
        self.let_go((hold.wallet, Account::Held(hold.no)), &rest);
        self.let_pieces_go(hold, hold.points());
        self.change(Change::HoldClosed(change::HoldClosed { member: self.no, no: hold.no }));
    }

    /// What becomes of the member's points in review when `case` is resolved: void at once if it was
    /// fraud; available if it was the last case that keeps them, or pending if they wait besides.
    pub(crate) fn end_review(&mut self, case: Position, finding: Finding) {
        let keeps = |other: &Position| {
            let cases = &self.desk.state.cases;
            *other != case && cases.get(other).is_some_and(|other| other.opened.action == Action::Review)
        };
        let rule = self.desk.state.cases.get(&case).map_or(TermNo::NONE, |case| case.opened.rule);
        let member = self.member;
        for purse in member.purses.iter() {
            let lots: Vec<Slice> = purse.review().iter().copied().collect();
            match finding {
                Finding::Fraud => self.post_all(purse.wallet, (Account::Review, Account::Voided), &lots, rule),
                Finding::Legitimate if member.cases.iter().any(keeps) => {}
                Finding::Legitimate => {
                    for lot in lots {
                        if purse.waits_until(lot.id).is_some_and(|until| until > self.counted_at) {
                            self.post(purse.wallet, (Account::Review, Account::Pending), lot, rule);
                            continue;
                        }
                        let left = self.repay(purse.wallet, Account::Review, rule, lot.left, Some(lot));
                        let rest = Slice { left, ..lot };
                        self.post(purse.wallet, (Account::Review, Account::Available), rest, rule);
                    }
                }
            }
        }
    }

    pub(crate) fn quote(&self, wallet: &Wallet, points: Points) -> Result<Vec<Slice>, Refusal> {
        let slices = in_spend_order(wallet, self.member.purses.of(wallet.id), points);
        let slices = slices.map_err(|_| Refusal::NotEnoughPoints)?;
        if slices.len() > SLICES_MAX { Err(Refusal::TooManyLots) } else { Ok(slices) }
    }

    fn open_hold(&self, name: &str) -> Result<&'a Hold, Refusal> {
        let closed = if self.was_held(name) { Refusal::HoldClosed } else { Refusal::HoldUnknown };
        self.member.hold(name).ok_or(closed)
    }

    fn was_held(&self, name: &str) -> bool {
        self.member.closed_holds.iter().any(|closed| **closed == *name)
    }
}

/// The first `points` of what a hold still holds, and the rest.
fn split(hold: &Hold, points: Points) -> (Vec<Slice>, Vec<Slice>) {
    split_slices(hold.slices.iter().filter(|slice| !slice.left.is_zero()), points)
}

/// The first `points` of some slices, and the rest.
pub(crate) fn split_slices<'s>(slices: impl Iterator<Item = &'s Slice>, points: Points) -> (Vec<Slice>, Vec<Slice>) {
    let (mut spent, mut rest) = (Vec::new(), Vec::new());
    let mut missing = points;
    for slice in slices {
        let taken = slice.left.min(missing);
        missing = Points(missing.0.saturating_sub(taken.0));
        if !taken.is_zero() {
            spent.push(Slice { left: taken, ..*slice });
        }
        let left = Points(slice.left.0.saturating_sub(taken.0));
        if !left.is_zero() {
            rest.push(Slice { left, ..*slice });
        }
    }
    (spent, rest)
}
