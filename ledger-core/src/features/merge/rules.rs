//! Two members that are one, and unmerging them.
//!
//! A merge moves the points of one member, lot by lot, to the other, and its names stand for the other from then on;
//! its row sleeps. So unmerging gives back what is left of each lot, and the row wakes as it was: together they leave
//! what there would be without them, but for what happened in between, which is the other's.

use crate::features::expiry::rules as expiry;
use crate::features::membership::rules as life;
use crate::features::merge::state::MERGED_MAX;
use crate::features::pending::rules as pending;
use crate::features::risk::rules as risk;
use crate::features::wallets::rules as wallets;
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::{Lot, SLICES_MAX, Slice};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Points, TermNo};
use crate::tables::change;
use crate::tables::change::LifeChange;
use crate::tables::desk::Subject;
use crate::tables::draft::Draft;
use crate::tables::event::{Event, MemberRef};
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

/// A control: another member is this one as well.
pub(crate) fn merge<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    other: Option<Subject<'a>>,
) -> Result<(), Refusal> {
    let mut giver = draft.beside(other.ok_or(Refusal::MemberUnknown)?);
    let other = giver.member();
    if giver.no() == draft.no() {
        return Err(Refusal::MergeWithSelf);
    }
    if life::is_frozen(draft.member()) {
        return Err(Refusal::MemberFrozen);
    }
    if life::is_frozen(other) || other.closed_at().is_some() {
        return Err(Refusal::RecipientBlocked);
    }
    if !other.absorbed().is_empty() {
        return Err(Refusal::MergeChained);
    }
    if !other.holds.is_empty() {
        return Err(Refusal::HoldsOpen);
    }
    let proposed = other.open_proposals(draft.at()).next().is_some();
    let shares = other.household().is_some() || !other.household_members().is_empty();
    if shares || is_unsettled(draft.member()) || is_unsettled(other) || proposed {
        return Err(Refusal::MergePrecondition);
    }
    if draft.member().absorbed().len() >= MERGED_MAX {
        return Err(Refusal::MemberLimitReached);
    }
    let mut brought: Vec<(TermNo, Account, Lot)> = other.purses.iter().flat_map(lots_of).collect();
    // Lots are numbered anew: those that were older stay older than the others.
    brought.sort_by_key(|(.., lot)| lot.id);
    if brought.len() > SLICES_MAX {
        return Err(Refusal::TooManyLots);
    }
    for wallet in draft.program().wallets() {
        let given: Vec<Slice> = brought.iter().filter(|(of, ..)| *of == wallet.id).map(|(.., lot)| *lot).collect();
        wallets::may_receive(draft, wallet, &given)?;
    }
    risk::observe(draft, event, Points::ZERO)?;
    for lot in brought {
        hand_over(draft, &mut giver, lot);
    }
    let merged = LifeChange::MergedInto(change::MergedInto { member: draft.no() });
    draft.lend(&mut giver, |giver| giver.live(merged));
    draft.live(LifeChange::Absorbed(change::Absorbed { member: giver.no() }));
    Ok(())
}

/// Takes a lot from the giver and puts it down here: a new one with the old date, as when points are given. A lot
/// that dies with the giver's spell joins this member's, if that ends no sooner. What waits waits on.
fn hand_over<'a>(draft: &mut Draft<'a>, giver: &mut Draft<'a>, (wallet, account, lot): (TermNo, Account, Lot)) {
    draft.lend(giver, |giver| giver.post(wallet, (account, Account::Moved), lot, TermNo::NONE));
    let purse = giver.member().purses.of(wallet);
    let (dies_at, waits_until) = (purse.dies_at(&lot), purse.waits_until(lot.id));
    let spell = draft.member().purses.of(wallet).spell().map_or(At::NEVER, |spell| spell.until);
    let joins = lot.expires_at == At::SLIDING && (dies_at..At::NEVER).contains(&spell);
    let expires_at = if joins { At::SLIDING } else { dies_at };
    let (old, lot) = (lot.id, Slice { id: draft.new_lot(), expires_at, ..lot });
    draft.post(wallet, (Account::Moved, account), lot, TermNo::NONE);
    wallets::remember_death(draft, wallet, (old, lot.id), purse);
    if let Some(until) = waits_until {
        pending::wait(draft, wallet, lot.id, until);
    }
}

/// Gives back what is left of a lot, or of a piece of it, to whom it was of.
fn hand_back<'a>(
    draft: &mut Draft<'a>,
    getter: &mut Draft<'a>,
    (old, new): (&Posting, &Posting),
    (_, account, lot): &(TermNo, Account, Lot),
) {
    let (from, to) = (draft.member().purses.of(new.wallet), getter.member().purses.of(old.wallet));
    draft.post(new.wallet, (*account, Account::Moved), *lot, TermNo::NONE);
    // What lived on here does not die of the sleep of its own spell, nor sooner than a grace says.
    let back = Slice { expires_at: old.expires_at, id: old.lot, left: lot.left };
    let kept = lot.expires_at == new.expires_at && !expiry::is_dead(getter, to, &back);
    let expires_at = if kept { back.expires_at } else { from.dies_at(lot) };
    draft.lend(getter, |getter| {
        getter.post(old.wallet, (Account::Moved, *account), Slice { expires_at, ..back }, TermNo::NONE);
        if let Some(until) = from.waits_until(lot.id) {
            pending::wait(getter, old.wallet, back.id, until);
        }
    });
}

/// A control: it is another after all.
pub(crate) fn unmerge<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    other: Option<Subject<'a>>,
    merge: Option<&Record>,
) -> Result<(), Refusal> {
    let mut getter = draft.beside(other.ok_or(Refusal::MemberUnknown)?);
    let other = getter.member();
    let merge = merge.filter(|_| other.merged_into() == Some(draft.no())).ok_or(Refusal::NotMerged)?;
    if life::is_frozen(draft.member()) {
        return Err(Refusal::MemberFrozen);
    }
    if !draft.member().holds.is_empty() {
        return Err(Refusal::HoldsOpen);
    }
    if !draft.member().exchanges().is_empty() {
        return Err(Refusal::ExchangesOpen);
    }
    risk::observe(draft, event, Points::ZERO)?;
    let mut lots: Vec<(TermNo, Account, Lot)> = draft.member().purses.iter().flat_map(lots_of).collect();
    lots.sort_unstable_by_key(|(.., lot)| lot.id);
    for (old, new) in moved(merge) {
        // A lot is in several pieces where part of it was given back with another date.
        let first = lots.partition_point(|(.., lot)| lot.id < new.lot);
        let pieces = lots.iter().skip(first).take_while(|(.., lot)| lot.id == new.lot);
        pieces.for_each(|piece| hand_back(draft, &mut getter, (old, new), piece));
    }
    draft.lend(&mut getter, |getter| getter.live(LifeChange::Unmerged(change::Unmerged)));
    draft.live(LifeChange::Released(change::Released { member: getter.no() }));
    Ok(())
}
