//! Events: every field has a limit, and whoever breaks it is told which and how.

use crate::ledger::event;
use expect_test::expect;
use ledger_core::event::{
    self, AMOUNT_MAX, AT_MAX, AT_MIN, ATTRIBUTES_MAX, Body, Currency, Event, Finding, HOLD_MS_MAX, ItemRequest,
    KIND_BYTES_MAX, LINES_MAX, Line, LineDetail, LineName, LinePart, LineRefund, NAME_BYTES_MAX, NOTE_BYTES_MAX, Name,
    OPENING_LOTS_MAX, OpeningLot, PIECES_MAX, PROGRAM_BYTES_MAX, STAFF_BYTES_MAX, TAGS_MAX,
};
use ledger_core::features::membership::state::Scope;
use ledger_core::quantity::Quantity;
use ledger_core::units::{At, Money, MonthDay, Points, Position};
use serde_json::Value;

const EUR: Currency = Currency(*b"EUR");

fn long(bytes: usize) -> Box<str> {
    "x".repeat(bytes).into()
}

fn lot(points: i64, earned_at: At, expires_at: Option<At>) -> OpeningLot {
    OpeningLot { wallet: "".into(), points: Points(points), earned_at, expires_at }
}

fn line(net: i64) -> Line {
    Line::plain("", 1, Money(net))
}

fn item_request(item: &str, pieces: u32) -> Option<Box<ItemRequest>> {
    Some(Box::new(ItemRequest { item: item.into(), pieces }))
}

fn with(body: Body<Name>) -> Event<Name> {
    let member = if body.kind().has_member() { "M1" } else { "" };
    event("e-1", member, At(0), body)
}

