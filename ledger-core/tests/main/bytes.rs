//! The bytes of records and state rows, frozen. `bytes.txt` beside this file is what ledgers on disk
//! hold: a difference there is another layout, and another layout is another version byte. Lines may
//! be added, for variants that are new; none may change.

use crate::ledger::{bytes, check, event, hex, publish, row_bytes};
use expect_test::expect_file;
use ledger_core::account::{Account, Posting};
use ledger_core::bytes::{VALUE_BYTES_MAX, VERSION, decode, decode_row};
use ledger_core::change;
use ledger_core::change::Change;
use ledger_core::change::LifeChange;
use ledger_core::counter::Key;
use ledger_core::event::{
    self, Body, Currency, Event, Finding, ItemRequest, Line, LineDetail, LineName, LinePart, LineRefund, MemberRef,
    OpeningLot, Origin, RiskKeys, RiskKind,
};
use ledger_core::features::approvals::state::ManualAdjustment;
use ledger_core::features::exchange::state::OpenExchange;
use ledger_core::features::items::state::Piece;
use ledger_core::features::membership::state::Scope;
use ledger_core::features::risk::change::{Action, CaseOpened};
use ledger_core::features::tiers::change::TierWhy;
use ledger_core::features::tiers::state::Streak;
use ledger_core::fold::{Corrupt, fold, fold_member};
use ledger_core::lots::{Lots, Slice};
use ledger_core::member::Member;
use ledger_core::memory::Memory;
use ledger_core::quantity::Quantity;
use ledger_core::record::{Record, Timer, Verdict, VerdictPart, Why};
use ledger_core::refusal::Refusal;
use ledger_core::sealed::{HiddenName, Sealed};
use ledger_core::state::{Case, CounterRow, HistoryPage, ProgramRow, Shared, State};
use ledger_core::trace::{Adjustment, Trace};
use ledger_core::units::{At, Day, LotId, MemberNo, Money, MonthDay, Points, Position, RiskKey, StaffNo, TermNo};
use ledger_core::visit::VisitSpan;
use std::collections::BTreeSet;

const AT: At = At(1_767_225_600_123);
const EUR: Currency = Currency(*b"EUR");
const CARD: RiskKey = RiskKey([0xca; 16]);

fn detail() -> LineDetail {
    LineDetail { category: "drinks".into(), tags: vec!["hot".into()], discount: Money(10), tax: Money(3_192) }
}

