//! What the ledger tells: its own types as messages, in words and names instead of numbers.
//!
//! Every match on an enum of the ledger is exhaustive, so nothing new goes untold by oversight. Lists
//! that could grow without end are cut here.

mod items;
mod member;
mod proposals;

use self::items::{lacking, redeemed, wanted};
pub use self::member::{Portrait, member, purse, spoken_of_with, step};
use self::member::{shown_lot, streak};
use self::proposals::{open_exchange, proposal, proposing};
use super::{CASE_MEMBERS_SHOWN, Invalid, LIST_BYTES_MAX, LOTS_SHOWN, Words};
use crate::proto;
use ledger_core::account::{Account, Posting};
use ledger_core::calendar::show_day;
use ledger_core::change;
use ledger_core::change::Change;
use ledger_core::counter::Key;
use ledger_core::event::{
    self, Body, Event, Finding, Line, LineName, LinePart, LineRefund, OpeningLot, RiskKind, Violation, Who,
};
use ledger_core::features::membership::state::Scope;
use ledger_core::features::risk::change::{Action, CaseOpened};
use ledger_core::features::tiers::change::TierWhy;
use ledger_core::lots::Lot;
use ledger_core::member::Streak;
use ledger_core::outcome::Outcome;
use ledger_core::program::Fault;
use ledger_core::record::{Cause, Record, Timer, Verdict};
use ledger_core::refusal::Refusal;
use ledger_core::state::{Case, ProgramRow};
use ledger_core::trace::{Cut, Trace};
use ledger_core::units::{At, LotId, MemberNo, MonthDay, Points, Position, TermNo};
use prost::Message;

/// Tells one outcome.
pub fn outcome(outcome: &Outcome, words: &Words) -> proto::Outcome {
    let available = outcome.available.0;
    let result = match outcome.refusal {
        Some(refusal) => proto::outcome::Result::Refused(refused(refusal, available, outcome.trace.first(), words)),
        None => proto::outcome::Result::Accepted(proto::Accepted {
            trace: outcome.trace.iter().map(|one| trace(one, words)).collect(),
            earned: outcome.earned.0,
            available,
            also_earned: outcome.also.iter().map(|one| wallet_points(*one, words)).collect(),
            waiting: outcome.waits.iter().map(|one| waiting(*one, words)).collect(),
            parked: outcome.parked,
            proposed: outcome.proposed,
        }),
    };
    proto::Outcome {
        position: outcome.position.0,
        at: stamp(outcome.at),
        duplicate: outcome.duplicate,
        result: Some(result),
    }
}

fn wallet_points((wallet, points): (TermNo, Points), words: &Words) -> proto::WalletPoints {
    proto::WalletPoints { wallet: words.term(wallet), points: points.0 }
}

fn waiting((wallet, points, until): (TermNo, Points, At), words: &Words) -> proto::Waiting {
    proto::Waiting { wallet: words.term(wallet), points: points.0, until: stamp(until) }
}

/// Tells the outcomes of a batch, the invalid in their places.
pub fn outcomes(judged: &[Outcome], invalid: Vec<(usize, Invalid)>, words: &Words) -> Vec<proto::Outcome> {
    let total = judged.len() + invalid.len();
    let mut answers = Vec::with_capacity(total);
    let (mut judged, mut invalid) = (judged.iter(), invalid.into_iter().peekable());
    let mut bytes = 0;
    while answers.len() < total {
        let answer = match invalid.next_if(|(at, _)| *at == answers.len()) {
            Some((_, found)) => unrecorded(found),
            None => match judged.next() {
                Some(one) => fit_trace(outcome(one, words), bytes),
                None => break,
            },
        };
        bytes += answer.encoded_len();
        answers.push(answer);
    }
    answers
}

fn fit_trace(mut answer: proto::Outcome, bytes: usize) -> proto::Outcome {
    if let Some(proto::outcome::Result::Accepted(accepted)) = &mut answer.result
        && bytes > LIST_BYTES_MAX
    {
        accepted.trace.clear();
    }
    answer
}

