//! What is said to the ledger: messages in, checked, as the ledger's own types.
//!
//! Owns the checks that come before a value exists at all: unknown types, instants, sizes of messages
//! and of batches. The limits of an event's own fields are the event's.

use super::{BATCH_EVENTS_MAX, EVENT_BYTES_MAX, Invalid, MEMBERS_MAX, TAG_BYTES_MAX, violation};
use crate::proto;
use ledger_core::event::{
    self, AT_MAX, AT_MIN, Body, Currency, Event, Finding, Line, LineDetail, LineName, LinePart, LineRefund,
    NAME_BYTES_MAX, Name, OpeningLot, Origin, PROGRAM_BYTES_MAX, RiskKeys, RiskKind, Violation, Wanted,
};
use ledger_core::features::membership::state::Scope;
use ledger_core::units::{At, Money, MonthDay, Points, Position, RiskKey};
use prost::Message;

/// Turns a device, address or phone into its keyed hash.
pub type Hash<'a> = &'a dyn Fn(&str, &str) -> RiskKey;

/// A batch as it came, sorted into what may be judged and what may not.
#[derive(Debug, Default)]
pub struct Sorted {
    /// The events that may be judged, in order.
    pub events: Vec<Event<Name>>,
    /// The others, by their places in the batch.
    pub invalid: Vec<(usize, Invalid)>,
    /// Room that the events take in the queue: one for each begun KiB.
    pub weight: u32,
}

impl Sorted {
    fn add(&mut self, at: usize, message: proto::Event, hash: Hash<'_>) {
        let bytes = message.encoded_len();
        match decode(message, bytes, hash) {
            Ok(event) => {
                self.weight += u32::try_from(bytes >> 10).unwrap_or(u32::MAX >> 16) + 1;
                self.events.push(event);
            }
            Err(found) => self.invalid.push((at, Invalid(found))),
        }
    }
}

/// Reads the one event of a request.
pub fn one(message: Option<proto::Event>, hash: Hash<'_>) -> Result<Sorted, Invalid> {
    let message = message.ok_or_else(|| Invalid::one("event", "is missing"))?;
    let mut sorted = Sorted::default();
    sorted.add(0, message, hash);
    match sorted.invalid.pop() {
        Some((_, invalid)) => Err(invalid.under("event")),
        None => Ok(sorted),
    }
}

/// Reads the events of a batch.
pub fn batch(messages: Vec<proto::Event>, hash: Hash<'_>) -> Result<Sorted, Invalid> {
    if messages.is_empty() || messages.len() > BATCH_EVENTS_MAX {
        return Err(Invalid::one("events", format!("has {}; send 1 to {BATCH_EVENTS_MAX}", messages.len())));
    }
    let mut sorted = Sorted { events: Vec::with_capacity(messages.len()), ..Sorted::default() };
    messages.into_iter().enumerate().for_each(|(at, message)| sorted.add(at, message, hash));
    Ok(sorted)
}

/// Reads the tag and the events of a batch in a stream.
pub fn tagged(message: proto::SubmitStreamRequest, hash: Hash<'_>) -> Result<(String, Sorted), Invalid> {
    if message.tag.len() > TAG_BYTES_MAX {
        return Err(Invalid::one("tag", format!("at most {TAG_BYTES_MAX} bytes are allowed")));
    }
    Ok((message.tag, batch(message.events, hash)?))
}

/// Reads a program that is to be published, as the event it is.
pub fn publish(message: proto::PublishProgramRequest, hash: Hash<'_>) -> Result<Sorted, Invalid> {
    let proto::PublishProgramRequest { source, id, occurred_at, text } = message;
    let body = Some(proto::event::Body::ProgramPublished(proto::ProgramPublished { text }));
    let event = proto::Event { source, id, occurred_at, body, ..proto::Event::default() };
    let at_top = |mut invalid: Invalid| {
        for violation in &mut invalid.0 {
            let field = violation.field.trim_start_matches("event.").trim_start_matches("program_published.");
            violation.field = field.to_owned();
        }
        invalid
    };
    one(Some(event), hash).map_err(at_top)
}

