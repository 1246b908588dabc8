//! Logs of released formats: what was written once is read for ever, and folds to the same rows.
//!
//! `tests/fixtures/format-N/ledger.txt` is a log as rows in hexadecimal, behind what it must come to.
//! `UPDATE_FIXTURE=1` writes the one of this format anew; after a release that is a change of format.

use crate::ledger::{self, SECRET, directory, far_future, hex, open, say, simulated, unhex};
use crate::raw::Raw;
use crate::said::{HARBOUR, Stream, event, key, purchase};
use ledger_core::event::{
    self, Body, Currency, Finding, ItemRequest, LineName, LinePart, LineRefund, Name, OpeningLot, RiskKind,
};
use ledger_core::features::membership::state::Scope;
use ledger_core::state::WalletTotals;
use ledger_core::units::{Money, Points, Position};
use ledger_store::{Batch, Cursor, Ledger, Options, Report};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Events that fill a fixture with every kind of record.
const STREAM: Stream = Stream { seed: 31, members: 9, step_ms: 240_000 };
/// Steps of the stream in a day.
const DAY: u64 = 360;

fn fixture(format: u32) -> PathBuf {
    ledger::root().join(format!("ledger-store/tests/fixtures/format-{format}/ledger.txt"))
}

/// What a log must come to, one fact a line.
fn facts(report: &Report) -> String {
    let wallet = |(name, totals): &(Box<str>, WalletTotals)| {
        let accounts: Vec<String> = totals.accounts.iter().map(ToString::to_string).collect();
        format!("accounts of {name}: {}\n", accounts.join(" "))
    };
    let wallets: String = report.wallets.iter().map(wallet).collect();
    format!(
        "records {}\nmembers {}\nroot {}\ndigest {}\n{wallets}",
        report.records,
        report.members,
        hex(&report.root),
        hex(&report.digest),
    )
}

/// A ledger whose log the fixture is.
pub fn write(dir: &Path) {
    write_under(dir, None);
}

