//! Events, in a few words each.

use super::super::local::{Local, grouped};
use super::{plural, scope, short, word};
use ledger_core::quantity::Quantity;
use ledger_grpc::proto::redeem_refunded::Spent;
use ledger_grpc::proto::{self, approved, case_resolved, event::Body, refund_reversed, withdrawn};

/// What was said, in a few words.
pub(super) fn body(event: &proto::Event, local: &Local) -> String {
    let Some(body) = &event.body else { return String::new() };
    let sum = |lines: &[proto::Line]| lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.net));
    match body {
        Body::Enrolled(_) => "enrolled".to_owned(),
        Body::AttributesSet(said) => attributes(said),
        Body::Purchase(said) => format!("purchase {} {}", said.order, local.money_in(&said.currency, sum(&said.lines))),
        Body::ExchangeOut(said) => {
            format!("{} to {}, reference {}", grouped(said.points), said.exchange, said.reference)
        }
        Body::ExchangeIn(said) => {
            format!("{} from {}, reference {}", grouped(said.units), said.exchange, said.reference)
        }
        Body::ExchangeSettled(said) => exchange_settled(said),
        Body::Settled(said) => format!("settled {}", said.order),
        Body::Cancelled(said) => format!("cancelled {}", said.order),
        Body::Refunded(said) => refunded(said, local),
        Body::CheckIn(_) => "check-in".to_owned(),
        Body::Action(said) => format!("{} {} {}", said.kind, said.target, said.value),
        Body::Referral(said) => format!("referral of {}", said.referee),
        Body::Redeem(said) => redeem(said),
        Body::Hold(said) => format!("hold {} {}", said.hold, bought(said.points, said.pieces, &said.item)),
        Body::Capture(said) => captured(said),
        Body::Void(said) => format!("void {}", said.hold),
        Body::Credit(said) => format!("credit {}: {}{}", grouped(said.points), said.reason, stands(&said.by)),
        Body::Debit(said) => format!("debit {}: {}{}", grouped(said.points), said.reason, stands(&said.by)),
        Body::Donate(said) => format!("{} donated to {}", grouped(said.points), said.fund),
        Body::Approved(_) | Body::Withdrawn(_) | Body::CaseResolved(_) | Body::RefundReversed(_) => naming(body),
        Body::ProgramPublished(_) => "program published".to_owned(),
        Body::Tick(said) => format!("tick to {}", local.stamp(said.up_to.as_ref())),
        Body::Frozen(said) => reasoned(&format!("frozen: {}", scope(said.scope())), &said.reason),
        Body::Unfrozen(said) => reasoned(&format!("unfrozen: {}", scope(said.scope())), &said.reason),
        Body::Closed(said) => reasoned("closed", &said.reason),
        Body::AliasLinked(said) => format!("{} {} linked", said.kind, short(&said.name)),
        Body::Merged(said) => format!("{} merged into it", said.other),
        Body::Unmerged(said) => format!("{} unmerged", said.other),
        Body::HouseholdJoined(said) => format!("shares with household {}", said.household),
        Body::HouseholdLeft(_) => "shares with its household no more".to_string(),
        Body::AliasUnlinked(said) => format!("{} {} unlinked", said.kind, short(&said.name)),
        Body::HoldExtended(said) => format!("hold {} extended", said.hold),
        Body::Transfer(said) => reasoned(&format!("{} to {}", grouped(said.points), said.to), &said.note),
        Body::Opened(said) => opened(said),
        Body::Extended(said) => {
            let points = or_all(said.points);
            format!("{points} extended, usable before {}: {}", local.stamp(said.expires_at.as_ref()), said.reason)
        }
        Body::Reinstated(said) => {
            let points = or_all(said.points);
            format!("{points} reinstated, usable before {}: {}", local.stamp(said.expires_at.as_ref()), said.reason)
        }
        Body::RedeemRefunded(said) => given_back(said),
    }
}