/// One of each, in the order of declaration. The match has no other arm: a new variant must come here.
fn bodies() -> Vec<Body<MemberRef>> {
    let bodies = vec![
        Body::Enrolled(event::Enrolled { birthday: Some(MonthDay { month: 2, day: 29 }) }),
        Body::AttributesSet(event::AttributesSet {
            attributes: vec![("percentile".into(), -7), ("score".into(), 300)],
        }),
        Body::Purchase(event::Purchase {
            order: "o-1".into(),
            currency: EUR,
            lines: vec![
                Line { detail: Some(Box::new(detail())), ..Line::plain("tea", 2, Money(19_990)) },
                Line::plain("", 1, Money(0)),
            ],
            shipping: Money(499),
            points_paid: Money(1_000),
        }),
        Body::Cancelled(event::Cancelled { order: "o-1".into() }),
        Body::Refunded(event::Refunded {
            order: "o-1".into(),
            currency: EUR,
            amount: Money(250),
            lines: vec![
                LineRefund { line: LineName::Place(1), part: LinePart::Amount(Money(200)) },
                LineRefund { line: LineName::Sku("tea".into()), part: LinePart::Items(Quantity::whole(2)) },
            ],
            so_far: false,
        }),
        Body::CheckIn(event::CheckIn),
        Body::Referral(event::Referral { referee: MemberRef::Known(MemberNo(2)) }),
        Body::Redeem(event::Redeem {
            wallet: "miles".into(),
            points: Points(500),
            order: "".into(),
            total: Some(Money(700)),
            item: None,
        }),
        Body::Hold(event::Hold {
            hold: "h".into(),
            wallet: "".into(),
            points: Points(251),
            ttl_ms: Some(3_600_000),
            order: "".into(),
            total: None,
            item: Some(Box::new(ItemRequest { item: "cup".into(), pieces: 2 })),
        }),
        Body::Capture(event::Capture { hold: "h".into(), points: Some(Points(65_536)), last: true }),
        Body::Void(event::Void { hold: "h".into() }),
        Body::credit(Points(1_000_000_000_000), "sorry"),
        Body::Debit(event::Debit { wallet: "".into(), points: Points(1), reason: "mistake".into(), by: StaffNo(1) }),
        Body::CaseResolved(event::CaseResolved {
            case: Position(9).into(),
            finding: Finding::Fraud,
            note: "seen".into(),
        }),
        Body::ProgramPublished(event::ProgramPublished { text: "id = \"t\"\n".into() }),
        Body::Tick(event::Tick { up_to: At(-1) }),
        Body::Frozen(event::Frozen { scope: Scope::Redeem, reason: "stolen".into() }),
        Body::Unfrozen(event::Unfrozen { scope: Scope::All, reason: "".into() }),
        Body::Closed(event::Closed { reason: "asked".into() }),
        Body::AliasLinked(event::AliasLinked { kind: "card".into(), alias: MemberRef::Unknown(CARD) }),
        Body::AliasUnlinked(event::AliasUnlinked { kind: "card".into(), alias: MemberRef::Alias(MemberNo(1), CARD) }),
        Body::HoldExtended(event::HoldExtended { hold: "h".into(), ttl_ms: Some(3_600_000) }),
        Body::RedeemRefunded(event::RedeemRefunded { redemption: Position(9).into(), points: Some(Points(4)) }),
        Body::Transfer(event::Transfer {
            to: MemberRef::Known(MemberNo(2)),
            wallet: "".into(),
            points: Points(100),
            note: "a gift".into(),
        }),
        Body::Opened(event::Opened {
            enrolled_at: Some(At(0)),
            birthday: Some(MonthDay { month: 2, day: 29 }),
            lots: vec![OpeningLot { wallet: "".into(), points: Points(300), earned_at: At(0), expires_at: Some(AT) }],
            debts: vec![event::OpeningDebt { wallet: "stamps".into(), points: Points(3) }],
            tier: Some(Box::new(event::OpeningTier { tier: "gold".into(), until: Some(AT), reason: "moved".into() })),
            counts: vec![event::OpeningCount { counter: "spend".into(), at: AT, amount: 12_050 }],
            streaks: vec![event::OpeningStreak { streak: "week".into(), days: 5, last_at: AT }],
        }),
        Body::Reinstated(event::Reinstated {
            wallet: "".into(),
            points: Some(Points(40)),
            expires_at: AT,
            reason: "sorry".into(),
        }),
        Body::Merged(event::Merged { from: MemberRef::Known(MemberNo(2)) }),
        Body::Unmerged(event::Unmerged { from: MemberRef::Known(MemberNo(2)) }),
        Body::Approved(event::Approved { proposal: Position(9).into(), by: StaffNo(300) }),
        Body::Withdrawn(event::Withdrawn { proposal: Position(9).into(), by: StaffNo(300), reason: "mistake".into() }),
        Body::Donate(event::Donate { fund: "trees".into(), points: Points(199) }),
        Body::HouseholdJoined(event::HouseholdJoined { household: MemberRef::Known(MemberNo(2)) }),
        Body::HouseholdLeft(event::HouseholdLeft),
        Body::Settled(event::Settled { order: "o-1".into() }),
        Body::ExchangeOut(event::ExchangeOut {
            exchange: "skyhigh".into(),
            reference: "x-1".into(),
            points: Points(300),
        }),
        Body::ExchangeIn(event::ExchangeIn { exchange: "skyhigh".into(), reference: "x-1".into(), units: 500 }),
        Body::ExchangeSettled(event::ExchangeSettled {
            exchange: "skyhigh".into(),
            reference: "x-1".into(),
            accepted: true,
        }),
        Body::Extended(event::Extended {
            wallet: "".into(),
            points: Some(Points(40)),
            expires_at: AT,
            reason: "sorry".into(),
        }),
        Body::Action(event::Action { kind: "watched".into(), target: "video 17".into(), value: 90 }),
        Body::RefundReversed(event::RefundReversed {
            refund: event::RecordRef::event("till", "r-1"),
            why: event::ReversalWhy::WonBack,
        }),
    ];
    let number = |body: &Body<MemberRef>| match body {
        Body::Enrolled(..) => 0,
        Body::AttributesSet(..) => 1,
        Body::Purchase(..) => 2,
        Body::Cancelled(..) => 3,
        Body::Refunded(..) => 4,
        Body::CheckIn(event::CheckIn) => 5,
        Body::Referral(..) => 6,
        Body::Redeem(..) => 7,
        Body::Hold(..) => 8,
        Body::Capture(..) => 9,
        Body::Void(..) => 10,
        Body::Credit(..) => 11,
        Body::Debit(..) => 12,
        Body::CaseResolved(..) => 13,
        Body::ProgramPublished(..) => 14,
        Body::Tick(..) => 15,
        Body::Frozen(..) => 16,
        Body::Unfrozen(..) => 17,
        Body::Closed(..) => 18,
        Body::AliasLinked(..) => 19,
        Body::AliasUnlinked(..) => 20,
        Body::HoldExtended(..) => 21,
        Body::RedeemRefunded(..) => 22,
        Body::Transfer(..) => 23,
        Body::Opened(..) => 24,
        Body::Reinstated(..) => 25,
        Body::Merged(..) => 26,
        Body::Unmerged(..) => 27,
        Body::Approved(..) => 28,
        Body::Withdrawn(..) => 29,
        Body::Donate(..) => 30,
        Body::HouseholdJoined(..) => 31,
        Body::HouseholdLeft(event::HouseholdLeft) => 32,
        Body::RefundReversed(..) => 39,
        Body::Settled(..) => 33,
        Body::ExchangeOut(..) => 34,
        Body::ExchangeIn(..) => 35,
        Body::ExchangeSettled(..) => 36,
        Body::Extended(..) => 37,
        Body::Action(..) => 38,
    };
    assert!(bodies.iter().map(number).eq(0..40), "one of each, in order");
    bodies
}

