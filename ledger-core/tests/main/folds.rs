//! What each change and each posting does to rows, frozen: `folds.txt` beside this file has rows, a
//! record and the rows behind it, or that it is wrong. `FORMAT.md` says the same in words, and the
//! second fold, which was written from those words, comes to the same rows.

use crate::ledger::{bytes, hex, root};
use crate::secondfold::{keyed_rows, second_fold};
use expect_test::expect_file;
use ledger_core::account::{Account, Posting};
use ledger_core::change::{self, Change, LifeChange};
use ledger_core::counter::{Key, SIGHTINGS_MAX};
use ledger_core::event::Finding;
use ledger_core::features::approvals::state::ManualAdjustment;
use ledger_core::features::exchange::state::{CLOSED_EXCHANGES_MAX, OpenExchange};
use ledger_core::features::membership::state::{Birthday, Scope};
use ledger_core::features::risk::change::{Action, CaseOpened};
use ledger_core::features::tiers::change::TierWhy;
use ledger_core::features::tiers::state::STREAK_DAYS;
use ledger_core::fold::fold;
use ledger_core::lots::Slice;
use ledger_core::member::{CLOSED_HOLDS_MAX, HISTORY_PAGE, REINSTATED_MAX};
use ledger_core::record::{Timer, Verdict, VerdictPart, Why};
use ledger_core::refusal::Refusal;
use ledger_core::sealed::{HiddenName, Sealed};
use ledger_core::state::State;
use ledger_core::units::{At, Day, LotId, MemberNo, Money, MonthDay, Points, Position, RiskKey, StaffNo, TermNo};
use ledger_core::visit::{VISITS_KEPT, VISITS_KEPT_MS, VISITS_MAX, VisitSpan};
use std::collections::BTreeSet;
use std::fmt::Write;

mod opening;

const A: MemberNo = MemberNo(1);
const B: MemberNo = MemberNo(2);
const W: TermNo = TermNo(1);
const AT: At = At(1_000);
const SOON: At = At(90_000);

/// Records that make rows, and one that is folded into these.
struct Vector {
    name: String,
    before: Vec<VerdictPart>,
    record: VerdictPart,
    wrong: bool,
}

#[derive(Default)]
struct Vectors(Vec<Vector>);

impl Vectors {
    fn add(&mut self, name: &str, before: Vec<VerdictPart>, record: VerdictPart) {
        self.0.push(Vector { name: name.to_string(), before, record, wrong: false });
    }

    fn wrong(&mut self, name: &str, before: Vec<VerdictPart>, record: VerdictPart) {
        self.0.push(Vector { name: format!("wrong {name}"), before, record, wrong: true });
    }

    /// Changes of the member A, who is there and to whom others were done before.
    fn own(&mut self, name: &str, before: Vec<Change>, now: Vec<Change>) {
        self.add(name, vec![new(A), changed(before)], changed(now));
    }

    fn own_wrong(&mut self, name: &str, before: Vec<Change>, now: Vec<Change>) {
        self.wrong(name, vec![new(A), changed(before)], changed(now));
    }

    fn life(&mut self, name: &str, before: Vec<LifeChange>, now: Vec<LifeChange>) {
        self.own(name, before.into_iter().map(life).collect(), now.into_iter().map(life).collect());
    }

    fn life_wrong(&mut self, name: &str, before: Vec<LifeChange>, now: Vec<LifeChange>) {
        self.own_wrong(name, before.into_iter().map(life).collect(), now.into_iter().map(life).collect());
    }

    /// Postings of the member A, who has 100 points of lot 2.0 and what else was posted before.
    fn posted(&mut self, name: &str, before: Vec<Posting>, now: Vec<Posting>) {
        self.add(name, purse(before), record(A, vec![], now));
    }

    fn posted_wrong(&mut self, name: &str, before: Vec<Posting>, now: Vec<Posting>) {
        self.wrong(name, purse(before), record(A, vec![], now));
    }
}

/// A record of a member, which says nothing of what is available: no wallet is named.
fn record(member: MemberNo, changes: Vec<Change>, postings: Vec<Posting>) -> VerdictPart {
    let why = Why::Timer { member, due: AT, timer: Timer::Tier };
    VerdictPart { at: AT, program: 1, why, verdict: Verdict { changes, postings, ..Verdict::default() } }
}

fn changed(changes: Vec<Change>) -> VerdictPart {
    record(A, changes, vec![])
}

fn registered(member: MemberNo) -> Change {
    let name = Sealed::plain(&format!("m{member}"));
    Change::Registered(change::Registered { member, name })
}

fn new(member: MemberNo) -> VerdictPart {
    record(member, vec![registered(member)], vec![])
}

fn life(change: LifeChange) -> Change {
    Change::Life(change::Life { member: A, change })
}

fn lot(position: u64, line: u16) -> LotId {
    LotId { position: Position(position), line }
}

/// A posting of lot 2.0, which is gone soon.
fn post(from: Account, to: Account, points: i64) -> Posting {
    let rule = TermNo(9);
    Posting { member: A, wallet: W, from, to, points: Points(points), lot: lot(2, 0), expires_at: SOON, rule }
}

/// The member A with a hold, number 1, of wallet W, and 100 points of lot 2.0.
fn purse(before: Vec<Posting>) -> Vec<VerdictPart> {
    let opened = record(A, vec![opened(1, "h-1")], vec![post(Account::Issued, Account::Available, 100)]);
    vec![new(A), opened, record(A, vec![], before)]
}

/// A name with a short name of its own: its first bytes.
fn hidden(name: &str) -> HiddenName {
    let mut short = [0; 8];
    short.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
    HiddenName::plain(u64::from_le_bytes(short), name)
}

fn opened(no: u32, name: &str) -> Change {
    let (expires_at, order, day) = (At(5_000), 77, Day(3));
    let name = hidden(name);
    Change::HoldOpened(change::HoldOpened { member: A, no, wallet: W, name, expires_at, order, day, item: None })
}

fn closed(no: u32) -> Change {
    Change::HoldClosed(change::HoldClosed { member: A, no })
}

fn purchased(order: u64, day: i32, forget_before: i32) -> Change {
    Change::Purchased(change::Purchased { member: A, order, day: Day(day), forget_before: Day(forget_before) })
}

