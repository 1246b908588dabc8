//! JSON for machines: the messages of the API, with the names of the fields as in the proto.
//!
//! 64-bit integers are plain numbers, instants are RFC 3339 in UTC, enums are the names of the proto.
//! What is absent is left out or null.

use ledger_grpc::event_json::Line;
use ledger_grpc::instant;
use ledger_grpc::proto::{self, change::Change, record::Cause};
use prost_types::Timestamp;
use serde_json::{Map, Value, json};

fn time(stamp: Option<&Timestamp>) -> Value {
    stamp.map_or(Value::Null, |stamp| instant::show(instant::at(stamp)).into())
}

fn list<T>(items: &[T], of: fn(&T) -> Value) -> Value {
    items.iter().map(of).collect()
}

pub(super) fn totals(totals: &proto::GetTotalsResponse) -> Value {
    let tier = |one: &proto::TierCount| json!({ "tier": one.tier, "members": one.members });
    json!({
        "position": totals.position,
        "at": time(totals.at.as_ref()),
        "wallets": list(&totals.wallets, wallet_totals),
        "members": totals.members,
        "tiers": list(&totals.tiers, tier),
        "refused": totals.refused,
        "duplicates": totals.duplicates,
        "tallies": list(&totals.tallies, tally),
    })
}

fn tally(one: &proto::Tally) -> Value {
    let figure = |one: &proto::Figure| {
        let unit = one.unit().as_str_name();
        json!({ "name": one.name, "amount": one.amount, "unit": unit })
    };
    let proto::Tally { kind, name, wallet, since, figures, max, left } = one;
    let figures = list(figures, figure);
    json!({
        "kind": kind, "name": name, "wallet": wallet, "since": since, "figures": figures, "max": max, "left": left,
    })
}

fn exchange(one: &proto::OpenExchange) -> Value {
    json!({
        "exchange": one.exchange,
        "reference": one.reference,
        "inward": one.inward,
        "wallet": one.wallet,
        "points": one.points,
        "units": one.units,
        "lapses_at": time(one.lapses_at.as_ref()),
    })
}

fn wallet_totals(totals: &proto::WalletTotals) -> Value {
    let balance =
        |one: &proto::AccountBalance| json!({ "account": one.account().as_str_name(), "balance": one.balance });
    json!({
        "wallet": totals.wallet,
        "accounts": list(&totals.accounts, balance),
        "sum": totals.sum,
        "outstanding": totals.outstanding,
        "debt": totals.debt,
        "liability": totals.liability,
        "breakage": totals.breakage,
    })
}

fn purse(purse: &proto::Purse) -> Value {
    json!({
        "wallet": purse.wallet,
        "available": purse.available,
        "in_review": purse.in_review,
        "pending": purse.pending,
        "exchanging": purse.exchanging,
        "held": purse.held,
        "debt": purse.debt,
        "lots": list(&purse.lots, lot),
        "lots_count": purse.lots_count,
    })
}

pub(super) fn member(member: &proto::Member) -> Value {
    let birthday = |day: &proto::MonthDay| json!({ "month": day.month, "day": day.day });
    json!({
        "name": member.name,
        "no": member.no,
        "position": member.position,
        "at": time(member.at.as_ref()),
        "available": member.available,
        "in_review": member.in_review,
        "pending": member.pending,
        "exchanging": member.exchanging,
        "held": member.held,
        "debt": member.debt,
        "lots": list(&member.lots, lot),
        "lots_count": member.lots_count,
        "holds": list(&member.holds, hold),
        "holds_count": member.holds_count,
        "tier": member.tier.as_ref().map(standing),
        "streaks": list(&member.streaks, streak),
        "open_cases": member.open_cases,
        "attributes": list(&member.attributes, attribute),
        "enrolled_at": time(member.enrolled_at.as_ref()),
        "birthday": member.birthday.as_ref().map(birthday),
        "referrer": member.referrer,
        "dormant_at": time(member.dormant_at.as_ref()),
        "records": member.records,
        "frozen": member.frozen().as_str_name(),
        "closed_at": time(member.closed_at.as_ref()),
        "aliases": list(&member.aliases, alias),
        "more_purses": list(&member.more_purses, purse),
        "parked_events": list(&member.parked_events, parked),
        "proposals": list(&member.proposals, proposal),
        "exchanges": list(&member.exchanges, exchange),
        "household": member.household,
        "household_members": member.household_members,
        "merged": list(&member.merged, |one| json!({ "name": one.name, "position": one.position })),
    })
}

