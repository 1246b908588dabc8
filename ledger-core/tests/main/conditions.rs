//! Conditions of earn rules, as program files say them.

use expect_test::{Expect, expect};
use ledger_core::program::Program;

/// The faults of a rule in a file that is otherwise in order; the lines after the head count from 6.
fn check(rule: &str, expected: Expect) {
    let head = "id = \"t\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n";
    let faults = Program::read(&format!("{head}{rule}"), &mut Vec::new()).err().unwrap_or_default();
    expected.assert_eq(&faults.iter().map(|fault| format!("{fault}\n")).collect::<String>());
}

#[test]
fn a_condition_that_asks_for_nothing_is_a_fault() {
    let when =
        |word: &str| format!("[[earn]]\nid = \"one\"\non = \"purchase\"\nfixed = 1\nwhen = {{ {word} = false }}\n");
    check(
        &when("birthday"),
        expect![[r#"
            line 10: earn[0].when.birthday: must be true, or be left out: false asks for nothing
        "#]],
    );
    check(
        &when("first"),
        expect![[r#"
            line 10: earn[0].when.first: must be true, or be left out: false asks for nothing
        "#]],
    );
    check(&when("first").replace("false", "true"), expect![[""]]);
}