fn unrecorded(invalid: Invalid) -> proto::Outcome {
    let field = |one: Violation| proto::FieldViolation { field: one.field, problem: one.problem };
    let violations = invalid.0.into_iter().map(field).collect();
    let result = proto::outcome::Result::Invalid(proto::Invalid { violations });
    proto::Outcome { result: Some(result), ..proto::Outcome::default() }
}

fn refused(refusal: Refusal, available: i64, lacks: Option<&Trace>, words: &Words) -> proto::Refused {
    proto::Refused {
        reason: refusal.reason().to_owned(),
        message: refusal.to_string(),
        retry_may_succeed: refusal.retry_may_succeed(),
        available,
        lacking: lacks.map(|trace| lacking(trace, words)),
    }
}

/// Tells what a rule came to.
pub fn trace(trace: &Trace, words: &Words) -> proto::Trace {
    let cut = match trace.cut {
        Cut::None => proto::Cut::None,
        Cut::Limit { .. } => proto::Cut::Limit,
        Cut::Review => proto::Cut::Review,
        Cut::Denied => proto::Cut::Denied,
        Cut::Frozen => proto::Cut::Frozen,
        Cut::Closed => proto::Cut::Closed,
        Cut::MaxBalance => proto::Cut::MaxBalance,
        Cut::Clamped => proto::Cut::Clamped,
        Cut::Beaten { .. } => proto::Cut::Beaten,
        Cut::Expired => proto::Cut::Expired,
        Cut::Stock => proto::Cut::Stock,
        Cut::Price => proto::Cut::Price,
    };
    proto::Trace {
        rule: words.term(trace.rule),
        computed: trace.computed.0,
        granted: trace.granted.0,
        cut: cut.into(),
        limit: match trace.cut {
            Cut::Limit { limit } => words.term(limit),
            Cut::Beaten { by } => words.term(by),
            _ => String::new(),
        },
    }
}

/// Tells what would come of a redemption.
pub fn quoted(verdict: &Verdict, position: Position, words: &Words) -> proto::QuoteResponse {
    let result = match verdict.refusal {
        Some(refusal) => {
            let lacks = verdict.trace.first();
            proto::quote_response::Result::Refused(refused(refusal, verdict.available.0, lacks, words))
        }
        None => {
            let spent = || verdict.postings.iter().filter(|posting| posting.to == Account::Redeemed);
            let lot = |one: &Posting| Lot { expires_at: one.expires_at, id: one.lot, left: one.points };
            let lots = spent().take(LOTS_SHOWN).map(|one| shown_lot(&lot(one))).collect();
            let (lots_count, available) = (count(spent().count()), verdict.available.0);
            proto::quote_response::Result::Quoted(proto::Quoted { lots, lots_count, available })
        }
    };
    proto::QuoteResponse { result: Some(result), position: position.0 }
}

/// Tells many members, each under the name that was asked for.
pub fn maybe_member(name: &str, member: Option<proto::Member>) -> proto::MaybeMember {
    proto::MaybeMember { name: name.to_owned(), member }
}

fn lot_id(id: LotId) -> Option<proto::LotId> {
    (id.position != Position::UNRECORDED).then(|| proto::LotId { position: id.position.0, line: id.line.into() })
}

fn attribute(term: TermNo, value: i64, words: &Words) -> proto::Attribute {
    proto::Attribute { name: words.term(term), value }
}

