//! Many lots: the limits hold, and what touches ten thousand of them at once takes milliseconds.

use crate::ledger::{self, event, publish};
use ledger_core::account::{Account, Posting};
use ledger_core::decide::BALANCE_MAX;
use ledger_core::event::{self, Body};
use ledger_core::lots::{LOTS_MAX, SLICES_MAX};
use ledger_core::member::{CLOSED_HOLDS_MAX, HOLDS_MAX};
use ledger_core::memory::Memory;
use ledger_core::record::{Timer, Verdict, VerdictPart, Why};
use ledger_core::units::{At, DAY_MS, LotId, MemberNo, Points, Position, TermNo};
use std::time::Duration;

const PROGRAM: &str = r#"id = "t"
timezone = "UTC"
currency = "EUR"
[[wallet]]
id = "points"
expiry = { after = "30d" }
"#;

/// The first word of that program.
const WALLET: TermNo = TermNo(1);

fn with_one_member() -> Memory {
    let mut memory = publish(PROGRAM, At(0));
    assert_eq!(reason(&mut memory, "1", Body::Enrolled(event::Enrolled { birthday: None })), None);
    memory
}

/// Folds lots of one point each into M1, as if they had been earned one by one.
fn hoard(memory: &mut Memory, lots: usize, expires_at: At) {
    let mut left = lots;
    while left > 0 {
        let some = left.min(SLICES_MAX);
        left -= some;
        let position = memory.state.shared.position.next();
        let member = MemberNo(1);
        let posting = |line: usize| Posting {
            member,
            wallet: WALLET,
            from: Account::Issued,
            to: Account::Available,
            points: Points(1),
            lot: LotId { position, line: line as u16 },
            expires_at,
            rule: TermNo::NONE,
        };
        let before = memory.state.member(member).expect("M1 is a member").available(WALLET).0;
        let verdict = Verdict {
            postings: (0..some).map(posting).collect(),
            wallet: WALLET,
            available: Points(before + some as i64),
            ..Verdict::default()
        };
        let why = Why::Timer { member, due: At(0), timer: Timer::Inactivity };
        let record = VerdictPart { at: memory.state.shared.at, program: 1, why, verdict };
        ledger_core::fold::fold(&mut memory.state, position, &record).expect("the hoard folds");
    }
}

fn reason(memory: &mut Memory, id: &str, body: Body<Box<str>>) -> Option<&'static str> {
    let at = memory.state.shared.at;
    let outcome = memory.submit(event(id, "M1", at, body), at).expect("the record folds");
    outcome.refusal.map(|refusal| refusal.reason())
}

#[test]
fn a_member_has_no_more_lots_than_the_limit() {
    let mut memory = with_one_member();
    hoard(&mut memory, LOTS_MAX - 1, At::NEVER);
    let credit = || Body::credit(Points(1), "one more");
    assert_eq!(reason(&mut memory, "2", credit()), None);
    assert_eq!(reason(&mut memory, "3", credit()), None, "what comes joins the youngest lot of its date");
    let member = memory.state.member(MemberNo(1)).expect("M1 is a member");
    let lots = &member.purses.first().lots;
    assert_eq!((lots.len(), lots.total()), (LOTS_MAX, Points(LOTS_MAX as i64 + 1)));
    let redeem = |points| Body::redeem(Points(points));
    // The lot that dies first has two points.
    let most = SLICES_MAX as i64 + 1;
    assert_eq!(reason(&mut memory, "4", redeem(most + 1)), Some("TOO_MANY_LOTS"));
    assert_eq!(reason(&mut memory, "5", redeem(most)), None);
    assert_eq!(reason(&mut memory, "6", credit()), None);
    ledger::check_balances(&memory.state);
}

/// Says an event and answers how long the ledger took.
fn timed(memory: &mut Memory, id: &str, body: Body<Box<str>>) -> Duration {
    let began = worked();
    assert_eq!(reason(memory, id, body), None);
    worked() - began
}

/// How long this thread has worked so far; time in which others had the processor does not count.
fn worked() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    Duration::from_nanos(stat.split(' ').next().and_then(|word| word.parse().ok()).expect("nanoseconds"))
}

