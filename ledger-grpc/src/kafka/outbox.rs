//! Outbox: what came of every event, read from the log in order and put on a topic as CloudEvents.
//!
//! A record tells any number of outcomes; each has an id that follows from the ledger, the record's
//! position and the outcome's place in it, so a consumer knows one that comes again. How far the outbox
//! is stands in the ledger itself, written after the brokers acknowledged: at least once, never skipped.
//! Messages carry the member's name as key, so a member's outcomes keep the order of the log.
//! Invariant: outcomes of a record are a function of the record; no clock and no program is asked.

use super::Shared;
use super::produce::{Outgoing, Producer};
use crate::instant;
use ledger_core::account::{Account, Posting};
use ledger_core::change;
use ledger_core::change::Change;
use ledger_core::change::LifeChange;
use ledger_core::event::{self, Body, Event, Finding};
use ledger_core::features::tiers::change::TierWhy;
use ledger_core::record::{Cause, Record, Timer};
use ledger_core::trace::Cut;
use ledger_core::units::{At, MemberNo, Position, TermNo};
use ledger_store::{Batch, Cursor, ReadError};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Records that are read and acknowledged together.
const RECORDS_MAX: u64 = 2_000;
/// How long to wait after the log could not be read.
const RETRY: Duration = Duration::from_secs(5);
/// Before the kind of every outcome in the `type` of its CloudEvent.
const TYPE_PREFIX: &str = "ledger.v1.";

/// Sends outcomes until everything ends.
pub(super) fn run(shared: &Arc<Shared>, producer: &Producer, topic: &str) {
    let waker = Arc::downgrade(shared);
    shared.handle.on_commit(Box::new(move |_| {
        if let Some(shared) = waker.upgrade() {
            shared.stop.wake();
        }
    }));
    let outbox = Outbox {
        shared,
        producer,
        topic,
        cursor: format!("outbox:{topic}").into(),
        ledger: shared.handle.risk_key("outbox", "ledger").to_string(),
    };
    let mut sent = None;
    while !shared.stop.asked() {
        match outbox.turn(&mut sent) {
            Ok(true) => {}
            Ok(false) => shared.stop.wait_until(|| sent.is_none_or(|sent| shared.handle.committed() > sent)),
            Err(error) => {
                tracing::error!(%error, "kafka: the outbox cannot read the log");
                shared.stop.wait(RETRY);
            }
        }
    }
}

struct Outbox<'a> {
    shared: &'a Shared,
    producer: &'a Producer,
    topic: &'a str,
    cursor: Box<str>,
    ledger: String,
}

impl Outbox<'_> {
    /// Sends what is new, up to a limit; answers whether there was something.
    fn turn(&self, sent: &mut Option<Position>) -> Result<bool, ReadError> {
        let handle = &self.shared.handle;
        let after = match *sent {
            Some(sent) => sent,
            None => Position(handle.cursor(&self.cursor)?.unwrap_or_default()),
        };
        *sent = Some(after);
        let records = handle.records(after, RECORDS_MAX)?;
        let Some((last, _)) = records.last() else { return Ok(false) };
        let last = *last;
        let told = Told::of(&records, handle.terms(), |members| handle.names(members).wait())?;
        let messages: Vec<Outgoing> =
            records.iter().flat_map(|(position, record)| self.messages(*position, record, &told)).collect();
        if !self.producer.deliver(&messages, &self.shared.stop) {
            return Ok(false);
        }
        let cursors = vec![Cursor { source: self.cursor.clone(), next: last.0 }];
        // If it is not taken the ledger has stopped, and these outcomes are sent again some day.
        let _ = handle.submit_when_room(Batch { events: Vec::new(), cursors }, Box::new(|_| {}));
        self.shared.figures.sent(messages.len(), last);
        *sent = Some(last);
        Ok(true)
    }

    fn messages(&self, position: Position, record: &Record, told: &Told) -> Vec<Outgoing> {
        let all = outcomes(record, told);
        let message = |(n, outcome): (usize, Outcome)| {
            let member = told.name(outcome.member);
            let cloud = json!({
                "specversion": "1.0",
                "id": format!("{}-{position}-{n}", self.ledger),
                "source": format!("/ledger/{}", self.ledger),
                "type": format!("{TYPE_PREFIX}{}", outcome.kind),
                "time": instant::show(record.at),
                "subject": member,
                "datacontenttype": "application/json",
                "data": outcome.data(position, record),
            });
            Outgoing {
                topic: self.topic.into(),
                key: (!member.is_empty()).then(|| member.as_bytes().into()),
                value: Some(cloud.to_string().into_bytes().into()),
                headers: vec![("content-type".into(), b"application/cloudevents+json; charset=UTF-8"[..].into())],
            }
        };
        all.into_iter().enumerate().map(message).collect()
    }
}