fn told_month_day(at: MonthDay) -> proto::MonthDay {
    proto::MonthDay { month: at.month.into(), day: at.day.into() }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Absent for [`At::NEVER`].
pub fn stamp(at: At) -> Option<prost_types::Timestamp> {
    let nanos = i32::try_from(at.0.rem_euclid(1000) * 1_000_000).unwrap_or(0);
    (at < At::WITH_SPELL).then(|| prost_types::Timestamp { seconds: at.0.div_euclid(1000), nanos })
}

/// Every member whose name is needed to tell a record.
pub fn spoken_of(record: &Record) -> Vec<MemberNo> {
    let mut all = record.members();
    if let Cause::Event(event) = &record.cause {
        all.extend(event.body.other().and_then(|who| who.no()));
    }
    all.extend(record.verdict.changes.iter().filter_map(|change| match change {
        Change::ReferredBy(change::ReferredBy { referrer, .. }) => Some(*referrer),
        Change::CaseOpened(CaseOpened { key: Key::Member(no), .. }) => Some(*no),
        _ => None,
    }));
    all
}

/// Every member whose name is needed to tell a case.
pub fn members_of_case(case: &Case) -> impl Iterator<Item = MemberNo> + '_ {
    let own = match case.opened.key {
        Key::Member(no) => Some(no),
        Key::Risk(_) => None,
    };
    case.opened.members.iter().take(CASE_MEMBERS_SHOWN).copied().chain(own)
}

/// Tells a record.
pub fn record(position: Position, record: &Record, words: &Words) -> proto::Record {
    let verdict = &record.verdict;
    let own = record.member();
    let cause = match &record.cause {
        Cause::Event(event) => proto::record::Cause::Event(said(event, words)),
        Cause::Timer { member, due, timer } => proto::record::Cause::Timer(proto::Timer {
            member: words.name(*member),
            due: stamp(*due),
            kind: timer_kind(*timer).into(),
        }),
    };
    proto::Record {
        position: position.0,
        at: stamp(record.at),
        program_version: record.program,
        cause: Some(cause),
        refused: verdict.refusal.map(|no| refused(no, verdict.available.0, verdict.trace.first(), words)),
        postings: verdict.postings.iter().map(|one| posting(one, own, words)).collect(),
        changes: verdict.changes.iter().filter_map(|one| change(position, one, words)).collect(),
        trace: verdict.trace.iter().map(|one| trace(one, words)).collect(),
        available: verdict.available.0,
        member: words.name(own),
        alias: match &record.cause {
            Cause::Event(Event { member: Who::Alias(_, key), .. }) => key.to_string(),
            Cause::Event(_) | Cause::Timer { .. } => String::new(),
        },
    }
}

fn timer_kind(timer: Timer) -> proto::TimerKind {
    match timer {
        Timer::Activation => proto::TimerKind::Activation,
        Timer::Expiry => proto::TimerKind::Expiry,
        Timer::HoldExpiry => proto::TimerKind::HoldExpiry,
        Timer::Tier => proto::TimerKind::Tier,
        Timer::Inactivity => proto::TimerKind::Inactivity,
        Timer::Reminder => proto::TimerKind::Reminder,
        Timer::ExchangeLapse => proto::TimerKind::ExchangeLapse,
    }
}

pub(super) fn account(account: Account) -> proto::Account {
    match account {
        Account::Issued => proto::Account::Issued,
        Account::Redeemed => proto::Account::Redeemed,
        Account::Expired => proto::Account::Expired,
        Account::ClawedBack => proto::Account::ClawedBack,
        Account::Voided => proto::Account::Voided,
        Account::Debited => proto::Account::Debited,
        Account::Available => proto::Account::Available,
        Account::Review => proto::Account::Review,
        Account::Held(_) => proto::Account::Held,
        Account::Debt => proto::Account::Debt,
        Account::Moved => proto::Account::Moved,
        Account::Fees => proto::Account::Fees,
        Account::Donated => proto::Account::Donated,
        Account::Pending => proto::Account::Pending,
        Account::Exchanging => proto::Account::Exchanging,
        Account::Exchanged => proto::Account::Exchanged,
    }
}

fn posting(posting: &Posting, own: MemberNo, words: &Words) -> proto::Posting {
    let hold_no = match (posting.from, posting.to) {
        (Account::Held(no), _) | (_, Account::Held(no)) => no,
        _ => 0,
    };
    proto::Posting {
        member: if posting.member == own { String::new() } else { words.name(posting.member) },
        source_account: account(posting.from).into(),
        target_account: account(posting.to).into(),
        points: posting.points.0,
        lot: lot_id(posting.lot),
        expires_at: stamp(posting.expires_at),
        rule: words.term(posting.rule),
        hold_no,
        wallet: words.term(posting.wallet),
    }
}