/// Reads a redemption that is only asked about, as the event it would be at `now`.
pub fn quote(message: proto::QuoteRequest, now: At, hash: Hash<'_>) -> Result<Event<Name>, Invalid> {
    let redeem = message.redeem.ok_or_else(|| Invalid::one("redeem", "is missing"))?;
    let event = proto::Event {
        source: "quote".into(),
        id: "quote".into(),
        occurred_at: super::told::stamp(now),
        member: message.member,
        body: Some(proto::event::Body::Redeem(redeem)),
        ..proto::Event::default()
    };
    let bytes = event.encoded_len();
    decode(event, bytes, hash).map_err(Invalid)
}

fn decode(message: proto::Event, bytes: usize, hash: Hash<'_>) -> Result<Event<Name>, Vec<Violation>> {
    let mut found = Vec::new();
    let apart = match &message.body {
        Some(proto::event::Body::ProgramPublished(program)) => program.text.len(),
        _ => 0,
    };
    if bytes.saturating_sub(apart) > EVENT_BYTES_MAX {
        found.push(violation("", format!("has {bytes} bytes; at most {EVENT_BYTES_MAX} are allowed")));
        return Err(found);
    }
    let occurred_at = instant("occurred_at", message.occurred_at, &mut found);
    let keys = risk_keys(&message, hash, &mut found);
    let origin = origin(&message);
    let Some(body) = message.body else {
        found.push(violation("body", "unknown type; send one of those in event.proto"));
        return Err(found);
    };
    let event = Event {
        source: message.source.into(),
        id: message.id.into(),
        occurred_at,
        member: message.member.into(),
        keys,
        origin,
        body: decode_body(body, &mut found),
    };
    // A field that could not be read stands here with a value that is valid: it is named once.
    found.extend(event.violations());
    if found.is_empty() { Ok(event) } else { Err(found) }
}

/// Pieces of an item, one if it is not said how many.
fn wanted(field: &str, item: String, pieces: u32, found: &mut Vec<Violation>) -> Option<Box<Wanted>> {
    if item.is_empty() {
        if pieces > 0 {
            found.push(violation(field, "are of no item; name it in `item`"));
        }
        return None;
    }
    Some(Box::new(Wanted { item: item.into(), pieces: pieces.max(1) }))
}

