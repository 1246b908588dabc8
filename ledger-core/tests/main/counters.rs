//! Counters by themselves: what they keep, what they forget, and where they end.

use ledger_core::counter::{Counter, SEEN_MAX, SIGHTINGS_MAX};
use ledger_core::units::{MemberNo, TermNo};
use proptest::prelude::*;

fn seen(counter: &Counter) -> Vec<u32> {
    counter.members_in(i32::MIN, i32::MAX).iter().map(|no| no.0).collect()
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
    assert_eq!((counter.knows(7), counter.knows(8)), (false, true));
    // What comes too late for the window counts in the total alone.
    counter.add(3, 8, 5).expect("it fits");
    counter.see(3, 8, MemberNo(3));
    assert_eq!((counter.sum_from(i32::MIN), counter.total), (15, 55));
    assert_eq!(seen(&counter), [8, 9, 10]);
}

#[test]
fn a_counter_that_forgot_nothing_knows_everything() {
    let mut counter = Counter::new(TermNo(1));
    counter.add(20_000, 19_000, 5).expect("it fits");
    assert!(counter.knows(0));
    counter.add(18_000, 19_000, 5).expect("it fits");
    assert_eq!((counter.knows(18_000), counter.knows(18_001)), (false, true));
}

#[test]
fn a_member_is_told_once_where_it_was_last() {
    let mut counter = Counter::new(TermNo(1));
    for (bucket, member) in [(5, 1), (6, 2), (7, 1), (4, 1), (6, 3)] {
        counter.see(bucket, 0, MemberNo(member));
    }
    assert_eq!(seen(&counter), [2, 3, 1]);
    assert_eq!(counter.members_in(7, 7), [MemberNo(1)]);
    assert_eq!(counter.members_in(4, 5), [MemberNo(1)]);
}

#[test]
fn of_very_many_members_the_last_are_counted() {
    let mut counter = Counter::new(TermNo(1));
    let most = SEEN_MAX as u32;
    for member in 1..=most + 10 {
        counter.see(member as i32, 0, MemberNo(member));
    }
    assert_eq!(seen(&counter), (11..=most + 10).collect::<Vec<_>>());
    // A few who come again and again push nobody out.
    for bucket in 0..=SIGHTINGS_MAX as i32 {
        counter.see(1_000 + bucket, 0, MemberNo(most + 10));
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

proptest! {
    #[test]
    fn windows_are_those_of_the_list_of_all_that_was_counted(
        told in prop::collection::vec((0..40i32, 0..9i64, 1..6u32), 0..60),
        bucket in 0..40i32,
        width in 1..15i32,
    ) {
        let mut counter = Counter::new(TermNo(1));
        for (bucket, amount, member) in &told {
            counter.add(*bucket, 0, *amount).expect("it fits");
            counter.see(*bucket, 0, MemberNo(*member));
        }
        let inside = |end: i32| told.iter().filter(move |(on, ..)| (end - width + 1..=end).contains(on));
        let ends = || bucket..bucket + width;
        let sum = |end: i32| inside(end).map(|(_, amount, _)| amount).sum::<i64>();
        prop_assert_eq!(counter.fullest(bucket, width), ends().map(sum).max().unwrap_or(0));
        let members = |end: i32| inside(end).map(|(.., who)| who).chain([&1]).collect::<std::collections::BTreeSet<_>>().len();
        prop_assert_eq!(counter.most_members(MemberNo(1), bucket, width).len(), ends().map(members).max().unwrap_or(0));
        prop_assert_eq!(counter.at(bucket), told.iter().filter(|(on, ..)| *on == bucket).map(|(_, n, _)| n).sum::<i64>());
    }
}
