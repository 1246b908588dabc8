//! Counting by rules: the one function that writes down what is counted.

use crate::features::counting::change::Counted;
use crate::kernel::counter::Key;
use crate::kernel::units::{MemberNo, TermNo};
use crate::tables::change::Change;
use crate::tables::draft::Draft;

/// What a counter is read for, and so what it has to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// The sum of everything ever counted.
    Sum,
    /// What was counted in some buckets of time.
    Limited {
        /// The bucket that is counted in.
        bucket: i32,
        /// Earlier buckets are no longer needed.
        keep_from: i32,
    },
    /// As limited, and which members were seen in those buckets.
    Distinct {
        /// The bucket that is counted in.
        bucket: i32,
        /// Earlier buckets are no longer needed.
        keep_from: i32,
        /// Who did it.
        seen: MemberNo,
    },
}

/// Adds to a counter: a member's own, a device's, or under [`Key::EVERYONE`] that of all members together. The sums of
/// all members are exact, because there is one order of records.
pub(crate) fn count(draft: &mut Draft<'_>, (key, term): (Key, TermNo), counting: Counting, amount: i64) {
    let (bucket, keep_from, seen) = match counting {
        Counting::Sum => (0, 0, MemberNo::NOBODY),
        Counting::Limited { bucket, keep_from } => (bucket, keep_from, MemberNo::NOBODY),
        Counting::Distinct { bucket, keep_from, seen } => (bucket, keep_from, seen),
    };
    draft.change(Change::Counted(Counted { key, term, bucket, keep_from, amount, seen }));
}