/// The words and names with which numbers are told.
struct Told {
    terms: Arc<Vec<Box<str>>>,
    names: HashMap<MemberNo, Box<str>>,
}

impl Told {
    fn of(
        records: &[(Position, Record)],
        terms: Arc<Vec<Box<str>>>,
        names: impl FnOnce(&[MemberNo]) -> Result<Vec<Box<str>>, ReadError>,
    ) -> Result<Told, ReadError> {
        let mut members: Vec<MemberNo> = records.iter().flat_map(|(_, record)| record.members()).collect();
        members.sort_unstable();
        members.dedup();
        let names = names(&members)?;
        Ok(Told { terms, names: members.into_iter().zip(names).collect() })
    }

    fn term(&self, term: TermNo) -> Value {
        let word = usize::from(term.0).checked_sub(1).and_then(|at| self.terms.get(at));
        word.map_or(Value::Null, |word| word.as_ref().into())
    }

    fn name(&self, member: MemberNo) -> &str {
        self.names.get(&member).map_or("", |name| name)
    }

    fn members(&self, members: &[MemberNo]) -> Value {
        members.iter().map(|no| self.name(*no)).collect()
    }
}

/// One thing that came of a record.
#[derive(Debug, PartialEq)]
struct Outcome {
    kind: &'static str,
    member: MemberNo,
    more: Map<String, Value>,
}

impl Outcome {
    fn of(kind: &'static str, member: MemberNo, more: Value) -> Outcome {
        let Value::Object(more) = more else { return Outcome { kind, member, more: Map::new() } };
        Outcome { kind, member, more }
    }

    fn data(self, position: Position, record: &Record) -> Value {
        let mut data = self.more;
        data.insert("position".into(), position.0.into());
        data.insert("cause".into(), cause(&record.cause));
        data.insert("program".into(), record.program.into());
        if self.member == record.member() {
            data.insert("available".into(), record.verdict.available.0.into());
        }
        data.into()
    }
}

fn cause(cause: &Cause) -> Value {
    match cause {
        Cause::Event(event) => json!({
            "kind": event.body.kind().name(), "source": event.source, "id": event.id,
            "occurred_at": instant::show(event.occurred_at),
        }),
        Cause::Timer { due, timer, .. } => {
            json!({ "timer": timer.name(), "due": instant::show(*due) })
        }
    }
}

/// Everything that came of a record, in an order that follows from it.
fn outcomes(record: &Record, told: &Told) -> Vec<Outcome> {
    let verdict = &record.verdict;
    let refused = verdict.refusal.map(|refusal| {
        let mut why = json!({ "reason": refusal.reason(), "why": refusal.to_string() });
        if let Some(lacks) = verdict.trace.first() {
            let what = if lacks.cut == Cut::Price { "points" } else { "pieces" };
            why["lacking"] = json!({ "item": told.term(lacks.rule), what: lacks.granted.0 });
        }
        Outcome::of("event.rejected", record.member(), why)
    });
    let limits = verdict.trace.iter().filter(|_| verdict.refusal.is_none()).filter_map(|trace| {
        let Cut::Limit { limit } = trace.cut else { return None };
        let more = json!({
            "rule": told.term(trace.rule), "limit": told.term(limit),
            "computed": trace.computed.0, "granted": trace.granted.0,
        });
        Some(Outcome::of("limit.hit", record.member(), more))
    });
    let changes = verdict.changes.iter().filter_map(|change| changed(change, record, told));
    let mut all: Vec<Outcome> = refused.into_iter().collect();
    all.extend(movements(record, told));
    all.extend(limits);
    all.extend(changes);
    all
}