/// Generous: a release build takes a few milliseconds, a debug build on a busy machine many times that.
fn bound() -> Duration {
    Duration::from_millis(if cfg!(debug_assertions) { 5_000 } else { 200 })
}

#[test]
fn a_capture_across_ten_thousand_lots_takes_milliseconds() {
    let mut memory = with_one_member();
    for n in 0..20_000 {
        let credit = Body::credit(Points(100), "lot");
        // A thousand lots a day, so that they differ in their expiry.
        let at = At(n / 1_000 * DAY_MS);
        let outcome = memory.submit(event(&format!("c-{n}"), "M1", at, credit), at).expect("the record folds");
        assert_eq!(outcome.refusal, None);
    }
    let half = Points(1_000_000);
    let hold = |name: &str| {
        Body::Hold(event::Hold {
            hold: name.into(),
            wallet: "".into(),
            points: half,
            ttl_ms: None,
            order: "".into(),
            total: None,
            item: None,
        })
    };
    let capture =
        |name: &str, points| Body::Capture(event::Capture { hold: name.into(), points: Some(points), last: true });
    let mut took = vec![
        ("hold", timed(&mut memory, "hold", hold("a"))),
        ("void", timed(&mut memory, "void", Body::Void(event::Void { hold: "a".into() }))),
        ("hold again", timed(&mut memory, "hold again", hold("b"))),
        ("release", timed(&mut memory, "release", capture("b", Points(1)))),
        ("hold once more", timed(&mut memory, "hold once more", hold("c"))),
        ("capture", timed(&mut memory, "capture", capture("c", half))),
    ];
    let member = memory.state.member(MemberNo(1)).expect("M1 is a member");
    assert_eq!(member.available(WALLET), Points(999_999));
    assert_eq!(member.purses.first().lots.len(), 10_000);
    assert_eq!(ledger::accounts(&memory.state)[Account::Redeemed.kind()], 1_000_001);
    let due = At(member.next_due.at.0 + DAY_MS);
    let began = worked();
    memory.tick(due).expect("the timers fold");
    took.push(("expiry", worked() - began));
    let member = memory.state.member(MemberNo(1)).expect("M1 is a member");
    assert_eq!(member.purses.first().lots.len(), 8_000, "two days' worth are gone");
    took.iter().for_each(|(what, took)| assert!(*took < bound(), "{what} took {took:?}"));
    ledger::check_balances(&memory.state);
}

/// Folds one lot of so many points into M1.
fn fortune(memory: &mut Memory, points: i64) {
    let position = memory.state.shared.position.next();
    let member = MemberNo(1);
    let posting = Posting {
        member,
        wallet: WALLET,
        from: Account::Issued,
        to: Account::Available,
        points: Points(points),
        lot: LotId { position, line: 0 },
        expires_at: At::NEVER,
        rule: TermNo::NONE,
    };
    let verdict = Verdict { postings: vec![posting], wallet: WALLET, available: Points(points), ..Verdict::default() };
    let why = Why::Timer { member, due: At(0), timer: Timer::Inactivity };
    let record = VerdictPart { at: At(0), program: 1, why, verdict };
    ledger_core::fold::fold(&mut memory.state, position, &record).expect("a fortune folds");
}

#[test]
fn a_balance_ends_at_its_limit() {
    let mut memory = with_one_member();
    fortune(&mut memory, BALANCE_MAX - 1);
    let credit = |points| Body::credit(Points(points), "more");
    assert_eq!(reason(&mut memory, "2", credit(2)), Some("MEMBER_LIMIT_REACHED"));
    assert_eq!(reason(&mut memory, "3", credit(1)), None);
    assert_eq!(reason(&mut memory, "4", credit(1)), Some("MEMBER_LIMIT_REACHED"));
    // What was issued once counts for ever: the ledger as a whole is full.
    assert_eq!(reason(&mut memory, "5", Body::redeem(Points(1_000))), None);
    assert_eq!(reason(&mut memory, "6", credit(1)), Some("MEMBER_LIMIT_REACHED"));
    ledger::check_balances(&memory.state);
}