fn refunded(purchase: u64, amount: i64) -> Change {
    Change::Refunded(change::Refunded {
        member: A,
        purchase: Position(purchase),
        amount: Money(amount),
        excess: Money(1),
    })
}

fn returned(purchase: u64, line: u16, items: u64, amount: i64) -> Change {
    let (purchase, amount) = (Position(purchase), Money(amount));
    Change::LineReturned(change::LineReturned { member: A, purchase, line, items, amount })
}

fn deferred(order: u64, day: i32) -> Change {
    Change::Deferred(change::Deferred { member: A, order, day: Day(day), until: SOON })
}

fn reversed(refund: u64, purchase: u64, amount: i64) -> Change {
    let (refund, purchase, amount) = (Position(refund), Position(purchase), Money(amount));
    Change::RefundReversed(change::RefundReversed { member: A, refund, purchase, amount })
}

fn kept(purchase: u64, line: u16, items: u64, amount: i64) -> Change {
    let (purchase, amount) = (Position(purchase), Money(amount));
    Change::LineKept(change::LineKept { member: A, purchase, line, items, amount })
}

fn applied(event: u64) -> Change {
    let refusal = Some(Refusal::RefundOverPaid);
    Change::DeferredApplied(change::DeferredApplied { member: A, event: Position(event), refusal })
}

fn counted(key: Key, term: u16, bucket: i32, keep_from: i32, amount: i64, seen: u32) -> Change {
    Change::Counted(change::Counted { key, term: TermNo(term), bucket, keep_from, amount, seen: MemberNo(seen) })
}

fn tier(from: u16, to: u16, due: At) -> Change {
    let (from, to, why) = (TermNo(from), TermNo(to), TierWhy::Earned);
    Change::TierSet(change::TierSet { member: A, from, to, unmet_since: Some(Day(7)), due, why })
}

fn streak(term: u16, count: u32, day: i32) -> Change {
    Change::Streak(change::Streak { member: A, term: TermNo(term), count, day: Day(day) })
}

fn case(members: &[MemberNo]) -> Change {
    let (key, action) = (Key::Risk(RiskKey([5; 16])), Action::Review);
    let (rule, counter, members) = (TermNo(6), TermNo(7), members.to_vec());
    Change::CaseOpened(CaseOpened { rule, action, counter, key, value: 3, at_least: 3, members })
}

fn joined(case: u64, members: &[MemberNo]) -> Change {
    Change::CaseJoined(change::CaseJoined { case: Position(case), members: members.to_vec() })
}

fn resolved(case: u64, members: &[MemberNo]) -> Change {
    let finding = Finding::Fraud;
    Change::CaseClosed(change::CaseClosed { case: Position(case), finding, members: members.to_vec() })
}

fn redeemed(points: i64, day: i32, forget_before: i32) -> Change {
    let (day, forget_before, points) = (Day(day), Day(forget_before), Points(points));
    Change::Redeemed(change::Redeemed {
        member: A,
        wallet: W,
        order: 78,
        day,
        points,
        forget_before,
        item: None,
        hold: 0,
    })
}

fn given_back(redemption: u64, points: i64) -> Change {
    let (redemption, points) = (Position(redemption), Points(points));
    Change::RedeemRefunded(change::RedeemRefunded { member: A, redemption, points })
}

fn expired(day: i32, points: i64, forget_before: i32) -> Change {
    let (day, points, forget_before) = (Day(day), Points(points), Day(forget_before));
    Change::ExpiredRecently(change::ExpiredRecently { member: A, wallet: W, day, points, forget_before })
}

fn reinstated(points: i64, line: u16, forget_before: i32) -> Change {
    let (points, lot, forget_before) = (Points(points), lot(3, line), Day(forget_before));
    Change::Reinstated(change::Reinstated { member: A, wallet: W, points, lot, forget_before })
}

fn reminded(wallet: u16, at: At) -> Change {
    Change::ReminderSet(change::ReminderSet { member: A, wallet: TermNo(wallet), at })
}

fn waits(lot: LotId, until: At) -> Change {
    Change::PendingUntil(change::PendingUntil { member: A, wallet: W, lot, until })
}

fn died_once(line: u16) -> Change {
    Change::DiedOnce(change::DiedOnce { member: A, wallet: W, lot: LotId { position: Position(2), line } })
}

fn overtook(name: u64, day: i32) -> Change {
    Change::Overtook(change::Overtook { member: A, name, day: Day(day), until: SOON })
}

fn visited(store: u64, from: i64, until: i64, counted: &[(u16, i64)]) -> Change {
    let counted = counted.iter().map(|(term, amount)| (TermNo(*term), *amount)).collect();
    let stay = VisitSpan { store, from: At(from), until: At(until), late: false };
    Change::Visited(change::Visited { member: A, stay, counted })
}

fn linked(byte: u8) -> LifeChange {
    LifeChange::AliasLinked(change::AliasLinked { kind: "card".into(), key: RiskKey([byte; 16]) })
}

fn gave(wallet: u16, day: i32, points: i64) -> LifeChange {
    LifeChange::Gave(change::Gave { wallet: TermNo(wallet), day: Day(day), points: Points(points) })
}

fn proposed(lapses_at: i64) -> LifeChange {
    let (adjustment, by) = (ManualAdjustment::Debit, StaffNo(1));
    LifeChange::Proposed(change::Proposed { adjustment, wallet: W, points: Points(5), by, lapses_at: At(lapses_at) })
}

fn exchange(reference: &str, inward: bool) -> LifeChange {
    let slices = vec![Slice { expires_at: SOON, id: lot(2, 0), left: Points(30) }];
    let (points, units, lapses_at) = (Points(30), 20, At(5_000));
    let (exchange, reference) = (TermNo(8), hidden(reference));
    let slices = if inward { vec![] } else { slices };
    LifeChange::ExchangeOpened(Box::new(OpenExchange {
        exchange,
        reference,
        inward,
        wallet: W,
        points,
        units,
        slices,
        lapses_at,
    }))
}

fn settled(reference: &str) -> LifeChange {
    LifeChange::ExchangeClosed(change::ExchangeClosed { exchange: TermNo(8), reference: hidden(reference) })
}