fn decode_body(body: proto::event::Body, found: &mut Vec<Violation>) -> Body<Name> {
    use proto::event::Body as Said;
    match body {
        Said::Enrolled(said) => Body::Enrolled(event::Enrolled { birthday: said.birthday.map(month_day) }),
        Said::AttributesSet(said) => Body::AttributesSet(event::AttributesSet {
            attributes: said.attributes.into_iter().map(|one| (one.name.into(), one.value)).collect(),
        }),
        Said::Purchase(said) => Body::Purchase(event::Purchase {
            order: said.order.into(),
            currency: currency("purchase.currency", &said.currency, found),
            lines: said.lines.into_iter().map(line).collect(),
            shipping: Money(said.shipping),
            points_paid: Money(said.points_paid),
        }),
        Said::ExchangeOut(proto::ExchangeOut { exchange, reference, points }) => {
            Body::ExchangeOut(event::ExchangeOut {
                exchange: exchange.into(),
                reference: reference.into(),
                points: Points(points),
            })
        }
        Said::ExchangeIn(proto::ExchangeIn { exchange, reference, units }) => {
            Body::ExchangeIn(event::ExchangeIn { exchange: exchange.into(), reference: reference.into(), units })
        }
        Said::ExchangeSettled(proto::ExchangeSettled { exchange, reference, accepted }) => {
            Body::ExchangeSettled(event::ExchangeSettled {
                exchange: exchange.into(),
                reference: reference.into(),
                accepted,
            })
        }
        Said::Settled(said) => Body::Settled(event::Settled { order: said.order.into() }),
        Said::Cancelled(said) => Body::Cancelled(event::Cancelled { order: said.order.into() }),
        Said::Refunded(said) => Body::Refunded(event::Refunded {
            order: said.order.into(),
            currency: currency("refunded.currency", &said.currency, found),
            amount: Money(said.amount),
            lines: said.lines.into_iter().enumerate().map(|(n, line)| line_refund(n, line, found)).collect(),
        }),
        Said::CheckIn(proto::CheckIn {}) => Body::CheckIn(event::CheckIn),
        Said::Referral(said) => Body::Referral(event::Referral { referee: said.referee.into() }),
        Said::Redeem(said) => Body::Redeem(event::Redeem {
            wallet: said.wallet.into(),
            points: Points(said.points),
            order: said.order.into(),
            total: said.total.map(Money),
            item: wanted("redeem.pieces", said.item, said.pieces, found),
        }),
        Said::Hold(said) => Body::Hold(event::Hold {
            hold: said.hold.into(),
            wallet: said.wallet.into(),
            points: Points(said.points),
            ttl_ms: said.ttl.map(duration_ms),
            order: said.order.into(),
            total: said.total.map(Money),
            item: wanted("hold.pieces", said.item, said.pieces, found),
        }),
        Said::Capture(said) => {
            Body::Capture(event::Capture { hold: said.hold.into(), points: said.points.map(Points), last: said.last })
        }
        Said::Void(said) => Body::Void(event::Void { hold: said.hold.into() }),
        Said::Credit(said) => {
            let (wallet, reason, by) = (said.wallet.into(), said.reason.into(), said.by.into());
            Body::Credit(event::Credit { wallet, points: Points(said.points), reason, by })
        }
        Said::Debit(said) => {
            let (wallet, reason, by) = (said.wallet.into(), said.reason.into(), said.by.into());
            Body::Debit(event::Debit { wallet, points: Points(said.points), reason, by })
        }
        Said::Donate(said) => Body::Donate(event::Donate { fund: said.fund.into(), points: Points(said.points) }),
        Said::Approved(said) => {
            Body::Approved(event::Approved { proposal: Position(said.proposal), by: said.by.into() })
        }
        Said::Withdrawn(said) => {
            let (by, reason) = (said.by.into(), said.reason.into());
            Body::Withdrawn(event::Withdrawn { proposal: Position(said.proposal), by, reason })
        }
        Said::CaseResolved(said) => Body::CaseResolved(event::CaseResolved {
            case: Position(said.case_position),
            finding: finding(said.finding, found),
            note: said.note.into(),
        }),
        Said::ProgramPublished(said) => Body::ProgramPublished(event::ProgramPublished { text: said.text.into() }),
        Said::Tick(said) => Body::Tick(event::Tick { up_to: instant("tick.up_to", said.up_to, found) }),
        Said::Frozen(said) => {
            Body::Frozen(event::Frozen { scope: scope("frozen.scope", said.scope, found), reason: said.reason.into() })
        }
        Said::Unfrozen(said) => Body::Unfrozen(event::Unfrozen {
            scope: scope("unfrozen.scope", said.scope, found),
            reason: said.reason.into(),
        }),
        Said::Closed(said) => Body::Closed(event::Closed { reason: said.reason.into() }),
        Said::AliasLinked(said) => {
            Body::AliasLinked(event::AliasLinked { alias: alias(&said.kind, &said.name), kind: said.kind.into() })
        }
        Said::AliasUnlinked(said) => {
            Body::AliasUnlinked(event::AliasUnlinked { alias: alias(&said.kind, &said.name), kind: said.kind.into() })
        }
        Said::Merged(said) => Body::Merged(event::Merged { from: said.other.into() }),
        Said::Unmerged(said) => Body::Unmerged(event::Unmerged { from: said.other.into() }),
        Said::HouseholdJoined(said) => {
            Body::HouseholdJoined(event::HouseholdJoined { household: said.household.into() })
        }
        Said::HouseholdLeft(proto::HouseholdLeft {}) => Body::HouseholdLeft(event::HouseholdLeft),
        Said::HoldExtended(said) => {
            Body::HoldExtended(event::HoldExtended { hold: said.hold.into(), ttl_ms: said.ttl.map(duration_ms) })
        }
        Said::Transfer(said) => {
            let (to, wallet, note) = (said.to.into(), said.wallet.into(), said.note.into());
            Body::Transfer(event::Transfer { to, wallet, points: Points(said.points), note })
        }
        Said::Imported(said) => {
            let lots = said.lots.into_iter().enumerate();
            Body::Imported(event::Imported {
                wallet: said.wallet.into(),
                lots: lots.map(|(n, lot)| opening_lot(n, lot, found)).collect(),
            })
        }
        Said::Extended(said) => {
            let expires_at = instant("extended.expires_at", said.expires_at, found);
            let (wallet, points, reason) = (said.wallet.into(), said.points.map(Points), said.reason.into());
            Body::Extended(event::Extended { wallet, points, expires_at, reason })
        }
        Said::Reinstated(said) => {
            let expires_at = instant("reinstated.expires_at", said.expires_at, found);
            let (wallet, points, reason) = (said.wallet.into(), said.points.map(Points), said.reason.into());
            Body::Reinstated(event::Reinstated { wallet, points, expires_at, reason })
        }
        Said::RedeemRefunded(said) => Body::RedeemRefunded(event::RedeemRefunded {
            redemption: Position(said.redemption),
            points: said.points.map(Points),
        }),
    }
}

