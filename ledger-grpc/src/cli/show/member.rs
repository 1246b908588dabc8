//! Members: balances, tier, lots and holds, and what a redemption would take.

use super::super::local::{Local, grouped};
use super::{lines, plural, scope, short, table, word};
use ledger_grpc::proto;
use std::fmt::Write;

/// Lots of a member that are shown one by one.
const LOTS_SHOWN: usize = 20;
/// Holds of a member that are shown.
const HOLDS_SHOWN: usize = 20;

/// A member: balances, tier, lots, holds.
pub(in crate::cli) fn member(member: &proto::Member, local: &Local) -> String {
    let at = local.stamp(member.at.as_ref());
    let mut out = format!("member {} at {at}, position {}\n", member.name, grouped(member.position));
    for (n, purse) in member.purses.iter().enumerate() {
        let wallet = if n == 0 { String::new() } else { format!("{}: ", purse.wallet) };
        let _ = writeln!(out, "  {wallet}{}", has(purse));
    }
    if let Some(tier) = &member.tier {
        let _ = writeln!(out, "  {}", standing(tier, local));
    }
    let enrolled = match &member.enrolled_at {
        Some(at) => format!("enrolled {}", local.stamp(Some(at))),
        None => "not enrolled".to_owned(),
    };
    let _ = writeln!(out, "  {enrolled}, {}", plural(member.records, "record"));
    out.push_str(&life(member, local));
    for streak in &member.streaks {
        let _ = writeln!(out, "  streak {}: {} to {}", streak.name, plural(streak.days.into(), "day"), streak.last);
    }
    if !member.open_cases.is_empty() {
        let cases: Vec<String> = member.open_cases.iter().map(u64::to_string).collect();
        let _ = writeln!(out, "  open cases: {}", cases.join(", "));
    }
    for (n, purse) in member.purses.iter().enumerate() {
        let wallet = if n == 0 { "" } else { &purse.wallet };
        let _ = write!(out, "{}", lots(&purse.lots, purse.lots_count, wallet, local));
    }
    let _ = write!(out, "{}", holds(member, local));
    out.trim_end().to_owned()
}

/// What is out of the ordinary.
fn life(member: &proto::Member, local: &Local) -> String {
    let mut out = String::new();
    if member.frozen() != proto::FreezeScope::Unspecified {
        let _ = writeln!(out, "  frozen: {}", scope(member.frozen()));
    }
    if let Some(at) = &member.closed_at {
        let _ = writeln!(out, "  closed {}", local.stamp(Some(at)));
    }
    for alias in &member.aliases {
        let since = local.stamp(alias.linked_at.as_ref());
        let _ = writeln!(out, "  also {} {} since {since}", alias.kind, short(&alias.key));
    }
    if !member.household.is_empty() {
        let _ = writeln!(out, "  shares with household {}", member.household);
    }
    if !member.household_members.is_empty() {
        let _ = writeln!(out, "  a household of {}", member.household_members.join(", "));
    }
    for one in &member.merged {
        let _ = writeln!(out, "  {} is merged into it since record {}", one.name, one.position);
    }
    out.push_str(&super::parked(&member.parked_events));
    for open in &member.proposals {
        let (what, until) = (proposed(open), local.stamp(open.lapses_at.as_ref()));
        let _ = writeln!(out, "  record {} proposes a {what}, until {until}", open.position);
    }
    for open in &member.exchanges {
        let _ = writeln!(out, "  exchange {}", exchanging(open, local));
    }
    out
}

fn proposed(open: &proto::Proposal) -> String {
    let adjustment = word(open.adjustment().as_str_name(), "MANUAL_ADJUSTMENT_");
    format!("{adjustment} of {} {} by {}", grouped(open.points), open.wallet, open.by.join(" and "))
}

pub(super) fn exchanging(open: &proto::OpenExchange, local: &Local) -> String {
    let (points, units) = (grouped(open.points), grouped(open.units));
    let way = if open.inward { format!("{units} in for {points}") } else { format!("{points} out for {units}") };
    let until = local.stamp(open.lapses_at.as_ref());
    format!("{} {}: {way}, to be settled before {until}", open.exchange, open.reference)
}

/// The balances of a purse; of what is rare, those that there are.
pub(in crate::cli) fn has(purse: &proto::Purse) -> String {
    let proto::Purse { available, held, in_review, pending, exchanging, debt, .. } = *purse;
    let rare = [("pending", pending), ("exchanging", exchanging)].into_iter().filter(|(_, points)| *points != 0);
    let rare: String = rare.map(|(name, points)| format!(", {name} {}", grouped(points))).collect();
    let [available, held, in_review, debt] = [available, held, in_review, debt].map(grouped);
    format!("available {available}, held {held}, in review {in_review}{rare}, debt {debt}")
}

/// What a lot waits for, if it cannot be spent.
pub(in crate::cli) fn waits(lot: &proto::Lot, local: &Local) -> String {
    match &lot.waits_until {
        _ if lot.in_review => "in review".to_owned(),
        Some(until) if lot.pending => format!("waits until {}", local.stamp(Some(until))),
        None if lot.pending => "waits for settlement".to_owned(),
        _ => String::new(),
    }
}

