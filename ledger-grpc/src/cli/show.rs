//! Show: the answers of a ledger as tables and sentences for people.

mod event;
mod member;
mod record;
mod totals;

pub(super) use self::member::{has, lot_name, member, quote, waits};
pub(super) use self::record::{cause, posting, reason, step, steps_table};
pub(super) use self::totals::{balances, tiers, totals, trial_balance};

use super::local::{Local, grouped};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use ledger_grpc::proto;
use std::fmt::Write;

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

/// The name of an enum of the API as people write it: `ADJUSTMENT_NONE` is `none`.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', " ")
}

fn plural(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

fn scope(scope: proto::FreezeScope) -> String {
    word(scope.as_str_name(), "FREEZE_SCOPE_")
}

/// Of a hash, enough to tell it from others.
fn short(hash: &str) -> String {
    hash.chars().take(HASH_SHOWN).collect()
}

/// What waits for what it speaks of, a line each.
fn parked(waiting: &[proto::ParkedEvent]) -> String {
    let mut out = String::new();
    for proto::ParkedEvent { position, since, until } in waiting {
        let _ = writeln!(out, "  record {position} waits for what it speaks of since {since}, until {until}");
    }
    out
}

/// Risk cases, and what waits for one.
pub(super) fn cases(cases: &[proto::Case], waiting: &[proto::ParkedEvent], local: &Local) -> String {
    if cases.is_empty() {
        return format!("no cases\n{}", parked(waiting)).trim_end().to_owned();
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
    format!("{}\n{}", lines(&table), parked(waiting)).trim_end().to_owned()
}

/// Counters.
pub(super) fn counters(counters: &proto::ListCountersResponse) -> String {
    if counters.counters.is_empty() {
        return "nothing was counted".to_owned();
    }
    let mut table = table(&["counter", "in its window", "ever", "members"], &[1, 2]);
    for one in &counters.counters {
        let window = one.window.map_or_else(|| "-".to_owned(), grouped::<i64>);
        let mut members = one.members.iter().take(MEMBERS_SHOWN).cloned().collect::<Vec<_>>().join(" ");
        let rest = one.members.len().saturating_sub(MEMBERS_SHOWN);
        if rest > 0 {
            let _ = write!(members, " and {rest} more");
        }
        table.add_row([one.name.clone(), window, grouped(one.total), members]);
    }
    lines(&table)
}