fn opening_lot(n: usize, said: proto::OpeningLot, found: &mut Vec<Violation>) -> OpeningLot {
    let field = |name: &str| format!("imported.lots[{n}].{name}");
    OpeningLot {
        points: Points(said.points),
        earned_at: instant(&field("earned_at"), said.earned_at, found),
        expires_at: said.expires_at.map(|at| instant(&field("expires_at"), Some(at), found)),
    }
}

/// An alias as events name it.
fn alias(kind: &str, name: &str) -> Name {
    format!("{kind}:{name}").into()
}

fn scope(field: &str, said: i32, found: &mut Vec<Violation>) -> Scope {
    match proto::FreezeScope::try_from(said) {
        Ok(proto::FreezeScope::Earn) => Scope::Earn,
        Ok(proto::FreezeScope::Redeem) => Scope::Redeem,
        Ok(proto::FreezeScope::All) => Scope::All,
        Ok(proto::FreezeScope::Unspecified) | Err(_) => {
            let problem = "must be FREEZE_SCOPE_EARN, FREEZE_SCOPE_REDEEM or FREEZE_SCOPE_ALL";
            found.push(violation(field, problem));
            Scope::All
        }
    }
}

fn line(said: proto::Line) -> Line {
    let proto::Line { sku, quantity, net, category, tags, discount, tax } = said;
    let detail = LineDetail {
        category: category.into(),
        tags: tags.into_iter().map(Into::into).collect(),
        discount: Money(discount),
        tax: Money(tax),
    };
    let detail = (detail != LineDetail::default()).then(|| Box::new(detail));
    Line { sku: sku.into(), quantity, net: Money(net), detail }
}

/// A line beyond all lines stands for the last there can be. No item is none, which the event says of itself.
fn line_refund(n: usize, said: proto::LineRefund, found: &mut Vec<Violation>) -> LineRefund {
    let field = |name: &str| format!("refunded.lines[{n}].{name}");
    if said.line.is_some() != said.sku.is_empty() {
        found.push(violation(&field("line"), "say exactly one of line and sku"));
    }
    if said.quantity.is_some() == said.amount.is_some() {
        found.push(violation(&field("quantity"), "say exactly one of quantity and amount"));
    }
    let place = |line| LineName::Place(u16::try_from(line).unwrap_or(u16::MAX));
    let line = if said.sku.is_empty() { place(said.line.unwrap_or(0)) } else { LineName::Sku(said.sku.into()) };
    let amount = || LinePart::Amount(Money(said.amount.unwrap_or(1)));
    let part = said.quantity.map_or_else(amount, LinePart::Items);
    LineRefund { line, part }
}

/// What does not fit is no date, which the event says of itself.
fn month_day(said: proto::MonthDay) -> MonthDay {
    MonthDay { month: u8::try_from(said.month).unwrap_or(0), day: u8::try_from(said.day).unwrap_or(0) }
}

/// Rounded up to the millisecond; what does not fit is out of range, which the event says of itself.
fn duration_ms(said: prost_types::Duration) -> i64 {
    let part = i64::from(said.nanos).saturating_add(999_999).div_euclid(1_000_000);
    said.seconds.saturating_mul(1000).saturating_add(part)
}