fn standing(tier: &proto::TierStanding, local: &Local) -> String {
    let mut out = format!("tier {}: {} in {} days", tier.tier, local.money(tier.metric), tier.window_days);
    if !tier.unmet_since.is_empty() {
        let _ = write!(out, ", short of {} since {}", local.money(tier.needed_to_keep), tier.unmet_since);
    }
    if !tier.falls_on.is_empty() {
        let _ = write!(out, ", falls on {}", tier.falls_on);
    }
    if !tier.falls_short_on.is_empty() {
        let _ = write!(out, ", falls short on {}", tier.falls_short_on);
    }
    if !tier.next.is_empty() {
        let _ = write!(out, "; {} to {}", local.money(tier.missing_for_next), tier.next);
    }
    out
}

/// What a redemption would take from a wallet, or why it would not. What is told to be available is of the
/// first wallet, which needs no name.
pub(in crate::cli) fn quote(quote: &proto::QuoteResponse, wallet: &str, local: &Local) -> String {
    let of_first = |told: String| if wallet.is_empty() { told } else { String::new() };
    let most = quote.most.map_or_else(String::new, |most| format!("\nat most {} could be redeemed", grouped(most)));
    let told = match &quote.result {
        Some(proto::quote_response::Result::Quoted(quoted)) => {
            let mut table = table(&[&points_of(wallet), "usable before", "lot"], &[0]);
            for lot in quoted.lots.iter().take(LOTS_SHOWN) {
                table.add_row([grouped(lot.points), local.stamp(lot.expires_at.as_ref()), lot_name(lot.id.as_ref())]);
            }
            let rest = (quoted.lots_count as usize).saturating_sub(LOTS_SHOWN);
            let rest = if rest == 0 { String::new() } else { format!("  and from {rest} more lots\n") };
            let left = of_first(format!("{} would be left", grouped(quoted.available)));
            format!("it would take\n{}\n{rest}{left}", lines(&table)).trim_end().to_owned()
        }
        Some(proto::quote_response::Result::Refused(refused)) => {
            let available = of_first(format!("; {} available", grouped(refused.available)));
            let shortfall = refused.shortfall.as_ref().map(shortfall).unwrap_or_default();
            format!("it would be refused: {} ({}){shortfall}{available}", refused.message, refused.reason)
        }
        None => String::new(),
    };
    format!("{told}{most}")
}

/// What a refused item lacks.
pub(in crate::cli) fn shortfall(shortfall: &proto::Shortfall) -> String {
    use proto::shortfall::Lack;
    match shortfall.lack {
        Some(Lack::Pieces(pieces)) => format!("; {} of {} can be had", grouped(pieces), shortfall.item),
        Some(Lack::Points(points)) => format!("; {} costs {}", shortfall.item, grouped(points)),
        None => String::new(),
    }
}

/// Lots of one wallet; the first needs no name.
fn lots(lots: &[proto::Lot], count: u32, wallet: &str, local: &Local) -> String {
    if lots.is_empty() {
        return String::new();
    }
    if lots.len() > LOTS_SHOWN {
        return lots_by_expiry(lots, count, wallet, local);
    }
    let mut table = table(&[&points_of(wallet), "usable before", "lot", ""], &[0]);
    for lot in lots {
        let expires = local.stamp(lot.expires_at.as_ref());
        table.add_row([grouped(lot.points), expires, lot_name(lot.id.as_ref()), waits(lot, local)]);
    }
    format!("{}\n", lines(&table))
}

fn points_of(wallet: &str) -> String {
    if wallet.is_empty() { "points".to_owned() } else { format!("points of {wallet}") }
}

/// Many lots, as what goes when.
fn lots_by_expiry(lots: &[proto::Lot], count: u32, wallet: &str, local: &Local) -> String {
    let mut table = table(&[&points_of(wallet), "usable before", "in lots", ""], &[0, 2]);
    let same = |one: &proto::Lot, other: &proto::Lot| {
        one.expires_at == other.expires_at && waits(one, local) == waits(other, local)
    };
    for lots in lots.chunk_by(same) {
        let points = lots.iter().fold(0i64, |sum, lot| sum.saturating_add(lot.points));
        let Some(first) = lots.first() else { continue };
        let expires = local.stamp(first.expires_at.as_ref());
        table.add_row([grouped(points), expires, grouped(lots.len() as u64), waits(first, local)]);
    }
    let rest = (count as usize).saturating_sub(lots.len());
    let rest = if rest == 0 { String::new() } else { format!("  and {rest} more lots\n") };
    format!("{}\n{rest}", lines(&table))
}

fn holds(member: &proto::Member, local: &Local) -> String {
    if member.holds.is_empty() {
        return String::new();
    }
    let mut table = table(&["points", "held until", "hold"], &[0]);
    for hold in member.holds.iter().take(HOLDS_SHOWN) {
        let of = if hold.item.is_empty() { String::new() } else { format!(": {} of {}", hold.pieces, hold.item) };
        table.add_row([grouped(hold.points), local.stamp(hold.expires_at.as_ref()), format!("{}{of}", hold.name)]);
    }
    let rest = (member.holds_count as usize).saturating_sub(HOLDS_SHOWN);
    let rest = if rest == 0 { String::new() } else { format!("  and {rest} more holds\n") };
    format!("{}\n{rest}", lines(&table))
}

pub(in crate::cli) fn lot_name(id: Option<&proto::LotId>) -> String {
    id.map_or_else(|| "not yet recorded".to_owned(), |id| format!("L{}.{}", id.position, id.line))
}