fn who(who: &Who, words: &Words) -> String {
    match who {
        Who::Nobody => String::new(),
        Who::Known(no) | Who::Alias(no, _) => words.name(*no),
        Who::Unknown(hash) => hash.to_string(),
    }
}

/// Of an alias the ledger knows no more than its hash; where it was a member's own name, that.
fn alias(who: &Who, words: &Words) -> String {
    match who {
        Who::Nobody => String::new(),
        Who::Known(no) => words.name(*no),
        Who::Unknown(hash) | Who::Alias(_, hash) => hash.to_string(),
    }
}

fn said(event: &Event<Who>, words: &Words) -> proto::Event {
    let hash = |kind| event.keys.get(kind).map(|key| key.to_string()).unwrap_or_default();
    let origin = event.origin.as_deref().cloned().unwrap_or_default();
    proto::Event {
        source: event.source.to_string(),
        id: event.id.to_string(),
        occurred_at: stamp(event.occurred_at),
        member: who(&event.member, words),
        device: hash(RiskKind::Device),
        ip: hash(RiskKind::Ip),
        phone: hash(RiskKind::Phone),
        ip_prefix: hash(RiskKind::IpPrefix),
        payment: hash(RiskKind::Payment),
        address: hash(RiskKind::Address),
        channel: origin.channel.into(),
        store: origin.store.into(),
        terminal: origin.terminal.into(),
        employee: origin.employee.into(),
        partner: origin.partner.into(),
        body: Some(said_body(&event.body, words)),
    }
}

