//! Program files: every fault with its line and field, and what to write instead.

use crate::ledger::root;
use expect_test::{Expect, expect};
use ledger_core::event::Kind;
use ledger_core::features::earning::condition::Said;
use ledger_core::program::{Program, RULES_MAX};
use std::fs;

/// The faults of a file, one a line.
fn faults(text: &str) -> String {
    match Program::read(text, &mut Vec::new()) {
        Ok(_) => String::new(),
        Err(faults) => faults.iter().map(|fault| format!("{}\n", shortened(&fault.to_string()))).collect(),
    }
}

/// A fault without the lists of kinds, which grow with every kind: what counts, and what earns.
fn shortened(fault: &str) -> String {
    let named = |is: fn(Kind) -> bool| {
        let kinds: Vec<_> = Kind::ALL.iter().filter(|kind| is(**kind)).map(|kind| kind.name()).collect();
        kinds.join(", ")
    };
    // The longer list first: the other may stand at its head.
    let fault = fault.replace(&named(Kind::is_countable), "{what counts}");
    fault.replace(&named(Kind::is_earning), "{what earns}")
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&faults(text));
}

const HEAD: &str = "id = \"t\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n";

/// A fault in a file that is otherwise in order; the lines after the head count from 6.
fn check_rule(rule: &str, expected: Expect) {
    check(&format!("{HEAD}{rule}"), expected);
}

#[test]
fn examples_have_neither_faults_nor_warnings() {
    let mut read = 0;
    for entry in fs::read_dir(root().join("programs")).expect("programs are there") {
        let path = entry.expect("a readable entry").path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let text = fs::read_to_string(&path).expect("a readable file");
            let program = Program::read(&text, &mut Vec::new());
            let program = program.unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()));
            assert_eq!(program.warnings, [], "{}", path.display());
            assert_eq!(
                Some(&*program.id),
                path.file_stem().and_then(|name| name.to_str()),
                "a file is called as its id"
            );
            read += 1;
        }
    }
    assert!(read >= 3, "{read} example programs");
}