/// Postings of one member, kind and rule that stand beside each other are one outcome.
fn movements(record: &Record, told: &Told) -> Vec<Outcome> {
    let same = |one: &Posting, other: &Posting| {
        let what = |posting: &Posting| (posting.member, moved(posting, &record.cause), posting.rule, posting.wallet);
        what(one) == what(other)
    };
    let outcome = |group: &[Posting]| {
        let first = group.first()?;
        // They come back in the same record, with another date.
        if first.to == Account::Moved && extends(&record.cause) {
            return None;
        }
        let points: i64 = group.iter().map(|posting| posting.points.0).sum();
        let slice = |posting: &Posting| {
            json!({
                "points": posting.points.0, "source_account": posting.from.name(),
                "target_account": posting.to.name(),
                "lot": posting.lot.to_string(), "expires_at": at(posting.expires_at),
            })
        };
        let slices: Vec<Value> = group.iter().map(slice).collect();
        let (wallet, rule) = (told.term(first.wallet), told.term(first.rule));
        let more = json!({ "wallet": wallet, "points": points, "rule": rule, "postings": slices });
        Some(Outcome::of(moved(first, &record.cause), first.member, more))
    };
    record.verdict.postings.chunk_by(same).filter_map(outcome).collect()
}

fn at(instant: At) -> Value {
    if instant >= At::WITH_SPELL { Value::Null } else { instant::show(instant).into() }
}

/// Whether points are put down again with another date.
fn extends(cause: &Cause) -> bool {
    matches!(cause, Cause::Event(Event { body: Body::Extended(..), .. }))
}

/// The trade's word for a movement of points.
fn moved(posting: &Posting, cause: &Cause) -> &'static str {
    let by_timer = matches!(cause, Cause::Timer { timer: Timer::HoldExpiry, .. });
    match (posting.from, posting.to) {
        (Account::Moved, _) if extends(cause) => "points.extended",
        (Account::Debt, _) => "debt.opened",
        (_, Account::Debt) => "debt.repaid",
        (Account::Held(_), Account::Redeemed) => "hold.captured",
        (_, Account::Redeemed) => "points.spent",
        (_, Account::Expired) => "points.expired",
        (_, Account::ClawedBack) => "points.clawed_back",
        (_, Account::Voided) => "points.voided",
        (_, Account::Debited) => "points.debited",
        (_, Account::Fees) => "points.charged",
        (_, Account::Donated) => "points.donated",
        (_, Account::Exchanging) => "points.exchanging",
        (_, Account::Exchanged) => "points.exchanged",
        (_, Account::Moved) => "points.given",
        (_, Account::Held(_)) => "hold.created",
        (_, Account::Review | Account::Pending) => "points.pended",
        (Account::Held(_), Account::Available) if by_timer => "hold.expired",
        (Account::Held(_), Account::Available) => "hold.released",
        (Account::Review | Account::Pending, Account::Available) => "points.activated",
        (Account::Redeemed | Account::Exchanging, Account::Available) => "points.restored",
        (Account::Moved, Account::Available) => "points.received",
        (Account::Expired, Account::Available) => "points.reinstated",
        (_, Account::Available | Account::Issued) => "points.earned",
    }
}