fn said_body(body: &Body<Who>, words: &Words) -> proto::event::Body {
    use proto::event::Body as Said;
    match body {
        Body::Enrolled(event::Enrolled { birthday }) => {
            Said::Enrolled(proto::Enrolled { birthday: birthday.map(told_month_day) })
        }
        Body::AttributesSet(event::AttributesSet { attributes }) => {
            let told = |(name, value): &(Box<str>, i64)| proto::Attribute { name: name.to_string(), value: *value };
            Said::AttributesSet(proto::AttributesSet { attributes: attributes.iter().map(told).collect() })
        }
        Body::Purchase(event::Purchase { order, currency, lines, shipping, points_paid }) => {
            Said::Purchase(proto::Purchase {
                order: order.to_string(),
                currency: currency.to_string(),
                lines: lines.iter().map(said_line).collect(),
                shipping: shipping.0,
                points_paid: points_paid.0,
            })
        }
        Body::ExchangeOut(event::ExchangeOut { exchange, reference, points }) => {
            let (exchange, reference) = (exchange.to_string(), reference.to_string());
            Said::ExchangeOut(proto::ExchangeOut { exchange, reference, points: points.0 })
        }
        Body::ExchangeIn(event::ExchangeIn { exchange, reference, units }) => {
            let (exchange, reference) = (exchange.to_string(), reference.to_string());
            Said::ExchangeIn(proto::ExchangeIn { exchange, reference, units: *units })
        }
        Body::ExchangeSettled(event::ExchangeSettled { exchange, reference, accepted }) => {
            let (exchange, reference) = (exchange.to_string(), reference.to_string());
            Said::ExchangeSettled(proto::ExchangeSettled { exchange, reference, accepted: *accepted })
        }
        Body::Settled(event::Settled { order }) => Said::Settled(proto::Settled { order: order.to_string() }),
        Body::Cancelled(event::Cancelled { order }) => Said::Cancelled(proto::Cancelled { order: order.to_string() }),
        Body::Refunded(event::Refunded { order, currency, amount, lines }) => Said::Refunded(proto::Refunded {
            order: order.to_string(),
            currency: currency.to_string(),
            amount: amount.0,
            lines: lines.iter().map(said_line_refund).collect(),
        }),
        Body::CheckIn(event::CheckIn) => Said::CheckIn(proto::CheckIn {}),
        Body::Referral(event::Referral { referee }) => Said::Referral(proto::Referral { referee: who(referee, words) }),
        Body::Redeem(event::Redeem { wallet, points, order, total, item }) => {
            let (item, pieces) = wanted(item.as_deref());
            let (wallet, order, total) = (wallet.to_string(), order.to_string(), total.map(|total| total.0));
            Said::Redeem(proto::Redeem { wallet, points: points.0, order, total, item, pieces })
        }
        Body::Hold(event::Hold { hold, wallet, points, ttl_ms, order, total, item }) => {
            let ((item, pieces), hold) = (wanted(item.as_deref()), hold.to_string());
            let (wallet, order, total) = (wallet.to_string(), order.to_string(), total.map(|total| total.0));
            let ttl = ttl_ms.map(told_duration);
            Said::Hold(proto::Hold { hold, wallet, points: points.0, ttl, order, total, item, pieces })
        }
        Body::HoldExtended(event::HoldExtended { hold, ttl_ms }) => {
            Said::HoldExtended(proto::HoldExtended { hold: hold.to_string(), ttl: ttl_ms.map(told_duration) })
        }
        Body::Transfer(event::Transfer { to, wallet, points, note }) => Said::Transfer(proto::Transfer {
            to: who(to, words),
            points: points.0,
            note: note.to_string(),
            wallet: wallet.to_string(),
        }),
        Body::Imported(event::Imported { wallet, lots }) => {
            let told = |lot: &OpeningLot| proto::OpeningLot {
                points: lot.points.0,
                earned_at: stamp(lot.earned_at),
                expires_at: lot.expires_at.and_then(stamp),
            };
            Said::Imported(proto::Imported { lots: lots.iter().map(told).collect(), wallet: wallet.to_string() })
        }
        Body::Extended(event::Extended { wallet, points, expires_at, reason }) => Said::Extended(proto::Extended {
            points: points.map(|points| points.0),
            expires_at: stamp(*expires_at),
            reason: reason.to_string(),
            wallet: wallet.to_string(),
        }),
        Body::Reinstated(event::Reinstated { wallet, points, expires_at, reason }) => {
            Said::Reinstated(proto::Reinstated {
                points: points.map(|points| points.0),
                expires_at: stamp(*expires_at),
                reason: reason.to_string(),
                wallet: wallet.to_string(),
            })
        }
        Body::RedeemRefunded(event::RedeemRefunded { redemption, points }) => {
            Said::RedeemRefunded(proto::RedeemRefunded {
                redemption: redemption.0,
                points: points.map(|points| points.0),
            })
        }
        Body::Capture(event::Capture { hold, points, last }) => {
            Said::Capture(proto::Capture { hold: hold.to_string(), points: points.map(|points| points.0), last: *last })
        }
        Body::Void(event::Void { hold }) => Said::Void(proto::Void { hold: hold.to_string() }),
        Body::Credit(event::Credit { wallet, points, reason, by }) => Said::Credit(proto::Credit {
            wallet: wallet.to_string(),
            points: points.0,
            reason: reason.to_string(),
            by: by.to_string(),
        }),
        Body::Debit(event::Debit { wallet, points, reason, by }) => Said::Debit(proto::Debit {
            wallet: wallet.to_string(),
            points: points.0,
            reason: reason.to_string(),
            by: by.to_string(),
        }),
        Body::Donate(event::Donate { fund, points }) => {
            Said::Donate(proto::Donate { fund: fund.to_string(), points: points.0 })
        }
        Body::Approved(event::Approved { proposal, by }) => {
            Said::Approved(proto::Approved { proposal: proposal.0, by: by.to_string() })
        }
        Body::Withdrawn(event::Withdrawn { proposal, by, reason }) => {
            let (by, reason) = (by.to_string(), reason.to_string());
            Said::Withdrawn(proto::Withdrawn { proposal: proposal.0, by, reason })
        }
        Body::CaseResolved(event::CaseResolved { case, finding, note }) => Said::CaseResolved(proto::CaseResolved {
            case_position: case.0,
            finding: told_finding(Some(*finding)).into(),
            note: note.to_string(),
        }),
        Body::ProgramPublished(event::ProgramPublished { text }) => {
            Said::ProgramPublished(proto::ProgramPublished { text: text.to_string() })
        }
        Body::Tick(event::Tick { up_to }) => Said::Tick(proto::Tick { up_to: stamp(*up_to) }),
        Body::Frozen(event::Frozen { scope, reason }) => {
            Said::Frozen(proto::Frozen { scope: told_scope(Some(*scope)).into(), reason: reason.to_string() })
        }
        Body::Unfrozen(event::Unfrozen { scope, reason }) => {
            Said::Unfrozen(proto::Unfrozen { scope: told_scope(Some(*scope)).into(), reason: reason.to_string() })
        }
        Body::Closed(event::Closed { reason }) => Said::Closed(proto::Closed { reason: reason.to_string() }),
        Body::AliasLinked(event::AliasLinked { kind, alias: name }) => {
            Said::AliasLinked(proto::AliasLinked { kind: kind.to_string(), name: alias(name, words) })
        }
        Body::Merged(event::Merged { from }) => Said::Merged(proto::Merged { other: who(from, words) }),
        Body::Unmerged(event::Unmerged { from }) => Said::Unmerged(proto::Unmerged { other: who(from, words) }),
        Body::HouseholdJoined(event::HouseholdJoined { household }) => {
            Said::HouseholdJoined(proto::HouseholdJoined { household: who(household, words) })
        }
        Body::HouseholdLeft(event::HouseholdLeft) => Said::HouseholdLeft(proto::HouseholdLeft {}),
        Body::AliasUnlinked(event::AliasUnlinked { kind, alias: name }) => {
            Said::AliasUnlinked(proto::AliasUnlinked { kind: kind.to_string(), name: alias(name, words) })
        }
    }
}

