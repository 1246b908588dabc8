//! Show: the answers of a ledger as tables and sentences for people.

use super::local::{Local, grouped};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use ledger_grpc::proto::{self, Cut, TierWhy, change::Change, event::Body, record::Cause};
use std::fmt::Write;

/// Postings of one record that are shown; a person reads no more.
const POSTINGS_SHOWN: usize = 6;
/// Lots of a member that are shown one by one.
const LOTS_SHOWN: usize = 20;
/// Holds of a member that are shown.
const HOLDS_SHOWN: usize = 20;
/// Digits of a hash that are shown.
const HASH_SHOWN: usize = 8;
/// Members of a case that are shown.
const MEMBERS_SHOWN: usize = 6;

/// A table without lines; columns named in `right` are aligned to the right.
pub(super) fn table(header: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(header.iter().copied());
    for at in right {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The lines of a table, two spaces in.
pub(super) fn lines(table: &Table) -> String {
    table.lines().map(|line| format!(" {}", line.trim_end())).collect::<Vec<_>>().join("\n")
}

/// The name of an enum of the API as people write it: `CUT_NONE` is `none`.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', " ")
}

fn plural(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// The balances of a wallet's accounts and their sum.
pub(super) fn balances<'a>(wallet: &str, accounts: impl IntoIterator<Item = (&'a str, i64)>) -> Table {
    let mut table = table(&[&format!("account of {wallet}"), "balance"], &[1]);
    let mut sum = 0i128;
    for (account, balance) in accounts {
        sum += i128::from(balance);
        table.add_row([account.replace('_', " "), grouped(balance)]);
    }
    table.add_row(["sum".to_owned(), grouped(sum)]);
    table
}

/// The trial balance, and how many members stand in which tier.
pub(super) fn totals(totals: &proto::GetTotalsResponse, local: &Local) -> String {
    let mut out = String::new();
    let at = local.stamp(totals.at.as_ref());
    let _ = writeln!(out, "totals at position {}, {at}", grouped(totals.position));
    for wallet in &totals.wallets {
        let _ = writeln!(out, "{}", lines(&trial_balance(wallet)));
        if let Some((liability, breakage)) = wallet.liability.zip(wallet.breakage) {
            let (liability, breakage) = (local.money(liability), local.money(breakage));
            let _ = writeln!(out, "  liability {liability}, breakage {breakage}");
        }
    }
    for kind in totals.tallies.chunk_by(|one, next| one.kind == next.kind) {
        let _ = writeln!(out, "{}", lines(&tallies(kind, local)));
    }
    let members = plural(totals.members, "member");
    let _ = write!(out, "{members}, {} refused", plural(totals.refused, "event"));
    if totals.duplicates > 0 {
        let _ = write!(out, ", {} came again since the server started", plural(totals.duplicates, "event"));
    }
    out.push('\n');
    let _ = write!(out, "{}", lines(&tiers(totals)));
    out.trim_end().to_owned()
}

pub(super) fn trial_balance(totals: &proto::WalletTotals) -> Table {
    let named = |one: &proto::AccountBalance| (word(one.account().as_str_name(), "ACCOUNT_"), one.balance);
    let named: Vec<_> = totals.accounts.iter().map(named).collect();
    balances(&totals.wallet, named.iter().map(|(name, balance)| (name.as_str(), *balance)))
}