fn changes() -> Vec<Change> {
    let member = MemberNo(1);
    let opened = CaseOpened {
        rule: TermNo(7),
        action: Action::Review,
        counter: TermNo(6),
        key: Key::Risk(RiskKey([0xab; 16])),
        value: 3,
        at_least: 3,
        members: vec![MemberNo(1), MemberNo(2), MemberNo(300)],
    };
    let changes = vec![
        Change::Registered(change::Registered { member, name: Sealed::plain("Zoë") }),
        Change::Enrolled(change::Enrolled { member, birthday: None, joined: true }),
        Change::AttributeSet(change::AttributeSet { member, term: TermNo(4), value: i64::MIN }),
        Change::Purchased(change::Purchased { member, order: u64::MAX, day: Day(20_454), forget_before: Day(-1) }),
        Change::Refunded(change::Refunded { member, purchase: Position(3), amount: Money(12_050), excess: Money(1) }),
        Change::ReferredBy(change::ReferredBy { member: MemberNo(2), referrer: member }),
        Change::Counted(change::Counted {
            key: Key::Member(member),
            term: TermNo(5),
            bucket: 20_454,
            keep_from: 20_090,
            amount: -120,
            seen: MemberNo::NOBODY,
        }),
        Change::TierSet(change::TierSet {
            member,
            from: TermNo::NONE,
            to: TermNo(2),
            unmet_since: Some(Day(20_454)),
            due: At::NEVER,
            why: TierWhy::Lapsed,
        }),
        Change::Streak(change::Streak { member, term: TermNo(3), count: 7, day: Day(20_454) }),
        Change::Active(change::Active { member, dormant_at: AT }),
        Change::HoldOpened(change::HoldOpened {
            member,
            no: 1,
            wallet: TermNo(2),
            name: HiddenName::plain(u64::MAX, "h"),
            expires_at: AT,
            order: u64::MAX,
            day: Day(20_454),
            item: None,
        }),
        Change::HoldClosed(change::HoldClosed { member, no: 1 }),
        Change::CaseOpened(opened),
        Change::CaseJoined(change::CaseJoined { case: Position(9), members: vec![MemberNo(4)] }),
        Change::CaseClosed(change::CaseClosed {
            case: Position(9),
            finding: Finding::Legitimate,
            members: vec![member],
        }),
        Change::TermsAdded(change::TermsAdded { terms: vec!["points".into(), "base".into()] }),
        Change::ProgramSet(change::ProgramSet { text: "id = \"t\"".into() }),
        Change::Life(change::Life { member, change: LifeChange::Closed(change::Closed) }),
        Change::Redeemed(change::Redeemed {
            member,
            wallet: TermNo(2),
            order: 0,
            day: Day(20_454),
            points: Points(199),
            forget_before: Day(20_054),
            item: Some(Piece { item: TermNo(300), taken: TermNo(301), points: Points(199) }),
            hold: u64::MAX,
        }),
        Change::RedeemRefunded(change::RedeemRefunded { member, redemption: Position(9), points: Points(4) }),
        Change::HoldExtended(change::HoldExtended { member, no: 1, expires_at: AT }),
        Change::TierCounted(change::TierCounted { member, tier: TermNo(9) }),
        Change::ActivityExpirySet(change::ActivityExpirySet {
            member,
            wallet: TermNo(2),
            since: Position(7),
            until: AT,
        }),
        Change::Expiring(change::Expiring { member, wallet: TermNo(2), expires_at: AT, points: Points(199) }),
        Change::ReminderSet(change::ReminderSet { member, wallet: TermNo(2), at: AT }),
        Change::ExpiredRecently(change::ExpiredRecently {
            member,
            wallet: TermNo(2),
            day: Day(20_454),
            points: Points(199),
            forget_before: Day(20_424),
        }),
        Change::Reinstated(change::Reinstated {
            member,
            wallet: TermNo(2),
            points: Points(199),
            lot: LotId { position: Position(8), line: 1 },
            forget_before: Day(20_424),
        }),
        Change::LineReturned(change::LineReturned {
            member,
            purchase: Position(3),
            line: 1,
            items: 2_000_000,
            amount: Money(0),
        }),
        Change::Deferred(change::Deferred { member, order: u64::MAX, day: Day(20_454), until: AT }),
        Change::DeferredApplied(change::DeferredApplied {
            member,
            event: Position(9),
            refusal: Some(Refusal::RefundOverPaid),
        }),
        Change::PendingUntil(change::PendingUntil {
            member,
            wallet: TermNo(2),
            lot: LotId { position: Position(8), line: 1 },
            until: AT,
        }),
        Change::Visited(change::Visited {
            member,
            stay: VisitSpan { store: u64::MAX, from: AT, until: AT.plus_ms(1), late: true },
            counted: vec![(TermNo(5), -30)],
        }),
        Change::DiedOnce(change::DiedOnce { member, wallet: TermNo(2), lot: LotId { position: Position(8), line: 1 } }),
        Change::Overtook(change::Overtook { member, name: u64::MAX, day: Day(20_454), until: AT }),
        Change::ToldLate(change::ToldLate { member, day: Day(20_454), since: Day(20_484) }),
        Change::StaffRegistered(change::StaffRegistered { staff: StaffNo(300), name: Sealed::plain("Zoë") }),
        Change::Opened(change::Opened {
            member,
            enrolled_at: Some(AT),
            birthday: None,
            streaks: vec![Streak::row(TermNo(3), Day(20_454), 70)],
        }),
        Change::RefundReversed(change::RefundReversed {
            member,
            refund: Position(9),
            purchase: Position(3),
            amount: Money(500),
        }),
        Change::LineKept(change::LineKept {
            member,
            purchase: Position(3),
            line: 1,
            items: 2_000_000,
            amount: Money(0),
        }),
    ];
    assert!(changes.iter().map(Change::number).eq(0..Change::NAMES.len()), "one of each, in order");
    for change in &changes {
        assert_eq!(usize::from(bytes(change)[1]), change.number(), "the number of {} in its bytes", change.name());
    }
    changes
}

