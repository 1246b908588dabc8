//! Counters: amounts by bucket of time. Tier metrics, limits and fraud counters are all of them.
//!
//! A counter keeps one tally per bucket (a local day, or a span of time for risk counters), a
//! lifetime total, and, where distinct members are counted, when each was last seen. The window is
//! the reader's: `sum_from(bucket)`. What is older than any window is dropped as new tallies come.

use crate::kernel::units::{MemberNo, RiskKey, TermNo};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most distinct members one counter remembers: the ones seen last. A count of distinct members is
/// exact up to this number, and this number above it.
pub const SEEN_MAX: usize = 256;

/// How far a sum of what was counted may get, either way: 4 × 10^18. What one record adds to it beyond that still fits
/// 64 bits, so that whatever is folded adds up.
pub const COUNT_MAX: i64 = 4_000_000_000_000_000_000;

/// Whether `amount` may still be added to a sum: it stays within [`COUNT_MAX`], or gets no farther from 0.
#[inline]
pub(crate) fn fits(sum: i64, amount: i64) -> bool {
    let most = COUNT_MAX.unsigned_abs().max(sum.unsigned_abs());
    sum.checked_add(amount).is_some_and(|sum| sum.unsigned_abs() <= most)
}

/// Whose counter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Key {
    /// A member's own.
    Member(MemberNo),
    /// A device's, an address's or a phone's.
    Risk(RiskKey),
}

impl Key {
    /// Everybody's: the key of budgets. No device, address or phone hashes to zeros.
    pub const EVERYONE: Key = Key::Risk(RiskKey([0; 16]));

    /// The member whose it is, if a member's.
    #[inline]
    pub(crate) fn members(&self) -> &[MemberNo] {
        match self {
            Key::Member(member) => core::slice::from_ref(member),
            Key::Risk(_) => &[],
        }
    }
}

/// What was counted in one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The bucket: days or spans since 1970-01-01.
    pub bucket: i32,
    /// The amount: events, points or minor units.
    pub amount: i64,
}

/// When a member was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The member.
    pub member: MemberNo,
    /// The last bucket in which it was.
    pub bucket: i32,
}

/// One counter of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// The metric, limit or counter of the program.
    pub term: TermNo,
    /// Everything ever counted.
    pub total: i64,
    tallies: Vec<Tally>,
    seen: Vec<Seen>,
}

impl Counter {
    /// An empty counter.
    pub fn new(term: TermNo) -> Counter {
        Counter { term, ..Counter::default() }
    }

    /// Adds `amount` (which may be negative) to a bucket and drops buckets before `keep_from`.
    /// `None` if a sum does not fit 64 bits.
    pub fn add(&mut self, bucket: i32, keep_from: i32, amount: i64) -> Option<()> {
        self.total = self.total.checked_add(amount)?;
        self.tallies.retain(|tally| tally.bucket >= keep_from);
        if bucket < keep_from {
            return Some(());
        }
        match self.tallies.binary_search_by_key(&bucket, |tally| tally.bucket) {
            Ok(at) => {
                let tally = self.tallies.get_mut(at)?;
                tally.amount = tally.amount.checked_add(amount)?;
            }
            Err(at) => self.tallies.insert(at, Tally { bucket, amount }),
        }
        Some(())
    }

    /// The most bytes that it can take when it is stored.
    #[inline]
    pub(crate) fn weight(&self) -> usize {
        let parts = self.tallies.len().saturating_add(self.seen.len());
        parts.saturating_mul(16).saturating_add(32)
    }

    /// Whether `amount` may still be counted in a bucket; see [`COUNT_MAX`].
    #[inline]
    pub(crate) fn fits(&self, bucket: i32, amount: i64) -> bool {
        let tally = self.tallies.binary_search_by_key(&bucket, |tally| tally.bucket).ok();
        let counted = tally.and_then(|at| self.tallies.get(at)).map_or(0, |tally| tally.amount);
        fits(self.total, amount) && fits(counted, amount)
    }

    /// Adds as [`Counter::add`] does, and notes who was there, if it is somebody.
    pub(crate) fn count(&mut self, bucket: i32, keep_from: i32, amount: i64, seen: MemberNo) -> Option<()> {
        self.add(bucket, keep_from, amount)?;
        if seen != MemberNo::NOBODY {
            self.see(bucket, keep_from, seen);
        }
        Some(())
    }

    /// Notes that `member` was there, forgets who was last there before `keep_from`, and beyond
    /// [`SEEN_MAX`] whoever was there longest ago.
    pub fn see(&mut self, bucket: i32, keep_from: i32, member: MemberNo) {
        let latest = self.seen.iter().find(|seen| seen.member == member).map_or(bucket, |seen| seen.bucket.max(bucket));
        self.seen.retain(|seen| seen.bucket >= keep_from && seen.member != member);
        if latest < keep_from {
            return;
        }
        let at = self.seen.partition_point(|seen| (seen.bucket, seen.member) < (latest, member));
        self.seen.insert(at, Seen { member, bucket: latest });
        if self.seen.len() > SEEN_MAX {
            self.seen.remove(0);
        }
    }

    /// What was counted in `from` and later buckets.
    pub fn sum_from(&self, from: i32) -> i64 {
        self.tallies.iter().filter(|tally| tally.bucket >= from).fold(0, |sum, tally| sum.saturating_add(tally.amount))
    }

    /// What was counted in one bucket.
    pub fn at(&self, bucket: i32) -> i64 {
        self.tallies.iter().find(|tally| tally.bucket == bucket).map_or(0, |tally| tally.amount)
    }

    /// The distinct members seen in `from` and later buckets, longest ago first.
    pub fn members_from(&self, from: i32) -> impl Iterator<Item = MemberNo> + '_ {
        self.seen.iter().filter(move |seen| seen.bucket >= from).map(|seen| seen.member)
    }

    /// The tallies, oldest first.
    pub fn tallies(&self) -> &[Tally] {
        &self.tallies
    }
}

/// The counter of `term` among a key's counters, which are kept in order of their terms.
pub fn find(counters: &[Counter], term: TermNo) -> Option<&Counter> {
    let at = counters.binary_search_by_key(&term, |counter| counter.term).ok()?;
    counters.get(at)
}

/// The same, made if it is not there yet.
pub fn find_or_add(counters: &mut Vec<Counter>, term: TermNo) -> Option<&mut Counter> {
    let at = match counters.binary_search_by_key(&term, |counter| counter.term) {
        Ok(at) => at,
        Err(at) => {
            counters.insert(at, Counter::new(term));
            at
        }
    };
    counters.get_mut(at)
}