/// Tallies of one kind: their figures, and what is left where there is a most.
fn tallies(all: &[proto::Tally], local: &Local) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for figure in all.iter().flat_map(|one| &one.figures) {
        if !names.contains(&figure.name.as_str()) {
            names.push(&figure.name);
        }
    }
    let has_days = all.iter().any(|one| !one.since.is_empty());
    let has_most = all.iter().any(|one| one.max.is_some());
    let titles: Vec<String> = names.iter().map(|name| name.replace('_', " ")).collect();
    let mut heads = vec![all.first().map_or("", |one| &one.kind), "wallet"];
    heads.extend(has_days.then_some("since"));
    let first_number = heads.len();
    heads.extend(titles.iter().map(String::as_str));
    heads.extend(has_most.then_some(["all", "left"]).into_iter().flatten());
    let mut table = table(&heads, &(first_number..heads.len()).collect::<Vec<_>>());
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for one in all {
        let find = |name: &str| one.figures.iter().find(|figure| figure.name == name);
        let mut row = vec![one.name.clone(), one.wallet.clone()];
        row.extend(has_days.then(|| or_dash(Some(one.since.clone()).filter(|since| !since.is_empty()))));
        row.extend(
            names.iter().map(|name| or_dash(find(name).map(|figure| amount(figure.amount, figure.unit(), local)))),
        );
        let unit = one.figures.first().map_or(proto::Unit::Unspecified, proto::Figure::unit);
        let of_most = [one.max, one.left].map(|number| or_dash(number.map(|number| amount(number, unit, local))));
        row.extend(has_most.then_some(of_most).into_iter().flatten());
        table.add_row(row);
    }
    table
}

fn amount(amount: i64, unit: proto::Unit, local: &Local) -> String {
    match unit {
        proto::Unit::Money => local.money(amount),
        proto::Unit::Times => format!("{} times", grouped(amount)),
        proto::Unit::Unspecified | proto::Unit::Points | proto::Unit::Pieces | proto::Unit::PartnerUnits => {
            grouped(amount)
        }
    }
}

pub(super) fn tiers(totals: &proto::GetTotalsResponse) -> Table {
    let mut table = table(&["tier", "members"], &[1]);
    for one in &totals.tiers {
        let name = if one.tier.is_empty() { "-" } else { &one.tier };
        table.add_row([name.to_owned(), grouped(one.members)]);
    }
    table
}