/// Every change of a life, in the order of declaration.
fn life_changes() -> Vec<LifeChange> {
    let changes = vec![
        LifeChange::Frozen(change::Frozen { scope: Some(Scope::Earn) }),
        LifeChange::Closed(change::Closed),
        LifeChange::AliasLinked(change::AliasLinked { kind: "card".into(), key: CARD }),
        LifeChange::AliasUnlinked(change::AliasUnlinked { key: CARD }),
        LifeChange::Gave(change::Gave { wallet: TermNo(1), day: Day(20_454), points: Points(100) }),
        LifeChange::Received(change::Received { wallet: TermNo(1) }),
        LifeChange::MergedInto(change::MergedInto { member: MemberNo(2) }),
        LifeChange::Absorbed(change::Absorbed { member: MemberNo(3) }),
        LifeChange::Unmerged(change::Unmerged),
        LifeChange::Released(change::Released { member: MemberNo(3) }),
        LifeChange::Proposed(change::Proposed {
            adjustment: ManualAdjustment::Debit,
            wallet: TermNo(2),
            points: Points(5_000),
            by: StaffNo(1),
            lapses_at: AT,
        }),
        LifeChange::Approved(change::Approved { proposal: Position(9), by: StaffNo(300) }),
        LifeChange::ProposalEnded(change::ProposalEnded { proposal: Position(9) }),
        LifeChange::HouseholdJoined(change::HouseholdJoined { household: MemberNo(4) }),
        LifeChange::HouseholdLeft(change::HouseholdLeft),
        LifeChange::MemberJoined(change::MemberJoined { member: MemberNo(1) }),
        LifeChange::MemberLeft(change::MemberLeft { member: MemberNo(1) }),
        LifeChange::ExchangeOpened(Box::new(OpenExchange {
            exchange: TermNo(9),
            reference: HiddenName::plain(7, "x-1"),
            inward: false,
            wallet: TermNo(2),
            points: Points(300),
            units: 200,
            slices: vec![Slice { expires_at: AT, id: LotId { position: Position(8), line: 1 }, left: Points(300) }],
            lapses_at: AT,
        })),
        LifeChange::ExchangeClosed(change::ExchangeClosed {
            exchange: TermNo(9),
            reference: HiddenName::plain(7, "x-1"),
        }),
    ];
    assert!(changes.iter().map(LifeChange::number).eq(0..LifeChange::NAMES.len()), "one of each, in order");
    for change in &changes {
        assert_eq!(usize::from(bytes(change)[1]), change.number(), "the number of {} in its bytes", change.name());
    }
    changes
}

const ACCOUNTS: [Account; Account::KINDS] = [
    Account::Issued,
    Account::Redeemed,
    Account::Expired,
    Account::ClawedBack,
    Account::Voided,
    Account::Debited,
    Account::Available,
    Account::Review,
    Account::Held(300),
    Account::Debt,
    Account::Moved,
    Account::Fees,
    Account::Donated,
    Account::Pending,
    Account::Exchanging,
    Account::Exchanged,
];

fn posting(from: Account, to: Account) -> Posting {
    let lot = LotId { position: Position(70_000), line: 1 };
    Posting {
        member: MemberNo(1),
        wallet: TermNo(3),
        from,
        to,
        points: Points(199),
        lot,
        expires_at: AT,
        rule: TermNo(2),
    }
}

/// Every refusal, by asking the decoder for its number.
fn refusals() -> Vec<Refusal> {
    (0..=250u8).map_while(|number| decode::<Refusal>(&[VERSION, number]).ok()).collect()
}

/// A check-in of nobody, somewhere.
fn here(origin: Origin<StaffNo>) -> Event<MemberRef> {
    Event {
        source: "".into(),
        id: "".into(),
        occurred_at: AT,
        member: MemberRef::Nobody,
        keys: RiskKeys::default(),
        origin: Some(Box::new(origin)),
        body: Body::CheckIn(event::CheckIn),
    }
}

fn said(member: MemberRef, keys: RiskKeys, body: Body<MemberRef>) -> Event<MemberRef> {
    Event { source: "till".into(), id: "e-1".into(), occurred_at: AT, member, keys, origin: None, body }
}

fn record(event: Event<MemberRef>, verdict: Verdict) -> Record {
    Record::said(AT, 1, event, verdict)
}

/// The bytes of both parts of a record.
fn parts(record: &Record) -> [Vec<u8>; 2] {
    let [mut verdict, mut cause] = [Vec::new(), Vec::new()];
    record.encode(&mut verdict, &mut cause).expect("everything stored can be encoded");
    [verdict, cause]
}