/// What names a record, by where it stands or by its event.
fn naming(body: &Body) -> String {
    match body {
        Body::Approved(said) => {
            let proposal = match &said.proposed {
                Some(approved::Proposed::Proposal(position)) => position.to_string(),
                Some(approved::Proposed::Event(event)) => of_event(event),
                None => String::new(),
            };
            format!("proposal {proposal} approved{}", stands(&said.by))
        }
        Body::Withdrawn(said) => {
            let proposal = match &said.proposed {
                Some(withdrawn::Proposed::Proposal(position)) => position.to_string(),
                Some(withdrawn::Proposed::Event(event)) => of_event(event),
                None => String::new(),
            };
            format!("proposal {proposal} withdrawn{}: {}", stands(&said.by), said.reason)
        }
        Body::CaseResolved(said) => {
            let case = match &said.opened {
                Some(case_resolved::Opened::CasePosition(position)) => position.to_string(),
                Some(case_resolved::Opened::Event(event)) => of_event(event),
                None => String::new(),
            };
            format!("case {case} resolved: {}", word(said.finding().as_str_name(), "FINDING_"))
        }
        Body::RefundReversed(said) => {
            let refund = match &said.refund {
                Some(refund_reversed::Refund::RefundPosition(position)) => position.to_string(),
                Some(refund_reversed::Refund::Event(event)) => of_event(event),
                None => String::new(),
            };
            format!("refund {refund} {}", word(said.why().as_str_name(), "REVERSAL_WHY_"))
        }
        _ => String::new(),
    }
}

/// Points given back, and of what.
fn given_back(said: &proto::RedeemRefunded) -> String {
    let points = or_all(said.points);
    let spent = match &said.spent {
        Some(Spent::Redemption(position)) => format!("redemption {position}"),
        Some(Spent::Event(event)) => format!("redemption {}", of_event(event)),
        Some(Spent::Order(order)) => format!("order {order}"),
        Some(Spent::Hold(hold)) => format!("hold {hold}"),
        None => String::new(),
    };
    format!("{points} given back of {spent}")
}

/// A record, by the event that it answered.
fn of_event(event: &proto::EventRef) -> String {
    format!("{} {}", event.source, event.id)
}

/// What points are spent on, as the event says it.
fn bought(points: i64, pieces: u32, item: &str) -> String {
    match (item.is_empty(), points) {
        (true, points) => grouped(points),
        (false, 0) => format!("{pieces} of {item}"),
        (false, points) => format!("{pieces} of {item} for {}", grouped(points)),
    }
}

fn stands(by: &str) -> String {
    if by.is_empty() { String::new() } else { format!(" by {by}") }
}

fn reasoned(what: &str, reason: &str) -> String {
    if reason.is_empty() { what.to_owned() } else { format!("{what} ({reason})") }
}

fn or_all(points: Option<i64>) -> String {
    points.map_or_else(|| "all".to_owned(), grouped::<i64>)
}

fn attributes(said: &proto::AttributesSet) -> String {
    let set = said.attributes.iter().map(|one| format!("{} = {}", one.name, one.value));
    format!("attributes {}", set.collect::<Vec<_>>().join(", "))
}

fn redeem(said: &proto::Redeem) -> String {
    let what = bought(said.points, said.pieces, &said.item);
    format!("redeem {what} {}", said.order).trim_end().to_owned()
}

fn captured(said: &proto::Capture) -> String {
    format!("capture {} {}{}", said.hold, or_all(said.points), if said.last { ", release the rest" } else { "" })
}

fn exchange_settled(said: &proto::ExchangeSettled) -> String {
    let answer = if said.accepted { "accepted" } else { "refused" };
    format!("{} {answer} {}", said.exchange, said.reference)
}

fn opened(said: &proto::Opened) -> String {
    let points = said.lots.iter().fold(0i64, |sum, lot| sum.saturating_add(lot.points));
    let lots = plural(said.lots.len() as u64, "lot");
    let tier = said.tier.as_ref().map(|tier| reasoned(&format!(", {}", tier.tier), &tier.reason)).unwrap_or_default();
    format!("came with {} in {lots}{tier}", grouped(points))
}

/// `2 items`, `0.345 items`.
fn items(number: u32, digits: u32) -> String {
    Quantity::new(number, digits).map_or_else(String::new, |quantity| format!("{quantity} items"))
}

fn refunded(said: &proto::Refunded, local: &Local) -> String {
    let money = |minor: i64| local.money_in(&said.currency, minor);
    let line = |one: &proto::LineRefund| {
        let part =
            one.quantity.map_or_else(|| money(one.amount.unwrap_or(0)), |number| items(number, one.quantity_digits));
        let line = one.line.map_or_else(|| one.sku.clone(), |line| format!("line {line}"));
        format!("{part} of {line}")
    };
    let all = (said.amount > 0).then(|| money(said.amount)).into_iter();
    let parts: Vec<String> = all.chain(said.lines.iter().map(line)).collect();
    let so_far = if said.so_far { " so far" } else { "" };
    format!("refunded {} {}{so_far}", said.order, parts.join(", "))
}
