//! Requests: what reads ask for, checked.

use super::{Faults, Hash, Invalid, MEMBERS_MAX, values};
use crate::proto::{self, list_counters_request::Whose as Asked};
use ledger_core::event::{Name, PROGRAM_BYTES_MAX, RiskKind};
use ledger_core::units::{At, Position, RiskKey};

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
    /// A device's, or those of another key of risk.
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

/// An event that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventAsked {
    /// Who said it.
    pub source: Name,
    /// Its id.
    pub id: Name,
    /// A name of its member; empty if that is not known.
    pub member: Name,
}

/// Which record is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one at a position.
    Position {
        /// Where it stands.
        position: Position,
        /// A name of its member; empty if that is not known.
        member: Name,
    },
    /// That of an event.
    Event(EventAsked),
}

/// Reads a member's name.
pub fn member_name(text: String) -> Result<Name, Invalid> {
    name("member", text)
}

/// Reads which outcome is asked for.
pub fn event_asked(request: proto::GetOutcomeRequest) -> Result<EventAsked, Invalid> {
    let proto::GetOutcomeRequest { source, id, member, .. } = request;
    let mut faults = Faults::default();
    let source = values::name("source", source, 1, &mut faults);
    let id = values::name("id", id, 1, &mut faults);
    let member = values::name("member", member, 0, &mut faults);
    faults.check(EventAsked { source, id, member })
}

/// Reads which record is to be explained.
pub fn which(request: proto::ExplainEventRequest) -> Result<Which, Invalid> {
    use proto::explain_event_request::Which as Named;
    let mut faults = Faults::default();
    let member = values::name("member", request.member, 0, &mut faults);
    let which = match request.which {
        Some(Named::Position(position)) => Which::Position { position: Position(position), member },
        Some(Named::Event(proto::EventName { source, id })) => {
            let source = values::name("event.source", source, 1, &mut faults);
            let id = values::name("event.id", id, 1, &mut faults);
            Which::Event(EventAsked { source, id, member })
        }
        None => return Err(Invalid::one("which", "is missing; send a position or an event")),
    };
    faults.check(which)
}

/// Reads which record is to be proved.
pub fn which_to_prove(request: proto::GetInclusionProofRequest) -> Result<Which, Invalid> {
    use proto::{explain_event_request::Which as Explained, get_inclusion_proof_request::Which as Proved};
    let named = request.which.map(|which| match which {
        Proved::Position(position) => Explained::Position(position),
        Proved::Event(event) => Explained::Event(event),
    });
    which(proto::ExplainEventRequest { which: named, member: request.member, ..Default::default() })
}

/// Reads the names of many members.
pub fn member_names(texts: Vec<String>) -> Result<Vec<Name>, Invalid> {
    if texts.is_empty() || texts.len() > MEMBERS_MAX {
        return Err(Invalid::one("members", format!("has {}; send 1 to {MEMBERS_MAX}", texts.len())));
    }
    let mut faults = Faults::default();
    let one = |(at, text)| values::name(&format!("members[{at}]"), text, 1, &mut faults);
    let names = texts.into_iter().enumerate().map(one).collect();
    faults.check(names)
}

/// Reads when a member is asked for.
pub fn when(as_of: Option<proto::get_member_request::AsOf>) -> Result<When, Invalid> {
    use proto::get_member_request::AsOf;
    let mut faults = Faults::default();
    let when = match as_of {
        None => When::Now,
        Some(AsOf::Position(position)) => When::Position(Position(position)),
        Some(AsOf::Time(time)) => When::Instant(values::instant("time", Some(time), &mut faults)),
    };
    faults.check(when)
}

/// Reads whose counters are asked for.
pub fn whose(whose: Option<Asked>, hash: Hash<'_>) -> Result<Whose, Invalid> {
    let (kind, text) = match whose {
        Some(Asked::Member(member)) => return member_name(member).map(Whose::Member),
        Some(Asked::Device(text)) => (RiskKind::Device, text),
        Some(Asked::Ip(text)) => (RiskKind::Ip, text),
        Some(Asked::Phone(text)) => (RiskKind::Phone, text),
        Some(Asked::IpPrefix(text)) => (RiskKind::IpPrefix, text),
        Some(Asked::Payment(text)) => (RiskKind::Payment, text),
        Some(Asked::Address(text)) => (RiskKind::Address, text),
        None => {
            let kinds = RiskKind::ALL.map(RiskKind::name).join(", ");
            return Err(Invalid::one("whose", format!("is missing; send a member or one of {kinds}")));
        }
    };
    name(kind.name(), text).map(|text| Whose::Risk(hash(kind.name(), &text)))
}

/// Asks for the counters of a key of risk.
pub fn whose_key(kind: RiskKind, text: String) -> Asked {
    match kind {
        RiskKind::Device => Asked::Device(text),
        RiskKind::Ip => Asked::Ip(text),
        RiskKind::Phone => Asked::Phone(text),
        RiskKind::IpPrefix => Asked::IpPrefix(text),
        RiskKind::Payment => Asked::Payment(text),
        RiskKind::Address => Asked::Address(text),
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
    let mut faults = Faults::default();
    let name = values::name(field, text, 1, &mut faults);
    faults.check(name)
}