/// The largest body of each kind.
fn largest() -> Vec<Body<Name>> {
    let name = || long(NAME_BYTES_MAX);
    let most = Points(AMOUNT_MAX);
    let detail = LineDetail {
        category: name(),
        tags: vec![name(); TAGS_MAX],
        discount: Money(AMOUNT_MAX),
        tax: Money(AMOUNT_MAX),
    };
    let widest = Line { detail: Some(Box::new(detail)), ..Line::plain(&name(), u32::MAX, Money(AMOUNT_MAX)) };
    let paid = Money(AMOUNT_MAX * (LINES_MAX as i64 + 1));
    vec![
        Body::Enrolled(event::Enrolled { birthday: Some(MonthDay { month: 2, day: 29 }) }),
        Body::AttributesSet(event::AttributesSet { attributes: vec![(name(), i64::MAX); ATTRIBUTES_MAX] }),
        Body::Purchase(event::Purchase {
            order: name(),
            currency: EUR,
            lines: vec![widest; LINES_MAX],
            shipping: Money(AMOUNT_MAX),
            points_paid: paid,
        }),
        Body::Cancelled(event::Cancelled { order: name() }),
        Body::Refunded(event::Refunded {
            order: name(),
            currency: EUR,
            amount: Money(AMOUNT_MAX),
            lines: vec![
                LineRefund { line: LineName::Sku(name()), part: LinePart::Items(Quantity::whole(u32::MAX)) };
                LINES_MAX
            ],
            so_far: false,
        }),
        Body::CheckIn(event::CheckIn),
        Body::Action(event::Action { kind: long(KIND_BYTES_MAX), target: name(), value: AMOUNT_MAX }),
        Body::Referral(event::Referral { referee: name() }),
        Body::Redeem(event::Redeem {
            wallet: name(),
            points: most,
            order: name(),
            total: None,
            item: item_request(&name(), 1),
        }),
        Body::Hold(event::Hold {
            hold: name(),
            wallet: name(),
            points: most,
            ttl_ms: Some(HOLD_MS_MAX),
            order: "".into(),
            total: None,
            item: item_request("cup", PIECES_MAX),
        }),
        Body::Capture(event::Capture { hold: name(), points: Some(most), last: true }),
        Body::Void(event::Void { hold: name() }),
        Body::Merged(event::Merged { from: name() }),
        Body::Unmerged(event::Unmerged { from: name() }),
        Body::HouseholdJoined(event::HouseholdJoined { household: name() }),
        Body::HouseholdLeft(event::HouseholdLeft),
        Body::Settled(event::Settled { order: name() }),
        Body::ExchangeOut(event::ExchangeOut { exchange: name(), reference: name(), points: most }),
        Body::ExchangeIn(event::ExchangeIn { exchange: name(), reference: name(), units: most.0 }),
        Body::ExchangeSettled(event::ExchangeSettled { exchange: name(), reference: name(), accepted: true }),
        Body::Credit(event::Credit {
            wallet: name(),
            points: most,
            reason: long(NOTE_BYTES_MAX),
            by: long(STAFF_BYTES_MAX),
        }),
        Body::Debit(event::Debit {
            wallet: name(),
            points: most,
            reason: long(NOTE_BYTES_MAX),
            by: long(STAFF_BYTES_MAX),
        }),
        Body::Donate(event::Donate { fund: name(), points: most }),
        Body::Approved(event::Approved { proposal: Position(u64::MAX).into(), by: long(STAFF_BYTES_MAX) }),
        Body::Withdrawn(event::Withdrawn {
            proposal: Position(u64::MAX).into(),
            by: long(STAFF_BYTES_MAX),
            reason: long(NOTE_BYTES_MAX),
        }),
        Body::CaseResolved(event::CaseResolved {
            case: Position(u64::MAX).into(),
            finding: Finding::Fraud,
            note: long(NOTE_BYTES_MAX),
        }),
        Body::ProgramPublished(event::ProgramPublished { text: long(PROGRAM_BYTES_MAX) }),
        Body::Tick(event::Tick { up_to: AT_MAX }),
        Body::HoldExtended(event::HoldExtended { hold: name(), ttl_ms: Some(HOLD_MS_MAX) }),
        Body::RedeemRefunded(event::RedeemRefunded { redemption: Position(u64::MAX).into(), points: Some(most) }),
        Body::Transfer(event::Transfer { to: name(), wallet: name(), points: most, note: long(NOTE_BYTES_MAX) }),
        Body::Reinstated(event::Reinstated {
            wallet: name(),
            points: Some(most),
            expires_at: AT_MAX,
            reason: long(NOTE_BYTES_MAX),
        }),
        Body::Extended(event::Extended {
            wallet: name(),
            points: Some(most),
            expires_at: AT_MAX,
            reason: long(NOTE_BYTES_MAX),
        }),
        Body::Opened(event::Opened {
            enrolled_at: Some(AT_MAX),
            birthday: Some(MonthDay { month: 12, day: 31 }),
            lots: vec![lot(AMOUNT_MAX, AT_MIN, Some(AT_MAX)); OPENING_LOTS_MAX],
            debts: vec![event::OpeningDebt { wallet: name(), points: most }; OPENING_LOTS_MAX],
            tier: Some(Box::new(event::OpeningTier {
                tier: name(),
                until: Some(AT_MAX),
                reason: long(NOTE_BYTES_MAX),
            })),
            counts: vec![
                event::OpeningCount { counter: name(), at: AT_MIN, amount: AMOUNT_MAX };
                event::OPENING_COUNTS_MAX
            ],
            streaks: vec![
                event::OpeningStreak { streak: name(), days: event::OPENING_DAYS_MAX, last_at: AT_MAX };
                OPENING_LOTS_MAX
            ],
        }),
        Body::Frozen(event::Frozen { scope: Scope::All, reason: long(NOTE_BYTES_MAX) }),
        Body::Unfrozen(event::Unfrozen { scope: Scope::All, reason: long(NOTE_BYTES_MAX) }),
        Body::Closed(event::Closed { reason: long(NOTE_BYTES_MAX) }),
        Body::AliasLinked(event::AliasLinked {
            kind: "k".into(),
            alias: format!("k:{}", long(NAME_BYTES_MAX - 2)).into(),
        }),
        Body::AliasUnlinked(event::AliasUnlinked {
            kind: long(KIND_BYTES_MAX),
            alias: format!("{}:1", long(KIND_BYTES_MAX)).into(),
        }),
    ]
}

