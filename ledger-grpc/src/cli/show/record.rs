//! Records: what was said or due, what moved, and why.

use super::super::local::{Local, grouped};
use super::event::body;
use super::member::exchanging;
use super::{lot_name, table, word};
use comfy_table::Table;
use ledger_grpc::proto::{self, Adjustment, TierWhy, change::Change, record::Cause};

/// Postings of one record that are shown; a person reads no more.
const POSTINGS_SHOWN: usize = 6;

/// A table for the steps of a replay.
pub(in crate::cli) fn steps_table() -> Table {
    let header = ["position", "local time", "event", "postings", "why", "available", "tier"];
    table(&header, &[0, 5])
}

/// The row of one step in the replay of a member.
pub(in crate::cli) fn step(step: &proto::ReplayMemberResponse, member: &str, local: &Local) -> [String; 7] {
    let record = step.record.clone().unwrap_or_default();
    let after = step.after.clone().unwrap_or_default();
    [
        record.position.to_string(),
        local.stamp(record.at.as_ref()),
        cause(&record, member, local),
        postings(&record, member, local),
        why(&record, member, local),
        grouped(after.purses.first().map_or(0, |purse| purse.available)),
        after.tier,
    ]
}

/// Whose it is, where it is not the replayed member's.
fn whose(name: &str, member: &str) -> String {
    if name == member || name.is_empty() { String::new() } else { format!("{name}: ") }
}

pub(in crate::cli) fn cause(record: &proto::Record, member: &str, local: &Local) -> String {
    let whose = whose(&record.member, member);
    match &record.cause {
        None => String::new(),
        Some(Cause::Timer(timer)) => {
            let kind = word(timer.kind().as_str_name(), "TIMER_KIND_");
            format!("{whose}{kind} due {}", local.stamp(timer.due.as_ref()))
        }
        Some(Cause::Event(event)) => {
            let (said, at) = (body(event, local), local.stamp(event.occurred_at.as_ref()));
            let late = at != local.stamp(record.at.as_ref());
            if late { format!("{whose}{said}\nof {at}") } else { format!("{whose}{said}") }
        }
    }
}

fn postings(record: &proto::Record, member: &str, local: &Local) -> String {
    let shown = record.postings.iter().take(POSTINGS_SHOWN);
    let mut shown: Vec<String> = shown
        .map(|one| {
            // The postings of a record are its own member's, unless they say whose.
            let owner = if one.member.is_empty() { &record.member } else { &one.member };
            format!("{}{}", whose(owner, member), posting(one, local))
        })
        .collect();
    let rest = record.postings.len().saturating_sub(POSTINGS_SHOWN);
    if rest > 0 {
        shown.push(format!("and {rest} more"));
    }
    shown.join("\n")
}

pub(in crate::cli) fn posting(posting: &proto::Posting, local: &Local) -> String {
    let (from, to) = (posting.source_account(), posting.target_account());
    let account = |account: proto::Account| word(account.as_str_name(), "ACCOUNT_");
    let moved = format!("{} {} -> {}", grouped(posting.points), account(from), account(to));
    match from {
        // What is a fund's is in no lot.
        proto::Account::Issued if to == proto::Account::Donated => moved,
        proto::Account::Donated => moved,
        proto::Account::Issued => match &posting.expires_at {
            Some(at) => format!("{moved}, usable before {}", local.stamp(Some(at))),
            None => format!("{moved}, usable for ever"),
        },
        _ => format!("{moved} {}", lot_name(posting.lot.as_ref())),
    }
}

/// Which rules did it, and what stood in their way.
fn why(record: &proto::Record, member: &str, local: &Local) -> String {
    let mut why = Vec::new();
    if let Some(refused) = &record.refused {
        why.push(format!("refused {}: {}", refused.reason, refused.message));
    }
    why.extend(record.changes.iter().filter_map(|one| joined(one, member)));
    why.extend(record.trace.iter().map(reason));
    let taken =
        record.postings.iter().filter(|one| one.source_account() != proto::Account::Issued && !one.rule.is_empty());
    for posting in taken {
        let earned_by = format!("earned by {}", posting.rule);
        if !why.contains(&earned_by) {
            why.push(earned_by);
        }
    }
    why.extend(record.changes.iter().filter_map(|one| changed(one, member, local)));
    why.join("\n")
}