fn parked(one: &proto::ParkedEvent) -> Value {
    json!({ "position": one.position, "since": one.since, "until": one.until })
}

fn proposal(one: &proto::Proposal) -> Value {
    json!({
        "position": one.position,
        "hand": one.hand().as_str_name(),
        "wallet": one.wallet,
        "points": one.points,
        "by": one.by,
        "lapses_at": time(one.lapses_at.as_ref()),
    })
}

fn alias(alias: &proto::Alias) -> Value {
    json!({ "kind": alias.kind, "key": alias.key, "linked_at": time(alias.linked_at.as_ref()) })
}

fn lot_id(id: Option<&proto::LotId>) -> Value {
    id.map_or(Value::Null, |id| json!({ "position": id.position, "line": id.line }))
}

fn lot(lot: &proto::Lot) -> Value {
    json!({
        "id": lot_id(lot.id.as_ref()),
        "points": lot.points,
        "expires_at": time(lot.expires_at.as_ref()),
        "in_review": lot.in_review,
        "pending": lot.pending,
        "waits_until": time(lot.waits_until.as_ref()),
        "waits_for_settlement": lot.waits_for_settlement,
    })
}

fn hold(hold: &proto::OpenHold) -> Value {
    json!({
        "name": hold.name,
        "no": hold.no,
        "wallet": hold.wallet,
        "points": hold.points,
        "item": hold.item,
        "pieces": hold.pieces,
        "expires_at": time(hold.expires_at.as_ref()),
    })
}

fn standing(tier: &proto::TierStanding) -> Value {
    let limit =
        |limit: &proto::AttributeLimit| json!({ "name": limit.name, "at_most": limit.at_most, "value": limit.value });
    json!({
        "tier": tier.tier,
        "metric": tier.metric,
        "window_days": tier.window_days,
        "needed_to_keep": tier.needed_to_keep,
        "next": tier.next,
        "needed_for_next": tier.needed_for_next,
        "missing_for_next": tier.missing_for_next,
        "next_requires": tier.next_requires.as_ref().map(limit),
        "unmet_since": tier.unmet_since,
        "falls_on": tier.falls_on,
        "falls_short_on": tier.falls_short_on,
    })
}

fn streak(streak: &proto::Streak) -> Value {
    json!({ "name": streak.name, "days": streak.days, "last": streak.last })
}

fn attribute(attribute: &proto::Attribute) -> Value {
    json!({ "name": attribute.name, "value": attribute.value })
}

pub(super) fn case(case: &proto::Case) -> Value {
    json!({
        "position": case.position,
        "opened_at": time(case.opened_at.as_ref()),
        "evidence": case.evidence.as_ref().map(evidence),
        "finding": case.finding().as_str_name(),
    })
}

fn evidence(evidence: &proto::CaseEvidence) -> Value {
    json!({
        "rule": evidence.rule,
        "action": evidence.action().as_str_name(),
        "counter": evidence.counter,
        "member": evidence.member,
        "risk_key": evidence.risk_key,
        "value": evidence.value,
        "at_least": evidence.at_least,
        "members": evidence.members,
        "members_count": evidence.members_count,
    })
}

pub(super) fn step(step: &proto::ReplayMemberResponse) -> Value {
    json!({ "record": step.record.as_ref().map(record), "after": step.after.as_ref().map(state) })
}

fn state(state: &proto::MemberState) -> Value {
    json!({
        "available": state.available,
        "in_review": state.in_review,
        "pending": state.pending,
        "exchanging": state.exchanging,
        "held": state.held,
        "debt": state.debt,
        "lots_count": state.lots_count,
        "holds_count": state.holds_count,
        "tier": state.tier,
        "more_purses": list(&state.more_purses, purse),
    })
}

fn refused(refused: &proto::Refused) -> Value {
    json!({
        "reason": refused.reason,
        "message": refused.message,
        "retry_may_succeed": refused.retry_may_succeed,
        "available": refused.available,
        "lacking": refused.lacking.as_ref().map(lacking),
    })
}