fn members(v: &mut Vectors) {
    v.add("change Registered", vec![new(A)], record(B, vec![registered(B)], vec![]));
    v.add("change Registered: the first of all", vec![], new(A));
    v.wrong("change Registered twice", vec![new(A)], new(A));
    v.wrong("number out of turn", vec![new(A)], new(MemberNo(3)));
    v.add("number that nobody registered", vec![new(A)], record(B, vec![], vec![]));
    let enrolled = |birthday, joined| Change::Enrolled(change::Enrolled { member: A, birthday, joined });
    let born = |from| Some(Birthday { date: MonthDay { month: 2, day: 29 }, from: Day(from) });
    v.own("change Enrolled", vec![], vec![enrolled(born(0), true)]);
    v.own("change Enrolled: without a birthday now", vec![enrolled(born(0), true)], vec![enrolled(None, true)]);
    v.own("change Enrolled: another birthday", vec![enrolled(born(0), true)], vec![enrolled(born(20), false)]);
    let set = |term, value| Change::AttributeSet(change::AttributeSet { member: A, term: TermNo(term), value });
    v.own("change AttributeSet: by term", vec![set(5, 50)], vec![set(3, -30), set(9, i64::MIN), set(5, 51)]);
    let brought = |member| Change::ReferredBy(change::ReferredBy { member, referrer: MemberNo(7) });
    v.own("change ReferredBy: the referrer is not touched", vec![], vec![brought(A)]);
    v.own("change TierSet", vec![], vec![tier(0, 4, SOON)]);
    v.own("change TierSet: another, by term, never due", vec![tier(0, 4, SOON)], vec![tier(4, 3, At::NEVER)]);
    v.own("change TierSet: the same", vec![tier(0, 4, SOON)], vec![tier(4, 4, At(91_000))]);
    v.own("change TierSet: none", vec![tier(0, 4, SOON)], vec![tier(4, 0, At::NEVER)]);
    v.own_wrong("change TierSet: who leaves is not there", vec![], vec![tier(4, 3, SOON)]);
    streaks(v);
    let active = |dormant_at| Change::Active(change::Active { member: A, dormant_at });
    v.own("change Active", vec![], vec![active(SOON)]);
    v.own("change Active: never dormant", vec![active(SOON)], vec![active(At::NEVER)]);
    let said = |member| VerdictPart { why: Why::Said { member }, ..record(member, vec![], vec![]) };
    v.add("said by nobody", vec![new(A)], said(MemberNo::NOBODY));
    v.add("said by a member", vec![new(A)], said(A));
    v.add("said by nobody, refused", vec![new(A)], refused(said(MemberNo::NOBODY)));
    v.add("said by a member, refused", vec![new(A)], refused(said(A)));
    let known = vec![new(A); HISTORY_PAGE - 1];
    let known = known.into_iter().enumerate().map(|(n, first)| if n == 0 { first } else { record(A, vec![], vec![]) });
    v.add("history: a page is full", known.collect(), record(A, vec![], vec![]));
    let mut earlier = record(A, vec![], vec![]);
    earlier.at = At(AT.0 - 1);
    v.wrong("time runs backwards", vec![new(A)], earlier);
}

fn refused(record: VerdictPart) -> VerdictPart {
    let verdict = Verdict { refusal: Some(Refusal::MemberUnknown), ..record.verdict };
    VerdictPart { verdict, ..record }
}

fn purchases(v: &mut Vectors) {
    v.own("change Purchased", vec![purchased(1, 20, 10)], vec![purchased(2, 21, 11)]);
    v.own(
        "change Purchased: the first is forgotten, and others as old",
        vec![purchased(1, 9, 0), purchased(2, 12, 0), purchased(3, 8, 0), returned(2, 1, 1, 0), deferred(4, 9)],
        vec![purchased(5, 21, 11)],
    );
    v.own(
        "change Purchased: the first is not forgotten, nor others that are older",
        vec![purchased(1, 12, 0), purchased(2, 9, 0), returned(2, 1, 1, 0), deferred(4, 9), deferred(5, 30)],
        vec![purchased(6, 21, 11)],
    );
    v.own("change Refunded", vec![purchased(1, 20, 10), refunded(2, 40)], vec![refunded(2, 2)]);
    v.own_wrong("change Refunded of no purchase", vec![purchased(1, 20, 10)], vec![refunded(3, 2)]);
    v.own_wrong("change Refunded too much", vec![purchased(1, 20, 10), refunded(2, 40)], vec![refunded(2, i64::MAX)]);
    let lines = vec![purchased(1, 20, 10), returned(2, 3, 1, 0)];
    v.own("change LineReturned", lines.clone(), vec![returned(2, 1, 2, 5), returned(2, 3, 1, 7), returned(9, 3, 1, 7)]);
    v.own_wrong("change LineReturned too often", lines, vec![returned(2, 3, u64::MAX, 0)]);
    v.own("change Deferred", vec![purchased(1, 9, 0), returned(2, 1, 1, 0)], vec![deferred(5, 21)]);
    v.own("change Deferred: others wait", vec![deferred(5, 9), returned(2, 1, 1, 0)], vec![deferred(6, 21)]);
    let gone = || vec![purchased(1, 20, 10), refunded(2, 40), returned(2, 3, 2, 7), returned(2, 4, 1, 0)];
    v.own("change RefundReversed", gone(), vec![reversed(7, 2, 30), reversed(8, 2, 10)]);
    v.own("change RefundReversed: it had not come", gone(), vec![reversed(7, 7, 0)]);
    v.own_wrong("change RefundReversed of no purchase", gone(), vec![reversed(7, 3, 1)]);
    v.own_wrong("change RefundReversed: more than was refunded", gone(), vec![reversed(7, 2, 41)]);
    v.own("change LineKept", gone(), vec![kept(2, 3, 1, 7), kept(2, 4, 1, 0)]);
    v.own_wrong("change LineKept: more than came back", gone(), vec![kept(2, 3, 1, 8)]);
    v.own_wrong("change LineKept: more items than came back", gone(), vec![kept(2, 3, 3, 0)]);
    v.own_wrong("change LineKept of a line that did not", gone(), vec![kept(2, 5, 1, 0)]);
    v.own(
        "change Purchased: what was reversed of one that is forgotten",
        vec![purchased(1, 9, 0), refunded(2, 40), reversed(7, 2, 40)],
        vec![purchased(6, 21, 11)],
    );
    v.own("change DeferredApplied: one of two", vec![deferred(5, 9), deferred(6, 9)], vec![applied(2)]);
    v.own("change DeferredApplied: the last", vec![deferred(5, 9)], vec![applied(2)]);
    v.own_wrong("change DeferredApplied of nothing", vec![deferred(5, 9)], vec![applied(3)]);
    v.own_wrong("change DeferredApplied where nothing waits", vec![], vec![applied(2)]);
    v.own("change TierCounted", vec![], vec![Change::TierCounted(change::TierCounted { member: A, tier: TermNo(4) })]);
    v.own(
        "change Redeemed: the first is forgotten, and others as old",
        vec![redeemed(5, 9, 0), redeemed(6, 8, 0)],
        vec![redeemed(7, 21, 9), redeemed(8, 21, 10)],
    );
    v.own("change RedeemRefunded", vec![redeemed(5, 9, 0)], vec![given_back(2, 2), given_back(2, 3)]);
    v.own_wrong("change RedeemRefunded: more than was redeemed", vec![redeemed(5, 9, 0)], vec![given_back(2, 6)]);
    v.own_wrong("change RedeemRefunded of nothing", vec![redeemed(5, 9, 0)], vec![given_back(3, 1)]);
}