pub(in crate::cli) fn reason(trace: &proto::Trace) -> String {
    let rule = &trace.rule;
    let granted = grouped(trace.granted);
    match trace.adjustment() {
        Adjustment::Unspecified | Adjustment::None => format!("{rule} {granted}"),
        Adjustment::Limit => format!("{rule} {granted} of {}: {} reached", grouped(trace.computed), trace.limit),
        Adjustment::Review => format!("{rule} {granted}, in review"),
        Adjustment::Denied => format!("{rule} {granted} of {}: denied", grouped(trace.computed)),
        Adjustment::Frozen => format!("{rule} {granted} of {}: the member is frozen", grouped(trace.computed)),
        Adjustment::Closed => format!("{rule} {granted} of {}: the member is closed", grouped(trace.computed)),
        Adjustment::MaxBalance => {
            format!("{rule} {granted} of {}: the most the wallet allows", grouped(trace.computed))
        }
        Adjustment::Beaten => format!("{rule} {granted} of {}: {} gives more", grouped(trace.computed), trace.limit),
        Adjustment::Expired => format!("{rule} {granted} of {}: the wallet's time is over", grouped(trace.computed)),
        Adjustment::Late => {
            let computed = grouped(trace.computed);
            format!("{rule} {granted} of {computed}: told too late, {} is not known any more", trace.limit)
        }
        Adjustment::History => format!("{rule} {granted} of {}: history", grouped(trace.computed)),
        Adjustment::Stock => format!("{} of {rule} asked for, {granted} left", grouped(trace.computed)),
        Adjustment::Price => format!("{} said, {rule} costs {granted}", grouped(trace.computed)),
        Adjustment::Clamped => format!("{rule} {} not there to take back, let go", grouped(-trace.computed)),
    }
}

fn joined(change: &proto::Change, member: &str) -> Option<String> {
    let Some(Change::Registered(one)) = &change.change else { return None };
    Some(format!("{}becomes a member", whose(&one.member, member)))
}

/// What a change adds to the reasons; nothing where the event or the postings say it.
fn changed(change: &proto::Change, member: &str, local: &Local) -> Option<String> {
    let whose = |name: &str| whose(name, member);
    let told = match change.change.as_ref()? {
        Change::ReferredBy(one) => format!("{}brought by {}", whose(&one.member), one.referrer),
        Change::TierSet(one) => format!("{}{}", whose(&one.member), tier_set(one)?),
        Change::StreakSet(one) => {
            let streak = one.streak.clone().unwrap_or_default();
            format!("{} day {}", streak.name, streak.days)
        }
        Change::CaseOpened(one) => {
            let action = word(one.action().as_str_name(), "RISK_ACTION_");
            format!("case opened: {} ({action}), {} {} from {} on", one.rule, one.counter, one.value, one.at_least)
        }
        Change::Deferred(one) => format!("waits for what it speaks of, until {}", local.stamp(one.until.as_ref())),
        Change::PurchaseKept(one) => format!("{}refund {} did not happen", whose(&one.member), one.refund),
        Change::DeferredApplied(one) if one.refused.is_empty() => format!("with what record {} says", one.event),
        Change::DeferredApplied(one) => format!("not what record {} says: {}", one.event, one.refused),
        Change::ExchangeOpened(one) => exchanging(one, local),
        Change::ExchangeClosed(one) => format!("{} {} is open no more", one.exchange, one.reference),
        Change::PendingUntil(one) => match &one.until {
            Some(until) => {
                format!("{}{} waits until {}", whose(&one.member), lot_name(one.lot.as_ref()), local.stamp(Some(until)))
            }
            None => format!("{}{} waits for settlement", whose(&one.member), lot_name(one.lot.as_ref())),
        },
        Change::Visited(one) if one.late => format!("{}may be of a visit that is forgotten", whose(&one.member)),
        Change::Visited(one) if one.began_at != one.until => {
            format!("{}visit since {}", whose(&one.member), local.stamp(one.began_at.as_ref()))
        }
        Change::ToldLate(one) => {
            format!("{}told late: happened on {}, before {}", whose(&one.member), one.day, one.since)
        }
        Change::Proposed(one) => {
            format!("waits for others to approve it, until {}", local.stamp(one.lapses_at.as_ref()))
        }
        Change::ProposalApproved(one) => format!("{} stands for proposal {} as well", one.by, one.proposal),
        Change::ProposalEnded(one) => format!("proposal {} is open no more", one.proposal),
        Change::ItemRedeemed(one) => format!("{} of {} for {}", one.pieces, one.item, grouped(one.points)),
        Change::CaseJoined(one) => format!("joins case {}", one.case_position),
        Change::CaseClosed(one) => {
            format!("case {} closed: {}", one.case_position, word(one.finding().as_str_name(), "FINDING_"))
        }
        Change::Enrolled(one) if one.birthday_corrected => "the birthday is another".to_owned(),
        Change::Registered(_)
        | Change::Enrolled(_)
        | Change::AttributeSet(_)
        | Change::Counted(_)
        | Change::HoldOpened(_)
        | Change::HoldClosed(_)
        | Change::HoldExtended(_)
        | Change::ActivityExpirySet(_)
        | Change::Visited(_)
        | Change::Expiring(_) => return None,
    };
    Some(told)
}

fn tier_set(one: &proto::TierSet) -> Option<String> {
    let why = match one.why() {
        TierWhy::Joined => return None,
        TierWhy::Unspecified | TierWhy::Progress => "",
        TierWhy::Earned => "earned",
        TierWhy::Granted => "granted",
        TierWhy::Lapsed => "not earned for too long",
        TierWhy::Opened => "came with it",
    };
    if one.previous_tier != one.tier {
        return Some(format!("tier {} -> {}: {why}", one.previous_tier, one.tier));
    }
    let short = !one.unmet_since.is_empty();
    short.then(|| format!("short of {} since {}", one.tier, one.unmet_since))
}
