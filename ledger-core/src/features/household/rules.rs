//! Households: members whose points meet in one purse.
//!
//! A household is a member itself: enrolled, with its own name and cards, and what it has is spent under that name by
//! whoever may say it. Who joins it gives to it, of all that rules give for what the member does, the program's share:
//! rounded down once for each event, the rest stays. The lots keep their dates. What comes by itself, by hand or out of
//! review is not shared. Each of the two lists the other, so that no household is in a household.

use crate::features::risk::rules::observe;
use crate::features::wallets::rules::put_down;
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::{BALANCE_MAX, Slice, split_slices};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{MemberNo, Points, Rounding, TermNo, WHOLE, share};
use crate::tables::change;
use crate::tables::change::LifeChange;
use crate::tables::desk::Subject;
use crate::tables::draft::{Draft, Effect};
use crate::tables::event::{Event, MemberRef};
use crate::tables::program::Household;
use crate::tables::record::Record;
use alloc::vec::Vec;

/// The household's share of so many points.
pub(crate) fn share_of(rules: &Household, points: Points) -> Points {
    Points(share(points.0, rules.basis_points, WHOLE, Rounding::Down).unwrap_or(0))
}

/// A control: from now on the member shares what it earns with a household.
pub(crate) fn join<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    household: Option<Subject<'a>>,
) -> Result<(), Refusal> {
    let rules = draft.program().household.ok_or(Refusal::HouseholdNotOffered)?;
    let mut home = draft.beside(household.ok_or(Refusal::HouseholdUnknown)?);
    if draft.member().household().is_some() {
        return Err(Refusal::InHousehold);
    }
    let is_in_one = home.member().household().is_some();
    if home.no() == draft.no() || is_in_one || !draft.member().household_members().is_empty() {
        return Err(Refusal::HouseholdCircular);
    }
    if home.barred().is_some() {
        return Err(Refusal::RecipientBlocked);
    }
    if home.member().household_members().len() >= rules.members {
        return Err(Refusal::HouseholdFull);
    }
    observe(draft, event, Points::ZERO)?;
    draft.live(LifeChange::HouseholdJoined(change::HouseholdJoined { household: home.no() }));
    let joined = LifeChange::MemberJoined(change::MemberJoined { member: draft.no() });
    draft.lend(&mut home, |home| home.live(joined));
    Ok(())
}

/// A control: it does so no more. What was given to the household stays there.
pub(crate) fn leave(draft: &mut Draft<'_>, event: &Event<MemberRef>) -> Result<(), Refusal> {
    let household = draft.member().household().ok_or(Refusal::NotInHousehold)?;
    observe(draft, event, Points::ZERO)?;
    draft.live(LifeChange::HouseholdLeft(change::HouseholdLeft));
    let left = LifeChange::MemberLeft(change::MemberLeft { member: draft.no() });
    draft.lend_to_no(household, |home| home.live(left));
    Ok(())
}

/// The member's household, unless it gets nothing.
fn sharing<'a>(draft: &Draft<'a>) -> Option<(Household, Draft<'a>)> {
    let rules = draft.program().household?;
    let home = draft.beside_no(draft.member().household()?)?;
    if home.barred().is_some() { None } else { Some((rules, home)) }
}

/// Gives the household its share of what this event earned.
pub(crate) fn contribute(draft: &mut Draft<'_>) {
    let Some((rules, mut home)) = sharing(draft) else { return };
    let row = draft.row();
    let purse = row.purses.of(rules.wallet);
    // What a refund that came before its purchase took back is not there to be shared.
    let earned = draft.postings().iter().filter(|posting| earned(draft, posting, rules.wallet));
    let earned: Vec<Slice> = earned.flat_map(|posting| purse.lots.pieces(posting.lot)).copied().collect();
    let all = earned.iter().fold(0i64, |sum, lot| sum.saturating_add(lot.left.0));
    let wallet = draft.program().wallet(rules.wallet);
    let room = BALANCE_MAX.saturating_sub(home.running(wallet.id).available.0);
    let given = share_of(&rules, Points(all)).min(home.room(wallet).unwrap_or(Points(room))).min(Points(room));
    let (given, _) = split_slices(earned.iter(), given);
    if given.is_empty() {
        return;
    }
    draft.post_all(wallet.id, (Account::Available, Account::Moved), &given, TermNo::NONE);
    draft.lend(&mut home, |home| put_down(home, wallet, &given, purse));
    draft.affects(home, Effect::Received);
}

/// Whether a posting gave the member points of this wallet by a rule that earns, to have and to spend.
fn earned(draft: &Draft<'_>, posting: &Posting, wallet: TermNo) -> bool {
    let own = (posting.member, posting.wallet) == (draft.no(), wallet);
    let earns = || draft.program().earn_rule(posting.rule).is_some();
    own && (posting.from, posting.to) == (Account::Issued, Account::Available) && earns()
}

/// How many points of a wallet a purchase gave the household, be it that they repaid what it owed.
pub(crate) fn given(draft: &Draft<'_>, purchase: &Record, wallet: TermNo) -> Points {
    let Some(no) = draft.member().household() else { return Points::ZERO };
    let all = contributed(purchase, no, wallet).fold(0i64, |sum, posting| sum.saturating_add(posting.points.0));
    Points(all)
}

/// Takes back from the household what it would not have got of a purchase, as far as that is still there; answers
/// how many points.
pub(crate) fn take_back(
    draft: &mut Draft<'_>,
    purchase: &Record,
    wallet: TermNo,
    rule: TermNo,
    most: Points,
) -> Points {
    let Some(no) = draft.member().household() else { return Points::ZERO };
    let taken = draft.lend_to_no(no, |home| {
        let row = home.row();
        let purse = row.purses.of(wallet);
        let mut left = most;
        for (account, lots) in [(Account::Review, purse.review()), (Account::Available, &purse.lots)] {
            let got = contributed(purchase, no, wallet).flat_map(|posting| lots.pieces(posting.lot));
            let (taken, _) = split_slices(got, left);
            home.post_all(wallet, (account, Account::ClawedBack), &taken, rule);
            left = taken.iter().fold(left, |left, lot| Points(left.0.saturating_sub(lot.left.0)));
        }
        Points(most.0.saturating_sub(left.0))
    });
    taken.unwrap_or(Points::ZERO)
}

/// The postings by which a purchase gave points to a household's purse.
fn contributed(purchase: &Record, household: MemberNo, wallet: TermNo) -> impl Iterator<Item = &Posting> {
    let is_its = move |posting: &&Posting| (posting.member, posting.wallet) == (household, wallet);
    purchase.verdict.postings.iter().filter(|posting| posting.from == Account::Moved).filter(is_its)
}