fn streaks(v: &mut Vectors) {
    v.own("change Streak: in order of the first time", vec![streak(5, 1, 9)], vec![streak(3, 1, 9), streak(5, 2, 10)]);
    v.own("change Streak: behind a gap", vec![streak(5, 1, 9)], vec![streak(5, 1, 11)]);
    v.own("change Streak: a gap is filled", vec![streak(5, 1, 9), streak(5, 1, 11)], vec![streak(5, 3, 10)]);
    v.own("change Streak: an earlier day", vec![streak(5, 1, 9)], vec![streak(5, 1, -54), streak(5, 2, 8)]);
    v.own_wrong("change Streak: a day that is not known", vec![streak(5, 1, 9)], vec![streak(5, 1, -55)]);
    v.own_wrong("change Streak: a day twice", vec![streak(5, 1, 9)], vec![streak(5, 1, 9)]);
    v.own_wrong("change Streak: another count", vec![streak(5, 1, 9)], vec![streak(5, 1, 10)]);
    let days = STREAK_DAYS as i32;
    let row = |until: i32| (1..=until).map(|day| streak(5, day as u32, day));
    v.own("change Streak: longer than is known day by day", row(days + 2).collect(), vec![streak(5, 67, days + 3)]);
    let behind = row(days + 2).chain([streak(5, 1, days + 4)]);
    v.own("change Streak: a gap behind many is filled", behind.collect(), vec![streak(5, 68, days + 3)]);
    let far = |step: i32| row(3).chain([streak(5, 1, 3 + step)]).collect::<Vec<_>>();
    v.own("change Streak: what was is right before all that is known", far(days), vec![streak(5, 1, 3 + days + 2)]);
    v.own("change Streak: what was is forgotten", row(3).collect(), vec![streak(5, 1, 4 + days)]);
    v.own("change Streak: long ago", row(3).collect(), vec![streak(5, 1, i32::MAX)]);
}

fn counters(v: &mut Vectors) {
    let own = Key::Member(A);
    let before = || vec![counted(own, 5, 10, 0, 4, 0), counted(own, 5, 12, 0, 6, 0)];
    v.own(
        "change Counted: counters by term, tallies by bucket",
        before(),
        vec![counted(own, 3, 7, 0, 1, 0), counted(own, 5, 11, 0, -6, 0), counted(own, 5, 12, 0, -6, 0)],
    );
    v.own("change Counted: older tallies are dropped", before(), vec![counted(own, 5, 12, 11, 1, 0)]);
    v.own("change Counted: what is too old counts in all alone", before(), vec![counted(own, 5, 9, 10, 1, 0)]);
    v.own_wrong("change Counted too much", before(), vec![counted(own, 5, 12, 0, i64::MAX, 0)]);
    let everyone = Key::EVERYONE;
    v.own("change Counted of a risk key", vec![], vec![counted(everyone, 5, 10, 0, 4, 3)]);
    let seen = || vec![counted(everyone, 5, 10, 0, 4, 3), counted(everyone, 5, 11, 0, 1, 2)];
    v.own(
        "change Counted of a risk key twice",
        seen(),
        vec![counted(everyone, 5, 12, 0, 4, 0), counted(everyone, 5, 12, 0, 4, 3), counted(everyone, 6, 12, 0, 4, 3)],
    );
    v.own("change Counted: who is seen earlier was seen later", seen(), vec![counted(everyone, 5, 9, 0, 1, 2)]);
    v.own("change Counted: who is seen there already", seen(), vec![counted(everyone, 5, 10, 0, 1, 3)]);
    v.own("change Counted: who was seen before is forgotten", seen(), vec![counted(everyone, 5, 9, 11, 1, 4)]);
    v.own("change Counted: up to the last bucket", vec![], vec![counted(everyone, 5, i32::MAX - 1, i32::MAX, 1, 4)]);
    let many = || (1..).take(SIGHTINGS_MAX).map(|member| counted(everyone, 5, 10, 0, 1, member));
    let one_more = vec![counted(everyone, 5, 11, 0, 1, 2_000)];
    v.own("change Counted: one more is seen than is remembered", many().collect(), one_more);
    let again = vec![counted(everyone, 5, 11, 0, 1, 3)];
    v.own("change Counted: one more, and one is seen again", many().collect(), again);
    let two = || vec![new(A), new(B)];
    v.add("change CaseOpened of two", two(), record(A, vec![case(&[A, B])], vec![]));
    v.add("change CaseOpened twice: the first stays", two(), record(A, vec![case(&[A]), case(&[B])], vec![]));
    let open = || vec![new(A), new(B), record(A, vec![case(&[A])], vec![])];
    v.add("change CaseJoined", open(), record(B, vec![joined(3, &[B, B])], vec![]));
    v.add(
        "change CaseJoined: one for a case in a record",
        open(),
        record(B, vec![joined(3, &[B]), resolved(3, &[A])], vec![]),
    );
    v.wrong("change CaseJoined of no case", open(), record(B, vec![joined(2, &[B])], vec![]));
    v.add("change CaseClosed", open(), record(MemberNo::NOBODY, vec![resolved(3, &[A, B])], vec![]));
    v.wrong("change CaseClosed of no case", open(), record(A, vec![resolved(2, &[A])], vec![]));
    let terms = |words: &[&str]| {
        Change::TermsAdded(change::TermsAdded { terms: words.iter().map(|word| (*word).into()).collect() })
    };
    v.own("change TermsAdded", vec![terms(&["points"])], vec![terms(&["base", "points"]), terms(&["silver"])]);
    let set = |text: &str| Change::ProgramSet(change::ProgramSet { text: text.into() });
    v.own("change ProgramSet", vec![set("id = \"t\"\n")], vec![set("id = \"u\"\n")]);
    v.own("change ProgramSet twice: the first stays", vec![], vec![set("id = \"t\"\n"), set("id = \"u\"\n")]);
    let staff = |no: u32, name: &str| {
        Change::StaffRegistered(change::StaffRegistered { staff: StaffNo(no), name: Sealed::plain(name) })
    };
    v.own("change StaffRegistered", vec![staff(1, "ann")], vec![staff(2, "bob"), staff(3, "eve")]);
    v.own("change StaffRegistered twice: the first stays", vec![], vec![staff(1, "ann"), staff(1, "bob")]);
    v.own_wrong("change StaffRegistered of another record", vec![staff(1, "ann")], vec![staff(1, "ann")]);
    v.own_wrong("change StaffRegistered out of turn", vec![], vec![staff(2, "ann")]);
    v.own_wrong("change StaffRegistered of nobody", vec![], vec![staff(0, "ann")]);
}