fn said_line(line: &Line) -> proto::Line {
    let detail = line.detail.as_deref().cloned().unwrap_or_default();
    proto::Line {
        sku: line.sku.to_string(),
        quantity: line.quantity,
        net: line.net.0,
        category: detail.category.into(),
        tags: detail.tags.into_iter().map(Into::into).collect(),
        discount: detail.discount.0,
        tax: detail.tax.0,
    }
}

fn said_line_refund(one: &LineRefund) -> proto::LineRefund {
    let mut told = proto::LineRefund::default();
    match &one.line {
        LineName::Place(line) => told.line = Some((*line).into()),
        LineName::Sku(sku) => told.sku = sku.to_string(),
    }
    match one.part {
        LinePart::Items(items) => told.quantity = Some(items),
        LinePart::Amount(amount) => told.amount = Some(amount.0),
    }
    told
}

fn told_duration(ms: i64) -> prost_types::Duration {
    let nanos = i32::try_from(ms.rem_euclid(1000) * 1_000_000).unwrap_or(0);
    prost_types::Duration { seconds: ms.div_euclid(1000), nanos }
}

fn told_scope(scope: Option<Scope>) -> proto::FreezeScope {
    match scope {
        None => proto::FreezeScope::Unspecified,
        Some(Scope::Earn) => proto::FreezeScope::Earn,
        Some(Scope::Redeem) => proto::FreezeScope::Redeem,
        Some(Scope::All) => proto::FreezeScope::All,
    }
}

fn told_finding(finding: Option<Finding>) -> proto::Finding {
    match finding {
        None => proto::Finding::Unspecified,
        Some(Finding::Legitimate) => proto::Finding::Legitimate,
        Some(Finding::Fraud) => proto::Finding::Fraud,
    }
}