/// A member: balances, tier, lots, holds.
pub(super) fn member(member: &proto::Member, local: &Local) -> String {
    let at = local.stamp(member.at.as_ref());
    let mut out = format!("member {} at {at}, position {}\n", member.name, grouped(member.position));
    let _ = writeln!(out, "  {}", has(&as_purse(member)));
    for purse in &member.more_purses {
        let _ = writeln!(out, "  {}: {}", purse.wallet, has(purse));
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
    let _ = write!(out, "{}", lots(&member.lots, member.lots_count, "", local));
    for purse in &member.more_purses {
        let _ = write!(out, "{}", lots(&purse.lots, purse.lots_count, &purse.wallet, local));
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
    for parked in &member.parked_events {
        let proto::ParkedEvent { position, since, until } = parked;
        let _ = writeln!(out, "  record {position} waits for its purchase since {since}, until {until}");
    }
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
    let hand = word(open.hand().as_str_name(), "BY_HAND_");
    format!("{hand} of {} {} by {}", grouped(open.points), open.wallet, open.by.join(" and "))
}

fn exchanging(open: &proto::OpenExchange, local: &Local) -> String {
    let (points, units) = (grouped(open.points), grouped(open.units));
    let way = if open.inward { format!("{units} in for {points}") } else { format!("{points} out for {units}") };
    let until = local.stamp(open.lapses_at.as_ref());
    format!("{} {}: {way}, to be settled before {until}", open.exchange, open.reference)
}

/// What a member has of the first wallet.
fn as_purse(member: &proto::Member) -> proto::Purse {
    let proto::Member { available, held, in_review, pending, exchanging, debt, .. } = *member;
    proto::Purse { available, held, in_review, pending, exchanging, debt, ..Default::default() }
}

/// The balances of a purse; of what is rare, those that there are.
pub(super) fn has(purse: &proto::Purse) -> String {
    let proto::Purse { available, held, in_review, pending, exchanging, debt, .. } = *purse;
    let rare = [("pending", pending), ("exchanging", exchanging)].into_iter().filter(|(_, points)| *points != 0);
    let rare: String = rare.map(|(name, points)| format!(", {name} {}", grouped(points))).collect();
    let [available, held, in_review, debt] = [available, held, in_review, debt].map(grouped);
    format!("available {available}, held {held}, in review {in_review}{rare}, debt {debt}")
}

/// What a lot waits for, if it cannot be spent.
pub(super) fn waits(lot: &proto::Lot, local: &Local) -> String {
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
pub(super) fn quote(quote: &proto::QuoteResponse, wallet: &str, local: &Local) -> String {
    let of_first = |told: String| if wallet.is_empty() { told } else { String::new() };
    match &quote.result {
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
            let lacking = refused.lacking.as_ref().map(lacking).unwrap_or_default();
            format!("it would be refused: {} ({}){lacking}{available}", refused.message, refused.reason)
        }
        None => String::new(),
    }
}

/// What a refused item lacks.
pub(super) fn lacking(lacking: &proto::Lacking) -> String {
    use proto::lacking::Lack;
    match lacking.lack {
        Some(Lack::Pieces(pieces)) => format!("; {} of {} can be had", grouped(pieces), lacking.item),
        Some(Lack::Points(points)) => format!("; {} costs {}", lacking.item, grouped(points)),
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

pub(super) fn lot_name(id: Option<&proto::LotId>) -> String {
    id.map_or_else(|| "not yet recorded".to_owned(), |id| format!("L{}.{}", id.position, id.line))
}

/// Risk cases.
pub(super) fn cases(cases: &[proto::Case], local: &Local) -> String {
    if cases.is_empty() {
        return "no cases".to_owned();
    }
    let mut table = table(&["case", "opened", "rule", "action", "because", "members", "finding"], &[0]);
    for case in cases {
        let evidence = case.evidence.clone().unwrap_or_default();
        let finding = match case.finding() {
            proto::Finding::Unspecified => "open".to_owned(),
            finding => word(finding.as_str_name(), "FINDING_"),
        };
        let mut members = evidence.members.iter().take(MEMBERS_SHOWN).cloned().collect::<Vec<_>>().join(" ");
        let rest = (evidence.members_count as usize).saturating_sub(MEMBERS_SHOWN);
        if rest > 0 {
            let _ = write!(members, " and {rest} more");
        }
        let proto::CaseEvidence { counter, value, at_least, .. } = &evidence;
        table.add_row([
            case.position.to_string(),
            local.stamp(case.opened_at.as_ref()),
            evidence.rule.clone(),
            word(evidence.action().as_str_name(), "RISK_ACTION_"),
            format!("{counter} {value}, from {at_least} on"),
            members,
            finding,
        ]);
    }
    lines(&table)
}

// ---- replay ----------------------------------------------------------------------------------

/// A table for the steps of a replay.
pub(super) fn steps_table() -> Table {
    let header = ["position", "local time", "event", "postings", "why", "available", "tier"];
    table(&header, &[0, 5])
}

/// The row of one step in the replay of a member.
pub(super) fn step(step: &proto::ReplayMemberResponse, member: &str, local: &Local) -> [String; 7] {
    let record = step.record.clone().unwrap_or_default();
    let after = step.after.clone().unwrap_or_default();
    [
        record.position.to_string(),
        local.stamp(record.at.as_ref()),
        cause(&record, member, local),
        postings(&record, member, local),
        why(&record, member, local),
        grouped(after.available),
        after.tier,
    ]
}

/// Whose it is, where it is not the replayed member's.
fn whose(name: &str, member: &str) -> String {
    if name == member || name.is_empty() { String::new() } else { format!("{name}: ") }
}

pub(super) fn cause(record: &proto::Record, member: &str, local: &Local) -> String {
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

fn body(event: &proto::Event, local: &Local) -> String {
    let Some(body) = &event.body else { return String::new() };
    let sum = |lines: &[proto::Line]| lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.net));
    match body {
        Body::Enrolled(_) => "enrolled".to_owned(),
        Body::AttributesSet(said) => {
            let set = said.attributes.iter().map(|one| format!("{} = {}", one.name, one.value));
            format!("attributes {}", set.collect::<Vec<_>>().join(", "))
        }
        Body::Purchase(said) => format!("purchase {} {}", said.order, local.money(sum(&said.lines))),
        Body::ExchangeOut(said) => {
            format!("{} to {}, reference {}", grouped(said.points), said.exchange, said.reference)
        }
        Body::ExchangeIn(said) => {
            format!("{} from {}, reference {}", grouped(said.units), said.exchange, said.reference)
        }
        Body::ExchangeSettled(said) => {
            let answer = if said.accepted { "accepted" } else { "refused" };
            format!("{} {answer} {}", said.exchange, said.reference)
        }
        Body::Settled(said) => format!("settled {}", said.order),
        Body::Cancelled(said) => format!("cancelled {}", said.order),
        Body::Refunded(said) => refunded(said, local),
        Body::CheckIn(_) => "check-in".to_owned(),
        Body::Referral(said) => format!("referral of {}", said.referee),
        Body::Redeem(said) => {
            let what = bought(said.points, said.pieces, &said.item);
            format!("redeem {what} {}", said.order).trim_end().to_owned()
        }
        Body::Hold(said) => format!("hold {} {}", said.hold, bought(said.points, said.pieces, &said.item)),
        Body::Capture(said) => {
            let points = said.points.map_or_else(|| "all".to_owned(), grouped::<i64>);
            format!("capture {} {points}{}", said.hold, if said.last { ", release the rest" } else { "" })
        }
        Body::Void(said) => format!("void {}", said.hold),
        Body::Credit(said) => format!("credit {}: {}{}", grouped(said.points), said.reason, stands(&said.by)),
        Body::Debit(said) => format!("debit {}: {}{}", grouped(said.points), said.reason, stands(&said.by)),
        Body::Donate(said) => format!("{} donated to {}", grouped(said.points), said.fund),
        Body::Approved(said) => format!("proposal {} approved{}", said.proposal, stands(&said.by)),
        Body::Withdrawn(said) => {
            format!("proposal {} withdrawn{}: {}", said.proposal, stands(&said.by), said.reason)
        }
        Body::CaseResolved(said) => {
            format!("case {} resolved: {}", said.case_position, word(said.finding().as_str_name(), "FINDING_"))
        }
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
        Body::Imported(said) => {
            let points = said.lots.iter().fold(0i64, |sum, lot| sum.saturating_add(lot.points));
            format!("{} imported in {}", grouped(points), plural(said.lots.len() as u64, "lot"))
        }
        Body::Extended(said) => {
            let points = said.points.map_or_else(|| "all".to_owned(), grouped::<i64>);
            format!("{points} extended until {}: {}", local.stamp(said.expires_at.as_ref()), said.reason)
        }
        Body::Reinstated(said) => {
            let points = said.points.map_or_else(|| "all".to_owned(), grouped::<i64>);
            format!("{points} reinstated until {}: {}", local.stamp(said.expires_at.as_ref()), said.reason)
        }
        Body::RedeemRefunded(said) => {
            let points = said.points.map_or_else(|| "all".to_owned(), grouped::<i64>);
            format!("{points} given back of redemption {}", said.redemption)
        }
    }
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

fn scope(scope: proto::FreezeScope) -> String {
    word(scope.as_str_name(), "FREEZE_SCOPE_")
}

fn reasoned(what: &str, reason: &str) -> String {
    if reason.is_empty() { what.to_owned() } else { format!("{what} ({reason})") }
}

/// Of a hash, enough to tell it from others.
fn short(hash: &str) -> String {
    hash.chars().take(HASH_SHOWN).collect()
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

pub(super) fn posting(posting: &proto::Posting, local: &Local) -> String {
    let (from, to) = (posting.source_account(), posting.target_account());
    let account = |account: proto::Account| word(account.as_str_name(), "ACCOUNT_");
    let moved = format!("{} {} -> {}", grouped(posting.points), account(from), account(to));
    match from {
        // What is a fund's is in no lot.
        proto::Account::Issued if to == proto::Account::Donated => moved,
        proto::Account::Donated => moved,
        proto::Account::Issued => format!("{moved} until {}", local.stamp(posting.expires_at.as_ref())),
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

pub(super) fn reason(trace: &proto::Trace) -> String {
    let rule = &trace.rule;
    let granted = grouped(trace.granted);
    match trace.cut() {
        Cut::Unspecified | Cut::None => format!("{rule} {granted}"),
        Cut::Limit => format!("{rule} {granted} of {}: {} reached", grouped(trace.computed), trace.limit),
        Cut::Review => format!("{rule} {granted}, in review"),
        Cut::Denied => format!("{rule} {granted} of {}: denied", grouped(trace.computed)),
        Cut::Frozen => format!("{rule} {granted} of {}: the member is frozen", grouped(trace.computed)),
        Cut::Closed => format!("{rule} {granted} of {}: the member is closed", grouped(trace.computed)),
        Cut::MaxBalance => format!("{rule} {granted} of {}: the most the wallet allows", grouped(trace.computed)),
        Cut::Beaten => format!("{rule} {granted} of {}: {} gives more", grouped(trace.computed), trace.limit),
        Cut::Expired => format!("{rule} {granted} of {}: the wallet's time is over", grouped(trace.computed)),
        Cut::Stock => format!("{} of {rule} asked for, {granted} left", grouped(trace.computed)),
        Cut::Price => format!("{} said, {rule} costs {granted}", grouped(trace.computed)),
        Cut::Clamped => format!("{rule} {} not there to take back, let go", grouped(-trace.computed)),
    }
}

fn refunded(said: &proto::Refunded, local: &Local) -> String {
    let line = |one: &proto::LineRefund| {
        let part = one.quantity.map_or_else(|| local.money(one.amount.unwrap_or(0)), |items| format!("{items} items"));
        let line = one.line.map_or_else(|| one.sku.clone(), |line| format!("line {line}"));
        format!("{part} of {line}")
    };
    let all = (said.amount > 0).then(|| local.money(said.amount)).into_iter();
    let parts: Vec<String> = all.chain(said.lines.iter().map(line)).collect();
    format!("refunded {} {}", said.order, parts.join(", "))
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
        Change::Parked(_) => "waits for its purchase".to_owned(),
        Change::Unparked(one) if one.refused.is_empty() => format!("with what record {} says", one.event),
        Change::Unparked(one) => format!("not what record {} says: {}", one.event, one.refused),
        Change::ExchangeOpened(one) => exchanging(one, local),
        Change::ExchangeClosed(one) => format!("{} {} is open no more", one.exchange, one.reference),
        Change::Waits(one) => match &one.until {
            Some(until) => {
                format!("{}{} waits until {}", whose(&one.member), lot_name(one.lot.as_ref()), local.stamp(Some(until)))
            }
            None => format!("{}{} waits for settlement", whose(&one.member), lot_name(one.lot.as_ref())),
        },
        Change::Visited(one) if one.late => format!("{}may be of a visit that is forgotten", whose(&one.member)),
        Change::Visited(one) if one.began_at != one.until => {
            format!("{}visit since {}", whose(&one.member), local.stamp(one.began_at.as_ref()))
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
        Change::Registered(_)
        | Change::Enrolled(_)
        | Change::AttributeSet(_)
        | Change::Counted(_)
        | Change::HoldOpened(_)
        | Change::HoldClosed(_)
        | Change::HoldExtended(_)
        | Change::Spell(_)
        | Change::Visited(_)
        | Change::Expiring(_) => return None,
    };
    Some(told)
}

fn tier_set(one: &proto::TierSet) -> Option<String> {
    let why = match one.why() {
        TierWhy::Joined => return None,
        TierWhy::Unspecified | TierWhy::Footing => "",
        TierWhy::Earned => "earned",
        TierWhy::Granted => "granted",
        TierWhy::Lapsed => "not earned for too long",
    };
    if one.previous_tier != one.tier {
        return Some(format!("tier {} -> {}: {why}", one.previous_tier, one.tier));
    }
    let short = !one.unmet_since.is_empty();
    short.then(|| format!("short of {} since {}", one.tier, one.unmet_since))
}