/// Records that between them hold every variant of everything a record may hold.
fn records() -> Vec<(String, Record)> {
    let m1 = MemberRef::Known(MemberNo(1));
    let check_in = |verdict| record(said(m1, RiskKeys::default(), Body::CheckIn(event::CheckIn)), verdict);
    let mut all = Vec::new();
    for body in bodies() {
        let member = if body.kind().has_member() { m1 } else { MemberRef::Nobody };
        all.push((
            format!("event {}", body.kind()),
            record(said(member, RiskKeys::default(), body), Verdict::default()),
        ));
    }
    let unknown = MemberRef::Unknown(RiskKey([0xcd; 16]));
    all.push((
        "who unknown".into(),
        record(said(unknown, RiskKeys::default(), Body::CheckIn(event::CheckIn)), Verdict::default()),
    ));
    let by_card = MemberRef::Alias(MemberNo(1), CARD);
    all.push((
        "who alias".into(),
        record(said(by_card, RiskKeys::default(), Body::CheckIn(event::CheckIn)), Verdict::default()),
    ));
    let keys = RiskKind::ALL.into_iter().zip(1..).map(|(kind, byte)| (kind, RiskKey([byte; 16]))).collect();
    all.push(("risk keys".into(), record(said(m1, keys, Body::CheckIn(event::CheckIn)), Verdict::default())));
    let origin = Origin {
        channel: "store".into(),
        store: "s-7".into(),
        terminal: "t-2".into(),
        employee: StaffNo(3),
        partner: "p-4".into(),
        history: true,
    };
    let event = Event { source: "till".into(), id: "e-1".into(), occurred_at: AT, member: m1, ..here(origin) };
    all.push(("origin".into(), record(event, Verdict::default())));
    for timer in [
        Timer::Activation,
        Timer::Expiry,
        Timer::HoldExpiry,
        Timer::Tier,
        Timer::Inactivity,
        Timer::Reminder,
        Timer::ExchangeLapse,
    ] {
        let why = Why::Timer { member: MemberNo(1), due: AT, timer };
        let timed = VerdictPart { at: AT, program: 1, why, verdict: Verdict::default() };
        all.push((format!("timer {timer:?}"), timed.into()));
    }
    for change in changes() {
        all.push((
            format!("change {}", change.name()),
            check_in(Verdict { changes: vec![change], ..Verdict::default() }),
        ));
    }
    for change in life_changes() {
        let name = format!("life {}", change.name());
        let changes = vec![Change::Life(change::Life { member: MemberNo(1), change })];
        all.push((name, check_in(Verdict { changes, ..Verdict::default() })));
    }
    for scope in [None, Some(Scope::Earn), Some(Scope::Redeem), Some(Scope::All)] {
        let changes = vec![Change::Life(change::Life {
            member: MemberNo(1),
            change: LifeChange::Frozen(change::Frozen { scope }),
        })];
        let name = scope.map_or("nothing", Scope::name);
        all.push((format!("frozen {name}"), check_in(Verdict { changes, ..Verdict::default() })));
    }
    for account in ACCOUNTS {
        let postings = vec![posting(account, Account::Available), posting(Account::Available, account)];
        let verdict = Verdict { postings, wallet: TermNo(3), available: Points(199), ..Verdict::default() };
        all.push((format!("posting {}", account.name()), check_in(verdict)));
    }
    let limit = Adjustment::Limit { limit: TermNo(5) };
    let beaten = Adjustment::Beaten { by: TermNo(6) };
    let plain = [
        Adjustment::Review,
        Adjustment::Denied,
        Adjustment::Frozen,
        Adjustment::Closed,
        Adjustment::MaxBalance,
        Adjustment::Clamped,
    ];
    for adjustment in [Adjustment::None, limit].into_iter().chain(plain).chain([
        beaten,
        Adjustment::Expired,
        Adjustment::Stock,
        Adjustment::Price,
        Adjustment::Late { limit: TermNo(5) },
        Adjustment::History,
    ]) {
        let trace = vec![Trace { rule: TermNo(2), computed: Points(640), granted: Points(320), adjustment }];
        all.push((format!("cut {adjustment:?}"), check_in(Verdict { trace, ..Verdict::default() })));
    }
    for action in [Action::Flag, Action::Review, Action::Deny] {
        for key in [Key::Member(MemberNo(1)), Key::Risk(RiskKey([7; 16]))] {
            let (rule, counter) = (TermNo(7), TermNo(6));
            let opened = CaseOpened { rule, action, counter, key, value: 4, at_least: 4, members: vec![] };
            let changes = vec![Change::CaseOpened(opened)];
            let whose = if matches!(key, Key::Member(_)) { "member" } else { "risk key" };
            all.push((format!("case {action:?} {whose}"), check_in(Verdict { changes, ..Verdict::default() })));
        }
    }
    for why in [TierWhy::Joined, TierWhy::Earned, TierWhy::Granted, TierWhy::Progress, TierWhy::Lapsed, TierWhy::Opened]
    {
        let (from, to) = (TermNo(1), TermNo(2));
        let changes =
            vec![Change::TierSet(change::TierSet { member: MemberNo(1), from, to, unmet_since: None, due: AT, why })];
        all.push((format!("tier {why:?}"), check_in(Verdict { changes, ..Verdict::default() })));
    }
    for refusal in refusals() {
        let verdict = Verdict { refusal: Some(refusal), available: Points(5), ..Verdict::default() };
        all.push((format!("refusal {}", refusal.reason()), check_in(verdict)));
    }
    all
}