fn currency(field: &str, text: &str, found: &mut Vec<Violation>) -> Currency {
    Currency::read(text).unwrap_or_else(|| {
        found.push(violation(field, "must be three capital letters, as in ISO 4217"));
        Currency(*b"XXX")
    })
}

fn finding(said: i32, found: &mut Vec<Violation>) -> Finding {
    match proto::Finding::try_from(said) {
        Ok(proto::Finding::Legitimate) => Finding::Legitimate,
        Ok(proto::Finding::Fraud) => Finding::Fraud,
        Ok(proto::Finding::Unspecified) | Err(_) => {
            found.push(violation("case_resolved.finding", "must be FINDING_LEGITIMATE or FINDING_FRAUD"));
            Finding::Legitimate
        }
    }
}

fn risk_keys(message: &proto::Event, hash: Hash<'_>, found: &mut Vec<Violation>) -> RiskKeys {
    let mut keys = RiskKeys::default();
    for kind in RiskKind::ALL {
        let text = match kind {
            RiskKind::Device => &message.device,
            RiskKind::Ip => &message.ip,
            RiskKind::Phone => &message.phone,
            RiskKind::IpPrefix => &message.ip_prefix,
            RiskKind::Payment => &message.payment,
            RiskKind::Address => &message.address,
        };
        if let Some(key) = risk_key(kind.name(), text, hash, found) {
            keys.set(kind, key);
        }
    }
    keys
}

/// Nothing where nothing is said.
fn origin(message: &proto::Event) -> Option<Box<Origin>> {
    let proto::Event { channel, store, terminal, employee, partner, .. } = message;
    if [channel, store, terminal, employee, partner].iter().all(|text| text.is_empty()) {
        return None;
    }
    Some(Box::new(Origin {
        channel: channel.as_str().into(),
        store: store.as_str().into(),
        terminal: terminal.as_str().into(),
        employee: employee.as_str().into(),
        partner: partner.as_str().into(),
    }))
}

fn risk_key(kind: &str, text: &str, hash: Hash<'_>, found: &mut Vec<Violation>) -> Option<RiskKey> {
    if text.is_empty() {
        return None;
    }
    found.extend(name_problem(kind, text, 0));
    Some(hash(kind, text))
}

fn instant(field: &str, said: Option<prost_types::Timestamp>, found: &mut Vec<Violation>) -> At {
    let Some(said) = said else {
        found.push(violation(field, "is missing"));
        return At(0);
    };
    let whole = (0..1_000_000_000).contains(&said.nanos).then(|| said.seconds.checked_mul(1000)).flatten();
    let at = whole.and_then(|ms| ms.checked_add(i64::from(said.nanos / 1_000_000))).map(At);
    at.filter(|at| (AT_MIN..=AT_MAX).contains(at)).unwrap_or_else(|| {
        found.push(violation(field, "must lie between 1900-01-01 and 9999-01-01, with 0 to 999,999,999 nanos"));
        At(0)
    })
}

fn name_problem(field: &str, text: &str, bytes_min: usize) -> Option<Violation> {
    let problem = match text.len() {
        bytes if bytes < bytes_min => "must not be empty".to_owned(),
        bytes if bytes > NAME_BYTES_MAX => format!("has {bytes} bytes; at most {NAME_BYTES_MAX} are allowed"),
        _ if text.chars().any(char::is_control) => "must not contain control characters".to_owned(),
        _ => return None,
    };
    Some(violation(field, problem))
}

/// When a member is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Now.
    Now,
    /// When this record had been folded.
    Position(Position),
    /// At this instant.
    Instant(At),
}

impl When {
    /// The position that must be reached first; 0 for none.
    pub fn position(self) -> Position {
        match self {
            When::Position(position) => position,
            When::Now | When::Instant(_) => Position(0),
        }
    }
}

/// Whose counters are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A member's.
    Member(Name),
    /// A device's, address's or phone's.
    Risk(RiskKey),
}

/// A stretch of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// What comes after this position or version.
    pub after: u64,
    /// At most so many.
    pub limit: usize,
}

/// Reads a member's name.
pub fn member_name(text: String) -> Result<Name, Invalid> {
    name("member", text)
}