fn purses(v: &mut Vectors) {
    let spell = |wallet, until| {
        let wallet = TermNo(wallet);
        Change::ActivityExpirySet(change::ActivityExpirySet { member: A, wallet, since: Position(2), until: At(until) })
    };
    v.own("change ActivityExpirySet: it makes a purse", vec![spell(3, 7_000)], vec![spell(1, 8_000), spell(3, 9_000)]);
    let expiring = change::Expiring { member: A, wallet: W, expires_at: SOON, points: Points(9) };
    v.own("change Expiring: no purse", vec![], vec![Change::Expiring(expiring)]);
    v.own("change ReminderSet", vec![], vec![reminded(1, SOON)]);
    v.own("change ReminderSet: never", vec![reminded(1, SOON)], vec![reminded(1, At::NEVER)]);
    v.own(
        "change ExpiredRecently",
        vec![expired(20, 5, 0), expired(22, 6, 0)],
        vec![expired(22, 7, 21), expired(20, 8, 0)],
    );
    let died = || vec![expired(20, 5, 0), expired(22, 6, 0), expired(23, 1, 0)];
    v.own("change Reinstated: of the first first", died(), vec![reinstated(7, 0, 0)]);
    v.own("change Reinstated: what died earlier is forgotten", died(), vec![reinstated(7, 0, 21)]);
    v.own_wrong("change Reinstated: more than died", died(), vec![reinstated(8, 0, 21)]);
    let many = (0..).take(REINSTATED_MAX).map(|line| reinstated(0, line, 0));
    v.own("change Reinstated: one more is marked than is remembered", many.collect(), vec![reinstated(0, 100, 0)]);
    v.own(
        "change PendingUntil",
        vec![waits(lot(2, 1), At(20)), waits(lot(2, 0), At(30))],
        vec![waits(lot(2, 2), At(20)), waits(lot(2, 0), At(10)), waits(lot(1, 9), At::NEVER)],
    );
    v.own("change HoldOpened", vec![], vec![opened(1, "h-1"), opened(4, "h-4")]);
    v.own(
        "change HoldExtended",
        vec![opened(1, "h-1")],
        vec![Change::HoldExtended(change::HoldExtended { member: A, no: 1, expires_at: At(6_000) })],
    );
    v.own_wrong(
        "change HoldExtended of none",
        vec![opened(1, "h-1")],
        vec![Change::HoldExtended(change::HoldExtended { member: A, no: 2, expires_at: SOON })],
    );
    let held = || purse(vec![post(Account::Available, Account::Held(1), 30)]);
    let captured = |points| record(A, vec![closed(1)], vec![post(Account::Held(1), Account::Redeemed, points)]);
    v.add("change HoldClosed: behind the postings", held(), captured(30));
    v.wrong("change HoldClosed: it holds points", held(), captured(29));
    v.own_wrong("change HoldClosed of none", vec![opened(1, "h-1")], vec![closed(2)]);
    let name = |no: usize| format!("h-{no}");
    let many = (1..=CLOSED_HOLDS_MAX).flat_map(|no| [opened(no as u32, &name(no)), closed(no as u32)]);
    v.own("change HoldClosed: one more than is remembered", many.collect(), vec![opened(99, "h-99"), closed(99)]);
}

fn visits(v: &mut Vectors) {
    v.own("change DiedOnce", vec![], vec![died_once(3)]);
    let many = (0..).take(REINSTATED_MAX).map(died_once);
    v.own("change DiedOnce: one more is marked than is remembered", many.collect(), vec![died_once(100)]);
    v.own("change Overtook", vec![], vec![overtook(5, 9)]);
    v.own("change Overtook: its hold is there", vec![deferred(5, 9), overtook(5, 9), overtook(6, 9)], vec![applied(2)]);
    let of_nobody =
        |name| Change::Overtook(change::Overtook { member: MemberNo::NOBODY, name, day: Day(9), until: SOON });
    let ended = |event| {
        let (member, event, refusal) = (MemberNo::NOBODY, Position(event), Some(Refusal::NeverCame));
        Change::DeferredApplied(change::DeferredApplied { member, event, refusal })
    };
    v.own("change Overtook of nobody", vec![], vec![of_nobody(5), of_nobody(6)]);
    v.own("change DeferredApplied of nobody", vec![of_nobody(5), of_nobody(6)], vec![ended(2)]);
    v.own_wrong("change DeferredApplied of nobody: nothing waits", vec![overtook(5, 9)], vec![ended(2)]);
    v.own("change Overtook: of one record", vec![overtook(5, 9)], vec![applied(2)]);
    v.own("change Visited", vec![], vec![visited(7, 100, 200, &[(5, 3)])]);
    let before =
        || vec![visited(7, 300, 400, &[(6, 1), (5, 3)]), visited(8, 150, 250, &[]), visited(7, 100, 200, &[(5, 2)])];
    v.own("change Visited: two are one", before(), vec![visited(7, 100, 450, &[(9, 1), (6, -4)])]);
    v.own("change Visited: it does not hold all of another", before(), vec![visited(7, 350, 400, &[])]);
    v.own("change Visited: behind those that end with it", before(), vec![visited(9, 120, 200, &[])]);
    v.own_wrong("change Visited: it ends before it begins", before(), vec![visited(7, 300, 299, &[])]);
    let some = (1..).take(VISITS_KEPT + 1).map(|n| visited(n, 0, n as i64, &[]));
    let late = VISITS_KEPT_MS + 3;
    v.own("change Visited: what ended long before is forgotten", some.collect(), vec![visited(99, late, late, &[])]);
    let many = (1..).take(VISITS_MAX).map(|n| visited(n, 0, n as i64, &[]));
    v.own("change Visited: one more than is remembered", many.collect(), vec![visited(99, 0, 20, &[])]);
    v.own("change Visited: the earliest there is", vec![], vec![visited(99, i64::MIN, i64::MIN, &[])]);
    let late = Change::ToldLate(change::ToldLate { member: A, day: Day(9), since: Day(10) });
    v.own("change ToldLate", vec![], vec![late]);
}