fn changed(change: &Change, record: &Record, told: &Told) -> Option<Outcome> {
    Some(match change {
        Change::Enrolled(change::Enrolled { member, .. }) => Outcome::of("member.enrolled", *member, Value::Null),
        Change::TierSet(change::TierSet { member, from, to, why, .. }) => {
            let kind = match why {
                TierWhy::Earned | TierWhy::Granted => "tier.upgraded",
                TierWhy::Lapsed => "tier.downgraded",
                TierWhy::Joined | TierWhy::Footing => return None,
            };
            Outcome::of(kind, *member, json!({ "previous_tier": told.term(*from), "tier": told.term(*to) }))
        }
        Change::Streak(change::Streak { member, term, count, .. }) => {
            Outcome::of("streak.advanced", *member, json!({ "streak": told.term(*term), "days": count }))
        }
        Change::CaseOpened(case) => {
            let more = json!({
                "rule": told.term(case.rule), "counter": told.term(case.counter), "value": case.value,
                "at_least": case.at_least, "members": told.members(&case.members),
            });
            Outcome::of("fraud.flagged", record.member(), more)
        }
        Change::CaseClosed(change::CaseClosed { case, finding, members }) => {
            let kind = match finding {
                Finding::Legitimate => "fraud.cleared",
                Finding::Fraud => "fraud.confirmed",
            };
            Outcome::of(kind, record.member(), json!({ "case_position": case.0, "members": told.members(members) }))
        }
        Change::ProgramSet(change::ProgramSet) => Outcome::of("program.published", MemberNo::NOBODY, Value::Null),
        Change::HoldExtended(change::HoldExtended { member, expires_at, .. }) => {
            Outcome::of("hold.extended", *member, json!({ "expires_at": at(*expires_at) }))
        }
        Change::Expiring(change::Expiring { member, wallet, expires_at, points }) => {
            let more = json!({ "wallet": told.term(*wallet), "points": points.0, "expires_at": at(*expires_at) });
            Outcome::of("points.expiring", *member, more)
        }
        Change::Spell(change::Spell { member, wallet, until, .. }) => {
            Outcome::of("points.extended", *member, json!({ "wallet": told.term(*wallet), "expires_at": at(*until) }))
        }
        Change::Life(change::Life { member, change }) => match change {
            LifeChange::Frozen(change::Frozen { scope: Some(scope) }) => {
                Outcome::of("member.frozen", *member, json!({ "scope": scope.name() }))
            }
            LifeChange::Frozen(change::Frozen { scope: None }) => Outcome::of("member.unfrozen", *member, Value::Null),
            LifeChange::Closed(change::Closed) => Outcome::of("member.closed", *member, Value::Null),
            LifeChange::AliasLinked(change::AliasLinked { kind, .. }) => {
                Outcome::of("member.alias_linked", *member, json!({ "kind": kind }))
            }
            LifeChange::AliasUnlinked(..) => Outcome::of("member.alias_unlinked", *member, Value::Null),
            // The points themselves say it.
            LifeChange::Gave(..) | LifeChange::Received(..) => return None,
            LifeChange::MergedInto(change::MergedInto { member: into }) => {
                Outcome::of("member.merged", *member, json!({ "into": into.0 }))
            }
            LifeChange::Unmerged(change::Unmerged) => Outcome::of("member.unmerged", *member, Value::Null),
            // Said of the other.
            LifeChange::Absorbed(..)
            | LifeChange::Released(..)
            | LifeChange::MemberJoined(..)
            | LifeChange::MemberLeft(..) => return None,
            LifeChange::HouseholdJoined(change::HouseholdJoined { household }) => {
                Outcome::of("member.household_joined", *member, json!({ "household": household.0 }))
            }
            LifeChange::HouseholdLeft(change::HouseholdLeft) => {
                Outcome::of("member.household_left", *member, Value::Null)
            }
            LifeChange::ExchangeOpened(open) => {
                let more = json!({
                    "exchange": told.term(open.exchange), "reference": open.reference, "inward": open.inward,
                    "wallet": told.term(open.wallet), "points": open.points.0, "units": open.units,
                    "lapses_at": at(open.lapses_at),
                });
                Outcome::of("exchange.opened", *member, more)
            }
            LifeChange::ExchangeClosed(change::ExchangeClosed { exchange, reference }) => {
                let accepted = matches!(
                    &record.cause,
                    Cause::Event(Event {
                        body: Body::ExchangeSettled(event::ExchangeSettled { accepted: true, .. }),
                        ..
                    })
                );
                let more = json!({ "exchange": told.term(*exchange), "reference": reference, "accepted": accepted });
                Outcome::of("exchange.closed", *member, more)
            }
            LifeChange::Proposed(change::Proposed { hand, wallet, points, by, lapses_at }) => {
                let more = json!({
                    "hand": hand.name(), "wallet": told.term(*wallet), "points": points.0, "by": by,
                    "lapses_at": at(*lapses_at),
                });
                Outcome::of("proposal.opened", *member, more)
            }
            LifeChange::Approved(change::Approved { proposal, by }) => {
                Outcome::of("proposal.approved", *member, json!({ "proposal": proposal.0, "by": by }))
            }
            LifeChange::ProposalEnded(change::ProposalEnded { proposal }) => {
                let carried_out = !record.verdict.postings.is_empty();
                let kind = if carried_out { "proposal.carried_out" } else { "proposal.withdrawn" };
                Outcome::of(kind, *member, json!({ "proposal": proposal.0 }))
            }
        },
        Change::Redeemed(change::Redeemed { member, points, item: Some(piece), .. }) => {
            let pieces = piece.in_points(*points);
            Outcome::of(
                "item.redeemed",
                *member,
                json!({ "item": told.term(piece.item), "pieces": pieces, "points": points.0 }),
            )
        }
        Change::Registered(..)
        | Change::AttributeSet(..)
        | Change::Purchased(..)
        | Change::Refunded(..)
        | Change::ReferredBy(..)
        | Change::Counted(..)
        | Change::Active(..)
        | Change::HoldOpened(..)
        | Change::HoldClosed(..)
        | Change::CaseJoined(..)
        | Change::Redeemed(..)
        | Change::RedeemRefunded(..)
        | Change::TermsAdded(..)
        | Change::LineReturned(..)
        | Change::Parked(..)
        | Change::Unparked(..)
        | Change::Waits(..)
        | Change::Visited(..)
        | Change::TierCounted(..)
        | Change::ReminderSet(..)
        | Change::Lapsed(..)
        | Change::Reinstated(..) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger_core::event::{Body, Event, RiskKeys};
    use ledger_core::features::items::state::Piece;
    use ledger_core::memory::Memory;
    use ledger_core::record::Verdict;
    use ledger_core::refusal::Refusal;
    use ledger_core::trace::Trace;
    use ledger_core::units::{Day, LotId, Points};

    const AT: At = At(1_772_323_200_000);
    const PROGRAM: &str = "id = \"p\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n\
        [transfer]\nmin = 1\nfee = \"10%\"\n";

    #[test]
    fn a_gift_tells_what_was_given_what_it_cost_and_what_came() {
        let mut memory = Memory::new();
        let mut say = |id: &str, member: &str, body| {
            let keys = RiskKeys::default();
            let (source, occurred_at) = ("till".into(), At(1_767_225_600_000));
            let event = Event { source, id: id.into(), occurred_at, member: member.into(), keys, origin: None, body };
            memory.submit(event, occurred_at).expect("the ledger works")
        };
        say("1", "", Body::ProgramPublished(event::ProgramPublished { text: PROGRAM.into() }));
        say("2", "Ada", Body::Enrolled(event::Enrolled { birthday: None }));
        say("3", "Ada", Body::credit(Points(50), "sorry"));
        say("4", "Bob", Body::Enrolled(event::Enrolled { birthday: None }));
        let gift = Body::Transfer(event::Transfer {
            to: "Bob".into(),
            wallet: "".into(),
            points: Points(40),
            note: "".into(),
        });
        let position = say("5", "Ada", gift).position;
        let record = memory.record(position).expect("it is in the log");
        let names = HashMap::from([(MemberNo(1), "Ada".into()), (MemberNo(2), "Bob".into())]);
        let told = Told { terms: Arc::new(memory.state.shared.terms.clone()), names };
        let told: Vec<_> = outcomes(&record, &told).into_iter().map(|one| (one.kind, one.member, one.more)).collect();
        let points: Vec<_> =
            told.iter().map(|(kind, member, more)| (*kind, member.0, more["points"].clone())).collect();
        let expected =
            [("points.charged", 1, 4.into()), ("points.given", 1, 36.into()), ("points.received", 2, 36.into())];
        assert_eq!(points, expected);
        assert_ne!(told[1].2["postings"][0]["lot"], told[2].2["postings"][0]["lot"], "what came is a new lot");
    }

    #[test]
    fn what_is_redeemed_of_an_item_is_told_and_what_a_refused_one_lacks() {
        let (member, item) = (MemberNo(1), Piece { item: TermNo(1), taken: TermNo(1), points: Points(20) });
        let (wallet, day) = (TermNo(1), Day(20_454));
        let redeemed = Change::Redeemed(change::Redeemed {
            member,
            wallet,
            order: 0,
            day,
            points: Points(60),
            forget_before: day,
            item: Some(item),
        });
        let told = told_of(Vec::new(), vec![redeemed]);
        assert_eq!(told, [("item.redeemed", json!({ "item": "points", "pieces": 3, "points": 60 }))]);
        for (cut, what) in [(Cut::Stock, "pieces"), (Cut::Limit { limit: TermNo(1) }, "pieces"), (Cut::Price, "points")]
        {
            let trace = Trace { rule: TermNo(1), computed: Points(9), granted: Points(7), cut };
            let verdict = Verdict { refusal: Some(Refusal::ItemSoldOut), trace: vec![trace], ..Verdict::default() };
            let told = told_by(verdict);
            let [(kind, more)] = told.as_slice() else { panic!("one outcome, and no limit is hit") };
            assert_eq!((*kind, &more["lacking"]), ("event.rejected", &json!({ "item": "points", what: 7 })));
        }
    }

    fn told_of(postings: Vec<Posting>, changes: Vec<Change>) -> Vec<(&'static str, Value)> {
        told_by(Verdict { postings, changes, ..Verdict::default() })
    }

    fn told_by(verdict: Verdict) -> Vec<(&'static str, Value)> {
        let terms = Arc::new(vec!["points".into()]);
        let told = Told { terms, names: HashMap::from([(MemberNo(1), "anna".into())]) };
        let cause = Cause::Timer { member: MemberNo(1), due: AT, timer: Timer::Reminder };
        let record = Record { at: AT, program: 1, cause, verdict };
        outcomes(&record, &told).into_iter().map(|outcome| (outcome.kind, outcome.more.into())).collect()
    }

    #[test]
    fn how_points_die_and_live_again_is_told() {
        let (member, wallet) = (MemberNo(1), TermNo(1));
        let lives_again = Posting {
            member,
            wallet,
            from: Account::Expired,
            to: Account::Available,
            points: Points(7),
            lot: LotId { position: Position(9), line: 0 },
            expires_at: AT,
            rule: TermNo::NONE,
        };
        let by_activity = Posting { from: Account::Issued, expires_at: At::WITH_SPELL, ..lives_again };
        let changes = vec![
            Change::Expiring(change::Expiring { member, wallet, expires_at: AT, points: Points(5) }),
            Change::ReminderSet(change::ReminderSet { member, wallet, at: AT }),
            Change::Spell(change::Spell { member, wallet, since: Position(2), until: AT }),
        ];
        let told = told_of(vec![lives_again, by_activity], changes);
        let kinds: Vec<&str> = told.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, ["points.reinstated", "points.earned", "points.expiring", "points.extended"]);
        let [_, (_, earned), (_, expiring), (_, extended)] = told.as_slice() else { panic!("four outcomes") };
        assert_eq!(earned["postings"][0]["expires_at"], Value::Null, "the spell says until when");
        assert_eq!(*expiring, json!({ "wallet": "points", "points": 5, "expires_at": "2026-03-01T00:00:00Z" }));
        assert_eq!(*extended, json!({ "wallet": "points", "expires_at": "2026-03-01T00:00:00Z" }));
    }
}
