//! Filter: tells at once that an id is new, which nearly every id is.
//!
//! A Bloom filter in blocks of one cache line (Putze, Sanders and Singler, "Cache-, Hash- and
//! Space-Efficient Bloom Filters", 2007): the low half of a key picks the line, nine bits of the high
//! half each pick one of its bits. Asking and telling cost one touch of memory, where scattered bits
//! would cost one each. It may err for a key that was never told, never for one that was.
//!
//! Keys must be hashes already; nothing here hashes them again.

/// Bits of memory for each key that there is room for.
const BITS_PER_KEY: usize = 16;
/// How many bits a key sets.
const BITS_SET: u32 = 6;
/// Bits of a line, as a power of two.
const LINE_BITS_LOG2: u32 = 9;

/// One cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Line([u64; 8]);

/// Which keys may have been told.
pub(crate) struct Filter {
    lines: Vec<Line>,
    room: usize,
}

impl Filter {
    /// An empty filter that errs for about one key in 500 once `keys` are in it.
    pub(crate) fn new(keys: usize) -> Filter {
        let lines = keys.saturating_mul(BITS_PER_KEY).div_ceil(1 << LINE_BITS_LOG2).max(1);
        Filter { lines: vec![Line::default(); lines], room: keys }
    }

    /// For how many more keys it was made.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// For how many keys it was made.
    pub(crate) fn keys(&self) -> usize {
        self.lines.len() * ((1 << LINE_BITS_LOG2) / BITS_PER_KEY)
    }

    pub(crate) fn may_have(&self, key: u128) -> bool {
        let line = &self.lines[self.line_of(key)];
        bits(key).all(|(word, bit)| line.0[word] & bit != 0)
    }

    pub(crate) fn insert(&mut self, key: u128) {
        let line = self.line_of(key);
        for (word, bit) in bits(key) {
            self.lines[line].0[word] |= bit;
        }
        self.room = self.room.saturating_sub(1);
    }

    /// The low half of the key, scaled to the number of lines (Lemire, "Fast Random Integer Generation
    /// in an Interval", 2019).
    fn line_of(&self, key: u128) -> usize {
        ((u128::from(key as u64) * self.lines.len() as u128) >> 64) as usize
    }
}

/// The bits of a key within its line.
fn bits(key: u128) -> impl Iterator<Item = (usize, u64)> {
    let high = (key >> 64) as u64;
    (0..BITS_SET).map(move |n| {
        let place = high >> (n * LINE_BITS_LOG2);
        ((place >> 6) as usize & 7, 1 << (place & 63))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use siphasher::sip128::{Hasher128, SipHasher13};
    use std::hash::Hasher;

    fn key(n: u64) -> u128 {
        let mut hasher = SipHasher13::new();
        hasher.write_u64(n);
        hasher.finish128().as_u128()
    }

    #[test]
    fn every_key_that_was_told_is_known_and_few_others_are() {
        let mut filter = Filter::new(100_000);
        (0..100_000).for_each(|n| filter.insert(key(n)));
        assert_eq!(filter.room(), 0);
        assert!((0..100_000).all(|n| filter.may_have(key(n))));
        let wrong = (100_000..400_000).filter(|n| filter.may_have(key(*n))).count();
        assert!(wrong < 300_000 / 400, "{wrong} of 300000 that were never told");
        assert!(wrong > 0, "a filter that never errs is not the one described");
    }

    #[test]
    fn an_empty_filter_knows_nothing() {
        let filter = Filter::new(0);
        assert!((0..1_000).all(|n| !filter.may_have(key(n))));
    }
}
