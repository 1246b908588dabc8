//! Counters by themselves: what they keep, what they forget, and where they end.

use ledger_core::counter::{Counter, SEEN_MAX};
use ledger_core::units::{MemberNo, TermNo};

fn seen(counter: &Counter) -> Vec<u32> {
    counter.members_from(i32::MIN).map(|no| no.0).collect()
}

#[test]
fn what_is_older_than_the_window_is_forgotten_but_for_the_total() {
    let mut counter = Counter::new(TermNo(1));
    for day in 1..=10 {
        counter.add(day, day - 2, 5).expect("it fits");
        counter.see(day, day - 2, MemberNo(day as u32));
    }
    let kept: Vec<i32> = counter.tallies().iter().map(|tally| tally.bucket).collect();
    assert_eq!(kept, [8, 9, 10]);
    assert_eq!(seen(&counter), [8, 9, 10]);
    assert_eq!((counter.sum_from(9), counter.sum_from(i32::MIN), counter.total), (10, 15, 50));
    // What comes too late for the window counts in the total alone.
    counter.add(3, 8, 5).expect("it fits");
    counter.see(3, 8, MemberNo(3));
    assert_eq!((counter.sum_from(i32::MIN), counter.total), (15, 55));
    assert_eq!(seen(&counter), [8, 9, 10]);
}

#[test]
fn a_member_is_seen_once_where_it_was_last() {
    let mut counter = Counter::new(TermNo(1));
    for (bucket, member) in [(5, 1), (6, 2), (7, 1), (4, 1), (6, 3)] {
        counter.see(bucket, 0, MemberNo(member));
    }
    assert_eq!(seen(&counter), [2, 3, 1]);
    assert_eq!(counter.members_from(7).collect::<Vec<_>>(), [MemberNo(1)]);
}

#[test]
fn of_very_many_members_the_last_are_remembered() {
    let mut counter = Counter::new(TermNo(1));
    let most = SEEN_MAX as u32;
    for member in 1..=most + 10 {
        counter.see(member as i32, 0, MemberNo(member));
    }
    assert_eq!(seen(&counter), (11..=most + 10).collect::<Vec<_>>());
}

#[test]
fn a_sum_that_does_not_fit_is_no_sum() {
    let mut counter = Counter::new(TermNo(1));
    assert_eq!(counter.add(1, 0, i64::MAX), Some(()));
    assert_eq!(counter.add(1, 0, 1), None);
    assert_eq!(counter.add(1, 0, -1), Some(()));
    assert_eq!(counter.total, i64::MAX - 1);
}