/// What the event or the postings tell already is left out.
fn change(position: Position, change: &Change, words: &Words) -> Option<proto::Change> {
    use proto::change::Change as Told;
    let name = |no: &MemberNo| words.name(*no);
    let told = match change {
        Change::Registered(change::Registered { member, .. }) => {
            Told::Registered(proto::Registered { member: name(member) })
        }
        Change::Enrolled(change::Enrolled { member, .. }) => {
            Told::Enrolled(proto::MemberEnrolled { member: name(member) })
        }
        Change::AttributeSet(change::AttributeSet { member, term, value }) => Told::AttributeSet(proto::AttributeSet {
            member: name(member),
            attribute: Some(attribute(*term, *value, words)),
        }),
        Change::ReferredBy(change::ReferredBy { member, referrer }) => {
            Told::ReferredBy(proto::ReferredBy { member: name(member), referrer: name(referrer) })
        }
        Change::Counted(change::Counted { key, term, amount, .. }) => {
            let (member, risk_key) = key_owner(*key, words);
            Told::Counted(proto::Counted { counter: words.term(*term), member, risk_key, amount: *amount })
        }
        Change::TierSet(change::TierSet { member, from, to, unmet_since, due, why }) => Told::TierSet(proto::TierSet {
            member: name(member),
            previous_tier: words.term(*from),
            tier: words.term(*to),
            unmet_since: unmet_since.map(show_day).unwrap_or_default(),
            due: stamp(*due),
            why: tier_why(*why).into(),
        }),
        Change::Streak(change::Streak { member, term, count, day }) => Told::StreakSet(proto::StreakSet {
            member: name(member),
            streak: Some(streak(&Streak { term: *term, count: *count, last: *day }, words)),
        }),
        Change::HoldOpened(change::HoldOpened { member, no, wallet, name: hold, expires_at, .. }) => {
            Told::HoldOpened(proto::HoldOpened {
                wallet: words.term(*wallet),
                member: name(member),
                no: *no,
                name: hold.to_string(),
                expires_at: stamp(*expires_at),
            })
        }
        Change::HoldClosed(change::HoldClosed { member, no }) => {
            Told::HoldClosed(proto::HoldClosed { member: name(member), no: *no })
        }
        Change::HoldExtended(change::HoldExtended { member, no, expires_at }) => {
            Told::HoldExtended(proto::HoldExtension { member: name(member), no: *no, expires_at: stamp(*expires_at) })
        }
        Change::Spell(change::Spell { member, wallet, until, .. }) => {
            Told::Spell(proto::SpellSet { member: name(member), wallet: words.term(*wallet), until: stamp(*until) })
        }
        Change::Expiring(change::Expiring { member, wallet, expires_at, points }) => Told::Expiring(proto::Expiring {
            member: name(member),
            wallet: words.term(*wallet),
            expires_at: stamp(*expires_at),
            points: points.0,
        }),
        Change::CaseOpened(opened) => Told::CaseOpened(evidence(opened, words)),
        Change::CaseJoined(change::CaseJoined { case, members }) => {
            Told::CaseJoined(proto::CaseJoined { case_position: case.0, members: members.iter().map(name).collect() })
        }
        Change::CaseClosed(change::CaseClosed { case, finding, .. }) => {
            Told::CaseClosed(proto::CaseClosed { case_position: case.0, finding: told_finding(Some(*finding)).into() })
        }
        Change::Parked(change::Parked { member, .. }) => Told::Parked(proto::Parked { member: name(member) }),
        Change::Waits(change::Waits { member, wallet, lot, until }) => Told::Waits(proto::Waits {
            member: name(member),
            wallet: words.term(*wallet),
            lot: lot_id(*lot),
            until: stamp(*until),
        }),
        Change::Visited(change::Visited { member, stay, counted }) => Told::Visited(proto::Visited {
            member: name(member),
            began_at: stamp(stay.from),
            until: stamp(stay.until),
            late: stay.late,
            counted: counted
                .iter()
                .map(|(limit, amount)| proto::VisitCount { limit: words.term(*limit), amount: *amount })
                .collect(),
        }),
        Change::Unparked(change::Unparked { member, event, refusal }) => Told::Unparked(proto::Unparked {
            member: name(member),
            event: event.0,
            refused: refusal.map(|refusal| refusal.reason().to_owned()).unwrap_or_default(),
        }),
        Change::Life(change::Life { member, change }) => proposing(position, name(member), change, words)?,
        Change::Redeemed(change::Redeemed { member, points, item: Some(piece), .. }) => {
            Told::ItemRedeemed(redeemed(name(member), *piece, *points, words))
        }
        Change::Purchased(..)
        | Change::Refunded(..)
        | Change::Active(..)
        | Change::TermsAdded(..)
        | Change::ProgramSet(change::ProgramSet)
        | Change::Redeemed(..)
        | Change::RedeemRefunded(..)
        | Change::LineReturned(..)
        | Change::TierCounted(..)
        | Change::ReminderSet(..)
        | Change::Lapsed(..)
        | Change::Reinstated(..) => return None,
    };
    Some(proto::Change { change: Some(told) })
}

