//! Events as JSON: what `import` and Kafka read, and how `--json` writes the events of records.
//!
//! The shape is that of the API's `Event` in JSON, with the names of the fields as in the proto and
//! 64-bit integers as plain numbers. Unknown fields are faults: a typing error must not lose points.

use crate::instant;
use crate::proto::{self, event::Body};
use prost_types::{Duration, Timestamp};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A line of a file of events, with one field for each thing that may be said.
macro_rules! line {
    ($($field:ident: $body:ident),* $(,)?) => {
        /// An event; exactly one of the fields behind `partner` says what happened.
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Line {
            source: String,
            id: String,
            occurred_at: Instant,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            member: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            device: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            ip: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            phone: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            ip_prefix: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            payment: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            address: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            channel: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            store: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            terminal: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            employee: String,
            #[serde(default, skip_serializing_if = "String::is_empty")]
            partner: String,
            $(#[serde(default, skip_serializing_if = "Option::is_none")] $field: Option<$body>,)*
        }

        /// What may be said, by its names.
        pub const KINDS: &[&str] = &[$(stringify!($field)),*];

        impl TryFrom<Line> for proto::Event {
            type Error = String;

            fn try_from(line: Line) -> Result<proto::Event, String> {
                let said = [$(line.$field.map(|said| Body::$body(said.into()))),*];
                let mut said = said.into_iter().flatten();
                let (Some(body), None) = (said.next(), said.next()) else {
                    return Err(format!("an event says exactly one thing; one of {}", KINDS.join(", ")));
                };
                let Line { source, id, occurred_at, member, device, ip, phone, ip_prefix, payment, address, .. } = line;
                let Line { channel, store, terminal, employee, partner, .. } = line;
                Ok(proto::Event {
                    source,
                    id,
                    occurred_at: Some(occurred_at.0),
                    member,
                    device,
                    ip,
                    phone,
                    ip_prefix,
                    payment,
                    address,
                    channel,
                    store,
                    terminal,
                    employee,
                    partner,
                    body: Some(body),
                })
            }
        }

        impl From<proto::Event> for Line {
            fn from(event: proto::Event) -> Line {
                let mut line = Line {
                    source: event.source,
                    id: event.id,
                    occurred_at: Instant(event.occurred_at.unwrap_or_default()),
                    member: event.member,
                    device: event.device,
                    ip: event.ip,
                    phone: event.phone,
                    ip_prefix: event.ip_prefix,
                    payment: event.payment,
                    address: event.address,
                    channel: event.channel,
                    store: event.store,
                    terminal: event.terminal,
                    employee: event.employee,
                    partner: event.partner,
                    $($field: None),*
                };
                match event.body {
                    $(Some(Body::$body(said)) => line.$field = Some(said.into()),)*
                    None => {}
                }
                line
            }
        }
    };
}

line! {
    enrolled: Enrolled,
    attributes_set: AttributesSet,
    purchase: Purchase,
    cancelled: Cancelled,
    refunded: Refunded,
    check_in: CheckIn,
    referral: Referral,
    redeem: Redeem,
    hold: Hold,
    capture: Capture,
    void: Void,
    credit: Credit,
    debit: Debit,
    case_resolved: CaseResolved,
    program_published: ProgramPublished,
    tick: Tick,
    frozen: Frozen,
    unfrozen: Unfrozen,
    closed: Closed,
    alias_linked: AliasLinked,
    alias_unlinked: AliasUnlinked,
    hold_extended: HoldExtended,
    redeem_refunded: RedeemRefunded,
    transfer: Transfer,
    imported: Imported,
    reinstated: Reinstated,
    merged: Merged,
    unmerged: Unmerged,
    household_joined: HouseholdJoined,
    household_left: HouseholdLeft,
    settled: Settled,
    exchange_out: ExchangeOut,
    exchange_in: ExchangeIn,
    exchange_settled: ExchangeSettled,
    extended: Extended,
    approved: Approved,
    withdrawn: Withdrawn,
    donate: Donate,
}

/// A message of the proto with the same fields, each of which turns into that of the message.
macro_rules! said {
    ($($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name {
            $($(#[$attribute])* $field: $type,)*
        }

        impl From<$name> for proto::$name {
            fn from(said: $name) -> proto::$name {
                let $name { $($field),* } = said;
                proto::$name { $($field: $field.into()),* }
            }
        }

        impl From<proto::$name> for $name {
            fn from(told: proto::$name) -> $name {
                let proto::$name { $($field),* } = told;
                $name { $($field: $field.into()),* }
            }
        }
    )*};
}

said! {
    Enrolled { #[serde(default, skip_serializing_if = "Maybe::is_none")] birthday: Maybe<MonthDay> }
    MonthDay { month: u32, day: u32 }
    AttributesSet { attributes: Many<Attribute> }
    Attribute { name: String, value: i64 }
    Purchase {
        order: String,
        currency: String,
        lines: Many<PurchaseLine>,
        #[serde(default, skip_serializing_if = "is_zero")] shipping: i64,
        #[serde(default, skip_serializing_if = "is_zero")] points_paid: i64,
    }
    Cancelled { order: String }
    Settled { order: String }
    ExchangeOut { exchange: String, reference: String, points: i64 }
    ExchangeIn { exchange: String, reference: String, units: i64 }
    ExchangeSettled { exchange: String, reference: String, accepted: bool }
    Refunded {
        order: String,
        currency: String,
        #[serde(default)] amount: i64,
        #[serde(default, skip_serializing_if = "Many::is_empty")] lines: Many<LineRefund>,
    }
    LineRefund {
        #[serde(default, skip_serializing_if = "Option::is_none")] line: Option<u32>,
        #[serde(default, skip_serializing_if = "String::is_empty")] sku: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] quantity: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")] amount: Option<i64>,
    }
    CheckIn {}
    Referral { referee: String }
    Redeem {
        #[serde(default)] points: i64,
        #[serde(default)] order: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] total: Option<i64>,
        #[serde(default, skip_serializing_if = "String::is_empty")] wallet: String,
        #[serde(default, skip_serializing_if = "String::is_empty")] item: String,
        #[serde(default, skip_serializing_if = "is_zero")] pieces: u32,
    }
    Hold {
        hold: String,
        #[serde(default)] points: i64,
        #[serde(default, skip_serializing_if = "Maybe::is_none")] ttl: Maybe<Span>,
        #[serde(default)] order: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] total: Option<i64>,
        #[serde(default, skip_serializing_if = "String::is_empty")] wallet: String,
        #[serde(default, skip_serializing_if = "String::is_empty")] item: String,
        #[serde(default, skip_serializing_if = "is_zero")] pieces: u32,
    }
    HoldExtended { hold: String, #[serde(default, skip_serializing_if = "Maybe::is_none")] ttl: Maybe<Span> }
    Transfer {
        to: String,
        points: i64,
        #[serde(default)] note: String,
        #[serde(default, skip_serializing_if = "String::is_empty")] wallet: String,
    }
    Imported { lots: Many<OpeningLot>, #[serde(default, skip_serializing_if = "String::is_empty")] wallet: String }
    Reinstated {
        #[serde(default, skip_serializing_if = "Option::is_none")] points: Option<i64>,
        expires_at: Maybe<Instant>,
        reason: String,
        #[serde(default, skip_serializing_if = "String::is_empty")] wallet: String,
    }
    Extended {
        #[serde(default, skip_serializing_if = "Option::is_none")] points: Option<i64>,
        expires_at: Maybe<Instant>,
        reason: String,
        #[serde(default, skip_serializing_if = "String::is_empty")] wallet: String,
    }
    OpeningLot {
        points: i64,
        earned_at: Maybe<Instant>,
        #[serde(default, skip_serializing_if = "Maybe::is_none")] expires_at: Maybe<Instant>,
    }
    RedeemRefunded {
        redemption: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")] points: Option<i64>,
    }
    Capture { hold: String, points: Option<i64>, #[serde(default)] last: bool }
    Void { hold: String }
    Credit {
        points: i64,
        reason: String,
        #[serde(default, skip_serializing_if = "String::is_empty")] wallet: String,
        #[serde(default, skip_serializing_if = "String::is_empty")] by: String,
    }
    Debit {
        points: i64,
        reason: String,
        #[serde(default, skip_serializing_if = "String::is_empty")] wallet: String,
        #[serde(default, skip_serializing_if = "String::is_empty")] by: String,
    }
    Approved { proposal: u64, by: String }
    Donate { fund: String, points: i64 }
    Withdrawn { proposal: u64, by: String, reason: String }
    CaseResolved { case_position: u64, finding: Finding, #[serde(default)] note: String }
    ProgramPublished { text: String }
    Tick { up_to: Maybe<Instant> }
    Frozen { scope: Scope, #[serde(default)] reason: String }
    Unfrozen { scope: Scope, #[serde(default)] reason: String }
    Closed { #[serde(default)] reason: String }
    AliasLinked { kind: String, name: String }
    AliasUnlinked { kind: String, name: String }
    Merged { other: String }
    Unmerged { other: String }
    HouseholdJoined { household: String }
    HouseholdLeft {}
}

/// A line of a purchase.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PurchaseLine {
    #[serde(default)]
    sku: String,
    #[serde(default = "one")]
    quantity: u32,
    net: i64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    category: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    discount: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    tax: i64,
}

fn one() -> u32 {
    1
}

fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

impl From<PurchaseLine> for proto::Line {
    fn from(line: PurchaseLine) -> proto::Line {
        let PurchaseLine { sku, quantity, net, category, tags, discount, tax } = line;
        proto::Line { sku, quantity, net, category, tags, discount, tax }
    }
}

impl From<proto::Line> for PurchaseLine {
    fn from(line: proto::Line) -> PurchaseLine {
        let proto::Line { sku, quantity, net, category, tags, discount, tax } = line;
        PurchaseLine { sku, quantity, net, category, tags, discount, tax }
    }
}

/// A list, whose items turn into those of the proto.
#[derive(Debug, Serialize, Deserialize)]
struct Many<T>(Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Many<T> {
        Many(Vec::new())
    }
}

impl<T> Many<T> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<P>, P> From<Many<T>> for Vec<P> {
    fn from(many: Many<T>) -> Vec<P> {
        many.0.into_iter().map(Into::into).collect()
    }
}

impl<T, P: Into<T>> From<Vec<P>> for Many<T> {
    fn from(list: Vec<P>) -> Many<T> {
        Many(list.into_iter().map(Into::into).collect())
    }
}

/// What may be absent, and turns into what it is in the proto.
#[derive(Debug, Serialize, Deserialize)]
struct Maybe<T>(Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Maybe<T> {
        Maybe(None)
    }
}

impl<T> Maybe<T> {
    fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

/// For each kind by itself: of all kinds at once would cover what `Option` converts from already.
macro_rules! maybe {
    ($($said:ty: $told:ty),* $(,)?) => {$(
        impl From<Maybe<$said>> for Option<$told> {
            fn from(maybe: Maybe<$said>) -> Option<$told> {
                maybe.0.map(Into::into)
            }
        }

        impl From<Option<$told>> for Maybe<$said> {
            fn from(option: Option<$told>) -> Maybe<$said> {
                Maybe(option.map(Into::into))
            }
        }
    )*};
}

maybe! { MonthDay: proto::MonthDay, Span: Duration, Instant: Timestamp }

/// An instant: `"2026-01-31T09:00:00Z"`.
#[derive(Debug)]
struct Instant(Timestamp);

/// A span: `"3600s"`.
#[derive(Debug)]
struct Span(Duration);

impl From<Instant> for Timestamp {
    fn from(instant: Instant) -> Timestamp {
        instant.0
    }
}

impl From<Timestamp> for Instant {
    fn from(stamp: Timestamp) -> Instant {
        Instant(stamp)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Duration {
        span.0
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Span {
        Span(duration)
    }
}

/// An enum of the proto by its name, which is never "unspecified" here.
macro_rules! named {
    ($($name:ident: $proto:ident, $what:literal;)*) => {$(
        #[doc = $what]
        #[derive(Debug)]
        struct $name(proto::$proto);

        impl From<$name> for i32 {
            fn from(named: $name) -> i32 {
                named.0.into()
            }
        }

        impl From<i32> for $name {
            fn from(number: i32) -> $name {
                $name(proto::$proto::try_from(number).unwrap_or_default())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(self.0.as_str_name())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                let text = String::deserialize(from)?;
                proto::$proto::from_str_name(&text).map($name).ok_or_else(|| not(&text, $what))
            }
        }
    )*};
}

named! {
    Finding: Finding, "a finding; write FINDING_LEGITIMATE or FINDING_FRAUD";
    Scope: FreezeScope, "a scope; write FREEZE_SCOPE_EARN, FREEZE_SCOPE_REDEEM or FREEZE_SCOPE_ALL";
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&instant::show(instant::at(&self.0)))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Instant, D::Error> {
        let text = String::deserialize(from)?;
        let at = instant::read(&text).ok_or_else(|| not(&text, "an instant; write 2026-01-31T09:00:00Z"))?;
        Ok(Instant(instant::stamp(at)))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Duration { seconds, nanos } = self.0;
        let fraction = if nanos == 0 { String::new() } else { format!(".{:03}", nanos / 1_000_000) };
        out.serialize_str(&format!("{seconds}{fraction}s"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        let text = String::deserialize(from)?;
        let seconds = text.strip_suffix('s').and_then(|digits| {
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let fits = digits(whole) && digits(fraction) && fraction.len() <= 9;
            let nanos = fits.then(|| format!("{fraction:0<9}"))?;
            Some(Duration { seconds: whole.parse().ok()?, nanos: nanos.parse().ok()? })
        });
        seconds.map(Span).ok_or_else(|| not(&text, "a span; write \"3600s\""))
    }
}

fn not<E: Error>(text: &str, what: &str) -> E {
    E::custom(format!("{text:?} is not {what}"))
}

/// Reads one event, as on a line of a file of events.
pub fn read(text: &str) -> Result<proto::Event, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| {
        // There is only one line, and the file's own number is told beside this.
        error.to_string().replace(" at line 1 column ", ", at column ")
    })?;
    line.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) {
        let event = read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        let written = serde_json::to_value(Line::from(event)).expect("an event can be written");
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(text).expect("the text is JSON"));
    }

    #[test]
    fn every_event_is_written_as_it_was_read() {
        let bodies = [
            r#""enrolled":{"birthday":{"month":3,"day":15}}"#,
            r#""enrolled":{}"#,
            r#""attributes_set":{"attributes":[{"name":"community_percentile","value":7}]}"#,
            r#""purchase":{"order":"o-1","currency":"USD","lines":[{"sku":"CD","quantity":2,"net":2598}]}"#,
            r#""purchase":{"order":"o-1","currency":"USD","lines":[{"sku":"CD","quantity":2,"net":2598,
                "category":"music","tags":["sale"],"discount":100,"tax":432}],"shipping":499,"points_paid":50}"#,
            r#""cancelled":{"order":"o-1"}"#,
            r#""settled":{"order":"o-1"}"#,
            r#""extended":{"points":7,"expires_at":"2026-01-01T00:00:00Z","reason":"closed"}"#,
            r#""exchange_out":{"exchange":"skyhigh","reference":"x-1","points":300}"#,
            r#""exchange_in":{"exchange":"skyhigh","reference":"x-1","units":500}"#,
            r#""exchange_settled":{"exchange":"skyhigh","reference":"x-1","accepted":false}"#,
            r#""refunded":{"order":"o-1","currency":"USD","amount":500}"#,
            r#""refunded":{"order":"o-1","currency":"USD","amount":500,"lines":[{"line":0,"amount":400}]}"#,
            r#""refunded":{"order":"o-1","currency":"USD","amount":0,"lines":[{"sku":"tea","quantity":2}]}"#,
            r#""check_in":{}"#,
            r#""referral":{"referee":"M2"}"#,
            r#""redeem":{"points":40,"order":""}"#,
            r#""redeem":{"points":40,"order":"","wallet":"stamps"}"#,
            r#""redeem":{"points":40,"order":"o-1","total":700}"#,
            r#""hold":{"hold":"h-1","points":40,"ttl":"3600s","order":""}"#,
            r#""hold":{"hold":"h-1","points":40,"order":"o-1","total":700,"wallet":"stamps"}"#,
            r#""hold_extended":{"hold":"h-1","ttl":"3600s"}"#,
            r#""redeem_refunded":{"redemption":12,"points":40}"#,
            r#""redeem_refunded":{"redemption":12}"#,
            r#""transfer":{"to":"M2","points":40,"note":"a gift","wallet":"stamps"}"#,
            r#""imported":{"lots":[{"points":7,"earned_at":"2025-01-01T00:00:00Z"}]}"#,
            concat!(
                r#""imported":{"lots":[{"points":7,"earned_at":"2025-01-01T00:00:00Z","#,
                r#""expires_at":"2026-01-01T00:00:00Z"}]}"#
            ),
            r#""reinstated":{"points":7,"expires_at":"2026-01-01T00:00:00Z","reason":"sorry"}"#,
            r#""reinstated":{"expires_at":"2026-01-01T00:00:00Z","reason":"sorry","wallet":"stamps"}"#,
            r#""capture":{"hold":"h-1","points":40,"last":true}"#,
            r#""void":{"hold":"h-1"}"#,
            r#""credit":{"points":40,"reason":"sorry"}"#,
            r#""credit":{"points":5000,"reason":"sorry","by":"ann"}"#,
            r#""debit":{"points":40,"reason":"mistake"}"#,
            r#""debit":{"points":5000,"reason":"mistake","wallet":"stamps","by":"ann"}"#,
            r#""donate":{"fund":"trees","points":40}"#,
            r#""approved":{"proposal":12,"by":"bob"}"#,
            r#""withdrawn":{"proposal":12,"by":"bob","reason":"mistake"}"#,
            r#""case_resolved":{"case_position":12,"finding":"FINDING_FRAUD","note":""}"#,
            r#""program_published":{"text":"id = \"music\""}"#,
            r#""tick":{"up_to":"2026-02-01T00:00:00Z"}"#,
            r#""frozen":{"scope":"FREEZE_SCOPE_REDEEM","reason":"stolen"}"#,
            r#""unfrozen":{"scope":"FREEZE_SCOPE_ALL","reason":""}"#,
            r#""closed":{"reason":"asked"}"#,
            r#""alias_linked":{"kind":"card","name":"4711"}"#,
            r#""merged":{"other":"M2"}"#,
            r#""unmerged":{"other":"M2"}"#,
            r#""household_joined":{"household":"home"}"#,
            r#""household_left":{}"#,
            r#""alias_unlinked":{"kind":"card","name":"4711"}"#,
        ];
        for body in bodies {
            check(&format!(
                r#"{{"source":"till","id":"1","occurred_at":"2026-01-31T09:00:00Z","member":"M1",{body}}}"#
            ));
        }
    }

    #[test]
    fn what_is_missing_may_have_a_usual_value() {
        let head = r#""source":"till","id":"1","occurred_at":"2026-01-31T09:00:00+01:00","member":"M1""#;
        let read = |body: &str| read(&format!("{{{head},{body}}}")).map(|event| event.body);
        let line = proto::Line { quantity: 1, net: 5, ..proto::Line::default() };
        let purchase = proto::Purchase {
            order: "o".into(),
            currency: "USD".into(),
            lines: vec![line],
            ..proto::Purchase::default()
        };
        let said = r#""purchase":{"order":"o","currency":"USD","lines":[{"net":5}]}"#;
        assert_eq!(read(said), Ok(Some(Body::Purchase(purchase))));
        let capture = proto::Capture { hold: "h".into(), points: None, last: false };
        assert_eq!(read(r#""capture":{"hold":"h"}"#), Ok(Some(Body::Capture(capture))));
    }

    #[test]
    fn a_typing_error_is_a_fault() {
        let head = r#""source":"till","id":"1","occurred_at":"2026-01-31T09:00:00Z","member":"M1""#;
        let problem = |body: &str| read(&format!("{{{head}{body}}}")).expect_err("this is no event");
        assert!(problem("").contains("exactly one thing"));
        assert!(problem(r#","check_in":{},"redeem":{"points":1}"#).contains("exactly one thing"));
        assert!(problem(r#","chekin":{}"#).contains("unknown field `chekin`"));
        assert!(problem(r#","redeem":{"point":1}"#).contains("unknown field `point`"));
        assert!(problem(r#","redeem":{"points":1.5}"#).contains("floating point"));
        assert!(problem(r#","tick":{"up_to":"soon"}"#).contains("\"soon\" is not an instant"));
        assert!(problem(r#","hold":{"hold":"h","points":1,"ttl":"1h"}"#).contains("\"1h\" is not a span"));
    }
}