fn lives(v: &mut Vectors) {
    let frozen = |scope| LifeChange::Frozen(change::Frozen { scope });
    v.life("life Frozen", vec![], vec![frozen(Some(Scope::Redeem))]);
    v.life(
        "life Frozen: nothing any more, so that no life is left",
        vec![frozen(Some(Scope::All))],
        vec![frozen(None)],
    );
    let closed = || LifeChange::Closed(change::Closed);
    v.life("life Closed", vec![], vec![closed()]);
    v.life_wrong("life Closed twice", vec![closed()], vec![closed()]);
    let unlinked = |byte| LifeChange::AliasUnlinked(change::AliasUnlinked { key: RiskKey([byte; 16]) });
    v.life("life AliasLinked", vec![linked(2)], vec![linked(1)]);
    v.life_wrong("life AliasLinked twice", vec![linked(2)], vec![linked(2)]);
    v.life("life AliasUnlinked", vec![linked(2), linked(1)], vec![unlinked(2)]);
    v.life_wrong("life AliasUnlinked of none", vec![linked(2)], vec![unlinked(1)]);
    v.life(
        "life Gave: on the same day and on another",
        vec![gave(2, 9, 5), gave(1, 9, 5)],
        vec![gave(2, 9, 6), gave(1, 8, 7)],
    );
    let received = |wallet| LifeChange::Received(change::Received { wallet: TermNo(wallet) });
    v.life("life Received", vec![gave(1, 9, 5)], vec![received(1), received(2)]);
    let merged = |no| LifeChange::MergedInto(change::MergedInto { member: MemberNo(no) });
    let (unmerged, absorbed) = (
        || LifeChange::Unmerged(change::Unmerged),
        |no| LifeChange::Absorbed(change::Absorbed { member: MemberNo(no) }),
    );
    let released = |no| LifeChange::Released(change::Released { member: MemberNo(no) });
    v.life("life MergedInto: the other is not touched", vec![], vec![merged(2)]);
    v.life_wrong("life MergedInto twice", vec![merged(2)], vec![merged(3)]);
    v.life("life Absorbed", vec![absorbed(3)], vec![absorbed(2)]);
    v.life("life Unmerged", vec![merged(2)], vec![unmerged()]);
    v.life_wrong("life Unmerged from none", vec![], vec![unmerged()]);
    v.life("life Released", vec![absorbed(3), absorbed(2)], vec![released(3)]);
    v.life_wrong("life Released of another", vec![absorbed(3)], vec![released(2)]);
    let approved = |proposal| LifeChange::Approved(change::Approved { proposal: Position(proposal), by: StaffNo(2) });
    let ended = |proposal| LifeChange::ProposalEnded(change::ProposalEnded { proposal: Position(proposal) });
    v.life("life Proposed: what lapsed is forgotten", vec![proposed(AT.0), proposed(AT.0 + 1)], vec![proposed(5_000)]);
    v.life("life Approved", vec![proposed(5_000)], vec![approved(2)]);
    v.life_wrong("life Approved of none", vec![proposed(5_000)], vec![approved(3)]);
    v.life("life ProposalEnded", vec![proposed(5_000)], vec![ended(2)]);
    v.life_wrong("life ProposalEnded of none", vec![proposed(5_000)], vec![ended(3)]);
    let (joined, left) = (
        |no| LifeChange::HouseholdJoined(change::HouseholdJoined { household: MemberNo(no) }),
        || LifeChange::HouseholdLeft(change::HouseholdLeft),
    );
    v.life("life HouseholdJoined", vec![], vec![joined(2)]);
    v.life_wrong("life HouseholdJoined twice", vec![joined(2)], vec![joined(2)]);
    v.life("life HouseholdLeft", vec![joined(2), closed()], vec![left()]);
    v.life_wrong("life HouseholdLeft of none", vec![], vec![left()]);
    let (came, went) = (
        |no| LifeChange::MemberJoined(change::MemberJoined { member: MemberNo(no) }),
        |no| LifeChange::MemberLeft(change::MemberLeft { member: MemberNo(no) }),
    );
    v.life("life MemberJoined", vec![came(3)], vec![came(2)]);
    v.life("life MemberLeft", vec![came(3), came(2)], vec![went(3)]);
    v.life_wrong("life MemberLeft of none", vec![came(3)], vec![went(2)]);
    v.life("life ExchangeOpened", vec![exchange("x-2", false)], vec![exchange("x-1", true)]);
    v.life("life ExchangeClosed", vec![exchange("x-2", false), exchange("x-1", true)], vec![settled("x-2")]);
    v.life_wrong("life ExchangeClosed of none", vec![exchange("x-2", false)], vec![settled("x-1")]);
    let name = |no: usize| format!("x-{no}");
    let many = (1..=CLOSED_EXCHANGES_MAX).flat_map(|no| [exchange(&name(no), true), settled(&name(no))]);
    v.life(
        "life ExchangeClosed: one more than is remembered",
        many.collect(),
        vec![exchange("x-99", true), settled("x-99")],
    );
}