fn lacking(lacking: &proto::Lacking) -> Value {
    use proto::lacking::Lack;
    match lacking.lack {
        Some(Lack::Pieces(pieces)) => json!({ "item": lacking.item, "pieces": pieces }),
        Some(Lack::Points(points)) => json!({ "item": lacking.item, "points": points }),
        None => json!({ "item": lacking.item }),
    }
}

pub(super) fn quote(quote: &proto::QuoteResponse) -> Value {
    use proto::quote_response::Result;
    match &quote.result {
        Some(Result::Quoted(quoted)) => json!({
            "lots": list(&quoted.lots, lot),
            "lots_count": quoted.lots_count,
            "available": quoted.available,
            "position": quote.position,
        }),
        Some(Result::Refused(told)) => json!({ "refused": refused(told), "position": quote.position }),
        None => Value::Null,
    }
}

pub(super) fn event_explained(told: &proto::ExplainEventResponse) -> Value {
    use proto::rule_explained::Came;
    let rule = |one: &proto::RuleExplained| match &one.came {
        Some(Came::Applied(told)) => json!({ "rule": one.rule, "applied": trace(told) }),
        Some(Came::Unmet(condition)) => json!({ "rule": one.rule, "unmet": condition }),
        None => json!({ "rule": one.rule }),
    };
    json!({
        "record": told.record.as_ref().map(record),
        "before": told.before.as_ref().map(state),
        "rules": list(&told.rules, rule),
        "grounds": list(&told.grounds, |one| json!({ "name": one.name, "points": one.points })),
    })
}

pub(super) fn balance_explained(told: &proto::ExplainBalanceResponse) -> Value {
    json!({
        "position": told.position,
        "at": time(told.at.as_ref()),
        "purse": told.purse.as_ref().map(purse),
        "origins": list(&told.origins, origin),
        "debts": list(&told.debts, origin),
    })
}

fn origin(origin: &proto::Origin) -> Value {
    json!({
        "position": origin.position,
        "at": time(origin.at.as_ref()),
        "kind": origin.kind,
        "event": origin.event.as_ref().map(|event| json!({ "source": event.source, "id": event.id })),
        "rule": origin.rule,
        "program_version": origin.program_version,
        "points": origin.points,
    })
}

fn record(record: &proto::Record) -> Value {
    let mut told = json!({
        "position": record.position,
        "at": time(record.at.as_ref()),
        "program_version": record.program_version,
        "refused": record.refused.as_ref().map(refused),
        "postings": list(&record.postings, posting),
        "changes": list(&record.changes, change),
        "trace": list(&record.trace, trace),
        "available": record.available,
        "member": record.member,
        "alias": record.alias,
    });
    let cause = match &record.cause {
        Some(Cause::Event(event)) => {
            let event = serde_json::to_value(Line::from(event.clone())).expect("an event has only text keys");
            Some(("event", event))
        }
        Some(Cause::Timer(timer)) => {
            let due = time(timer.due.as_ref());
            Some(("timer", json!({ "member": timer.member, "due": due, "kind": timer.kind().as_str_name() })))
        }
        None => None,
    };
    if let (Value::Object(told), Some((name, cause))) = (&mut told, cause) {
        told.insert(name.to_owned(), cause);
    }
    told
}

fn posting(posting: &proto::Posting) -> Value {
    json!({
        "member": posting.member,
        "source_account": posting.source_account().as_str_name(),
        "target_account": posting.target_account().as_str_name(),
        "points": posting.points,
        "lot": lot_id(posting.lot.as_ref()),
        "expires_at": time(posting.expires_at.as_ref()),
        "rule": posting.rule,
        "hold_no": posting.hold_no,
        "wallet": posting.wallet,
    })
}

fn trace(trace: &proto::Trace) -> Value {
    json!({
        "rule": trace.rule,
        "computed": trace.computed,
        "granted": trace.granted,
        "cut": trace.cut().as_str_name(),
        "limit": trace.limit,
    })
}

