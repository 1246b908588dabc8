//! Points that wait: earned, and not to be spent before a date, or before their purchase is settled.
//!
//! What waits is in a lot like any other, with the date on which it dies: it can be taken back, die, and move with its
//! member. It repays no debt and becomes nothing else before it can be spent. A lot that waits in review as well keeps
//! its own date: let go of too early, it waits on.

use crate::features::returns::rules::Sold;
use crate::kernel::account::Account;
use crate::kernel::lots::{SLICES_MAX, Slice};
use crate::kernel::units::{At, LotId, MemberNo, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use crate::tables::member::Purse;
use crate::tables::program::{EarnRule, PendingUntil, Trigger, Wallet};

impl Draft<'_> {
    /// Until when so many points of a rule wait; `None` if they do not.
    pub(crate) fn waits_until(&self, rule: &EarnRule, wallet: &Wallet, points: Points) -> Option<At> {
        let pending = rule.pending.or(wallet.pending).filter(|pending| points > pending.over)?;
        match pending.until {
            PendingUntil::Settled => (rule.on == Trigger::Purchase).then_some(At::NEVER),
            PendingUntil::Days(days) => {
                let until = self.program.calendar.start_of(self.day.plus(days));
                (until > self.counted_at).then_some(until)
            }
        }
    }

    /// Gives new points that wait.
    pub(crate) fn grant_waiting(
        &mut self,
        rule: TermNo,
        wallet: TermNo,
        points: Points,
        (expires_at, until): (At, At),
    ) {
        let to = if self.review { Account::Review } else { Account::Pending };
        let lot = Slice { expires_at, id: self.new_lot(), left: points };
        self.post(wallet, (Account::Issued, to), lot, rule);
        self.wait(wallet, lot.id, until);
    }

    /// Says until when a lot waits.
    pub(crate) fn wait(&mut self, wallet: TermNo, lot: LotId, until: At) {
        let said = self.verdict.changes.iter_mut().find_map(|change| waits(change, self.no, lot));
        match said {
            Some(said) => *said = until,
            None => self.change(Change::Waits(change::Waits { member: self.no, wallet, lot, until })),
        }
    }

    /// Until when a lot waits, this record included; `None` if it does not.
    fn waiting_until(&mut self, purse: &Purse, lot: LotId) -> Option<At> {
        let said = self.verdict.changes.iter_mut().find_map(|change| waits(change, self.no, lot));
        said.copied().or_else(|| purse.waits_until(lot))
    }

    /// What has waited long enough can be spent.
    pub(crate) fn activate_due(&mut self, due: At) {
        let member = self.member;
        for purse in member.purses.iter() {
            for lot in purse.waited(due).take(SLICES_MAX) {
                self.activate(purse.wallet, lot);
            }
        }
    }

    /// Repays what is owed; the rest can be spent.
    fn activate(&mut self, wallet: TermNo, lot: Slice) {
        let left = self.repay(wallet, Account::Pending, TermNo::NONE, lot.left, Some(lot));
        self.post(wallet, (Account::Pending, Account::Available), Slice { left, ..lot }, TermNo::NONE);
    }

    /// A purchase is settled: what waited for that can be spent. What is in review besides waits for that alone.
    pub(crate) fn settle_purchase(&mut self, sold: &Sold<'_>) {
        let row = self.row();
        for posting in sold.made() {
            let purse = row.purses.of(posting.wallet);
            for lot in sold.lots(posting.lot) {
                if self.waiting_until(purse, lot) != Some(At::NEVER) {
                    continue;
                }
                match purse.pending().find(lot) {
                    Some(waiting) => self.activate(posting.wallet, *waiting),
                    None => self.wait(posting.wallet, lot, self.desk.at),
                }
            }
        }
    }
}

/// What a change says of how long a lot waits.
fn waits(change: &mut Change, no: MemberNo, of: LotId) -> Option<&mut At> {
    match change {
        Change::Waits(change::Waits { member, lot, until, .. }) if (*member, *lot) == (no, of) => Some(until),
        _ => None,
    }
}