const PROGRAM: &str = r#"id = "t"
timezone = "UTC"
currency = "EUR"
attributes = ["percentile"]
[[wallet]]
id = "points"
expiry = { after = "12M", round = "month_end" }
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
[[earn]]
id = "check_in"
on = "check_in"
fixed = 5
limit = { times = 1, per = "1d" }
[inactivity]
after = "30d"
activity = ["check_in"]
[tiers]
window = "365d"
downgrade_after = "90d"
[[tier]]
id = "bronze"
[[tier]]
id = "silver"
at_least = "200.00"
attribute = { name = "percentile", at_most = 10 }
[[streak]]
id = "pair"
on = "check_in"
days = 2
grant = "silver"
[[counter]]
id = "devices"
on = ["check_in"]
key = "device"
measure = "members"
window = "24h"
[[risk]]
id = "farm"
counter = "devices"
at_least = 2
action = "review"
"#;

/// A short life in which every field of every row comes to hold something.
fn life() -> Memory {
    let mut memory = publish(PROGRAM, AT);
    let device = || RiskKeys::from_iter([(RiskKind::Device, RiskKey([0xd0; 16]))]);
    let mut say = |n: u32, days: i64, member: &str, keys: RiskKeys, body: Body<Box<str>>| {
        let at = AT.plus_ms(days * 86_400_000);
        let said = Event { keys, ..event(&format!("e-{n}"), member, at, body) };
        assert_eq!(memory.submit(said, at).expect("the record folds").refusal, None, "event {n}");
    };
    let none = RiskKeys::default;
    let hold = |hold: &str, points| {
        Body::Hold(event::Hold {
            hold: hold.into(),
            wallet: "".into(),
            points: Points(points),
            ttl_ms: None,
            order: "".into(),
            total: None,
            item: None,
        })
    };
    let purchase = |order: &str, net| {
        let lines = vec![Line::plain("", 1, Money(net))];
        Body::purchase(order, EUR, lines)
    };
    say(1, 0, "M1", none(), Body::Enrolled(event::Enrolled { birthday: Some(MonthDay { month: 2, day: 29 }) }));
    say(2, 0, "M1", none(), Body::AttributesSet(event::AttributesSet { attributes: vec![("percentile".into(), 9)] }));
    say(3, 0, "M1", device(), Body::CheckIn(event::CheckIn));
    say(4, 0, "M2", none(), Body::Referral(event::Referral { referee: "M1".into() }));
    say(5, 1, "M1", none(), purchase("o-1", 12_345));
    say(6, 1, "M1", none(), Body::refund("o-1", EUR, Money(45)));
    say(7, 1, "M1", none(), hold("h-1", 20));
    say(8, 1, "M1", none(), Body::Capture(event::Capture { hold: "h-1".into(), points: Some(Points(7)), last: true }));
    say(9, 1, "M1", none(), hold("h-2", 30));
    say(
        10,
        1,
        "M1",
        none(),
        Body::Capture(event::Capture { hold: "h-2".into(), points: Some(Points(8)), last: false }),
    );
    say(11, 1, "M2", device(), Body::CheckIn(event::CheckIn));
    say(12, 1, "M1", none(), Body::CheckIn(event::CheckIn));
    say(13, 1, "M2", none(), purchase("o-1", 30_000));
    say(14, 1, "M1", none(), Body::AliasLinked(event::AliasLinked { kind: "card".into(), alias: "card:4711".into() }));
    say(15, 1, "M1", none(), Body::Frozen(event::Frozen { scope: Scope::Redeem, reason: "stolen".into() }));
    say(16, 1, "M3", none(), Body::CheckIn(event::CheckIn));
    say(17, 1, "M3", none(), Body::Closed(event::Closed { reason: "asked".into() }));
    memory
}

/// Somebody with nine visits, of which eight are remembered.
fn visitor() -> Member {
    let mut visitor = Member::default();
    for n in 1..=9 {
        let stay = VisitSpan { store: n as u64, from: AT, until: AT.plus_ms(n), late: n == 9 };
        let changes =
            vec![Change::Visited(change::Visited { member: MemberNo(1), stay, counted: vec![(TermNo(5), n)] })];
        let cause = said(MemberRef::Known(MemberNo(1)), RiskKeys::default(), Body::CheckIn(event::CheckIn));
        let visit = record(cause, Verdict { changes, ..Verdict::default() });
        fold_member(&mut visitor, MemberNo(1), Position(n as u64), &visit).expect("it folds");
    }
    visitor
}