fn change(change: &proto::Change) -> Value {
    let (name, told) = match &change.change {
        None => return json!({}),
        Some(Change::Registered(one)) => ("registered", json!({ "member": one.member })),
        Some(Change::Enrolled(one)) => ("enrolled", json!({ "member": one.member })),
        Some(Change::AttributeSet(one)) => {
            let told = one.attribute.as_ref().map(attribute);
            ("attribute_set", json!({ "member": one.member, "attribute": told }))
        }
        Some(Change::ReferredBy(one)) => ("referred_by", json!({ "member": one.member, "referrer": one.referrer })),
        Some(Change::Counted(one)) => {
            let proto::Counted { counter, member, risk_key, amount } = one;
            let told = json!({ "counter": counter, "member": member, "risk_key": risk_key, "amount": amount });
            ("counted", told)
        }
        Some(Change::TierSet(one)) => {
            let told = json!({
                "member": one.member,
                "previous_tier": one.previous_tier,
                "tier": one.tier,
                "unmet_since": one.unmet_since,
                "due": time(one.due.as_ref()),
                "why": one.why().as_str_name(),
            });
            ("tier_set", told)
        }
        Some(Change::StreakSet(one)) => {
            ("streak_set", json!({ "member": one.member, "streak": one.streak.as_ref().map(streak) }))
        }
        Some(Change::HoldOpened(one)) => {
            let expires_at = time(one.expires_at.as_ref());
            let proto::HoldOpened { member, no, name, wallet, .. } = one;
            let told = json!({ "member": member, "no": no, "name": name, "wallet": wallet, "expires_at": expires_at });
            ("hold_opened", told)
        }
        Some(Change::HoldExtended(one)) => {
            let told = json!({ "member": one.member, "no": one.no, "expires_at": time(one.expires_at.as_ref()) });
            ("hold_extended", told)
        }
        Some(Change::Spell(one)) => {
            let told = json!({ "member": one.member, "wallet": one.wallet, "until": time(one.until.as_ref()) });
            ("spell", told)
        }
        Some(Change::Expiring(one)) => {
            let proto::Expiring { member, wallet, points, .. } = one;
            let expires_at = time(one.expires_at.as_ref());
            ("expiring", json!({ "member": member, "wallet": wallet, "expires_at": expires_at, "points": points }))
        }
        Some(Change::Parked(one)) => ("parked", json!({ "member": one.member })),
        Some(Change::Unparked(one)) => {
            ("unparked", json!({ "member": one.member, "event": one.event, "refused": one.refused }))
        }
        Some(Change::Waits(one)) => {
            let (lot, until) = (lot_id(one.lot.as_ref()), time(one.until.as_ref()));
            ("waits", json!({ "member": one.member, "wallet": one.wallet, "lot": lot, "until": until }))
        }
        Some(Change::Visited(one)) => {
            let (began_at, until) = (time(one.began_at.as_ref()), time(one.until.as_ref()));
            let counted: Map<String, Value> =
                one.counted.iter().map(|count| (count.limit.clone(), count.amount.into())).collect();
            let told = json!({
                "member": one.member, "began_at": began_at, "until": until, "late": one.late, "counted": counted,
            });
            ("visited", told)
        }
        Some(Change::ExchangeOpened(one)) => ("exchange_opened", exchange(one)),
        Some(Change::ExchangeClosed(one)) => {
            let told = json!({ "member": one.member, "exchange": one.exchange, "reference": one.reference });
            ("exchange_closed", told)
        }
        Some(Change::Proposed(one)) => ("proposed", proposal(one)),
        Some(Change::ProposalApproved(one)) => {
            ("proposal_approved", json!({ "member": one.member, "proposal": one.proposal, "by": one.by }))
        }
        Some(Change::ProposalEnded(one)) => {
            ("proposal_ended", json!({ "member": one.member, "proposal": one.proposal }))
        }
        Some(Change::ItemRedeemed(one)) => {
            let proto::ItemRedeemed { member, item, pieces, points } = one;
            ("item_redeemed", json!({ "member": member, "item": item, "pieces": pieces, "points": points }))
        }
        Some(Change::HoldClosed(one)) => ("hold_closed", json!({ "member": one.member, "no": one.no })),
        Some(Change::CaseOpened(one)) => ("case_opened", evidence(one)),
        Some(Change::CaseJoined(one)) => {
            ("case_joined", json!({ "case_position": one.case_position, "members": one.members }))
        }
        Some(Change::CaseClosed(one)) => {
            ("case_closed", json!({ "case_position": one.case_position, "finding": one.finding().as_str_name() }))
        }
    };
    Map::from_iter([(name.to_owned(), told)]).into()
}
