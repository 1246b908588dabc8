//! Outcomes: what the sender of an event is told. Each follows from its record alone, so the same
//! event is told the same, however often it comes.

use crate::kernel::account::{Account, Posting};
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::Trace;
use crate::kernel::units::{At, MemberNo, Money, Points, Position, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::record::{VerdictPart, Why};
use alloc::vec::Vec;

/// The outcome of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The record that holds it.
    pub position: Position,
    /// When it was judged.
    pub at: At,
    /// The event had come before; this is the first outcome again.
    pub duplicate: bool,
    /// Why it was not carried out, if so.
    pub refusal: Option<Refusal>,
    /// Every rule that applied.
    pub trace: Vec<Trace>,
    /// The member's new points by wallet, wherever they went: available, review or debt. The first is the program's
    /// first wallet, even if it has none; the others stand in order of their postings. Empty if there is no program.
    pub earned: Vec<(TermNo, Points)>,
    /// Of all these, what waits until it can be spent, and until when: [`At::NEVER`] for as long as the purchase is not
    /// settled.
    pub waits: Vec<(TermNo, Points, At)>,
    /// Of the new points, by wallet, what died at once: it is told after the date that they had.
    pub expired: Vec<(TermNo, Points)>,
    /// The member's available points in the first wallet after it.
    pub available: Points,
    /// It waits for what it speaks of: a refund or settlement for its purchase, another command for whatever it names.
    pub deferred: bool,
    /// It is a credit or debit that waits for more people, or one of their approvals.
    pub proposed: bool,
    /// How much it, and what had waited for it, gave back beyond what was there to go back, in minor units.
    pub excess: Money,
}

impl Outcome {
    /// The member's new points of the program's first wallet.
    pub fn earned_first(&self) -> Points {
        self.earned.first().map_or(Points::ZERO, |(_, points)| *points)
    }

    /// Its new points of the others.
    pub fn earned_others(&self) -> impl Iterator<Item = &(TermNo, Points)> {
        self.earned.iter().skip(1)
    }

    /// The outcome that a record tells.
    pub fn of(position: Position, record: &VerdictPart, duplicate: bool) -> Outcome {
        let verdict = &record.verdict;
        let is_earned = |posting: &&Posting| posting.from == Account::Issued && !posting.is_of_funds();
        let first = Some(verdict.wallet).filter(|wallet| *wallet != TermNo::NONE);
        let mut earned: Vec<(TermNo, Points)> = first.map(|wallet| (wallet, Points::ZERO)).into_iter().collect();
        let whose = match record.why {
            Why::Said { member } if member != MemberNo::NOBODY => Some(member),
            Why::Said { .. } | Why::Timer { .. } => None,
        };
        // What a gift became for its recipient is no business of the giver.
        let own = |posting: &&Posting| whose.is_none_or(|no| posting.member == no);
        for posting in verdict.postings.iter().filter(is_earned).filter(own) {
            add(&mut earned, posting);
        }
        let mut expired = Vec::new();
        let is_dead = |posting: &&Posting| posting.to == Account::Expired && posting.lot.position == position;
        for posting in verdict.postings.iter().filter(is_dead).filter(own) {
            add(&mut expired, posting);
        }
        Outcome {
            position,
            at: record.at,
            duplicate,
            refusal: verdict.refusal,
            trace: verdict.trace.clone(),
            earned,
            waits: waits(record, own),
            expired,
            available: verdict.available,
            deferred: verdict.changes.iter().any(|one| matches!(one, Change::Deferred(..) | Change::Overtook(..))),
            proposed: record.leaves_open(),
            excess: excess(record),
        }
    }
}

fn add(sums: &mut Vec<(TermNo, Points)>, posting: &Posting) {
    match sums.iter_mut().find(|(wallet, _)| *wallet == posting.wallet) {
        Some((_, points)) => *points = Points(points.0.saturating_add(posting.points.0)),
        None => sums.push((posting.wallet, posting.points)),
    }
}

/// How much more money was told to have gone back than there was.
fn excess(record: &VerdictPart) -> Money {
    let excess = record.verdict.changes.iter().map(|change| match change {
        Change::Refunded(change::Refunded { excess, .. }) => excess.0,
        _ => 0,
    });
    Money(excess.fold(0, i64::saturating_add))
}

/// What is new and waits, but for what came of it at once.
fn waits(record: &VerdictPart, own: impl Fn(&&Posting) -> bool) -> Vec<(TermNo, Points, At)> {
    let postings = || record.verdict.postings.iter().filter(&own);
    let waiting = record.verdict.changes.iter().filter_map(|change| {
        let Change::PendingUntil(change::PendingUntil { wallet, lot, until, .. }) = change else { return None };
        let of_lot = postings().filter(|posting| (posting.wallet, posting.lot) == (*wallet, *lot));
        let points = of_lot.fold(0i64, |sum, posting| match (posting.from, posting.to) {
            (Account::Issued, Account::Pending | Account::Review) => sum.saturating_add(posting.points.0),
            (Account::Pending | Account::Review, _) => sum.saturating_sub(posting.points.0),
            _ => sum,
        });
        (points > 0 && *until > record.at).then_some((*wallet, Points(points), *until))
    });
    waiting.collect()
}
