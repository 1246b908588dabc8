//! What people complain of in the loyalty systems of today, and what happens here instead: one story each under
//! `tests/stories/complaints`. They are played here, through the store and through gRPC; two that no story can
//! show whole have their other half elsewhere, and say where.

use crate::ledger;
use crate::scenarios::check;

macro_rules! complaints {
    ($($name:ident: $file:literal,)*) => {
        $(#[test]
        fn $name() {
            check(&ledger::root().join("ledger-core/tests/stories/complaints").join(concat!($file, ".txt")));
        })*

        #[test]
        fn every_complaint_is_played() {
            let folder = ledger::root().join("ledger-core/tests/stories/complaints");
            let files = std::fs::read_dir(folder).expect("the stories are there").map(|entry| entry.expect("an entry"));
            let names = files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".txt").map(str::to_owned));
            let mut names: Vec<String> = names.collect();
            names.sort();
            assert_eq!(names, [$($file),*]);
        }
    };
}

complaints! {
    complaint_01_points_kept_after_a_refund: "01-points-kept-after-a-refund",
    complaint_02_points_not_given_back_when_what_they_paid_for_goes_back:
        "02-points-not-given-back-when-what-they-paid-for-goes-back",
    complaint_03_a_refund_deducts_twice: "03-a-refund-deducts-twice",
    complaint_04_a_refund_is_worked_out_with_todays_rules: "04-a-refund-is-worked-out-with-todays-rules",
    complaint_05_only_one_refund_for_an_order: "05-only-one-refund-for-an-order",
    complaint_06_the_same_points_are_spent_twice: "06-the-same-points-are-spent-twice",
    complaint_07_expiry_takes_points_that_were_spent: "07-expiry-takes-points-that-were-spent",
    complaint_08_expiry_is_all_or_nothing: "08-expiry-is-all-or-nothing",
    complaint_09_a_new_policy_rewrites_the_past: "09-a-new-policy-rewrites-the-past",
    complaint_10_points_are_missing_and_nobody_can_say_why: "10-points-are-missing-and-nobody-can-say-why",
    complaint_11_spending_points_costs_the_tier: "11-spending-points-costs-the-tier",
    complaint_12_small_purchases_never_add_up: "12-small-purchases-never-add-up",
    complaint_13_a_merge_of_members_cannot_be_undone: "13-a-merge-of-members-cannot-be-undone",
    complaint_14_a_cent_is_lost_to_floats_and_taxes: "14-a-cent-is-lost-to-floats-and-taxes",
    complaint_15_an_event_that_comes_again_counts_again: "15-an-event-that-comes-again-counts-again",
}
