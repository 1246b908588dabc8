//! Two members that are one, and unmerging them.
//!
//! A merge moves the points of one member, lot by lot, to the other, and its names stand for the other from then on;
//! its row sleeps. So unmerging gives back what is left of each lot, and the row wakes as it was: together they leave
//! what there would be without them, but for what happened in between, which is the other's.

use crate::features::membership::rules as life;
use crate::features::merge::state::MERGED_MAX;
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::{Lot, SLICES_MAX, Slice};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::change::LifeChange;
use crate::tables::draft::{Draft, Party};
use crate::tables::event::{Event, Who};
use crate::tables::member::{Member, Purse};
use crate::tables::record::Record;
use alloc::vec::Vec;

/// What a merge moved: the posting that took each lot, and the one that put it down.
pub(crate) fn moved(merge: &Record) -> impl Iterator<Item = (&Posting, &Posting)> {
    let taken = merge.verdict.postings.iter().filter(|posting| posting.to == Account::Moved);
    taken.zip(merge.verdict.postings.iter().filter(|posting| posting.from == Account::Moved))
}

/// Whether a member owes points or is in an open case.
fn is_unsettled(member: &Member) -> bool {
    !member.cases.is_empty()
        || !member.exchanges().is_empty()
        || member.purses.iter().any(|purse| !purse.debt.is_zero() || !purse.review().is_empty())
}

/// What a purse has that is not held: what can be spent, and what waits until it can.
fn lots_of(purse: &Purse) -> impl Iterator<Item = (TermNo, Account, Lot)> {
    let available = purse.lots.iter().map(|lot| (purse.wallet, Account::Available, *lot));
    available.chain(purse.pending().iter().map(|lot| (purse.wallet, Account::Pending, *lot)))
}

impl<'a> Draft<'a> {
    pub(crate) fn merge(&mut self, event: &Event<Who>, other: Option<Party<'a>>) -> Result<(), Refusal> {
        let other = other.ok_or(Refusal::MemberUnknown)?;
        if other.no == self.no {
            return Err(Refusal::MergeWithSelf);
        }
        if life::is_frozen(self.member) {
            return Err(Refusal::MemberFrozen);
        }
        if life::is_frozen(other.member) || other.member.closed_at().is_some() {
            return Err(Refusal::RecipientBlocked);
        }
        if !other.member.absorbed().is_empty() {
            return Err(Refusal::MergeChained);
        }
        if !other.member.holds.is_empty() {
            return Err(Refusal::HoldsOpen);
        }
        let proposed = other.member.open_proposals(self.desk.at).next().is_some();
        let shares = other.member.household().is_some() || !other.member.household_members().is_empty();
        if shares || is_unsettled(self.member) || is_unsettled(other.member) || proposed {
            return Err(Refusal::MergeUnsettled);
        }
        if self.member.absorbed().len() >= MERGED_MAX {
            return Err(Refusal::MemberFull);
        }
        let brought: Vec<(TermNo, Account, Lot)> = other.member.purses.iter().flat_map(lots_of).collect();
        if brought.len() > SLICES_MAX {
            return Err(Refusal::TooManyLots);
        }
        for wallet in self.program.wallets() {
            let given: Vec<Slice> = brought.iter().filter(|(of, ..)| *of == wallet.id).map(|(.., lot)| *lot).collect();
            self.may_receive(wallet, &given)?;
        }
        self.observe(event)?;
        let mut giver = Draft::new(self.desk, self.program, other, self.desk.at);
        for lot in brought {
            self.hand_over(&mut giver, lot);
        }
        giver.live(LifeChange::MergedInto(change::MergedInto { member: self.no }));
        self.verdict.changes.append(&mut giver.verdict.changes);
        self.live(LifeChange::Absorbed(change::Absorbed { member: other.no }));
        Ok(())
    }

    /// Takes a lot from the giver and puts it down here: a new one with the old date, as when points are given. A lot
    /// that dies with the giver's spell joins this member's, if that ends no sooner. What waits waits on.
    fn hand_over(&mut self, giver: &mut Draft<'_>, (wallet, account, lot): (TermNo, Account, Lot)) {
        self.lend(giver, |giver| giver.post(wallet, (account, Account::Moved), lot, TermNo::NONE));
        let purse = giver.member.purses.of(wallet);
        let (dies_at, waits_until) = (purse.dies_at(&lot), purse.waits_until(lot.id));
        let spell = self.member.purses.of(wallet).spell().map_or(At::NEVER, |spell| spell.until);
        let joins = lot.expires_at == At::WITH_SPELL && (dies_at..At::NEVER).contains(&spell);
        let expires_at = if joins { At::WITH_SPELL } else { dies_at };
        let lot = Slice { id: self.new_lot(), expires_at, ..lot };
        self.post(wallet, (Account::Moved, account), lot, TermNo::NONE);
        if let Some(until) = waits_until {
            self.wait(wallet, lot.id, until);
        }
    }

    pub(crate) fn unmerge(
        &mut self,
        event: &Event<Who>,
        other: Option<Party<'a>>,
        merge: Option<&Record>,
    ) -> Result<(), Refusal> {
        let other = other.ok_or(Refusal::MemberUnknown)?;
        let merge = merge.filter(|_| other.member.merged_into() == Some(self.no)).ok_or(Refusal::NotMerged)?;
        if life::is_frozen(self.member) {
            return Err(Refusal::MemberFrozen);
        }
        if !self.member.holds.is_empty() {
            return Err(Refusal::HoldsOpen);
        }
        if !self.member.exchanges().is_empty() {
            return Err(Refusal::ExchangesOpen);
        }
        self.observe(event)?;
        let mut getter = Draft::new(self.desk, self.program, other, self.desk.at);
        let mut lots: Vec<(TermNo, Account, Lot)> = self.member.purses.iter().flat_map(lots_of).collect();
        lots.sort_unstable_by_key(|(.., lot)| lot.id);
        for (old, new) in moved(merge) {
            let left = lots.binary_search_by_key(&new.lot, |(.., lot)| lot.id).ok().and_then(|at| lots.get(at));
            let Some((_, account, lot)) = left else { continue };
            let (from, to) = (self.member.purses.of(new.wallet), other.member.purses.of(old.wallet));
            self.post(new.wallet, (*account, Account::Moved), *lot, TermNo::NONE);
            // What lived on here does not die of the sleep of its own spell.
            let back = Slice { expires_at: old.expires_at, id: old.lot, left: lot.left };
            let expires_at = if getter.is_dead(to, &back) { from.dies_at(lot) } else { back.expires_at };
            self.lend(&mut getter, |getter| {
                getter.post(old.wallet, (Account::Moved, *account), Slice { expires_at, ..back }, TermNo::NONE);
                if let Some(until) = from.waits_until(lot.id) {
                    getter.wait(old.wallet, back.id, until);
                }
            });
        }
        self.change(Change::Life(change::Life { member: other.no, change: LifeChange::Unmerged(change::Unmerged) }));
        self.live(LifeChange::Released(change::Released { member: other.no }));
        Ok(())
    }
}