/// The rows of that life, by name.
fn rows(memory: &Memory) -> Vec<(&'static str, Vec<u8>)> {
    let state = &memory.state;
    let page = HistoryPage { member: MemberNo(1), page: 2, positions: (1..=32).map(|n| Position(n * 100)).collect() };
    let first = |what: &'static str, row: Option<Vec<u8>>| (what, row.expect("the life made one"));
    vec![
        ("row shared", row_bytes(&state.shared)),
        first("row member", state.member(MemberNo(1)).map(row_bytes)),
        first("row newcomer", state.member(MemberNo(2)).map(row_bytes)),
        first("row closed member", state.member(MemberNo(3)).map(row_bytes)),
        first("row counter", state.counters.values().next().map(row_bytes)),
        first("row case", state.cases.values().next().map(row_bytes)),
        first("row program", state.programs.first().map(row_bytes)),
        ("row history page", row_bytes(&page)),
        ("row empty member", row_bytes(&Member::default())),
        ("row visitor", row_bytes(&visitor())),
    ]
}

#[test]
fn bytes_on_disk_are_frozen() {
    let mut told = String::new();
    for (name, record) in records() {
        let told_parts = parts(&record).map(|part| hex(&part)).join(" | ");
        told.push_str(&format!("{name:32} {}\n", told_parts.trim_end()));
    }
    let life = life();
    check(&life);
    for (name, row) in rows(&life) {
        told.push_str(&format!("{name:32} {}\n", hex(&row)));
    }
    expect_file!["bytes.txt"].assert_eq(&told);
}

#[test]
fn refusals_keep_their_numbers() {
    let all = refusals();
    assert_eq!(all, Refusal::ALL, "the table is in order of the numbers that are stored");
    let names: Vec<String> = all.iter().map(|refusal| format!("{} {}", *refusal as u16, refusal.reason())).collect();
    expect_file!["refusals.txt"].assert_eq(&(names.join("\n") + "\n"));
    let distinct: BTreeSet<&str> = all.iter().map(|refusal| refusal.reason()).collect();
    assert_eq!(distinct.len(), all.len(), "no two refusals share a reason");
}

#[test]
fn accounts_keep_their_places() {
    for (place, account) in ACCOUNTS.iter().enumerate() {
        assert_eq!(account.kind(), place);
        assert_eq!(usize::from(bytes(account)[1]), place, "{}", account.name());
    }
}

#[test]
fn what_is_encoded_is_decoded_again() {
    for (name, record) in records() {
        let [verdict, cause] = parts(&record);
        assert_eq!(Record::decode(&verdict, &cause).as_ref(), Ok(&record), "{name}");
    }
    let life = life();
    for (no, member) in crate::ledger::members(&life.state) {
        let mut again: Member = decode_row(&row_bytes(member)).expect("a row can be read");
        again.next_due = member.next_due; // Derived; a state that loads the row works it out.
        assert_eq!(again, *member, "member {no}");
    }
    let visitor = visitor();
    let again: Member = decode_row(&row_bytes(&visitor)).expect("a row can be read");
    assert_eq!(Member { next_due: visitor.next_due, ..again }, visitor);
    assert_eq!(decode_row::<Shared>(&row_bytes(&life.state.shared)).as_ref(), Ok(&life.state.shared));
    for row in life.state.counters.values() {
        assert_eq!(decode_row::<CounterRow>(&row_bytes(row)).as_ref(), Ok(row));
    }
    for row in life.state.cases.values() {
        assert_eq!(decode_row::<Case>(&row_bytes(row)).as_ref(), Ok(row));
    }
    for row in &life.state.programs {
        assert_eq!(decode_row::<ProgramRow>(&row_bytes(row)).as_ref(), Ok(row));
    }
}

#[test]
fn a_state_loaded_from_its_rows_is_the_same_and_goes_on_the_same() {
    let life = life();
    let mut loaded = State::new();
    for (no, member) in crate::ledger::members(&life.state) {
        let row = decode_row(&row_bytes(member)).expect("a row can be read");
        assert!(!loaded.load_member(MemberNo(no.0 + 1), Member::default()), "numbers have no gaps");
        assert!(loaded.load_member(no, row), "the next number is the next row");
    }
    loaded.counters = life.state.counters.clone();
    loaded.cases = life.state.cases.clone();
    loaded.programs = life.state.programs.clone();
    for no in (1..=life.state.staff_len()).map(StaffNo) {
        let row = life.state.staff(no).cloned().expect("numbers have no gaps");
        assert!(loaded.add_staff(no, row), "the next number is the next row");
    }
    loaded.shared = life.state.shared.clone();
    assert_eq!(crate::ledger::rows(&loaded), crate::ledger::rows(&life.state));
    let (mut there, mut here) = (life.state.clone(), loaded);
    for (no, member) in crate::ledger::members(&life.state) {
        assert_eq!(here.member(no).map(|row| row.next_due), Some(member.next_due));
    }
    let cause = said(MemberRef::Known(MemberNo(1)), RiskKeys::default(), Body::CheckIn(event::CheckIn));
    let wallet = life.programs.current().expect("a program is published").wallet.id;
    let available = life.state.member(MemberNo(1)).map_or(Points::ZERO, |member| member.available(wallet));
    let more = record(cause, Verdict { wallet, available, ..Verdict::default() });
    let more = VerdictPart { at: life.state.shared.at, ..more.verdict_part };
    let position = life.state.shared.position.next();
    assert_eq!(fold(&mut there, position, &more), Ok(()));
    assert_eq!(fold(&mut here, position, &more), Ok(()));
    assert_eq!(crate::ledger::rows(&here), crate::ledger::rows(&there));
}

