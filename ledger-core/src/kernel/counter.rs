//! Counters: amounts by bucket of time. Tier metrics, limits and fraud counters are all of them.
//!
//! A counter keeps one tally per bucket (a local day, or a span of time for risk counters), a
//! lifetime total, and, where distinct members are counted, in which buckets each was seen. The window is
//! the reader's. What is older than any window that can still be asked for is dropped as new tallies come, and the
//! counter knows up to where it forgot. So a window is a function of what happened in it, in whatever order it was
//! told.

use crate::kernel::units::{MemberNo, RiskKey, TermNo};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most distinct members that one counter counts: the ones seen last. A count of distinct members is
/// exact up to this number, and this number above it.
pub const SEEN_MAX: usize = 256;
/// Most sightings that one counter remembers. Of too many, those go first whose member was seen again since.
pub const SIGHTINGS_MAX: usize = 1_024;

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

/// That a member was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seen {
    /// The bucket in which it was.
    pub bucket: i32,
    /// The member.
    pub member: MemberNo,
}

/// One counter of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// The metric, limit or counter of the program.
    pub term: TermNo,
    /// All that was counted in this and later buckets is known; 0 if nothing was forgotten.
    known_from: i32,
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
        if self.tallies.first().is_some_and(|first| first.bucket < keep_from) {
            let gone = self.tallies.partition_point(|tally| tally.bucket < keep_from);
            let last = self.tallies.drain(..gone).next_back();
            last.into_iter().for_each(|last| self.forget(last.bucket));
        }
        if bucket < keep_from {
            self.forget(bucket);
            return Some(());
        }
        match self.tallies.last_mut() {
            // Nearly always what is told is the latest there is.
            Some(last) if last.bucket == bucket => last.amount = last.amount.checked_add(amount)?,
            Some(last) if last.bucket > bucket => self.add_behind(bucket, amount)?,
            _ => self.tallies.push(Tally { bucket, amount }),
        }
        Some(())
    }

    /// Adds to a bucket that is not the last.
    fn add_behind(&mut self, bucket: i32, amount: i64) -> Option<()> {
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

    /// Something of this bucket is no longer known.
    fn forget(&mut self, bucket: i32) {
        self.known_from = self.known_from.max(bucket.saturating_add(1));
    }

    /// Adds as [`Counter::add`] does, and notes who was there, if it is somebody.
    pub(crate) fn count(&mut self, bucket: i32, keep_from: i32, amount: i64, seen: MemberNo) -> Option<()> {
        self.add(bucket, keep_from, amount)?;
        if seen != MemberNo::NOBODY {
            self.see(bucket, keep_from, seen);
        }
        Some(())
    }

    /// Notes that `member` was there, forgets who was there before `keep_from`, and beyond
    /// [`SIGHTINGS_MAX`] what says least.
    pub fn see(&mut self, bucket: i32, keep_from: i32, member: MemberNo) {
        if self.seen.first().is_some_and(|first| first.bucket < keep_from) {
            let gone = self.seen.partition_point(|seen| seen.bucket < keep_from);
            self.seen.drain(..gone);
        }
        let now = Seen { bucket, member };
        if bucket < keep_from {
            return;
        }
        if let Err(at) = self.seen.binary_search(&now) {
            self.seen.insert(at, now);
        }
        if self.seen.len() > SIGHTINGS_MAX {
            self.seen.remove(self.first_seen_again());
        }
    }

    /// The place of the first sighting whose member was seen again since; of the first if there is none.
    fn first_seen_again(&self) -> usize {
        let mut known: Vec<MemberNo> = Vec::new();
        let mut first = 0;
        for (at, seen) in self.seen.iter().enumerate().rev() {
            match known.binary_search(&seen.member) {
                Ok(_) => first = at,
                Err(place) => known.insert(place, seen.member),
            }
        }
        first
    }

    /// What was counted in `from` and later buckets.
    pub fn sum_from(&self, from: i32) -> i64 {
        let late = self.tallies.iter().rev().take_while(|tally| tally.bucket >= from);
        late.fold(0, |sum, tally| sum.saturating_add(tally.amount))
    }

    /// The most that was counted in any `width` buckets in a row of which `bucket` is one.
    pub fn fullest(&self, bucket: i32, width: i32) -> i64 {
        let is_last = self.tallies.last().is_none_or(|last| last.bucket <= bucket);
        let len = self.tallies.len();
        let behind = if is_last { len } else { self.tallies.partition_point(|tally| tally.bucket <= bucket) };
        let (before, later) = self.tallies.split_at_checked(behind).unwrap_or_default();
        let from = bucket.saturating_sub(width).saturating_add(1);
        let inside = before.iter().rev().take_while(|tally| tally.bucket >= from);
        let (few, sum) =
            inside.fold((0usize, 0i64), |(few, sum), tally| (few.saturating_add(1), tally.amount.saturating_add(sum)));
        let last = bucket.saturating_add(width).saturating_sub(1);
        let mut leaving = self.tallies.iter().skip(behind.saturating_sub(few)).peekable();
        let slides = later.iter().take_while(|tally| tally.bucket <= last).scan(sum, |sum, tally| {
            *sum = sum.saturating_add(tally.amount);
            let gone = tally.bucket.saturating_sub(width);
            while let Some(old) = leaving.next_if(|old| old.bucket <= gone) {
                *sum = sum.saturating_sub(old.amount);
            }
            Some(*sum)
        });
        slides.fold(sum, i64::max)
    }

    /// Whether all that was counted since `from` is known.
    pub fn knows(&self, from: i32) -> bool {
        from >= self.known_from
    }

    /// What was counted in one bucket.
    pub fn at(&self, bucket: i32) -> i64 {
        let at = self.tallies.binary_search_by_key(&bucket, |tally| tally.bucket);
        at.ok().and_then(|at| self.tallies.get(at)).map_or(0, |tally| tally.amount)
    }

    /// The distinct members seen in these buckets, whoever was seen longest ago first; at most [`SEEN_MAX`].
    pub fn members_in(&self, from: i32, until: i32) -> Vec<MemberNo> {
        let mut known: Vec<MemberNo> = Vec::new();
        let mut latest_first: Vec<MemberNo> = Vec::new();
        let inside = self.seen.iter().rev().skip_while(|seen| seen.bucket > until);
        for seen in inside.take_while(|seen| seen.bucket >= from) {
            if let Err(at) = known.binary_search(&seen.member) {
                known.insert(at, seen.member);
                latest_first.push(seen.member);
                if latest_first.len() >= SEEN_MAX {
                    break;
                }
            }
        }
        latest_first.reverse();
        latest_first
    }

    /// The distinct members in whichever `width` buckets in a row saw most, if `one` is seen in `bucket`, which is one
    /// of them.
    pub fn most_members(&self, one: MemberNo, bucket: i32, width: i32) -> Vec<MemberNo> {
        let end = match self.seen.last() {
            Some(last) if last.bucket > bucket => self.busiest_end(one, bucket, width),
            _ => bucket,
        };
        let mut members = self.members_in(end.saturating_sub(width).saturating_add(1), end);
        if !members.contains(&one) {
            members.push(one);
        }
        members
    }

    /// Where the window of [`Counter::most_members`] ends, the first of several.
    fn busiest_end(&self, one: MemberNo, bucket: i32, width: i32) -> i32 {
        let (from, last) = (bucket.saturating_sub(width), bucket.saturating_add(width));
        let near = || self.seen.iter().skip_while(|seen| seen.bucket <= from).take_while(|seen| seen.bucket < last);
        let mut leaving = near().peekable();
        let mut here: Vec<(MemberNo, u32)> = Vec::from([(one, 1)]);
        let (mut most, mut end) = (0usize, bucket);
        for seen in near() {
            let gone = seen.bucket.saturating_sub(width);
            while let Some(old) = leaving.next_if(|old| old.bucket <= gone) {
                let Ok(at) = here.binary_search_by_key(&old.member, |(member, _)| *member) else { continue };
                match here.get_mut(at) {
                    Some((_, times)) if *times > 1 => *times = times.saturating_sub(1),
                    _ => drop(here.remove(at)),
                }
            }
            match here.binary_search_by_key(&seen.member, |(member, _)| *member) {
                Ok(at) => here.get_mut(at).into_iter().for_each(|(_, times)| *times = times.saturating_add(1)),
                Err(at) => here.insert(at, (seen.member, 1)),
            }
            if here.len() > most {
                (most, end) = (here.len(), seen.bucket.max(bucket));
            }
        }
        end
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