/// The same under a key.
pub fn write_under(dir: &Path, sealing_key: Option<[u8; 32]>) {
    let options = Options { sealing_key, ..simulated(1_000_000) };
    let ledger = Ledger::open(dir, options, far_future()).expect("the ledger opens");
    let handle = ledger.handle();
    say(&handle, vec![STREAM.program()]);
    for first in (0..400).step_by(100) {
        let cursors = vec![Cursor { source: "file".into(), next: first + 100 }];
        let events = STREAM.events(first..first + 100);
        handle.submit_and_wait(Batch { events, cursors }).expect("the batch is committed");
    }
    // Beside what the stream says: an id used again, a name that is no member, cases that end.
    let mut reused = STREAM.event(0);
    reused.body = Body::credit(Points(1), "again");
    let stranger = event("till", "x-1", STREAM.at(400), "stranger", Body::redeem(Points(1)));
    say(&handle, vec![reused, stranger]);
    // Two farms of devices.
    let enrol = |n: u64| {
        let body = Body::Enrolled(event::Enrolled { birthday: None });
        let mut enrol = event("till", &format!("f-{n}"), STREAM.at(400), &format!("f{n}"), body);
        enrol.keys.set(RiskKind::Device, key(b'f', n / 7));
        enrol
    };
    say(&handle, (0..14).map(enrol).collect());
    // What they earn waits in review; and somebody spends what a refund takes back.
    let check_in =
        |n: u64| event("till", &format!("i-{n}"), STREAM.at(400), &format!("f{n}"), Body::CheckIn(event::CheckIn));
    say(&handle, (0..14).map(check_in).collect());
    let spent = [
        purchase("d-1", 10_00),
        Body::Redeem(event::Redeem {
            wallet: "".into(),
            points: Points(20),
            order: "d-2".into(),
            total: None,
            item: None,
        }),
        Body::Cancelled(event::Cancelled { order: "d-1".into() }),
    ];
    let spent = spent.into_iter().zip(1..);
    say(&handle, spent.map(|(body, n)| event("shop", &format!("d-{n}"), STREAM.at(400), "debtor", body)).collect());
    let open_cases = handle.cases(true, Position(0), 100).wait().expect("the shard works");
    assert!(open_cases.len() >= 2, "rules saw something");
    let findings = [Finding::Legitimate, Finding::Fraud];
    let resolve = |((case, _), finding): (&(Position, _), Finding)| {
        let body = Body::CaseResolved(event::CaseResolved { case: (*case).into(), finding, note: "looked at".into() });
        event("desk", &format!("c-{case}"), STREAM.at(401), "", body)
    };
    say(&handle, open_cases.iter().zip(findings).map(resolve).collect());
    // Other names, and the lives of two members.
    let alias = || Name::from("card:4711");
    let linked = |id: &str, who: &str| {
        event(
            "desk",
            id,
            STREAM.at(402),
            who,
            Body::AliasLinked(event::AliasLinked { kind: "card".into(), alias: alias() }),
        )
    };
    let frozen = Body::Frozen(event::Frozen { scope: Scope::Redeem, reason: "stolen".into() });
    let earned_at = STREAM.at(0);
    let opening = OpeningLot { wallet: "".into(), points: Points(70), earned_at, expires_at: Some(STREAM.at(90_000)) };
    let gift = |to: &str| {
        Body::Transfer(event::Transfer { to: to.into(), wallet: "".into(), points: Points(20), note: "".into() })
    };
    let part_of_a_line = |order: &str| {
        Body::Refunded(event::Refunded {
            order: order.into(),
            currency: Currency(*b"EUR"),
            amount: Money(0),
            lines: vec![LineRefund { line: LineName::Place(0), part: LinePart::Amount(Money(4_00)) }],
            so_far: false,
        })
    };
    let unlinked = Body::AliasUnlinked(event::AliasUnlinked { kind: "card".into(), alias: alias() });
    let thawed = Body::Unfrozen(event::Unfrozen { scope: Scope::All, reason: "".into() });
    say(
        &handle,
        vec![
            linked("l-1", "f0"),
            linked("l-2", "f1"),
            event("desk", "l-3", STREAM.at(402), &alias(), frozen),
            event("till", "l-4", STREAM.at(402), &alias(), Body::redeem(Points(1))),
            event("till", "l-5", STREAM.at(402), &alias(), purchase("l-5", 10_00)),
            event("desk", "l-6", STREAM.at(402), "f0", thawed),
            event("desk", "l-7", STREAM.at(402), "f0", unlinked),
            linked("l-8", "f1"),
            event("desk", "l-9", STREAM.at(402), "f0", Body::Closed(event::Closed { reason: "asked".into() })),
            event("till", "l-10", STREAM.at(402), "f0", Body::CheckIn(event::CheckIn)),
            event(
                "desk",
                "l-11",
                STREAM.at(402),
                "f2",
                Body::Opened(event::Opened { lots: vec![opening], ..Default::default() }),
            ),
            event("app", "l-12", STREAM.at(402), "f2", gift("f3")),
            event("app", "l-13", STREAM.at(402), "f2", gift("f2")),
            event("shop", "l-14", STREAM.at(402), "f3", purchase("l-14", 10_00)),
            event("shop", "l-15", STREAM.at(402), "f3", part_of_a_line("l-14")),
            event("shop", "l-16", STREAM.at(402), "f3", part_of_a_line("l-17")),
            event("shop", "l-17", STREAM.at(402), "f3", purchase("l-17", 10_00)),
            event("shop", "l-18", STREAM.at(402), "f4", part_of_a_line("l-19")),
            event("desk", "l-20", STREAM.at(402), "f3", Body::Merged(event::Merged { from: "f3".into() })),
            event("shop", "l-21", STREAM.at(402), "m-1", purchase("l-21", 10_00)),
            event("shop", "l-22", STREAM.at(402), "m-2", purchase("l-22", 10_00)),
            event("desk", "l-23", STREAM.at(402), "m-1", Body::Merged(event::Merged { from: "m-2".into() })),
            event("shop", "l-24", STREAM.at(402), "m-2", part_of_a_line("l-22")),
            event("desk", "l-25", STREAM.at(402), "m-1", Body::Unmerged(event::Unmerged { from: "m-2".into() })),
            event("desk", "l-26", STREAM.at(402), "m-2", Body::Merged(event::Merged { from: "m-1".into() })),
        ],
    );
    // In another version, points that die with their member's activity, are told of before, and live again.
    let berth = r#"{ after = "3d", activity = ["check_in"], remind = ["1d"], reinstate = "5d" }"#;
    let people = "[approvals]\ncredit = { over = 100, people = 2 }\ndebit = { over = 10, people = 3 }\n\
        [[wallet]]\nid = \"knots\"\n[[wallet]]\nid = \"ropes\"\n[household]\nshare = \"50%\"\n[[convert]]\nid = \"rope\"\n\
        from = { wallet = \"knots\", points = 10 }\nto = { wallet = \"ropes\", points = 1 }";
    let fund = "[[fund]]\nid = \"lifeboats\"\n[[earn]]\nid = \"penny\"\non = \"purchase\"\nper = \"2.00\"\ngive = 1\n\
        to = { fund = \"lifeboats\" }\n";
    let cargo = "[[wallet]]\nid = \"cargo\"\npending = { on = \"settled\" }\n[[earn]]\nid = \"freight\"\non = \"purchase\"\n\
        wallet = \"cargo\"\nper = \"1.00\"\ngive = 1\n[[earn]]\nid = \"tide\"\non = \"purchase\"\nwallet = \"cargo\"\n\
        fixed = 2\npending = { after = \"1d\" }\n[visit]\ngap = \"1h\"\n[[earn]]\nid = \"pilot\"\n\
        on = \"purchase\"\nwallet = \"cargo\"\nfixed = 3\nlimit = { points = 5, per = \"visit\" }\n\
        [[exchange]]\nid = \"gulls\"\nout = { points = 3, units = 2 }\nin = { units = 5, points = 4 }\nper_day = 9\nwithin = \"1d\"\n";
    let item = "[[item]]\nid = \"flag\"\nwallet = \"knots\"\npoints = 2\nstock = 3\nrestock = true\n";
    let berth = format!("{HARBOUR}\n[[wallet]]\nid = \"berth\"\nexpiry = {berth}\n{people}\n{fund}{cargo}{item}");
    let published = Body::ProgramPublished(event::ProgramPublished { text: berth.into() });
    let credit = Body::Credit(event::Credit {
        wallet: "berth".into(),
        points: Points(50),
        reason: "moored".into(),
        by: "".into(),
    });
    let (wallet, reason, expires_at) = ("berth".into(), "storm".into(), STREAM.at(90_000));
    let again = Body::Reinstated(event::Reinstated { wallet, points: Some(Points(40)), expires_at, reason });
    say(
        &handle,
        vec![
            event("office", "berth", STREAM.at(403), "", published),
            event("desk", "b-1", STREAM.at(403), "f4", credit),
            event("app", "b-2", STREAM.at(403 + DAY), "f4", Body::CheckIn(event::CheckIn)),
            event("desk", "b-3", STREAM.at(403 + 6 * DAY), "f4", again),
        ],
    );
    // In it several people must stand for many points by hand.
    let by_hand = |id: &str, body: Body<Name>| {
        say(&handle, vec![event("desk", id, STREAM.at(404 + 6 * DAY), "f4", body)])[0].position
    };
    let (wallet, reason, by) = (|| "berth".into(), || "storm".into(), || "ann".into());
    let gift = || Body::Credit(event::Credit { wallet: wallet(), points: Points(500), reason: reason(), by: by() });
    let proposal = by_hand("p-1", gift());
    by_hand("p-2", Body::Approved(event::Approved { proposal: proposal.into(), by: "ann".into() }));
    by_hand("p-3", Body::Approved(event::Approved { proposal: proposal.into(), by: "bob".into() }));
    let knots =
        |by| Body::Credit(event::Credit { wallet: "knots".into(), points: Points(25), reason: "tied".into(), by });
    by_hand("k-1", knots("ann".into()));
    by_hand("k-2", Body::HouseholdJoined(event::HouseholdJoined { household: "f3".into() }));
    by_hand("k-3", purchase("k-3", 10_00));
    by_hand("k-4", part_of_a_line("k-3"));
    by_hand("k-5", Body::HouseholdJoined(event::HouseholdJoined { household: "f2".into() }));
    by_hand("k-6", Body::HouseholdLeft(event::HouseholdLeft));
    let proposal = by_hand("p-4", gift());
    by_hand("p-5", Body::Withdrawn(event::Withdrawn { proposal: proposal.into(), by: "bob".into(), reason: reason() }));
    let proposal =
        by_hand("p-6", Body::Debit(event::Debit { wallet: wallet(), points: Points(50), reason: reason(), by: by() }));
    by_hand("p-7", Body::Approved(event::Approved { proposal: proposal.into(), by: "bob".into() }));
    // What is given to a fund.
    by_hand("p-8", purchase("p-8", 10_00));
    by_hand("p-9", Body::refund("p-8", Currency(*b"EUR"), Money(5_00)));
    by_hand("p-10", Body::Donate(event::Donate { fund: "lifeboats".into(), points: Points(3) }));
    by_hand("p-11", Body::Donate(event::Donate { fund: "whales".into(), points: Points(3) }));
    // Pieces of an item: bought, held and given back, and one too many.
    let flags = |pieces| Some(Box::new(ItemRequest { item: "flag".into(), pieces }));
    let (wallet, order) = (|| Name::from("knots"), || Name::from("flags"));
    let points = Points::ZERO;
    let buys = |item| Body::Redeem(event::Redeem { wallet: wallet(), points, order: order(), total: None, item });
    let holds = |hold: &str, item| {
        let (hold, ttl_ms) = (hold.into(), None);
        Body::Hold(event::Hold { hold, wallet: "".into(), points, ttl_ms, order: order(), total: None, item })
    };
    let redemption = by_hand("f-1", buys(flags(1)));
    by_hand("f-2", holds("flags", flags(2)));
    by_hand("f-3", buys(flags(1)));
    by_hand("f-4", Body::RedeemRefunded(event::RedeemRefunded { redemption: redemption.into(), points: None }));
    by_hand("f-5", Body::Capture(event::Capture { hold: "flags".into(), points: Some(Points(2)), last: false }));
    by_hand("f-6", holds("pole", Some(Box::new(ItemRequest { item: "pole".into(), pieces: 1 }))));
    // What waits for a settlement, be it told before its purchase, and for a day to pass.
    by_hand("s-1", Body::Settled(event::Settled { order: "p-8".into() }));
    by_hand("s-2", Body::Settled(event::Settled { order: "s-3".into() }));
    by_hand("s-3", purchase("s-3", 10_00));
    by_hand("s-4", purchase("s-4", 10_00));
    // What a partner accepts, refuses, and does not answer.
    let (gulls, named) = (|| "gulls".into(), |reference: &str| reference.into());
    let settled = |reference: &str, accepted| {
        Body::ExchangeSettled(event::ExchangeSettled { exchange: gulls(), reference: named(reference), accepted })
    };
    by_hand(
        "x-1",
        Body::ExchangeOut(event::ExchangeOut { exchange: gulls(), reference: named("g-1"), points: Points(3) }),
    );
    by_hand("x-2", Body::ExchangeIn(event::ExchangeIn { exchange: gulls(), reference: named("g-2"), units: 10 }));
    by_hand("x-3", settled("g-1", true));
    by_hand("x-4", settled("g-2", true));
    by_hand(
        "x-5",
        Body::ExchangeOut(event::ExchangeOut { exchange: gulls(), reference: named("g-3"), points: Points(3) }),
    );
    by_hand("x-6", settled("g-3", false));
    let until = STREAM.at(90_000);
    by_hand(
        "x-8",
        Body::Extended(event::Extended {
            wallet: "".into(),
            points: Some(Points(2)),
            expires_at: until,
            reason: reason(),
        }),
    );
    by_hand(
        "x-7",
        Body::ExchangeOut(event::ExchangeOut { exchange: gulls(), reference: named("g-4"), points: Points(3) }),
    );
    say(&handle, vec![event("app", "s-5", STREAM.at(404 + 8 * DAY), "f4", Body::CheckIn(event::CheckIn))]);
    drop(handle);
    ledger.close().expect("nothing failed");
}