/// Folding whatever could be decoded ends in `Ok` or `Corrupt`, never in a panic.
fn fold_anything(record: &VerdictPart) {
    let mut state = State::new();
    let _ = fold(&mut state, Position(1), record);
    let mut state = life().state;
    let position = state.shared.position.next();
    let _ = fold(&mut state, position, record);
}

#[test]
fn a_truncated_record_is_no_record() {
    let left_over = Corrupt::Bytes { what: "bytes left over after the value" };
    for (name, record) in records() {
        let [verdict, cause] = parts(&record);
        for length in 0..verdict.len() {
            let cut = Record::decode(&verdict[..length], &cause);
            assert!(matches!(cut, Err(Corrupt::Bytes { .. })), "{name}: verdict cut to {length} bytes: {cut:?}");
        }
        for length in 0..cause.len() {
            let cut = Record::decode(&verdict, &cause[..length]);
            assert!(matches!(cut, Err(Corrupt::Bytes { .. })), "{name}: cause cut to {length} bytes: {cut:?}");
        }
        let longer = |part: &[u8]| [part, &[0]].concat();
        assert_eq!(Record::decode(&longer(&verdict), &cause), Err(left_over.clone()), "{name}");
        let longer = Record::decode(&verdict, &longer(&cause));
        assert!(matches!(longer, Err(Corrupt::Bytes { .. })), "{name}: {longer:?}");
    }
}

#[test]
fn the_parts_of_two_records_are_no_record() {
    let check_in = |no| said(MemberRef::Known(MemberNo(no)), RiskKeys::default(), Body::CheckIn(event::CheckIn));
    let [one, two] = [1, 2].map(|no| parts(&record(check_in(no), Verdict::default())));
    let why = Why::Timer { member: MemberNo(1), due: AT, timer: Timer::Tier };
    let timed = parts(&VerdictPart { at: AT, program: 1, why, verdict: Verdict::default() }.into());
    let other = Err(Corrupt::Bytes { what: "verdict and cause are of two records" });
    for (verdict, cause) in [(&one[0], &two[1]), (&one[0], &timed[1]), (&timed[0], &one[1])] {
        assert_eq!(Record::decode(verdict, cause), other);
    }
    let held_back = Record::from(record(check_in(1), Verdict::default()).verdict_part);
    assert!(held_back.encode(&mut Vec::new(), &mut Vec::new()).is_err(), "what is not there is not written");
}

#[test]
fn a_record_with_one_byte_changed_is_another_record_or_none() {
    let (mut none, mut other) = (0u32, 0u32);
    for (name, record) in records() {
        let whole = parts(&record);
        for (part, at) in [0, 1].into_iter().flat_map(|part| (0..whole[part].len()).map(move |at| (part, at))) {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[part][at] ^= 1 << bit;
                let read = Record::decode(&changed[0], &changed[1]);
                let Ok(read) = read else {
                    none += 1;
                    continue;
                };
                other += 1;
                assert_ne!(read, record, "{name}: bit {bit} of byte {at} of part {part} means nothing");
                let [verdict, cause] = parts(&read);
                assert_eq!(Record::decode(&verdict, &cause).as_ref(), Ok(&read), "{name}");
                let _ = fold(&mut State::new(), Position(1), &read);
            }
        }
    }
    assert!(none > 1_000 && other > 1_000, "{none} no records, {other} others");
}

#[test]
fn the_first_byte_is_the_version() {
    for (name, record) in records() {
        let [mut verdict, mut cause] = parts(&record);
        assert!([&verdict, &cause].into_iter().all(|part| part.is_empty() || part[0] == VERSION), "{name}");
        let unknown = Err(Corrupt::Bytes { what: "unknown version byte" });
        for version in (0..=u8::MAX).filter(|version| *version != VERSION) {
            if let Some(first) = cause.first_mut() {
                *first = version;
                assert_eq!(Record::decode(&verdict, &cause), unknown, "{name}, its cause in version {version}");
                cause[0] = VERSION;
            }
            verdict[0] = version;
            assert_eq!(Record::decode(&verdict, &cause), unknown, "{name} in version {version}");
            verdict[0] = VERSION;
        }
    }
    assert_eq!(decode::<VerdictPart>(&[]), Err(Corrupt::Bytes { what: "unknown version byte" }));
}

#[test]
fn a_length_that_is_a_lie_is_refused_without_room_being_made_for_it() {
    for length in [VALUE_BYTES_MAX as u64 + 1, u64::from(u32::MAX), u64::MAX] {
        let claim = [&[VERSION, 253][..], &length.to_le_bytes()].concat();
        assert!(decode::<Vec<Posting>>(&claim).is_err(), "{length} postings");
        assert!(decode::<Box<str>>(&claim).is_err(), "{length} bytes of text");
        assert!(decode::<Lots>(&claim).is_err(), "{length} lots");
    }
    assert!(decode::<Box<str>>(&[VERSION, 2, 0xc3, 0x28]).is_err(), "text is UTF-8");
}

#[test]
fn any_record_folds_or_is_corrupt() {
    records().iter().for_each(|(_, record)| fold_anything(record));
}