#[test]
fn the_largest_event_of_each_kind_is_within_the_limits() {
    let name = || long(NAME_BYTES_MAX);
    for body in largest() {
        let kind = body.kind();
        let mut event = Event { source: name(), id: name(), occurred_at: AT_MIN, ..with(body) };
        assert_eq!(event.violations(), [], "{kind}");
    }
}

#[test]
fn what_breaks_a_limit_is_told() {
    let lines = |lines: Vec<Line>| Body::purchase("o", EUR, lines);
    let birthday = |month, day| Body::Enrolled(event::Enrolled { birthday: Some(MonthDay { month, day }) });
    let over = Points(AMOUNT_MAX + 1);
    let mut events = [
        Event {
            source: "".into(),
            id: long(NAME_BYTES_MAX + 1),
            member: "".into(),
            ..with(Body::CheckIn(event::CheckIn))
        },
        Event { source: "a\nb".into(), occurred_at: At(AT_MIN.0 - 1), ..with(Body::CheckIn(event::CheckIn)) },
        Event {
            occurred_at: At(AT_MAX.0 + 1),
            member: "M1".into(),
            ..with(Body::Tick(event::Tick { up_to: At(AT_MAX.0 + 1) }))
        },
        with(birthday(0, 1)),
        with(birthday(13, 1)),
        with(birthday(2, 30)),
        with(birthday(4, 31)),
        with(birthday(1, 0)),
        with(Body::AttributesSet(event::AttributesSet { attributes: vec![] })),
        with(Body::AttributesSet(event::AttributesSet { attributes: vec![("a".into(), 0); ATTRIBUTES_MAX + 1] })),
        with(Body::AttributesSet(event::AttributesSet { attributes: vec![("".into(), 0)] })),
        with(lines(vec![])),
        with(lines(vec![line(1); LINES_MAX + 1])),
        with(lines(vec![line(0), line(-1), line(AMOUNT_MAX + 1)])),
        with(lines(vec![Line::plain(&long(NAME_BYTES_MAX + 1), 0, Money(1))])),
        with(Body::purchase("", Currency(*b"eur"), vec![line(1)])),
        with(Body::purchase("o", Currency(*b"EUX"), vec![line(1)])),
        with(Body::Cancelled(event::Cancelled { order: "".into() })),
        with(Body::Settled(event::Settled { order: "".into() })),
        with(Body::ExchangeOut(event::ExchangeOut { exchange: "".into(), reference: "".into(), points: Points(0) })),
        with(Body::ExchangeIn(event::ExchangeIn { exchange: "".into(), reference: "".into(), units: -1 })),
        with(Body::ExchangeSettled(event::ExchangeSettled {
            exchange: "".into(),
            reference: "".into(),
            accepted: false,
        })),
        with(Body::Merged(event::Merged { from: "".into() })),
        with(Body::Unmerged(event::Unmerged { from: long(NAME_BYTES_MAX + 1) })),
        with(Body::HouseholdJoined(event::HouseholdJoined { household: "".into() })),
        with(Body::Refunded(event::Refunded {
            order: "o".into(),
            currency: EUR,
            amount: Money(0),
            lines: vec![
                LineRefund { line: LineName::Sku("".into()), part: LinePart::Items(Quantity::whole(0)) },
                LineRefund { line: LineName::Place(0), part: LinePart::Amount(Money(0)) },
            ],
            so_far: true,
        })),
        with(Body::refund("o", Currency([0, 159, 146]), Money(0))),
        with(Body::Referral(event::Referral { referee: "".into() })),
        with(Body::Action(event::Action { kind: "Watched".into(), target: long(NAME_BYTES_MAX + 1), value: -1 })),
        with(Body::Redeem(event::Redeem {
            wallet: "".into(),
            points: Points(0),
            order: long(NAME_BYTES_MAX + 1),
            total: None,
            item: None,
        })),
        with(Body::Hold(event::Hold {
            hold: "".into(),
            wallet: "".into(),
            points: over,
            ttl_ms: Some(0),
            order: "".into(),
            total: None,
            item: None,
        })),
        with(Body::Hold(event::Hold {
            hold: "h".into(),
            wallet: "".into(),
            points: Points(1),
            ttl_ms: Some(HOLD_MS_MAX + 1),
            order: "".into(),
            total: None,
            item: None,
        })),
        with(Body::Capture(event::Capture { hold: "".into(), points: Some(Points(-1)), last: false })),
        with(Body::Void(event::Void { hold: "".into() })),
        with(Body::credit(Points(i64::MIN), "")),
        with(Body::Credit(event::Credit {
            wallet: "".into(),
            points: Points(1),
            reason: "x".into(),
            by: long(STAFF_BYTES_MAX + 1),
        })),
        with(Body::Debit(event::Debit {
            wallet: "".into(),
            points: Points(i64::MAX),
            reason: long(NOTE_BYTES_MAX + 1),
            by: "a\nb".into(),
        })),
        with(Body::Donate(event::Donate { fund: "".into(), points: Points(0) })),
        with(Body::Approved(event::Approved { proposal: Position(1).into(), by: "".into() })),
        with(Body::Withdrawn(event::Withdrawn { proposal: Position(1).into(), by: "".into(), reason: "".into() })),
        with(Body::CaseResolved(event::CaseResolved {
            case: Position(0).into(),
            finding: Finding::Fraud,
            note: "\u{7}".into(),
        })),
        with(Body::ProgramPublished(event::ProgramPublished { text: long(PROGRAM_BYTES_MAX + 1) })),
        with(Body::Redeem(event::Redeem {
            wallet: "".into(),
            points: Points(1),
            order: "".into(),
            total: Some(Money(-1)),
            item: item_request("", 0),
        })),
        with(Body::Hold(event::Hold {
            hold: "h".into(),
            wallet: "".into(),
            points: Points(-1),
            ttl_ms: None,
            order: "".into(),
            total: None,
            item: item_request("cup", PIECES_MAX + 1),
        })),
        with(Body::HoldExtended(event::HoldExtended { hold: "".into(), ttl_ms: Some(0) })),
        with(Body::RedeemRefunded(event::RedeemRefunded { redemption: Position(1).into(), points: Some(Points(0)) })),
        with(Body::Transfer(event::Transfer {
            to: "".into(),
            wallet: long(NAME_BYTES_MAX + 1),
            points: Points(0),
            note: long(NOTE_BYTES_MAX + 1),
        })),
        with(Body::Extended(event::Extended {
            wallet: long(NAME_BYTES_MAX + 1),
            points: Some(Points(-1)),
            expires_at: At(AT_MIN.0 - 1),
            reason: "".into(),
        })),
        with(Body::Reinstated(event::Reinstated {
            wallet: long(NAME_BYTES_MAX + 1),
            points: Some(Points(0)),
            expires_at: At(AT_MAX.0 + 1),
            reason: "".into(),
        })),
        with(Body::Opened(event::Opened {
            lots: vec![lot(1, At(0), None); OPENING_LOTS_MAX + 1],
            ..Default::default()
        })),
        with(Body::Opened(event::Opened {
            enrolled_at: Some(At(AT_MIN.0 - 1)),
            birthday: Some(MonthDay { month: 2, day: 30 }),
            lots: vec![lot(0, At(AT_MIN.0 - 1), None), lot(1, At(0), Some(At(AT_MAX.0 + 1)))],
            debts: vec![event::OpeningDebt { wallet: long(NAME_BYTES_MAX + 1), points: Points(0) }],
            tier: Some(Box::new(event::OpeningTier {
                tier: "".into(),
                until: Some(At(AT_MAX.0 + 1)),
                reason: long(NOTE_BYTES_MAX + 1),
            })),
            counts: vec![event::OpeningCount { counter: "".into(), at: At(AT_MAX.0 + 1), amount: 0 }],
            streaks: vec![event::OpeningStreak { streak: "".into(), days: 0, last_at: At(AT_MIN.0 - 1) }],
        })),
        with(Body::Frozen(event::Frozen { scope: Scope::All, reason: long(NOTE_BYTES_MAX + 1) })),
        with(Body::Unfrozen(event::Unfrozen { scope: Scope::All, reason: "\n".into() })),
        with(Body::Closed(event::Closed { reason: long(NOTE_BYTES_MAX + 1) })),
        with(Body::AliasLinked(event::AliasLinked { kind: "".into(), alias: ":1".into() })),
        with(Body::AliasLinked(event::AliasLinked { kind: "Card".into(), alias: "Card:1".into() })),
        with(Body::AliasLinked(event::AliasLinked { kind: long(KIND_BYTES_MAX + 1), alias: "x".into() })),
        with(Body::AliasLinked(event::AliasLinked { kind: "card".into(), alias: "card:".into() })),
        with(Body::AliasLinked(event::AliasLinked {
            kind: "card".into(),
            alias: format!("card:{}", long(NAME_BYTES_MAX - 4)).into(),
        })),
        with(Body::AliasUnlinked(event::AliasUnlinked { kind: "card".into(), alias: "phone:1".into() })),
    ];
    let mut told = String::new();
    for event in &mut events {
        let violations = event.violations();
        assert!(!violations.is_empty(), "{event:?}");
        violations.iter().for_each(|violation| {
            told.push_str(&format!("{}: {}\n", violation.field, violation.problem));
        });
    }
    expect![[r#"
        source: must not be empty
        id: has 129 bytes; at most 128 are allowed
        member: must not be empty
        source: must not contain control characters
        occurred_at: must lie between 1900-01-01 and 9999-01-01
        occurred_at: must lie between 1900-01-01 and 9999-01-01
        member: must be empty for tick
        tick.up_to: must lie between 1900-01-01 and 9999-01-01
        enrolled.birthday: is not a date; send month 1-12 and a day of it
        enrolled.birthday: is not a date; send month 1-12 and a day of it
        enrolled.birthday: is not a date; send month 1-12 and a day of it
        enrolled.birthday: is not a date; send month 1-12 and a day of it
        enrolled.birthday: is not a date; send month 1-12 and a day of it
        attributes_set.attributes: must hold 1 to 32 attributes
        attributes_set.attributes: must hold 1 to 32 attributes
        attributes_set.attributes: must not be empty
        purchase.lines: has 0 lines; send 1 to 10000
        purchase.lines: has 10001 lines; send 1 to 10000
        purchase.lines[2].net: is 1000000000001; must be -1000000000000 to 1000000000000
        purchase.lines[0].sku: has 129 bytes; at most 128 are allowed
        purchase.lines[0].quantity: must be more than 0
        purchase.order: must not be empty
        purchase.currency: must be three capital letters, as in ISO 4217
        purchase.currency: EUX is no money of ISO 4217; send the code of one, such as EUR
        cancelled.order: must not be empty
        settled.order: must not be empty
        exchange_out.exchange: must not be empty
        exchange_out.reference: must not be empty
        exchange_out.points: is 0; must be 1 to 1000000000000
        exchange_in.exchange: must not be empty
        exchange_in.reference: must not be empty
        exchange_in.units: is -1; must be 1 to 1000000000000
        exchange_settled.exchange: must not be empty
        exchange_settled.reference: must not be empty
        merged.other: must not be empty
        unmerged.other: has 129 bytes; at most 128 are allowed
        household_joined.household: must not be empty
        refunded.lines[0].sku: must not be empty
        refunded.lines[0].quantity: must be more than 0
        refunded.lines[1].amount: is 0; must be 1 to 1000000000000
        refunded.so_far: is of an amount alone; send the lines of each refund without it
        refunded.currency: must be three capital letters, as in ISO 4217
        refunded.amount: is 0; must be 1 to 1000000000000
        referral.referee: must not be empty
        action.kind: must be 1 to 32 of a-z, 0-9 and _
        action.target: has 129 bytes; at most 128 are allowed
        action.value: is -1; must be 0 to 1000000000000
        redeem.points: is 0; must be 1 to 1000000000000
        redeem.order: has 129 bytes; at most 128 are allowed
        hold.hold: must not be empty
        hold.points: is 1000000000001; must be 1 to 1000000000000
        hold.ttl: must be longer than 0 and at most 400 days
        hold.ttl: must be longer than 0 and at most 400 days
        capture.hold: must not be empty
        capture.points: is -1; must be 1 to 1000000000000
        void.hold: must not be empty
        credit.points: is -9223372036854775808; must be 1 to 1000000000000
        credit.reason: must not be empty
        credit.by: has 65 bytes; at most 64 are allowed
        debit.points: is 9223372036854775807; must be 1 to 1000000000000
        debit.reason: has 513 bytes; at most 512 are allowed
        debit.by: must not contain control characters
        donate.fund: must not be empty
        donate.points: is 0; must be 1 to 1000000000000
        approved.by: must not be empty
        withdrawn.by: must not be empty
        withdrawn.reason: must not be empty
        case_resolved.note: must not contain control characters
        program_published.text: at most 262144 bytes are allowed
        redeem.total: is -1; must be 0 to 1000000000000
        redeem.item: must not be empty
        redeem.pieces: is 0; must be 1 to 10000
        hold.points: is -1; must be 0 to 1000000000000
        hold.pieces: is 10001; must be 1 to 10000
        hold_extended.hold: must not be empty
        hold_extended.ttl: must be longer than 0 and at most 400 days
        redeem_refunded.points: is 0; must be 1 to 1000000000000
        transfer.to: must not be empty
        transfer.wallet: has 129 bytes; at most 128 are allowed
        transfer.points: is 0; must be 1 to 1000000000000
        transfer.note: has 513 bytes; at most 512 are allowed
        extended.wallet: has 129 bytes; at most 128 are allowed
        extended.points: is -1; must be 1 to 1000000000000
        extended.expires_at: must lie between 1900-01-01 and 9999-01-01
        extended.reason: must not be empty
        reinstated.wallet: has 129 bytes; at most 128 are allowed
        reinstated.points: is 0; must be 1 to 1000000000000
        reinstated.expires_at: must lie between 1900-01-01 and 9999-01-01
        reinstated.reason: must not be empty
        opened.lots: has 501 entries; at most 500 are allowed
        opened.enrolled_at: must lie between 1900-01-01 and 9999-01-01
        opened.birthday: is not a date; send month 1-12 and a day of it
        opened.lots[0].points: is 0; must be 1 to 1000000000000
        opened.lots[0].earned_at: must lie between 1900-01-01 and 9999-01-01
        opened.lots[1].expires_at: must lie between 1900-01-01 and 9999-01-01
        opened.debts[0].wallet: has 129 bytes; at most 128 are allowed
        opened.debts[0].points: is 0; must be 1 to 1000000000000
        opened.tier.tier: must not be empty
        opened.tier.reason: has 513 bytes; at most 512 are allowed
        opened.tier.until: must lie between 1900-01-01 and 9999-01-01
        opened.counts[0].counter: must not be empty
        opened.counts[0].at: must lie between 1900-01-01 and 9999-01-01
        opened.counts[0].amount: is 0; must be 1 to 1000000000000
        opened.streaks[0].streak: must not be empty
        opened.streaks[0].last_at: must lie between 1900-01-01 and 9999-01-01
        opened.streaks[0].days: is 0; must be 1 to 36500
        frozen.reason: has 513 bytes; at most 512 are allowed
        unfrozen.reason: must not contain control characters
        closed.reason: has 513 bytes; at most 512 are allowed
        alias_linked.kind: must be 1 to 32 of a-z, 0-9 and _
        alias_linked.kind: must be 1 to 32 of a-z, 0-9 and _
        alias_linked.kind: must be 1 to 32 of a-z, 0-9 and _
        alias_linked.name: must not be empty
        alias_linked.name: has 124 bytes; at most 123 are allowed
        alias_unlinked.name: must be card: and the rest, as events name it
    "#]]
    .assert_eq(&told);
}

/// Every text of an event with its path, and what stands there.
fn texts(value: &Value, path: &str, all: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => all.push((path.into(), text.clone())),
        Value::Array(parts) => parts.iter().enumerate().for_each(|(n, part)| texts(part, &format!("{path}/{n}"), all)),
        Value::Object(parts) => parts.iter().for_each(|(name, part)| texts(part, &format!("{path}/{name}"), all)),
        _ => {}
    }
}

/// Leaves one of each long list: all of it are alike.
fn first_of_many(value: &mut Value) {
    match value {
        Value::Array(parts) => {
            if parts.len() > 3 {
                parts.truncate(1);
            }
            parts.iter_mut().for_each(first_of_many);
        }
        Value::Object(parts) => parts.values_mut().for_each(first_of_many),
        _ => {}
    }
}

#[test]
fn names_that_look_alike_are_one_name_or_refused_in_every_field() {
    let name = || Name::from("n");
    let mut tried = 0;
    for body in largest() {
        let kind = body.kind();
        let member = if kind.has_member() { name() } else { "".into() };
        let origin = event::Origin {
            channel: name(),
            store: name(),
            terminal: name(),
            employee: name(),
            partner: name(),
            history: false,
        };
        let mut event = Event { member, origin: Some(Box::new(origin)), ..with(body) };
        if let Body::Purchase(said) = &mut event.body {
            // Less was paid for the one line that is left.
            said.points_paid = Money(0);
        }
        let mut whole = serde_json::to_value(&event).expect("it is a value");
        first_of_many(&mut whole);
        let mut all = Vec::new();
        texts(&whole, "", &mut all);
        for (path, text) in all {
            let last = path.rsplit('/').find(|part| part.parse::<u32>().is_err()).unwrap_or_default();
            // What is said in whole sentences, and words of the trade that are none of people's.
            if ["reason", "note", "text", "kind", "scope", "finding"].contains(&last) {
                continue;
            }
            if path == "/member" && text.is_empty() {
                continue;
            }
            let front = if last == "alias" { text.split_inclusive(':').next().unwrap_or_default() } else { "" };
            let said = |rest: &str| {
                let mut whole = whole.clone();
                *whole.pointer_mut(&path).expect("it is there") = format!("{front}{rest}").into();
                let mut event: Event<Name> = serde_json::from_value(whole).expect("it is an event");
                let violations = event.violations();
                let told = serde_json::to_value(&event).expect("it is a value");
                let told = told.pointer(&path).and_then(Value::as_str).expect("it is there").to_string();
                (told, violations)
            };
            let normal = format!("{front}Zo\u{eb} 1");
            // Decomposed, with blanks at the ends, and with a blank that keeps words together.
            for alike in ["Zo\u{eb} 1", "Zoe\u{308} 1", " Zo\u{eb} 1", "Zo\u{eb} 1\u{3000}\u{a0}", "Zoe\u{308}\u{a0}1"]
            {
                assert_eq!(said(alike), (normal.clone(), Vec::new()), "{kind} {path}: {alike:?}");
            }
            // Zero widths, a mark of direction, an override, a joiner of graphemes, a tag, a filler, a BOM, a hyphen.
            for unseen in "\u{200b}\u{200d}\u{200f}\u{202e}\u{34f}\u{e0041}\u{3164}\u{feff}\u{ad}".chars() {
                for hidden in [format!("Zo{unseen}\u{eb}"), format!("{unseen}anna"), format!("anna{unseen}")] {
                    let (_, violations) = said(&hidden);
                    let problem = format!("must not contain U+{:04X}, which cannot be seen", u32::from(unseen));
                    let told: Vec<&str> = violations.iter().map(|violation| &*violation.problem).collect();
                    assert_eq!(told, [&*problem], "{kind} {path}: {hidden:?}");
                }
            }
            tried += 1;
        }
    }
    assert!(tried > 100, "of {tried} fields");
}