fn update() {
    let dir = directory();
    write(dir.path());
    let mut text =
        format!("# A log of format 2: what it must come to, then its rows.\n{}", facts(&ledger::verified(dir.path())));
    let raw = Raw::open(dir.path());
    for family in ["meta", "log", "commits"] {
        for (key, value) in raw.rows(family).into_iter().filter(|(key, _)| key != b"sn") {
            writeln!(text, "{family} {}", hex(&key)).expect("a string takes it");
            for part in value.chunks(56) {
                writeln!(text, "  {}", hex(part)).expect("a string takes it");
            }
        }
    }
    drop(raw);
    let mark = fs::read(dir.path().join("mark")).expect("beside the database");
    for slot in mark.chunks(4096) {
        writeln!(text, "mark {}", hex(&slot[..119])).expect("a string takes it");
    }
    let path = fixture(2);
    fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    fs::write(path, text).expect("written");
}

#[test]
fn a_log_of_format_2_folds_to_what_it_did_when_it_was_written() {
    if std::env::var_os("UPDATE_FIXTURE").is_some() {
        update();
    }
    let text = fs::read_to_string(fixture(2)).expect("the fixture is there");
    let is_row = |line: &&str| ["meta ", "log ", "commits ", "mark ", "  "].iter().any(|start| line.starts_with(start));
    let (rows, told): (Vec<&str>, Vec<&str>) = text.lines().filter(|line| !line.starts_with('#')).partition(is_row);
    let dir = directory();
    let raw = Raw::create(dir.path());
    let (slots, rows): (Vec<&str>, Vec<&str>) = rows.into_iter().partition(|line| line.starts_with("mark "));
    let mut mark = Vec::new();
    for slot in slots {
        mark.extend(unhex(&slot[5..]));
        mark.resize(mark.len().next_multiple_of(4096), 0);
    }
    fs::write(dir.path().join("mark"), mark).expect("written");
    for row in rows.chunk_by(|_, line| line.starts_with("  ")) {
        let (family, key) = row[0].split_once(' ').expect("a family and a key");
        raw.put(family, &unhex(key), &unhex(&row[1..].concat()));
    }
    drop(raw);
    let told: String = told.iter().flat_map(|line| [line, "\n"]).collect();
    assert_eq!(facts(&ledger::verified(dir.path())), told, "read as it is");

    // It goes on: what was said then is known, and something new is judged.
    let ledger = open(dir.path(), 10);
    let handle = ledger.handle();
    assert_eq!(handle.cursor("file").expect("readable"), Some(400));
    let first = handle.outcome("till", "e-0").expect("readable").expect("it is known");
    assert!(first.duplicate && first.position == Position(2));
    let known = handle.committed();
    let more = event("till", "more", STREAM.at(403 + 6 * DAY), "m1", Body::CheckIn(event::CheckIn));
    assert!(say(&handle, vec![more])[0].position > known);
    let record = handle.record(Position(1)).expect("readable").expect("the first");
    let unhidden = handle.member_by_no(ledger_core::units::MemberNo(1)).wait().expect("the shard works");
    assert!(unhidden.is_some_and(|view| !view.name.is_empty()) && record.program == 0);
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
    assert_eq!(Raw::open(dir.path()).get("meta", b"se").as_deref(), Some(&SECRET[..]));
}
