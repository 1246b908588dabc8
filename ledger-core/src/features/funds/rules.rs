//! Funds: what rules give to a good cause instead of to the member, and what members give of their own.
//!
//! What a fund has is counted for everybody, as what a campaign gave is, and equals what it has of the account
//! `donated`. It is no member's: no lot is made, nothing of it expires, waits for a case or repays a debt. A refund
//! takes back what its purchase gave too much; what a member gave is given.

use crate::features::counting::rules::{Counting, count};
use crate::features::returns::rules::Due;
use crate::kernel::account::Account;
use crate::kernel::counter::Key;
use crate::kernel::lots::Slice;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{Points, TermNo};
use crate::tables::draft::Draft;
use crate::tables::event::{Event, Who};
use crate::tables::program::{Fund, Program};

impl<'a> Draft<'a> {
    /// A command: what the member has goes to a fund, in the order of spending of the fund's wallet.
    pub(crate) fn donate(&mut self, event: &Event<Who>, fund: &str, points: Points) -> Result<(), Refusal> {
        let fund = self.fund(fund).ok_or(Refusal::FundUnknown)?;
        let slices = self.quote(self.program.wallet(fund.wallet), points)?;
        self.observe(event)?;
        self.post_all(fund.wallet, (Account::Available, Account::Donated), &slices, TermNo::NONE);
        self.count_fund(fund, points.0);
        Ok(())
    }

    /// The fund of this name.
    pub(crate) fn fund(&self, name: &str) -> Option<&'a Fund> {
        self.program.funds.iter().find(|fund| self.desk.state.term(fund.id) == name)
    }

    /// What a rule gives to its fund.
    pub(crate) fn endow(&mut self, rule: TermNo, fund: &Fund, points: Points) {
        self.post(fund.wallet, (Account::Issued, Account::Donated), Slice::in_no_lot(points), rule);
        self.count_fund(fund, points.0);
    }

    /// Takes from funds what a purchase gave them too much; what is due from the member stays due.
    pub(crate) fn take_from_funds(&mut self, program: &Program, back: &mut [Due]) {
        for due in back.iter_mut().filter(|due| !due.points.is_zero()) {
            let Some(fund) = program.earn_rule(due.rule).and_then(|rule| program.fund_of(rule)) else { continue };
            let points = core::mem::take(&mut due.points);
            self.post(fund.wallet, (Account::Donated, Account::ClawedBack), Slice::in_no_lot(points), due.rule);
            self.count_fund(fund, points.0.saturating_neg());
        }
    }

    fn count_fund(&mut self, fund: &Fund, amount: i64) {
        count(self, (Key::EVERYONE, fund.given), Counting::Sum, amount);
    }
}