#[test]
fn a_member_has_no_more_holds_than_the_limit() {
    let mut memory = with_one_member();
    fortune(&mut memory, 1_000_000);
    let hold = |n: usize| {
        Body::Hold(event::Hold {
            hold: format!("h-{n}").into(),
            wallet: "".into(),
            points: Points(1),
            ttl_ms: None,
            order: "".into(),
            total: None,
            item: None,
        })
    };
    for n in 0..HOLDS_MAX {
        assert_eq!(reason(&mut memory, &format!("hold {n}"), hold(n)), None);
    }
    assert_eq!(reason(&mut memory, "one more", hold(HOLDS_MAX)), Some("MEMBER_LIMIT_REACHED"));
    assert_eq!(reason(&mut memory, "void", Body::Void(event::Void { hold: "h-7".into() })), None);
    assert_eq!(reason(&mut memory, "another", hold(HOLDS_MAX)), None);
    ledger::check_balances(&memory.state);
}

#[test]
fn of_closed_holds_the_last_are_remembered() {
    let mut memory = with_one_member();
    fortune(&mut memory, 1_000_000);
    for n in 0..=CLOSED_HOLDS_MAX {
        let name: Box<str> = format!("h-{n}").into();
        let hold = Body::Hold(event::Hold {
            hold: name.clone(),
            wallet: "".into(),
            points: Points(1),
            ttl_ms: None,
            order: "".into(),
            total: None,
            item: None,
        });
        assert_eq!(reason(&mut memory, &format!("hold {n}"), hold), None);
        assert_eq!(reason(&mut memory, &format!("void {n}"), Body::Void(event::Void { hold: name })), None);
    }
    let void = |n: usize| Body::Void(event::Void { hold: format!("h-{n}").into() });
    assert_eq!(reason(&mut memory, "the last", void(CLOSED_HOLDS_MAX)), Some("HOLD_CLOSED"));
    assert_eq!(reason(&mut memory, "the first remembered", void(1)), Some("HOLD_CLOSED"));
    assert_eq!(reason(&mut memory, "the first forgotten, which waits for its hold", void(0)), None);
}

#[test]
fn an_activity_puts_off_the_end_of_ten_thousand_lots_with_one_date() {
    let program = PROGRAM.replace("30d\"", "30d\", activity = [\"check_in\", \"redeem\"]");
    let mut memory = publish(&program, At(0));
    let credit = Body::credit(Points(1), "first");
    assert_eq!(reason(&mut memory, "1", Body::Enrolled(event::Enrolled { birthday: None })), None);
    assert_eq!(reason(&mut memory, "2", credit), None);
    hoard(&mut memory, 9_999, At::SLIDING);
    let ends = |memory: &Memory| memory.state.member(MemberNo(1)).expect("M1 is a member").next_due.at;
    assert_eq!(ends(&memory), At(30 * DAY_MS));
    let day = At(10 * DAY_MS);
    let began = worked();
    let outcome = memory.submit(event("3", "M1", day, Body::CheckIn(event::CheckIn)), day).expect("the record folds");
    assert_eq!(outcome.refusal, None);
    let mut took = vec![("check-in", worked() - began)];
    // The hoard is in no log.
    let last = Position(memory.log().len() as u64);
    let record = memory.record(last).expect("the check-in was recorded");
    assert_eq!((record.verdict.postings.len(), record.verdict.changes.len()), (0, 1), "one date");
    assert_eq!(ends(&memory), At(40 * DAY_MS));
    let redeem = Body::redeem(Points(5_000));
    took.push(("redeem", timed(&mut memory, "4", redeem)));
    let began = worked();
    memory.tick(At(40 * DAY_MS - 1)).expect("nothing is due");
    assert_eq!(memory.state.member(MemberNo(1)).expect("M1 is a member").available(WALLET), Points(5_000));
    memory.tick(At(40 * DAY_MS)).expect("the timers fold");
    took.push(("expiry", worked() - began));
    assert_eq!(memory.state.member(MemberNo(1)).expect("M1 is a member").available(WALLET), Points(0));
    assert_eq!(ledger::accounts(&memory.state)[Account::Expired.kind()], 5_000);
    took.iter().for_each(|(what, took)| assert!(*took < bound(), "{what} took {took:?}"));
}