fn accounts(v: &mut Vectors) {
    use Account::{Available, ClawedBack, Debt, Donated, Held, Issued, Moved, Pending, Redeemed, Review};
    let of = |account| if account == Held(0) { Held(1) } else { account };
    for account in Account::ALL {
        // What can be taken was put there, and what can be repaid is owed.
        let before = match account {
            Review | Pending | Held(_) => vec![post(Available, of(account), 30)],
            Debt => vec![post(Debt, Redeemed, 30)],
            _ => vec![],
        };
        let now = vec![post(of(account), Redeemed, 20)];
        // What was moved away came from somebody.
        let now = if account == Moved { [vec![post(Available, Moved, 20)], now].concat() } else { now };
        let is_wrong = ["voided", "debited", "fees", "donated", "exchanged"].contains(&account.name());
        let name = format!("from {}", account.name());
        if is_wrong {
            v.posted_wrong(&name, before, now)
        } else {
            v.posted(&name, before, now)
        }
        let before = if account == Debt { vec![post(Debt, Redeemed, 30)] } else { vec![] };
        let now = vec![post(Available, of(account), 20)];
        let now = if account == Moved { [now, vec![post(Moved, Redeemed, 20)]].concat() } else { now };
        let name = format!("to {}", account.name());
        if account == Issued { v.posted_wrong(&name, before, now) } else { v.posted(&name, before, now) }
    }
    v.posted(
        "lot: what is taken in whole goes",
        vec![],
        vec![post(Available, Redeemed, 60), post(Available, Redeemed, 40)],
    );
    v.posted_wrong("lot: more than there is", vec![], vec![post(Available, Redeemed, 101)]);
    let dated = |posting: Posting, at| Posting { expires_at: At(at), ..posting };
    v.posted_wrong("lot: another date", vec![], vec![dated(post(Available, Redeemed, 1), 90_001)]);
    v.posted(
        "lot: parts are one again, but with another date",
        vec![post(Available, Held(1), 60)],
        vec![
            post(Held(1), Available, 10),
            dated(post(Held(1), Available, 10), 80_000),
            dated(post(Held(1), Available, 10), At::NEVER.0),
            post(Available, Redeemed, 50),
        ],
    );
    let other = |posting: Posting, line| Posting { lot: lot(2, line), ..posting };
    v.posted(
        "lot: by date, then by lot",
        vec![other(post(Issued, Available, 5), 3)],
        vec![
            other(post(Issued, Available, 6), 2),
            dated(post(Issued, Available, 7), 80_000),
            other(dated(post(Redeemed, Available, 8), At::SLIDING.0), 1),
        ],
    );
    v.posted(
        "hold: slices one after the other",
        vec![post(Available, Held(1), 30), other(post(Issued, Held(1), 5), 1), post(Available, Held(1), 10)],
        vec![post(Held(1), Redeemed, 30), other(post(Held(1), Available, 4), 1)],
    );
    let turn = vec![post(Available, Held(1), 30), other(post(Issued, Held(1), 5), 1)];
    v.posted_wrong("hold: another slice has its turn", turn.clone(), vec![other(post(Held(1), Redeemed, 5), 1)]);
    v.posted_wrong("hold: more than the slice has", turn, vec![post(Held(1), Redeemed, 31)]);
    v.posted_wrong("hold: none of this number", vec![], vec![post(Available, Held(2), 1)]);
    let of_wallet = |posting: Posting, wallet| Posting { wallet: TermNo(wallet), ..posting };
    v.posted_wrong("hold: of another wallet", vec![], vec![of_wallet(post(Issued, Held(1), 1), 2)]);
    v.posted_wrong("debt: more is repaid than owed", vec![post(Debt, Redeemed, 30)], vec![post(Available, Debt, 31)]);
    v.posted(
        "purse: others in order of the first time",
        vec![of_wallet(post(Issued, Available, 5), 9)],
        vec![of_wallet(post(Issued, Pending, 6), 4), of_wallet(post(Issued, Review, 7), 3)],
    );
    v.posted("purse: of what only the totals know", vec![], vec![of_wallet(post(Issued, Redeemed, 5), 4)]);
    v.posted_wrong("purse: of no wallet", vec![], vec![of_wallet(post(Issued, Available, 5), 0)]);
    v.posted(
        "fund: given to and taken from, and no purse",
        vec![],
        vec![
            of_wallet(post(Issued, Donated, 5), 4),
            of_wallet(post(Donated, ClawedBack, 2), 4),
            of_wallet(post(ClawedBack, Donated, 1), 4),
        ],
    );
    let waiting = |changes: Vec<Change>, now: Vec<Posting>| {
        let before = vec![post(Available, Review, 30), other(post(Issued, Pending, 5), 1)];
        ([purse(before), vec![changed(changes)]].concat(), record(A, vec![], now))
    };
    let both = || vec![waits(lot(2, 0), At(20)), waits(lot(2, 1), At(30)), waits(lot(2, 9), At(40))];
    let (before, now) = waiting(both(), vec![post(Review, Available, 29)]);
    v.add("waits: they stay as long as no lot goes", before, now);
    let (before, now) = waiting(both(), vec![post(Review, Available, 30)]);
    v.add("waits: those of lots that are gone go", before, now);
    let (before, now) = waiting(both(), vec![post(Review, Available, 30), post(Available, Review, 1)]);
    v.add("waits: those of no lot go where a lot was empty for a time", before, now);
    let (before, now) = waiting(both(), vec![post(Available, Redeemed, 70)]);
    v.add("waits: they stay where an available lot goes", before, now);
    let two = || [purse(vec![]), vec![new(B)]].concat();
    let of_b = |posting: Posting| Posting { member: B, ..posting };
    v.add(
        "two members: one gives and the other gets",
        two(),
        record(A, vec![], vec![post(Available, Moved, 20), of_b(post(Moved, Available, 20))]),
    );
    v.wrong("two members: one gives and nobody gets", two(), record(A, vec![], vec![post(Available, Moved, 20)]));
    v.add(
        "posting of nobody",
        two(),
        record(A, vec![], vec![Posting { member: MemberNo::NOBODY, ..post(Issued, Donated, 5) }]),
    );
    v.posted_wrong("posting of no points", vec![], vec![post(Issued, Redeemed, 0)]);
    v.posted_wrong("posting of a fund of no points", vec![], vec![post(Issued, Donated, -1)]);
    v.posted_wrong("totals overflow", vec![], vec![post(Issued, Redeemed, i64::MAX)]);
    let mut told = record(A, vec![], vec![post(Available, Redeemed, 1)]);
    told.verdict.wallet = W;
    for (available, is_wrong) in [(99, false), (100, true)] {
        told.verdict.available = Points(available);
        let name = format!("available: {available} of 99");
        if is_wrong { v.wrong(&name, purse(vec![]), told.clone()) } else { v.add(&name, purse(vec![]), told.clone()) }
    }
}

