//! How points die: when what is earned expires, and what every activity puts off.
//!
//! Most lots have their own date, given by the program that was in force when they were earned. Lots of a wallet
//! whose points live as long as their member is active share one date, that of the purse's spell: an activity moves
//! it and touches no lot. A date that was told only ever moves to a later one.

use super::Draft;
use crate::lots::{SLICES_MAX, Slice};
use crate::member::{Purse, Spell};
use crate::program::{Earner, Expiry, Wallet};
use crate::record::{Account, Change, Posting};
use crate::units::{At, Money, TermNo};
use alloc::vec::Vec;

impl Draft<'_> {
    /// When a lot of a wallet expires that is earned by this event.
    pub(super) fn expires_at(&mut self, wallet: &Wallet) -> At {
        let known = self.verdict.postings.iter().find(|posting| {
            posting.wallet == wallet.id && posting.from == Account::Issued && posting.to != Account::Debt
        });
        known.map_or_else(|| self.program.expires_at(wallet, self.day, self.earner()), |posting| posting.expires_at)
    }

    /// The member as expiries ask of it; of a newcomer, this event counts.
    pub(super) fn earner(&self) -> Earner {
        let enrols = |change: &Change| matches!(change, Change::Enrolled { .. });
        let now = || self.verdict.changes.iter().any(enrols).then_some(self.today);
        let before = self.member.enrolled_at.map(|at| self.program.calendar.day_of(at));
        Earner { enrolled_on: before.or_else(now), tier: self.member.tier.tier }
    }

    /// Puts off the end of every spell for which this was an activity, and begins one where points that die with
    /// it come into a purse that has none.
    pub(super) fn live_on(&mut self, kind: &str, paid: impl Fn() -> Money) {
        let program = self.program;
        if self.member.closed_at().is_some() {
            return;
        }
        for wallet in program.wallets() {
            let Expiry::Activity { after, round, activity, least } = &wallet.expiry else { continue };
            let active = activity.contains(&kind) && (kind != "purchase" || paid() >= *least);
            let until = || program.calendar.start_of(program.after(self.day, *after, *round));
            let spell = self.member.purses.of(wallet.id).spell().filter(|spell| spell.until > self.counted_at);
            let spell = match spell {
                Some(spell) if active && until() > spell.until => Spell { until: until(), ..spell },
                None if self.begins_spell(wallet.id) => Spell { since: self.desk.position, until: until() },
                _ => continue,
            };
            self.change(Change::Spell { member: self.no, wallet: wallet.id, since: spell.since, until: spell.until });
        }
    }

    /// Whether new points of a wallet die with its spell.
    fn begins_spell(&self, wallet: TermNo) -> bool {
        let begins = |posting: &Posting| {
            let new = posting.from == Account::Issued && posting.to != Account::Debt;
            new && posting.wallet == wallet && posting.expires_at == At::WITH_SPELL
        };
        self.verdict.postings.iter().any(begins)
    }

    /// Lets everything die whose time has come; of a closed member, everything.
    pub(super) fn expire(&mut self, due: At) {
        let member = self.member;
        let closed = member.closed_at().is_some_and(|closed_at| closed_at <= due);
        let until = if closed { At::NEVER } else { due };
        for purse in member.purses.iter() {
            for (account, lots) in [(Account::Available, &purse.lots), (Account::Review, purse.review())] {
                let dead: Vec<Slice> = purse.dead(lots, until).take(SLICES_MAX).copied().collect();
                self.post_all(purse.wallet, (account, Account::Expired), &dead, TermNo::NONE);
            }
        }
    }

    /// Lets go of what was held: it comes back to the lots it was of, with their date. What died with its spell
    /// meanwhile does so now.
    pub(super) fn let_go(&mut self, hold: (TermNo, u32), rest: &[Slice]) {
        let ((wallet, no), purse) = (hold, self.member.purses.of(hold.0));
        for slice in rest {
            let dead = slice.expires_at == At::WITH_SPELL && self.is_dead(purse, slice);
            let to = if dead { Account::Expired } else { Account::Available };
            self.post(wallet, (Account::Held(no), to), *slice, TermNo::NONE);
        }
    }

    /// Whether points of such a lot are gone by now.
    pub(super) fn is_dead(&self, purse: &Purse, lot: &Slice) -> bool {
        purse.dies_at(lot) <= self.counted_at
    }
}