#[test]
fn every_fault_of_a_file_is_told_at_once() {
    let text = r#"id = "t"
timezone = "Europe/Atlantis"
currency = "euro"
currencies = ["EUR"]

[[wallet]]
id = "points"
expiry = { after = "1y", round = "week" }

[[earn]]
id = "base"
on = "purchases"
per = "1.005"
give = 1

[[earn]]
id = "base"
on = "check_in"
fixed = 5
limit = { times = 1 }

[[counter]]
id = "devices"
on = ["enroled"]
key = "device"
measure = "members"
window = "24h"
bucket = "7h"

[[risk]]
id = "farm"
counter = "device"
at_least = 0
action = "review"
"#;
    check(
        text,
        expect![[r#"
            line 2: timezone: "Europe/Atlantis" is no IANA time zone; write one such as Europe/Berlin
            line 3: currency: "euro" is no money of ISO 4217; write a code of it such as EUR
            line 4: currencies: is not a field here; did you mean "currency"?
            line 8: wallet[0].expiry.after: "1y" is no span; write 90d or 12M
            line 8: wallet[0].expiry.round: "week" is not known here; write one of day, month_end, year_end
            line 12: earn[0].on: "purchases" is not known here; write one of {what earns}, inactive
            line 13: earn[0].per: "1.005" is no amount; write one such as "1.00" with 2 digits at most
            line 17: earn[1].id: "base" is used twice; every id must be unique in the file
            line 20: earn[1].limit.per: is missing
            line 24: counter[0].on: "enroled" is not known here; write one of {what counts}, limit_hit, inactive
            line 27: counter[0].window: must be 1 to 1000 whole buckets; change `bucket`
            line 32: risk[0].counter: no counter is called "device"; write one of "devices", or add [[counter]] with this id
            line 33: risk[0].at_least: is 0; must be 1 to 9223372036854775807
        "#]],
    );
}

#[test]
fn an_unknown_field_is_told_with_the_field_that_was_meant() {
    check_rule(
        "hold_tll = \"1d\"\n[tiers]\nwindow = \"365d\"\ndowngrade_aftr = \"90d\"\n[[tier]]\nid = \"a\"\ncolour = 1\n",
        expect![[r#"
            line 6: wallet[0].hold_tll: is not a field here; did you mean "hold_ttl"?
            line 9: tiers.downgrade_aftr: is not a field here; did you mean "downgrade_after"?
            line 12: tier[0].colour: is not a field here; write one of id, at_least, more_than, attribute
        "#]],
    );
}

#[test]
fn every_word_of_a_rule_is_checked() {
    check_rule(
        r#"[[earn]]
id = "a"
on = "purchase"
base = "brutto"
round = "even"
per_items = 0
give = 1
when = { weekdays = ["monday", "someday"], hours = "9-12", from = "2026-02-30", until = 3, channels = [], first = 1 }
[[earn]]
id = "b"
on = "purchase"
per = "1.00"
carry = true
round = "up"
base = { price = "net", delivery = true }
table = [{ at_least = "0.00", give = 1 }, { at_least = "0.00", rate = "5%" }]
when = { tiers = ["gold"], attributes = [{ name = "age", equal = 1, at_least = 2 }, { name = "age" }], skus = [""] }
[[earn]]
id = "c"
on = "check_in"
base = "gross"
percent = { of = "d", rate = "0%" }
table = [{ tier = "gold", rate = "half" }, { tier = "gold", rate = "1%" }]
when = { at_least = "1.00", except = { tags = ["x"], size = 4 }, from = "2026-02-02", until = "2026-02-01" }
[[earn]]
id = "d"
on = "purchase"
fixed = 1
carry = true
table = [{ give = 5 }]
when = "someday"
"#,
        expect![[r#"
            line 9: earn[0].base: "brutto" is not known here; write one of net, gross, ex_tax
            line 10: earn[0].round: "even" is not known here; write one of down, half_up, up
            line 11: earn[0].per_items: is 0; must be 1 to 1000000
            line 13: earn[0].when.from: "2026-02-30" is no date; write one such as "2026-06-16"
            line 13: earn[0].when.until: must be a text in quotes; write until = "2026-06-16"
            line 13: earn[0].when.first: must be true or false; write first = true
            line 13: earn[0].when.weekdays: "someday" is not known here; write one of monday, tuesday, wednesday, thursday, friday, saturday, sunday
            line 13: earn[0].when.hours: "9-12" is no time of the day; write 07:00-09:30
            line 13: earn[0].when.channels: is empty: name at least one
            line 19: earn[1].round: what is carried on is not rounded
            line 20: earn[1].base.delivery: is not a field here; write one of price, shipping, ex_points_paid
            line 21: earn[1].table[1].give: is missing
            line 21: earn[1].table[1].at_least: must be more than that of the step before
            line 21: earn[1].table[1].rate: is not a field here
            line 21: earn[1].table: what is carried on counts alike in every purchase: steps go by `tier`
            line 22: earn[1].when.attributes[0].equal: needs either `equal`, or `at_least`, `at_most` or both
            line 22: earn[1].when.attributes[0].name: "age" is not declared; add it to `attributes`
            line 22: earn[1].when.attributes[1].equal: needs either `equal`, or `at_least`, `at_most` or both
            line 22: earn[1].when.attributes[1].name: "age" is not declared; add it to `attributes`
            line 22: earn[1].when.skus: holds a word that is not of 1 to 128 bytes
            line 22: earn[1].when.tiers: no tier is called "gold"; add [[tier]] with this id
            line 26: earn[2].base: only a purchase has money
            line 27: earn[2].percent.of: no earlier rule is called "d"; write one of "a", "b", or put that above
            line 27: earn[2].percent.rate: "0%" is no rate; write 50% or 12.5%, at most 10000%
            line 28: earn[2].table[0].rate: "half" is no rate; write 50% or 12.5%, at most 10000%
            line 28: earn[2].table[1].tier: "gold" has a step already
            line 28: earn[2].table[0].tier: no tier is called "gold"; add [[tier]] with this id
            line 28: earn[2].table[1].tier: no tier is called "gold"; add [[tier]] with this id
            line 29: earn[2].when.until: lies before `from`
            line 29: earn[2].when.except.size: is not a field here; write one of skus, categories, tags
            line 29: earn[2].when.at_least: only a purchase has lines and money
            line 29: earn[2].when.except: only a purchase has lines and money
            line 34: earn[3].carry: only what is short of `per` or `per_items` is carried on
            line 35: earn[3].table[0].at_least: is missing
            line 35: earn[3].table: says what the rule gives: leave out the number
            line 35: earn[3].table: what is carried on counts alike in every purchase: steps go by `tier`
            line 36: earn[3].when: "someday" is not known here; write one of birthday
        "#]],
    );
}

#[test]
fn groups_campaigns_and_limits_are_checked() {
    check_rule(
        r#"[[wallet]]
id = "level"
kind = "tier"
[[campaign]]
id = "spring"
budget = { points = 100, per = "order" }
[[campaign]]
id = "autumn"
[[campaign]]
id = "all"
all = true
limit = [{ points = 9, per = "month" }, { times = 3, per = "month", over = "half" }]
[[earn]]
id = "a"
on = "purchase"
fixed = 1
group = "g"
campaign = "all"
limit = { points = 5, per = "fortnight" }
[[earn]]
id = "b"
on = "purchase"
fixed = 1
campaign = "winter"
[[earn]]
id = "c"
on = "check_in"
fixed = 1
group = "g"
wallet = "level"
campaign = "spring"
[[earn]]
id = "d"
on = "check_in"
group = "g"
wallet = "level"
times = { of = "c", factor = 2 }
[[earn]]
id = "e"
on = "purchase"
group = "h"
per = "1.00"
give = 1
carry = true
[refund]
reopens_limits = "yes"
"#,
        expect![[r#"
            line 11: campaign[0].budget.per: one order has a limit of `points`, and that is each member's own
            line 17: campaign[2].limit[1].over: "half" is not known here; write one of cut, nothing
            line 17: campaign[2].limit[1].per: there is a limit over such a window already
            line 23: earn[0].campaign: every rule belongs to "all"
            line 24: earn[0].limit.per: "fortnight" is no window; write 1d or 90d, or order, visit, week, month, year or ever
            line 29: earn[1].campaign: no campaign is called "winter"; write one of "spring", "autumn", "all", or add [[campaign]] with this id
            line 34: earn[2].group: the rules of "g" must follow each other
            line 34: earn[2].group: the rules of "g" must wait for one event and give to one wallet
            line 36: earn[2].campaign: "spring" is a campaign of another wallet
            line 42: earn[3].times.of: of the rules of a group only one gives: none builds on another
            line 49: earn[4].carry: a rule of a group carries nothing on
            line 51: refund.reopens_limits: must be true or false; write reopens_limits = true
        "#]],
    );
}

#[test]
fn what_redemptions_must_keep_to_is_checked() {
    check_rule(
        "[redeem]\nmin = 100\nmax = 50\nstep = 0\nper_day = 99\nshare = \"101%\"\ngrace = \"1M\"\nmost = 1\n",
        expect![[r#"
            line 8: redeem.max: allows nothing: at least 100 go at once
            line 9: redeem.step: is 0; must be 1 to 1000000000000
            line 10: redeem.per_day: allows nothing: at least 100 go at once
            line 11: redeem.share: "101%" is no share; write 1% to 100%
            line 11: redeem.share: needs what points are worth; add worth = { points = 100, money = "1.00" }
            line 12: redeem.grace: "1M" is no number of days; write 1d or 90d
            line 13: redeem.most: is not a field here; write one of wallet, min, max, step, per_order, per_day, per_month, share, worth, grace
        "#]],
    );
    check_rule(
        "[redeem]\nstep = 50\nper_order = 40\nshare = \"50%\"\n",
        expect![[r#"
        line 8: redeem.per_order: allows nothing: at least 50 go at once
        line 9: redeem.share: needs what points are worth; add worth = { points = 100, money = "1.00" }
    "#]],
    );
    check_rule(
        "[redeem]\nworth = { points = 0, money = \"0.00\" }\n",
        expect![[r#"
        line 7: redeem.worth.points: is 0; must be 1 to 1000000000000
        line 7: redeem.worth.money: must be more than 0
        line 7: redeem.worth: is used by no rule; add `share`
    "#]],
    );
    let second = "[[wallet]]\nid = \"level\"\nkind = \"tier\"\n[redeem]\nstep = 2\n";
    check_rule(
        &format!("{second}wallet = \"level\"\n"),
        expect![[r#"
            line 11: redeem.wallet: the points of this wallet only measure: they are neither spent nor given
        "#]],
    );
    check_rule(
        &format!("{second}wallet = \"stamps\"\n"),
        expect![[r#"
            line 11: redeem.wallet: no wallet is called "stamps"; write one of "points", "level", or add [[wallet]] with this id
        "#]],
    );
    check_rule(
        "kind = \"stamp\"\n[redeem]\nstep = 2\n",
        expect![[r#"
        line 7: redeem.wallet: no wallet is of kind "points"; name the one that is meant with `wallet`
    "#]],
    );
}

#[test]
fn what_gifts_must_keep_to_is_checked() {
    check_rule(
        "[transfer]\nmin = 10\nmax = 9\nper_day = 5\nfee = \"100%\"\ncooling = \"1M\"\n",
        expect![[r#"
        line 8: transfer.max: allows nothing: at least 10 go at once
        line 9: transfer.per_day: allows nothing: at least 10 go at once
        line 10: transfer.fee: "100%" is no fee; write 1% to 99%
        line 11: transfer.cooling: "1M" is no duration; write 15m, 24h or 30d
    "#]],
    );
    check_rule(
        "[transfer]\nmin = 0\nstep = 5\n",
        expect![[r#"
            line 7: transfer.min: is 0; must be 1 to 1000000000000
            line 8: transfer.step: is not a field here; write one of wallet, min, max, per_day, fee, cooling
        "#]],
    );
}

#[test]
fn what_is_missing_is_named() {
    check(
        "",
        expect![[r#"
            line 1: id: is missing
            line 1: timezone: is missing
            line 1: currency: is missing
            line 1: wallet: is missing; add [[wallet]] with id = "points"
        "#]],
    );
    check(
        "id = \"t\"\n[[earn]]\n[[streak]]\n[[ladder]]\n[[counter]]\n[[risk]]\n[inactivity]\n",
        expect![[r#"
            line 1: timezone: is missing
            line 1: currency: is missing
            line 1: wallet: is missing; add [[wallet]] with id = "points"
            line 2: earn[0].id: is missing
            line 2: earn[0].on: is missing
            line 2: earn[0].fixed: a rule gives by exactly one of `fixed`, `per`, `per_items`, `times`, `percent` or `table`
            line 3: streak[0].id: is missing
            line 3: streak[0].on: is missing
            line 3: streak[0].days: is missing
            line 3: streak[0].grant: is missing
            line 4: ladder[0].id: is missing
            line 4: ladder[0].on: is missing
            line 4: ladder[0].every: is missing
            line 4: ladder[0].tier_step: is missing
            line 4: ladder[0].tier_step: there are no tiers to climb; add [[tier]]
            line 5: counter[0].id: is missing
            line 5: counter[0].on: is missing
            line 5: counter[0].key: is missing
            line 5: counter[0].measure: is missing
            line 6: risk[0].id: is missing
            line 6: risk[0].counter: is missing
            line 6: risk[0].at_least: is missing
            line 6: risk[0].action: is missing
            line 7: inactivity.after: is missing
            line 7: inactivity.activity: is missing
        "#]],
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    check(
        "id = \"t\"\ntimezone = \n[wallet\n",
        expect![[r#"
            line 2: file: string values must be quoted, expected literal string
            line 3: file: unclosed table, expected `]`
        "#]],
    );
    check(
        "id = 1\nid = 2\n",
        expect![[r#"
        line 2: file: duplicate key
    "#]],
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_told() {
    check(
        "id = 7\ntimezone = [\"UTC\"]\ncurrency = true\nminor_digits = \"two\"\nattributes = \"all\"\nwallet = \"points\"\nearn = [1]\ntiers = 3\n",
        expect![[r#"
            line 1: id: must be a text in quotes; write id = "club"
            line 1: wallet: is missing; add [[wallet]] with id = "points"
            line 2: timezone: must be a text in quotes; write timezone = "Europe/Berlin"
            line 3: currency: must be a text in quotes; write currency = "EUR"
            line 4: minor_digits: must be a whole number; write minor_digits = 0
            line 5: attributes: must be a list of texts; write attributes = ["stage"]
            line 6: wallet: must be a list of tables: [[wallet]]
            line 7: earn[0]: must be a table
            line 8: tiers: must be a table; write [tiers]
        "#]],
    );
    check(
        "id = \"t\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\nwallet = []\n",
        expect![[r#"
        line 1: wallet: is missing; add [[wallet]] with id = "points"
    "#]],
    );
}

#[test]
fn wallets_are_checked_one_by_one() {
    check_rule(
        r#"[[wallet]]
id = "points"
kind = "coins"
scale = 2
spend = "newest"
negative = "never"
max_balance = 0
cost = { money = "1.005" }
[[earn]]
id = "base"
on = "check_in"
fixed = 1
wallet = "milse"
"#,
        expect![[r#"
            line 7: wallet[1].id: "points" is used twice; every id must be unique in the file
            line 8: wallet[1].kind: "coins" is not known here; write one of points, tier, stamp, entitlement, money, miles
            line 9: wallet[1].scale: only a wallet of kind "money" has a scale
            line 10: wallet[1].spend: "newest" is not known here; write one of soonest_expiry, oldest
            line 11: wallet[1].negative: "never" is not known here; write one of debt, clamp, forbid
            line 12: wallet[1].max_balance: is 0; must be 1 to 9223372036854775807
            line 13: wallet[1].cost.money: "1.005" is no amount; write one such as "1.00" with 2 digits at most
            line 13: wallet[1].cost.points: is missing
            line 18: earn[0].wallet: no wallet is called "milse"; write one of "points", or add [[wallet]] with this id
        "#]],
    );
    let many: String = (0..17).map(|n| format!("[[wallet]]\nid = \"w{n}\"\n")).collect();
    check_rule(
        &many,
        expect![[r#"
            line 4: wallet: has 18 entries; at most 16 are allowed
        "#]],
    );
}

#[test]
fn an_earn_rule_gives_in_exactly_one_way() {
    check_rule(
        r#"[[earn]]
id = "both"
on = "purchase"
fixed = 1
per = "1.00"
give = 1
[[earn]]
id = "none"
on = "purchase"
[[earn]]
id = "nothing_for_money"
on = "purchase"
per = "1.00"
[[earn]]
id = "money_for_nothing"
on = "purchase"
per = "0.00"
give = 1
[[earn]]
id = "no_money"
on = "check_in"
per = "1.00"
give = 1
[[earn]]
id = "too_much"
on = "check_in"
fixed = 1000001
"#,
        expect![[r#"
            line 6: earn[0].fixed: a rule gives by exactly one of `fixed`, `per`, `per_items`, `times`, `percent` or `table`
            line 12: earn[1].fixed: a rule gives by exactly one of `fixed`, `per`, `per_items`, `times`, `percent` or `table`
            line 15: earn[2].give: is missing
            line 22: earn[3].per: must be more than 0
            line 27: earn[4].per: only a purchase has money; use `fixed`
            line 32: earn[5].fixed: is 1000001; must be 0 to 1000000
        "#]],
    );
}

#[test]
fn a_multiplier_stands_below_what_it_multiplies() {
    check_rule(
        r#"[[earn]]
id = "twice"
on = "purchase"
times = { of = "base", factor = 2 }
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
[[earn]]
id = "other"
on = "check_in"
times = { of = "base", factor = 1 }
[[earn]]
id = "another"
on = "check_in"
times = { of = "base", factor = 2 }
"#,
        expect![[r#"
            line 9: earn[0].times.of: no earlier rule is called "base"; put that above
            line 18: earn[2].times.of: is a rule that waits for another event
            line 18: earn[2].times.factor: is 1; must be 2 to 1000
            line 22: earn[3].times.of: is a rule that waits for another event
        "#]],
    );
}

#[test]
fn a_limit_counts_either_times_or_points() {
    check_rule(
        "[[earn]]\nid = \"a\"\non = \"check_in\"\nfixed = 1\nlimit = { times = 1, points = 5, per = \"1d\" }\n\
         [[earn]]\nid = \"b\"\non = \"check_in\"\nfixed = 1\nlimit = { per = \"1h\" }\n",
        expect![[r#"
            line 10: earn[0].limit: limits either `times` or `points`
            line 15: earn[1].limit.per: "1h" is no window; write 1d or 90d, or order, visit, week, month, year or ever
            line 15: earn[1].limit: limits either `times` or `points`
        "#]],
    );
}

#[test]
fn only_money_that_is_not_carried_on_is_counted_by_the_line() {
    check_rule(
        r#"[[earn]]
id = "a"
on = "purchase"
per = "1.00"
give = 1
carry = true
round_at = "line"
[[earn]]
id = "b"
on = "purchase"
fixed = 1
round_at = "line"
[[earn]]
id = "c"
on = "purchase"
per_items = 2
give = 1
round_at = "lines"
[[earn]]
id = "d"
on = "purchase"
percent = { of = "a", rate = "10%" }
round_at = "line"
"#,
        expect![[r#"
            line 12: earn[0].round_at: what is short of `per` in a line is lost: nothing is carried on
            line 17: earn[1].round_at: only money is counted line by line: by `per`
            line 23: earn[2].round_at: "lines" is not known here; write one of event, line
            line 28: earn[3].round_at: only money is counted line by line: by `per`
        "#]],
    );
}

#[test]
fn visits_are_checked() {
    let rule = "[[earn]]\nid = \"a\"\non = \"purchase\"\nfixed = 1\nlimit = { times = 1, per = \"visit\" }\n";
    check_rule(
        rule,
        expect![[r#"
        line 10: earn[0].limit.per: what is a visit? add [visit] with `gap`
    "#]],
    );
    for gap in ["1m", "90m", "24h", "1d"] {
        assert_eq!(faults(&format!("{HEAD}[visit]\ngap = \"{gap}\"\n{rule}")), "", "{gap}");
    }
    check_rule(
        &format!("[visit]\ngap = \"25h\"\nlenght = 1\n{rule}"),
        expect![[r#"
            line 7: visit.gap: must be 1m to 24h
            line 8: visit.lenght: is not a field here; write one of gap
        "#]],
    );
    check_rule(
        &format!("[visit]\ngap = \"30s\"\n{rule}"),
        expect![[r#"
        line 7: visit.gap: "30s" is no duration; write 15m, 24h or 30d
    "#]],
    );
    check_rule(
        &format!("[visit]\n{rule}"),
        expect![[r#"
        line 6: visit.gap: is missing
    "#]],
    );
    check_rule(
        r#"[visit]
gap = "10m"
[[campaign]]
id = "door"
limit = { points = 5, per = "visit" }
budget = { points = 5, per = "visit" }
[[campaign]]
id = "all"
all = true
limit = [{ points = 5, per = "visit" }, { times = 2, per = "visit" }]
[[earn]]
id = "a"
on = "check_in"
fixed = 1
campaign = "door"
[[earn]]
id = "b"
on = "enrolled"
fixed = 1
[[earn]]
id = "c"
on = "referral"
fixed = 1
limit = { times = 1, per = "visit" }
"#,
        expect![[r#"
            line 11: campaign[0].budget.per: a visit is one member's: write a `limit`
            line 15: campaign[1].limit[1].per: there is a limit over such a window already
            line 23: earn[1].on: is part of no visit, and a limit of the rule or its campaign counts by the visit
            line 27: earn[2].on: is part of no visit, and a limit of the rule or its campaign counts by the visit
        "#]],
    );
    let unused = "[visit]\ngap = \"10m\"\n[[earn]]\nid = \"a\"\non = \"purchase\"\nfixed = 1\n";
    let program = Program::read(&format!("{HEAD}{unused}"), &mut Vec::new()).expect("it is in order");
    let warnings: Vec<String> = program.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["line 6: visit: no limit of a rule counts by the visit"]);
}

#[test]
fn tiers_climb() {
    check_rule(
        r#"attributes = ["x"]
"#,
        expect![[r#"
            line 6: wallet[0].attributes: is not a field here; write one of id, kind, scale, expiry, pending, spend, negative, max_balance, cost, hold_ttl
        "#]],
    );
    check_rule(
        r#"[[tier]]
id = "first"
at_least = "1.00"
[[tier]]
id = "second"
at_least = "5.00"
[[tier]]
id = "third"
more_than = "4.99"
[[tier]]
id = "fourth"
[[tier]]
id = "fifth"
at_least = "9.00"
attribute = { name = "percentile", at_most = 10 }
[[streak]]
id = "week"
on = "check_in"
days = 1
grant = "sixth"
"#,
        expect![[r#"
            line 1: tiers: is missing; add [tiers] with `window`
            line 6: tier[0].at_least: the first tier is everyone's and has no threshold
            line 12: tier[2].at_least: must be higher than the tier below
            line 15: tier[3].at_least: needs one of `at_least` or `more_than`
            line 20: tier[4].attribute.name: "percentile" is not declared; add it to `attributes`
            line 24: streak[0].days: is 1; must be 2 to 3650
            line 25: streak[0].grant: no tier is called "sixth"; write one of "first", "second", "third", "fourth", "fifth", or add [[tier]] with this id
        "#]],
    );
    check_rule(
        "[tiers]\nwindow = \"36501d\"\n",
        expect![[r#"
        line 6: tier: [tiers] needs at least one [[tier]]
        line 7: tiers.window: "36501d" is no number of days; write 1d or 90d
    "#]],
    );
}

#[test]
fn a_rule_that_waits_for_dormancy_needs_one() {
    check_rule(
        "[[earn]]\nid = \"back\"\non = \"inactive\"\nfixed = 1\n",
        expect![[r#"
        line 1: earn[0].on: waits for inactivity; add [inactivity] with `after`
    "#]],
    );
}

/// Or a refund of part of a purchase would have to give points.
#[test]
fn who_spends_more_never_earns_less() {
    check_rule(
        r#"[[earn]]
id = "a"
on = "purchase"
table = [{ at_least = "0.00", give = 10 }, { at_least = "50.00", give = 5 }, { at_least = "99.00", give = 8 }]
[[earn]]
id = "b"
on = "purchase"
percent = { of = "a" }
table = [{ at_least = "0.00", rate = "10%" }, { at_least = "50.00", rate = "5%" }]
"#,
        expect![[r#"
            line 9: earn[0].table[1].give: is less than that of the step before: what is kept of a purchase would earn more than all
            line 14: earn[1].table[1].rate: is less than that of the step before: what is kept of a purchase would earn more than all
        "#]],
    );
}

#[test]
fn approvals_ask_for_somebody() {
    check_rule(
        "[approvals]\nlapse = \"7d\"\n",
        expect![[r#"
            line 6: approvals: asks for nobody; add credit = { over = 1000, people = 2 }, or debit
        "#]],
    );
    check_rule(
        "[approvals]\ncredit = { over = -1, people = 1 }\ndebit = { over = 10, people = 9, by = 2 }\nlapse = \"1M\"\n",
        expect![[r#"
            line 7: approvals.credit.over: is -1; must be 0 to 1000000000000
            line 7: approvals.credit.people: is 1; must be 2 to 8
            line 8: approvals.debit.people: is 9; must be 2 to 8
            line 8: approvals.debit.by: is not a field here; write one of over, people
            line 9: approvals.lapse: "1M" is no duration; write 15m, 24h or 30d
        "#]],
    );
    check_rule(
        "[approvals]\ncredit = 1000\ndebit = { people = 2 }\nrefund = 1\n",
        expect![[r#"
            line 7: approvals.credit: must be a table; write credit = { over = 1000, people = 2 }
            line 8: approvals.debit.over: is missing
            line 9: approvals.refund: is not a field here; write one of credit, debit, lapse
        "#]],
    );
}

#[test]
fn items_are_sold_to_somebody_at_some_time_for_something() {
    check_rule(
        r#"[[wallet]]
id = "status"
kind = "tier"
[[item]]
id = "cup"
points = 0
stock = -1
from = "2026-03-31"
until = "2026-03-01"
tiers = ["gold"]
limit = { pieces = 0, per = "order" }
[[item]]
id = "cup"
wallet = "status"
tiers = []
restock = true
price = 3
[[item]]
id = "mug"
wallet = "miles"
points = 5
until = "soon"
limit = [{ pieces = 1, per = "1d" }, { pieces = 2, per = "1d" }, { pieces = 3 }, { pieces = 4, per = "367d" }]
[[item]]
id = "tea"
points = 5
limit = { points = 5, per = "hour" }
[[item]]
points = "5"
limit = 3
"#,
        expect![[r#"
            line 11: item[0].points: is 0; must be 1 to 1000000000000
            line 12: item[0].stock: is -1; must be 0 to 1000000000000
            line 14: item[0].until: lies before `from`
            line 15: item[0].tiers: no tier is called "gold"; add [[tier]] with this id
            line 16: item[0].limit.pieces: is 0; must be 1 to 1000000000000
            line 16: item[0].limit.per: pieces are counted over days: write 1d
            line 17: item[1].points: is missing
            line 18: item[1].id: "cup" is used twice; every id must be unique in the file
            line 19: item[1].wallet: the points of this wallet only measure: nothing is bought with them
            line 20: item[1].tiers: is empty: name at least one
            line 21: item[1].restock: there is no `stock` and no `limit` for pieces to come back to
            line 22: item[1].price: is not a field here; write one of id, wallet, points, stock, from, until, tiers, limit, restock
            line 25: item[2].wallet: no wallet is called "miles"; write one of "points", "status", or add [[wallet]] with this id
            line 27: item[2].until: "soon" is no date; write one such as "2026-06-16"
            line 28: item[2].limit[1].per: there is a limit over such a window already
            line 28: item[2].limit[2].per: is missing
            line 28: item[2].limit[3].per: days are counted up to 366d; write that, year or ever
            line 32: item[3].limit.pieces: is missing
            line 32: item[3].limit.per: "hour" is no window; write 1d or 90d, or order, visit, week, month, year or ever
            line 32: item[3].limit.points: is not a field here; write one of pieces, per
            line 33: item[4].id: is missing
            line 34: item[4].points: must be a whole number; write points = 300
            line 35: item[4].limit: must be a list of tables: [{ … }]; write limit = { pieces = 2, per = "month" }
        "#]],
    );
    check(
        r#"id = "t"
timezone = "UTC"
currency = "EUR"
[[wallet]]
id = "stamps"
kind = "stamp"
[[item]]
id = "cup"
points = 10
"#,
        expect![[r#"
            line 7: item[0].wallet: no wallet is of kind "points"; name the one that is meant with `wallet`
        "#]],
    );
}

#[test]
fn what_goes_to_a_fund_is_declared() {
    check_rule(
        r#"[[wallet]]
id = "status"
kind = "tier"
[[fund]]
id = "trees"
[[fund]]
id = "trees"
wallet = "status"
[[earn]]
id = "a"
on = "purchase"
per = "1.00"
give = 1
carry = true
to = { fund = "trees" }
[[earn]]
id = "b"
on = "check_in"
wallet = "status"
fixed = 1
group = "g"
to = { fund = "trees", share = "50%" }
[[earn]]
id = "c"
on = "check_in"
fixed = 1
to = { fund = "whales" }
[[earn]]
id = "d"
on = "check_in"
fixed = 1
to = "trees"
"#,
        expect![[r#"
            line 12: fund[1].id: "trees" is used twice; every id must be unique in the file
            line 13: fund[1].wallet: the points of this wallet only measure: there is nothing in them to give
            line 20: earn[0].to.fund: what is given to a fund is not carried on; leave out `carry`
            line 27: earn[1].to.share: is not a field here; write one of fund
            line 27: earn[1].to.fund: is a fund of another wallet; give the rule the same
            line 27: earn[1].to.fund: a rule of a group gives to the member
            line 32: earn[2].to.fund: no fund is called "whales"; write one of "trees", or add [[fund]] with this id
            line 37: earn[3].to: must be a table; write to = { fund = "trees" }
        "#]],
    );
}

#[test]
fn counters_and_risks_keep_to_their_limits() {
    check_rule(
        r#"[[counter]]
id = "a"
on = ["purchase"]
key = "device"
measure = "members"
window = "30d"
bucket = "1m"
[[counter]]
id = "b"
on = ["purchase"]
key = "card"
measure = "sum"
bucket = "1h"
[[risk]]
id = "r"
counter = "a"
at_least = 257
action = "shout"
"#,
        expect![[r#"
            line 11: counter[0].window: must be 1 to 1000 whole buckets; change `bucket`
            line 16: counter[1].key: "card" is not known here; write one of member, device, ip, phone, ip_prefix, payment, address
            line 17: counter[1].measure: "sum" is not known here; write one of count, points, members
            line 18: counter[1].bucket: has no `window`
            line 22: risk[0].at_least: distinct members are counted up to 256
            line 23: risk[0].action: "shout" is not known here; write one of flag, review, deny
        "#]],
    );
}

#[test]
fn names_are_plain_and_used_once() {
    check_rule(
        r#"[[earn]]
id = "Base Rule"
on = "check_in"
fixed = 1
[[earn]]
id = "spend"
on = "check_in"
fixed = 1
[[earn]]
id = ""
on = "check_in"
fixed = 1
[[counter]]
id = "points"
on = ["check_in"]
key = "member"
measure = "count"
"#,
        expect![[r#"
            line 7: earn[0].id: "Base Rule" is no name; use a-z, 0-9, _ and -
            line 11: earn[1].id: "spend" is what tiers measure; choose another name
            line 15: earn[2].id: "" is no name; use a-z, 0-9, _ and -
            line 19: counter[0].id: "points" is used twice; every id must be unique in the file
        "#]],
    );
}

#[test]
fn an_attribute_that_no_rule_uses_is_a_warning() {
    let text = format!("attributes = [\"unused\"]\n{HEAD}");
    let program = Program::read(&text, &mut Vec::new()).expect("a warning is no fault");
    let warnings: String = program.warnings.iter().map(|warning| format!("{warning}\n")).collect();
    expect![[r#"
        line 1: attributes: "unused" is declared, but no rule uses it
    "#]]
    .assert_eq(&warnings);
}

#[test]
fn a_program_has_at_most_so_many_rules_and_words() {
    let rule = |n: usize| format!("[[earn]]\nid = \"r{n}\"\non = \"check_in\"\nfixed = 1\n");
    let rules = |n: usize| format!("{HEAD}{}", (0..n).map(rule).collect::<String>());
    assert_eq!(faults(&rules(RULES_MAX)), "");
    assert_eq!(faults(&rules(RULES_MAX + 1)), "line 6: earn: has 501 entries; at most 500 are allowed\n");
    let attributes: Vec<String> = (0..=RULES_MAX).map(|n| format!("\"a{n}\"")).collect();
    let many = format!("attributes = [{}]\n{HEAD}", attributes.join(", "));
    assert_eq!(faults(&many), "line 1: attributes: has 501 entries; at most 500 are allowed\n");
    let mut terms: Vec<Box<str>> = (0..65_533).map(|n| format!("w{n}").into()).collect();
    assert!(Program::read(&rules(0), &mut terms).is_ok(), "there is room for one word");
    assert_eq!(terms.len(), 65_534);
    let full = Program::read(&rules(1), &mut terms).expect_err("there is no room for another");
    let told: Vec<String> = full.iter().map(|fault| fault.to_string()).collect();
    assert_eq!(told, ["line 1: file: the ledger's vocabulary is full: use names of earlier versions again"]);
}

#[test]
fn words_keep_their_numbers_through_versions() {
    let mut terms: Vec<Box<str>> = Vec::new();
    let community = fs::read_to_string(root().join("programs/community.toml")).expect("the program is there");
    let cafe = fs::read_to_string(root().join("programs/cafe.toml")).expect("the program is there");
    let first = Program::read(&community, &mut terms).expect("no faults");
    let known = terms.clone();
    Program::read(&cafe, &mut terms).expect("no faults");
    assert_eq!(terms[..known.len()], known[..], "new words come after the old");
    let again = Program::read(&community, &mut terms.clone()).expect("no faults");
    let ids = |program: &Program| program.earn.iter().map(|rule| rule.id).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&again));
}

#[test]
fn faults_of_expiries_are_told() {
    let wallets = [
        r#"{ until = "12-31", after = "1d" }"#,
        r#"{ round = "month_end" }"#,
        r#"{ until = "2027-02-29" }"#,
        r#"{ until = "06-30", years = 0 }"#,
        r#"{ until = "2027-06-30", years = 1 }"#,
        r#"{ anniversary = 0 }"#,
        r#"{ anniversary = 1, round = "year_end" }"#,
        r#"{ until = "12-31", by_tier = [] }"#,
        r#"{ after = "1d", activity = ["shopping"], at_least = 5, by_tier = [] }"#,
        r#"{ after = "1d", at_least = "5.00", remind = ["30d", "1M", "30d", "367d"], reinstate = "0d" }"#,
        r#"{ after = "1M", remind = ["1d", "2d", "3d", "4d", "5d", "6d", "7d", "8d", "9d"] }"#,
        r#"{ after = "30d", by_tier = [{ tier = "platinum", after = "1d" }, { after = "1y", til = 1 }] }"#,
    ];
    let wallets: String = wallets
        .iter()
        .enumerate()
        .map(|(n, expiry)| format!("[[wallet]]\nid = \"w{n}\"\nexpiry = {expiry}\n"))
        .collect();
    check_rule(
        &wallets,
        expect![[r#"
            line 8: wallet[1].expiry: needs one of `after`, `until` or `anniversary`
            line 11: wallet[2].expiry: needs one of `after`, `until` or `anniversary`
            line 11: wallet[2].expiry.round: is not a field here
            line 14: wallet[3].expiry.until: "2027-02-29" is no date; write 12-31 of some year, or 2027-06-30
            line 17: wallet[4].expiry.until: points earned after the date would have expired; with `years = 0` it is 12-31
            line 20: wallet[5].expiry.years: is not a field here
            line 23: wallet[6].expiry.anniversary: is 0; must be 1 to 100
            line 26: wallet[7].expiry.round: is not a field here
            line 29: wallet[8].expiry.by_tier: is not a field here
            line 32: wallet[9].expiry.activity: "shopping" is not known here; write one of {what counts}, limit_hit, inactive
            line 32: wallet[9].expiry.at_least: must be a text in quotes; write at_least = "5.00"
            line 32: wallet[9].expiry.by_tier: is not a field here
            line 35: wallet[10].expiry.remind: "1M" is no number of days; write 1d to 366d
            line 35: wallet[10].expiry.remind: "30d" is said twice
            line 35: wallet[10].expiry.remind: "367d" is no number of days; write 1d to 366d
            line 35: wallet[10].expiry.reinstate: "0d" is no number of days; write 1d or 90d
            line 35: wallet[10].expiry.at_least: is not a field here
            line 38: wallet[11].expiry.remind: at most 8 are allowed
            line 41: wallet[12].expiry.by_tier[1].tier: is missing
            line 41: wallet[12].expiry.by_tier[1].after: "1y" is no span; write 90d or 12M
            line 41: wallet[12].expiry.by_tier[1].til: is not a field here; write one of tier, after
            line 41: wallet[12].expiry.by_tier[0].tier: no tier is called "platinum"; add [[tier]] with this id
        "#]],
    );
}

#[test]
fn faults_of_conversions_are_told() {
    let rules = r#"
[[wallet]]
id = "stamps"
[[wallet]]
id = "cups"
[[wallet]]
id = "rank"
kind = "tier"
[[convert]]
id = "cup"
from = { wallet = "stamps", points = 10 }
to = { wallet = "cups", points = 1 }
[[convert]]
id = "back"
from = { wallet = "cups", points = 1 }
to = { wallet = "stamps", points = 10 }
[[convert]]
id = "again"
from = { wallet = "stamps", points = 5 }
to = { wallet = "stamps", points = 1 }
[[convert]]
id = "third"
from = { wallet = "stamps", points = 5 }
to = { wallet = "rank", points = 1 }
[[convert]]
id = "rise"
from = { wallet = "rank", points = 0 }
to = { points = 1, cup = 2 }
[[convert]]
id = "rise"
from = { wallet = "rank", points = 1 }
to = { wallet = "mugs", points = 1000001 }
[[convert]]
id = "measure"
from = { wallet = "rank", points = 3 }
to = { wallet = "cups", points = 1 }
[[convert]]
id = "half"
from = "stamps"
"#;
    check_rule(
        rules,
        expect![[r#"
            line 21: convert[1].to: points of this wallet are converted above; write what brings them before it
            line 25: convert[2].to: is the wallet that it takes from; name another
            line 28: convert[3].from: points of this wallet become something else already
            line 32: convert[4].from.points: is 0; must be 1 to 1000000
            line 33: convert[4].to.wallet: is missing
            line 33: convert[4].to.cup: is not a field here; write one of wallet, points
            line 35: convert[5].id: "rise" is used twice; every id must be unique in the file
            line 37: convert[5].to.wallet: no wallet is called "mugs"; write one of "points", "stamps", "cups", "rank", or add [[wallet]] with this id
            line 37: convert[5].to.points: is 1000001; must be 1 to 1000000
            line 40: convert[6].from: points of this wallet only measure: they become nothing else
            line 42: convert[7].to: is missing; write to = { wallet = "points", points = 50 }
            line 44: convert[7].from: must be a table; write from = { wallet = "stamps", points = 10 }
        "#]],
    );
}

#[test]
fn faults_of_households_are_told() {
    let rest = "[[wallet]]\nid = \"level\"\nkind = \"tier\"\n[[wallet]]\nid = \"lively\"\n\
        expiry = { after = \"1M\", activity = [\"check_in\"] }\n[household]\n";
    check_rule(
        &format!("{rest}wallet = \"level\"\nshare = \"0%\"\nmembers = 17\nspender = 1\n"),
        expect![[r#"
            line 13: household.wallet: points of this wallet only measure: they cannot be shared
            line 14: household.share: "0%" is no share; write 1% to 100%
            line 15: household.members: is 17; must be 1 to 16
            line 16: household.spender: is not a field here; write one of wallet, share, members
        "#]],
    );
    check_rule(
        &format!("{rest}wallet = \"lively\"\n"),
        expect![[r#"
        line 12: household.share: is missing
        line 13: household.wallet: points of this wallet die with the activity of who earned them: share others
    "#]],
    );
    check_rule(
        &format!("{rest}wallet = \"marbles\"\nshare = 50\n"),
        expect![[r#"
            line 13: household.wallet: no wallet is called "marbles"; write one of "points", "level", "lively", or add [[wallet]] with this id
            line 14: household.share: must be a text in quotes; write share = "50%"
        "#]],
    );
}

#[test]
fn faults_of_what_waits_are_told() {
    check_rule(
        "pending = {}\n[[earn]]\nid = \"a\"\non = \"check_in\"\nfixed = 1\npending = { on = \"settled\" }\n\
        [[earn]]\nid = \"b\"\non = \"purchase\"\nfixed = 1\npending = { after = \"2w\", on = \"settled\" }\n\
        [[earn]]\nid = \"c\"\non = \"purchase\"\nfixed = 1\npending = { after = \"2w\", over = 0, until = 1 }\n\
        [[earn]]\nid = \"d\"\non = \"purchase\"\nfixed = 1\npending = { on = \"paid\" }\n\
        [[earn]]\nid = \"e\"\non = \"purchase\"\nfixed = 1\npending = \"14d\"\n",
        expect![[r#"
            line 6: wallet[0].pending: needs one of `after` or `on`
            line 11: earn[0].pending.on: only a purchase is settled; let it wait with `after`
            line 16: earn[1].pending: needs one of `after` or `on`
            line 21: earn[2].pending.over: is 0; must be 1 to 1000000000000
            line 21: earn[2].pending.after: "2w" is no number of days; write 1d or 90d
            line 21: earn[2].pending.until: is not a field here; write one of after, over
            line 26: earn[3].pending.on: "paid" is not known here; write one of settled
            line 31: earn[4].pending: must be a table; write pending = { on = "settled" }
        "#]],
    );
    let waiting = "[[wallet]]\nid = \"late\"\npending = { after = \"14d\" }\n[household]\nshare = \"50%\"\n";
    check_rule(
        &format!("{waiting}wallet = \"late\"\n"),
        expect![[r#"
        line 11: household.wallet: points of this wallet wait before they can be spent: share others
    "#]],
    );
    check_rule(
        "[[earn]]\nid = \"a\"\non = \"purchase\"\nfixed = 1\npending = { after = \"14d\" }\n\
        [[fund]]\nid = \"trees\"\n[household]\nshare = \"50%\"\n\
        [[earn]]\nid = \"b\"\non = \"purchase\"\nfixed = 1\nto = { fund = \"trees\" }\npending = { after = \"1d\" }\n",
        expect![[r#"
            line 1: household.wallet: shares points that a rule lets wait before they can be spent: share others
            line 19: earn[1].to.fund: what is given to a fund waits for nothing; leave out `pending`
        "#]],
    );
}

#[test]
fn faults_of_exchanges_are_told() {
    check_rule(
        "[[wallet]]\nid = \"level\"\nkind = \"tier\"\n\
        [[exchange]]\nid = \"a\"\nwallet = \"level\"\nout = { points = 3 }\n\
        [[exchange]]\nid = \"b\"\nin = { units = 0, points = 4, rate = 2 }\nwithin = \"soon\"\n\
        [[exchange]]\nid = \"c\"\nout = { units = 2, points = 30 }\nper_day = 29\nwithin = \"7d\"\n\
        [[exchange]]\nid = \"c\"\nwallet = \"marbles\"\nwithin = \"7d\"\nfee = 1\n",
        expect![[r#"
            line 9: exchange[0].within: is missing
            line 11: exchange[0].wallet: points of this wallet only measure: they are not exchanged
            line 12: exchange[0].out.units: is missing
            line 15: exchange[1].in.units: is 0; must be 1 to 1000000
            line 15: exchange[1].in.rate: is not a field here; write one of points, units
            line 16: exchange[1].within: "soon" is no duration; write 15m, 24h or 30d
            line 20: exchange[2].per_day: allows nothing: less than one unit of `out`
            line 23: exchange[3].id: "c" is used twice; every id must be unique in the file
            line 24: exchange[3].wallet: no wallet is called "marbles"; write one of "points", "level", or add [[wallet]] with this id
            line 26: exchange[3].fee: is not a field here; write one of id, wallet, out, in, per_day, within
        "#]],
    );
}

#[test]
fn a_word_that_one_kind_says_is_asked_of_no_other() {
    let earning = || Kind::ALL.iter().filter(|kind| kind.is_earning());
    let mut told = 0;
    for said in Said::ALL {
        for kind in earning() {
            let rule = format!(
                "[[earn]]\nid = \"a\"\non = \"{}\"\nfixed = 1\nwhen = {{ {} = [\"x\"] }}\n",
                kind.name(),
                said.name()
            );
            let expected = match said.of() {
                Some(of) if of != *kind => {
                    format!("line 10: earn[0].when.{}: only `on = \"{of}\"` says it\n", said.name())
                }
                _ => String::new(),
            };
            assert_eq!(faults(&format!("{HEAD}{rule}")), expected, "{} of {kind}", said.name());
            told += usize::from(!expected.is_empty());
        }
    }
    assert!(told > 0, "no word belongs to one kind");
}