/// Reads the source and the id of an event.
pub fn event_id(source: String, id: String) -> Result<(Name, Name), Invalid> {
    let found: Vec<_> = name_problem("source", &source, 1).into_iter().chain(name_problem("id", &id, 1)).collect();
    if found.is_empty() { Ok((source.into(), id.into())) } else { Err(Invalid(found)) }
}

/// Which record is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one at this position.
    Position(Position),
    /// That of an event, by source and id.
    Event(Name, Name),
}

/// Reads which record is to be explained.
pub fn which(said: Option<proto::explain_event_request::Which>) -> Result<Which, Invalid> {
    use proto::explain_event_request::Which as Said;
    match said {
        Some(Said::Position(position)) => Ok(Which::Position(Position(position))),
        Some(Said::Event(proto::EventName { source, id })) => {
            let (source, id) = event_id(source, id).map_err(|invalid| invalid.under("event"))?;
            Ok(Which::Event(source, id))
        }
        None => Err(Invalid::one("which", "is missing; send a position or an event")),
    }
}

/// Reads the names of many members.
pub fn member_names(texts: Vec<String>) -> Result<Vec<Name>, Invalid> {
    if texts.is_empty() || texts.len() > MEMBERS_MAX {
        return Err(Invalid::one("members", format!("has {}; send 1 to {MEMBERS_MAX}", texts.len())));
    }
    let path = |at: usize| format!("members[{at}]");
    let found = texts.iter().enumerate().filter_map(|(at, text)| name_problem(&path(at), text, 1));
    let found: Vec<Violation> = found.collect();
    if found.is_empty() { Ok(texts.into_iter().map(Into::into).collect()) } else { Err(Invalid(found)) }
}

/// Reads when a member is asked for.
pub fn when(said: Option<proto::get_member_request::AsOf>) -> Result<When, Invalid> {
    use proto::get_member_request::AsOf;
    let mut found = Vec::new();
    let when = match said {
        None => When::Now,
        Some(AsOf::Position(position)) => When::Position(Position(position)),
        Some(AsOf::Time(time)) => When::Instant(instant("time", Some(time), &mut found)),
    };
    if found.is_empty() { Ok(when) } else { Err(Invalid(found)) }
}

/// Reads whose counters are asked for.
pub fn whose(said: Option<proto::list_counters_request::Whose>, hash: Hash<'_>) -> Result<Whose, Invalid> {
    use proto::list_counters_request::Whose as Said;
    let risk = |kind, text| name(kind, text).map(|text| Whose::Risk(hash(kind, &text)));
    match said {
        Some(Said::Member(member)) => member_name(member).map(Whose::Member),
        Some(Said::Device(text)) => risk("device", text),
        Some(Said::Ip(text)) => risk("ip", text),
        Some(Said::Phone(text)) => risk("phone", text),
        None => Err(Invalid::one("whose", "is missing; send a member, device, ip or phone")),
    }
}

/// Reads a page: `usual` if its size is 0, `most` if it is more.
pub fn page(size: i32, token: &str, usual: usize, most: usize) -> Result<Page, Invalid> {
    let size = usize::try_from(size).map_err(|_| Invalid::one("page_size", "must not be negative"))?;
    let after = match token {
        "" => Some(0),
        token => token.strip_prefix('p').and_then(|digits| u64::from_str_radix(digits, 16).ok()),
    };
    let after = after.ok_or_else(|| Invalid::one("page_token", "is not from an answer of this server"))?;
    Ok(Page { after, limit: if size == 0 { usual } else { size.min(most) } })
}

/// Checks the length of a program text.
pub fn program_text(text: &str) -> Result<(), Invalid> {
    match text.len() {
        bytes if bytes > PROGRAM_BYTES_MAX => {
            Err(Invalid::one("text", format!("has {bytes} bytes; at most {PROGRAM_BYTES_MAX} are allowed")))
        }
        _ => Ok(()),
    }
}

fn name(field: &str, text: String) -> Result<Name, Invalid> {
    match name_problem(field, &text, 1) {
        Some(problem) => Err(Invalid(vec![problem])),
        None => Ok(text.into()),
    }
}