fn vectors() -> Vec<Vector> {
    let mut vectors = Vectors::default();
    for add in [members, purchases, opening::vectors, counters, purses, visits, lives, accounts] {
        add(&mut vectors);
    }
    vectors.0
}

/// The vector as `folds.txt` has it: what it holds in words, rows, the record, the rows that are others behind it.
fn told(vector: &Vector) -> String {
    let mut state = State::new();
    for (record, position) in vector.before.iter().zip(1..) {
        fold(&mut state, Position(position), record).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
    }
    let before = keyed_rows(&state);
    let mut text = format!("{}\n", vector.name);
    for change in &vector.record.verdict.changes {
        writeln!(text, "# {change:?}").expect("a string takes it");
    }
    for posting in &vector.record.verdict.postings {
        writeln!(text, "# {posting:?}").expect("a string takes it");
    }
    let row = |text: &mut String, word: &str, (key, value): &(Vec<u8>, Vec<u8>)| {
        writeln!(text, "{word} {} {}", hex(key), hex(value)).expect("a string takes it");
    };
    before.iter().for_each(|one| row(&mut text, "row", one));
    let position = vector.before.len() as u64 + 1;
    writeln!(text, "record {position} {}", hex(&bytes(&vector.record))).expect("a string takes it");
    let folds = fold(&mut state, Position(position), &vector.record);
    assert_eq!(folds.is_err(), vector.wrong, "{}: {folds:?}", vector.name);
    if vector.wrong {
        text.push_str("wrong\n");
    } else {
        keyed_rows(&state).iter().filter(|one| !before.contains(one)).for_each(|one| row(&mut text, "behind", one));
    }
    text
}

#[test]
fn folds_are_frozen_and_the_second_fold_agrees() {
    let text: Vec<String> = vectors().iter().map(told).collect();
    expect_file!["folds.txt"].assert_eq(&text.join("\n"));
    let said = second_fold("vectors", &[root().join("ledger-core/tests/main/folds.txt")]);
    let agrees: Vec<String> = vectors().iter().map(|vector| format!("{}: agrees", vector.name)).collect();
    assert_eq!(said, agrees);
}

#[test]
fn every_change_and_every_account_has_its_vectors() {
    let (mut changes, mut lives) = (BTreeSet::new(), BTreeSet::new());
    let (mut from, mut to) = (BTreeSet::new(), BTreeSet::new());
    for vector in vectors() {
        let verdict = &vector.record.verdict;
        from.extend(verdict.postings.iter().map(|posting| posting.from.kind()));
        to.extend(verdict.postings.iter().map(|posting| posting.to.kind()));
        for change in verdict.changes.iter().filter(|_| !vector.wrong) {
            changes.insert(change.number());
            if let Change::Life(change::Life { change, .. }) = change {
                lives.insert(change.number());
            }
        }
    }
    let missing = |names: &[&str], have: &BTreeSet<usize>| -> Vec<String> {
        (0..names.len()).filter(|number| !have.contains(number)).map(|number| names[number].to_string()).collect()
    };
    assert_eq!(missing(Change::NAMES, &changes), [""; 0], "changes");
    assert_eq!(missing(LifeChange::NAMES, &lives), [""; 0], "changes of a life");
    let accounts = Account::ALL.map(Account::name);
    assert_eq!((missing(&accounts, &from), missing(&accounts, &to)), (vec![], vec![]), "from and to accounts");
}

#[test]
fn the_page_has_a_line_for_each_of_them_and_the_limits_of_the_code() {
    let page = std::fs::read_to_string(root().join("ledger-store/FORMAT.md")).expect("FORMAT.md is there");
    let chapter = page.split("\n## ").find(|chapter| chapter.starts_with("The fold\n")).expect("the chapter");
    let rows = |heading: &str| -> Vec<String> {
        let (_, table) = chapter.split_once(heading).unwrap_or_else(|| panic!("no table {heading}"));
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        rows.map(|row| row.split('|').take(3).collect::<Vec<_>>().join("|").trim().to_string()).collect()
    };
    let numbered = |names: &[&str]| -> Vec<String> {
        names.iter().enumerate().map(|(number, name)| format!("| {number} | `{name}`")).collect()
    };
    assert_eq!(rows("| no. | change | whose |"), numbered(Change::NAMES));
    assert_eq!(rows("| no. | change of a life |"), numbered(LifeChange::NAMES));
    let first = |row: String| row.split('|').nth(1).unwrap_or_default().trim().to_string();
    let accounts: Vec<String> = rows("| account | from | to |").into_iter().map(first).collect();
    let names = Account::ALL.map(|account| format!("{account:?}").split('(').next().unwrap_or_default().to_string());
    let expected: Vec<String> = names.iter().enumerate().map(|(number, name)| format!("{number} `{name}`")).collect();
    assert_eq!(accounts, expected);
    let limits: [(&str, i64); 9] = [
        ("HISTORY_PAGE", HISTORY_PAGE as i64),
        ("CLOSED_HOLDS_MAX", CLOSED_HOLDS_MAX as i64),
        ("REINSTATED_MAX", REINSTATED_MAX as i64),
        ("CLOSED_EXCHANGES_MAX", CLOSED_EXCHANGES_MAX as i64),
        ("SIGHTINGS_MAX", SIGHTINGS_MAX as i64),
        ("STREAK_DAYS", i64::from(STREAK_DAYS)),
        ("VISITS_KEPT", VISITS_KEPT as i64),
        ("VISITS_MAX", VISITS_MAX as i64),
        ("VISITS_KEPT_MS", VISITS_KEPT_MS),
    ];
    let fence: String = limits.iter().map(|(name, limit)| format!("{name} = {limit}\n")).collect();
    assert!(chapter.contains(&format!("\n```limits\n{fence}```\n")), "FORMAT.md has other limits than\n{fence}");
}
