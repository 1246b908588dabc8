//! Records: why and when, the postings, the changes, and the member after it, as messages.

use super::kinds::encode_change;
use super::member::state;
use super::outcome::{refused, trace};
use super::{Names, Person, event, token, values};
use crate::proto;
use ledger_core::account::{Account, Posting};
use ledger_core::change::{Approved, Change, Life, LifeChange, Proposed, ReferredBy};
use ledger_core::counter::Key;
use ledger_core::event::{Event, MemberRef};
use ledger_core::features::risk::change::CaseOpened;
use ledger_core::member::Member;
use ledger_core::record::{Cause, Record, Timer};
use ledger_core::units::{MemberNo, Position};

/// Everybody whom the answer about a record names.
pub fn people_of_record(record: &Record) -> Vec<Person> {
    let mut all: Vec<Person> = members_of_record(record).into_iter().map(Person::Member).collect();
    if let Cause::Event(event) = record.cause() {
        all.extend(event.staff().map(Person::Staff));
    }
    let stands = record.verdict.changes.iter().filter_map(|change| match change {
        Change::Life(Life { change: LifeChange::Proposed(Proposed { by, .. }), .. })
        | Change::Life(Life { change: LifeChange::Approved(Approved { by, .. }), .. }) => Some(Person::Staff(*by)),
        _ => None,
    });
    all.extend(stands);
    all
}

fn members_of_record(record: &Record) -> Vec<MemberNo> {
    let mut all = record.members();
    if let Cause::Event(event) = record.cause() {
        all.extend(event.body.other().and_then(|who| who.no()));
    }
    all.extend(record.verdict.changes.iter().filter_map(|change| match change {
        Change::ReferredBy(ReferredBy { referrer, .. }) => Some(*referrer),
        Change::CaseOpened(CaseOpened { key: Key::Member(no), .. }) => Some(*no),
        _ => None,
    }));
    all
}

/// A record.
pub fn record(position: Position, record: &Record, names: &Names) -> proto::Record {
    let verdict = &record.verdict;
    let own = record.member();
    let cause = match record.cause() {
        Cause::Event(event) => Some(proto::record::Cause::Event(event::encode(event, names))),
        Cause::Timer { member, due, timer } => Some(proto::record::Cause::Timer(proto::Timer {
            member: names.member(member),
            due: values::stamp(due),
            kind: timer_kind(timer).into(),
        })),
        // The store hands out no such record.
        Cause::HeldBack => None,
    };
    proto::Record {
        position: position.0,
        at: values::stamp(record.at),
        program_version: record.program,
        cause,
        refused: verdict.refusal.map(|no| refused(no, verdict.available.0, verdict.trace.first(), names)),
        postings: verdict.postings.iter().map(|one| posting(one, own, names)).collect(),
        changes: verdict.changes.iter().filter_map(|one| encode_change(position, one, names)).collect(),
        trace: verdict.trace.iter().map(|one| trace(one, names)).collect(),
        available: verdict.available.0,
        member: names.member(own),
        alias: match record.cause() {
            Cause::Event(Event { member: MemberRef::Alias(_, key), .. }) => key.to_string(),
            Cause::Event(_) | Cause::Timer { .. } | Cause::HeldBack => String::new(),
        },
    }
}

/// One step of a replay.
pub fn step(position: Position, of: &Record, after: &Member, names: &Names) -> proto::ReplayMemberResponse {
    let after = state(after, of.verdict.wallet, names);
    proto::ReplayMemberResponse {
        record: Some(record(position, of, names)),
        after: Some(after),
        token: token(position, names),
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
        Timer::WaitOver => proto::TimerKind::WaitOver,
        Timer::Resumption => proto::TimerKind::Resumption,
    }
}

/// Which account.
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

fn posting(posting: &Posting, own: MemberNo, names: &Names) -> proto::Posting {
    let hold_no = match (posting.from, posting.to) {
        (Account::Held(no), _) | (_, Account::Held(no)) => no,
        _ => 0,
    };
    proto::Posting {
        member: if posting.member == own { String::new() } else { names.member(posting.member) },
        source_account: account(posting.from).into(),
        target_account: account(posting.to).into(),
        points: posting.points.0,
        lot: values::lot_id(posting.lot),
        expires_at: values::stamp(posting.expires_at),
        rule: names.term(posting.rule),
        hold_no,
        wallet: names.term(posting.wallet),
    }
}
