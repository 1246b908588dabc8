//! Members with more of everything than people have: a card for all who have none, a bot's phone.

use crate::ledger::{self, event, purchase};
use ledger_core::bytes::{VALUE_BYTES_MAX, decode_row, encode_row};
use ledger_core::lots::LOTS_MAX;
use ledger_core::units::{At, DAY_MS, MemberNo, Points};

const PROGRAM: &str = r#"
id = "t"
timezone = "UTC"
currency = "EUR"
[[wallet]]
id = "points"
expiry = { after = "12M" }
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
"#;

#[test]
fn a_card_for_everybody_goes_on_to_be_recorded() {
    let mut memory = ledger::publish(PROGRAM, At(0));
    let bought = LOTS_MAX + 1_000;
    let mut given = 0;
    for n in 0..bought {
        // Two dates, the second of which begins when the lots are at their limit.
        let at = At(if n < LOTS_MAX { 0 } else { DAY_MS });
        let id = format!("{n}");
        let outcome = memory.submit(event(&id, "walk-in", at, purchase(&id, 100)), at).expect("it folds");
        assert_eq!(outcome.refusal, None, "purchase {n} has happened");
        given += outcome.earned_first().0;
    }
    let row = memory.state.member(MemberNo(1)).expect("it is a member");
    let purse = row.purses.first();
    assert_eq!((given, purse.lots.total()), (bought as i64, Points(bought as i64)), "every purchase gives its point");
    assert_eq!(purse.lots_len(), LOTS_MAX + 1, "beyond the limit there is one lot for each date");
    assert_eq!(row.purchases.len(), bought, "every purchase can be given back");
    let last = bought - 1;
    let back = ledger_core::event::Body::refund(
        &format!("{last}"),
        ledger_core::event::Currency(*b"EUR"),
        ledger_core::units::Money(100),
    );
    let outcome = memory.submit(event("back", "walk-in", At(DAY_MS), back), At(DAY_MS)).expect("it folds");
    assert_eq!((outcome.refusal, outcome.available), (None, Points(bought as i64 - 1)));
    let again = memory.refold().expect("the log folds");
    assert_eq!(again.member(MemberNo(1)), memory.state.member(MemberNo(1)));
}

#[test]
fn what_is_written_is_never_larger_than_what_is_read() {
    // The version, how many there are, and one byte each.
    let fits = vec![7u8; VALUE_BYTES_MAX - 6];
    let mut bytes = Vec::new();
    encode_row(&fits, &mut bytes).expect("it is at the limit");
    assert_eq!(bytes.len(), VALUE_BYTES_MAX);
    assert_eq!(decode_row::<Vec<u8>>(&bytes).expect("what was written is read"), fits);
    let mut bytes = Vec::from(*b"before");
    let error = encode_row(&vec![7u8; VALUE_BYTES_MAX - 5], &mut bytes).expect_err("it is a byte over it");
    assert!(error.to_string().contains("64 MiB"), "{error}");
    assert_eq!(bytes, b"before", "and nothing of it is there");
    // Numbers come to eight times as many bytes as they take.
    let numbers = vec![1u64; VALUE_BYTES_MAX - 6];
    let mut bytes = Vec::new();
    encode_row(&numbers, &mut bytes).expect("a byte each");
    assert_eq!(decode_row::<Vec<u64>>(&bytes).expect("and all of them are read").len(), numbers.len());
}