fn tier_why(why: TierWhy) -> proto::TierWhy {
    match why {
        TierWhy::Joined => proto::TierWhy::Joined,
        TierWhy::Earned => proto::TierWhy::Earned,
        TierWhy::Granted => proto::TierWhy::Granted,
        TierWhy::Footing => proto::TierWhy::Footing,
        TierWhy::Lapsed => proto::TierWhy::Lapsed,
    }
}

fn key_owner(key: Key, words: &Words) -> (String, String) {
    match key {
        Key::Member(no) => (words.name(no), String::new()),
        Key::Risk(key) => (String::new(), key.to_string()),
    }
}

/// Tells remarks on a program file.
pub fn faults(faults: &[Fault]) -> Vec<proto::Fault> {
    let told =
        |fault: &Fault| proto::Fault { line: fault.line, field: fault.field.clone(), problem: fault.problem.clone() };
    faults.iter().map(told).collect()
}

/// Tells a program as published.
pub fn program(version: u32, row: &ProgramRow) -> proto::ProgramVersion {
    proto::ProgramVersion { version, position: row.position.0, at: stamp(row.at), text: row.text.to_string() }
}

/// Tells a counter.
pub fn counter(
    term: TermNo,
    window: Option<i64>,
    total: i64,
    members: &[MemberNo],
    words: &Words,
) -> proto::CounterValue {
    let members = members.iter().map(|no| words.name(*no)).collect();
    proto::CounterValue { name: words.term(term), window, total, members }
}

/// Tells a risk case.
pub fn case(position: Position, case: &Case, words: &Words) -> proto::Case {
    proto::Case {
        position: position.0,
        opened_at: stamp(case.at),
        evidence: Some(evidence(&case.opened, words)),
        finding: told_finding(case.finding).into(),
    }
}

fn evidence(opened: &CaseOpened, words: &Words) -> proto::CaseEvidence {
    let (member, risk_key) = key_owner(opened.key, words);
    let action = match opened.action {
        Action::Flag => proto::RiskAction::Flag,
        Action::Review => proto::RiskAction::Review,
        Action::Deny => proto::RiskAction::Deny,
    };
    proto::CaseEvidence {
        rule: words.term(opened.rule),
        action: action.into(),
        counter: words.term(opened.counter),
        member,
        risk_key,
        value: opened.value,
        at_least: opened.at_least,
        members: opened.members.iter().take(CASE_MEMBERS_SHOWN).map(|no| words.name(*no)).collect(),
        members_count: count(opened.members.len()),
    }
}

/// Takes what fits into one answer of `items`, of which each says where it stands, and the token for
/// the rest: items beyond `limit` are not for this page.
pub fn fit<M: Message>(items: impl IntoIterator<Item = (u64, M)>, limit: usize) -> (Vec<M>, String) {
    let (mut page, mut bytes, mut last) = (Vec::new(), 0, 0);
    for (at, item) in items {
        bytes += item.encoded_len();
        if page.len() == limit || (bytes > LIST_BYTES_MAX && !page.is_empty()) {
            return (page, format!("p{last:x}"));
        }
        last = at;
        page.push(item);
    }
    (page, String::new())
}
