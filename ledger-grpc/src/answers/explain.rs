//! Explain: why events came to what they did, and where balances come from.

use super::{find_outcome, names_in_log, words_of};
use crate::proto::{self, rule_explained};
use crate::wire::{self, LOTS_SHOWN, Names, Which};
use ledger_core::account::{Account, Posting};
use ledger_core::explain::RuleOutcome;
use ledger_core::program::Wallet;
use ledger_core::record::{Cause, Record};
use ledger_core::units::{Position, TermNo};
use ledger_store::{Explained, Handle, MemberView, Moment, ReadError};

/// Why nothing can be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// There is no such member.
    Member,
    /// The program has no such wallet.
    Wallet,
    /// No event of this source and id was recorded.
    Event,
    /// The log does not go that far.
    Record,
    /// No checkpoint is signed over it.
    Checkpoint,
}

/// Why a record is what it is.
///
/// # Errors
/// [`ReadError`].
pub fn event(store: &Handle, which: &Which) -> Result<Result<proto::ExplainEventResponse, Unknown>, ReadError> {
    let position = match position_of(store, which)? {
        Ok(position) => position,
        Err(unknown) => return Ok(Err(unknown)),
    };
    let Some(Explained { record, before, why, .. }) = store.explain(position)? else {
        return Ok(Err(Unknown::Record));
    };
    let names = names_in_log(store, wire::people_of_record(&record))?;
    let told = wire::step(position, &record, &before, &names);
    let rule = |(rule, rule_outcome): &(TermNo, RuleOutcome)| proto::RuleExplained {
        rule: names.term(*rule),
        rule_outcome: Some(match rule_outcome {
            RuleOutcome::Applied(trace) => rule_explained::RuleOutcome::Applied(wire::trace(trace, &names)),
            RuleOutcome::Unmet(condition) => rule_explained::RuleOutcome::Unmet(condition.name().to_owned()),
        }),
    };
    let ground = |(name, points): &(&str, i64)| proto::Factor { name: (*name).to_owned(), points: *points };
    Ok(Ok(proto::ExplainEventResponse {
        record: told.record,
        before: told.after,
        token: told.token,
        rules: why.rules.iter().map(rule).collect(),
        factors: why.factors.iter().map(ground).collect(),
    }))
}

/// Where the record stands that is asked for.
///
/// # Errors
/// [`ReadError`].
pub fn position_of(store: &Handle, which: &Which) -> Result<Result<Position, Unknown>, ReadError> {
    store.ask(|moment| find(moment, which)).wait()?
}

fn find(moment: &mut Moment<'_>, which: &Which) -> Result<Result<Position, Unknown>, ReadError> {
    match which {
        Which::Event(asked) => Ok(find_outcome(moment, asked)?.map(|outcome| outcome.position).ok_or(Unknown::Event)),
        Which::Position { position, member } => {
            let is_there = (Position(1)..=moment.position()).contains(position);
            let is_meant = is_there && (member.is_empty() || moment.is_of(*position, member)?);
            Ok(if is_meant { Ok(*position) } else { Err(Unknown::Record) })
        }
    }
}

/// Where every point comes from that a member has of a wallet; the program's first if `wallet` is empty.
///
/// # Errors
/// [`ReadError`].
pub fn balance(
    store: &Handle,
    name: &str,
    wallet: &str,
) -> Result<Result<proto::ExplainBalanceResponse, Unknown>, ReadError> {
    let found = store.ask(|moment| Some((moment.member(name)?, words_of(moment)))).wait()?;
    let Some((view, names)) = found else { return Ok(Err(Unknown::Member)) };
    let named = |one: &&Wallet| wallet.is_empty() || names.term(one.id) == wallet;
    let Some(wallet) = view.program.iter().flat_map(|program| program.wallets()).find(named).map(|wallet| wallet.id)
    else {
        return Ok(Err(Unknown::Wallet));
    };
    let purse = wire::purse(&view.member, wallet, &names, LOTS_SHOWN);
    let mut origins = Vec::with_capacity(purse.lots.len());
    for lot in &purse.lots {
        let Some(id) = lot.id else {
            // Something due made it that no record tells yet.
            origins.push(proto::Origin { points: lot.points, ..proto::Origin::default() });
            continue;
        };
        let position = Position(id.position);
        let records = store.records(Position(id.position.saturating_sub(1)), 1)?;
        let posting = |record: &Record| record.verdict.postings.get(id.line as usize).copied();
        let found = records.first().and_then(|(_, record)| Some((record, posting(record)?)));
        origins.extend(found.map(|(record, posting)| origin(position, record, &posting, posting.points.0, &names)));
    }
    Ok(Ok(proto::ExplainBalanceResponse {
        position: view.position.0,
        token: wire::token(view.position, &names),
        at: wire::stamp(view.at),
        debts: if purse.debt == 0 { Vec::new() } else { debts(store, &view, wallet, &names)? },
        purse: Some(purse),
        origins,
    }))
}

/// What was owed and repaid since nothing last was.
fn debts(store: &Handle, view: &MemberView, wallet: TermNo, names: &Names) -> Result<Vec<proto::Origin>, ReadError> {
    let (mut debts, mut owed) = (Vec::new(), 0i64);
    for step in store.replay_no(view.no)?.into_iter().flatten() {
        let step = step?;
        if step.position > view.position {
            break;
        }
        let all = step.record.verdict.postings.iter();
        for posting in all.filter(|one| one.wallet == wallet && one.member == view.no) {
            let points = match (posting.from, posting.to) {
                (Account::Debt, _) => posting.points.0,
                (_, Account::Debt) => -posting.points.0,
                _ => continue,
            };
            owed = owed.saturating_add(points);
            debts.push(origin(step.position, &step.record, posting, points, names));
            if owed == 0 {
                debts.clear();
            }
        }
    }
    Ok(debts)
}

fn origin(position: Position, record: &Record, posting: &Posting, points: i64, names: &Names) -> proto::Origin {
    let (kind, event) = match record.cause() {
        Cause::Event(event) => {
            let name = proto::EventName { source: event.source.to_string(), id: event.id.to_string() };
            (event.body.kind().name(), Some(name))
        }
        Cause::Timer { timer, .. } => (timer.name(), None),
        // The store hands out no such record.
        Cause::HeldBack => ("", None),
    };
    proto::Origin {
        position: position.0,
        at: wire::stamp(record.at),
        kind: kind.to_owned(),
        event,
        rule: names.term(posting.rule),
        program_version: record.program,
        points,
    }
}
