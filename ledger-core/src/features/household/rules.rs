//! Households: members whose points meet in one purse.
//!
//! A household is a member itself: enrolled, with its own name and cards, and what it has is spent under that name by
//! whoever may say it. Who joins it gives to it, of all that rules give for what the member does, the program's share:
//! rounded down once for each event, the rest stays. The lots keep their dates. What comes by itself, by hand or out of
//! review is not shared. Each of the two lists the other, so that no household is in a household.

use crate::decide::BALANCE_MAX;
use crate::features::earning::rules::WHOLE;
use crate::features::household::state::HOUSEHOLD_MAX;
use crate::features::membership::rules as life;
use crate::features::spending::rules::split_slices;
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::Slice;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{LotId, MemberNo, Points, Rounding, TermNo, share};
use crate::tables::change;
use crate::tables::change::LifeChange;
use crate::tables::draft::{Draft, Party};
use crate::tables::event::{Event, Who};
use crate::tables::program::Household;
use crate::tables::record::Record;
use alloc::vec::Vec;

impl Household {
    /// The share of so many points.
    pub(crate) fn of(&self, points: Points) -> Points {
        Points(share(points.0, self.basis_points, WHOLE, Rounding::Down).unwrap_or(0))
    }
}

impl<'a> Draft<'a> {
    pub(crate) fn join(&mut self, event: &Event<Who>, household: Option<Party<'a>>) -> Result<(), Refusal> {
        let rules = self.program.household.ok_or(Refusal::HouseholdNotOffered)?;
        let household = household.ok_or(Refusal::HouseholdUnknown)?;
        if self.member.household().is_some() {
            return Err(Refusal::InHousehold);
        }
        let is_in_one = household.member.household().is_some();
        if household.no == self.no || is_in_one || !self.member.household_members().is_empty() {
            return Err(Refusal::HouseholdCircular);
        }
        if life::earns_nothing(household.member).is_some() {
            return Err(Refusal::RecipientBlocked);
        }
        if household.member.household_members().len() >= rules.members.min(HOUSEHOLD_MAX) {
            return Err(Refusal::HouseholdFull);
        }
        self.observe(event)?;
        self.live(LifeChange::HouseholdJoined(change::HouseholdJoined { household: household.no }));
        self.live_of(household.no, LifeChange::MemberJoined(change::MemberJoined { member: self.no }));
        Ok(())
    }

    /// What was given to the household stays there.
    pub(crate) fn leave(&mut self, event: &Event<Who>) -> Result<(), Refusal> {
        let household = self.member.household().ok_or(Refusal::NotInHousehold)?;
        self.observe(event)?;
        self.live(LifeChange::HouseholdLeft(change::HouseholdLeft));
        self.live_of(household, LifeChange::MemberLeft(change::MemberLeft { member: self.no }));
        Ok(())
    }

    /// The member's household, unless it gets nothing.
    pub(crate) fn household(&self) -> Option<(Household, Draft<'a>)> {
        let rules = self.program.household?;
        let no = self.member.household()?;
        let member = self.desk.state.member(no).filter(|home| life::earns_nothing(home).is_none())?;
        Some((rules, Draft::new(self.desk, self.program, Party { no, member, newcomer: None }, self.desk.at)))
    }

    /// Gives the household its share of what this event earned.
    pub(crate) fn contribute(&mut self) {
        let Some((rules, mut home)) = self.household() else { return };
        let row = self.row();
        let purse = row.purses.of(rules.wallet);
        // What a refund that came before its purchase took back is not there to be shared.
        let earned = self.verdict.postings.iter().filter(|posting| self.earned(posting, rules.wallet));
        let earned: Vec<Slice> = earned.filter_map(|posting| purse.lots.find(posting.lot)).copied().collect();
        let all = earned.iter().fold(0i64, |sum, lot| sum.saturating_add(lot.left.0));
        let wallet = self.program.wallet(rules.wallet);
        let room = BALANCE_MAX.saturating_sub(home.tab(wallet.id).available.0);
        let given = rules.of(Points(all)).min(home.room(wallet).unwrap_or(Points(room))).min(Points(room));
        let (given, _) = split_slices(earned.iter(), given);
        if given.is_empty() {
            return;
        }
        self.post_all(wallet.id, (Account::Available, Account::Moved), &given, TermNo::NONE);
        self.lend(&mut home, |home| {
            home.put_down(wallet, &given);
            home.settle();
        });
    }

    /// Whether a posting gave the member points of this wallet by a rule that earns, to have and to spend.
    fn earned(&self, posting: &Posting, wallet: TermNo) -> bool {
        let own = (posting.member, posting.wallet) == (self.no, wallet);
        let earns = || self.program.earn_rule(posting.rule).is_some();
        own && (posting.from, posting.to) == (Account::Issued, Account::Available) && earns()
    }

    /// Takes back from the household what it would not have got of a purchase, as far as that is still there; answers
    /// how many points.
    pub(crate) fn take_from_household(
        &mut self,
        purchase: &Record,
        wallet: TermNo,
        rule: TermNo,
        most: Points,
    ) -> Points {
        let Some(no) = self.member.household() else { return Points::ZERO };
        let Some(member) = self.desk.state.member(no) else { return Points::ZERO };
        let mut home = Draft::new(self.desk, self.program, Party { no, member, newcomer: None }, self.desk.at);
        let taken = self.lend(&mut home, |home| {
            let row = home.row();
            let got = contributed(purchase, no, wallet).filter_map(|lot| row.purses.of(wallet).lots.find(lot)).copied();
            let (taken, _) = split_slices(got.collect::<Vec<_>>().iter(), most);
            home.post_all(wallet, (Account::Available, Account::ClawedBack), &taken, rule);
            taken
        });
        taken.iter().fold(Points::ZERO, |sum, lot| Points(sum.0.saturating_add(lot.left.0)))
    }
}

/// The lots that a purchase put into a household's purse.
fn contributed(purchase: &Record, household: MemberNo, wallet: TermNo) -> impl Iterator<Item = LotId> {
    let put = move |posting: &&Posting| {
        let way = (posting.from, posting.to) == (Account::Moved, Account::Available);
        way && (posting.member, posting.wallet) == (household, wallet)
    };
    purchase.verdict.postings.iter().filter(put).map(|posting| posting.lot)
}
