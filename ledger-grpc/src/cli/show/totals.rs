//! Totals: the trial balance, and the tallies.

use super::super::local::{Local, grouped};
use super::{lines, plural, table, word};
use comfy_table::Table;
use ledger_grpc::proto;
use std::fmt::Write;

/// The balances of a wallet's accounts and their sum.
pub(in crate::cli) fn balances<'a>(wallet: &str, accounts: impl IntoIterator<Item = (&'a str, i64)>) -> Table {
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
pub(in crate::cli) fn totals(totals: &proto::GetTotalsResponse, local: &Local) -> String {
    let mut out = String::new();
    let at = local.stamp(totals.at.as_ref());
    let _ = writeln!(out, "totals at position {}, {at}", grouped(totals.position));
    for wallet in &totals.wallets {
        let _ = writeln!(out, "{}", lines(&trial_balance(wallet)));
        if let Some((liability, breakage)) = wallet.liability.zip(wallet.breakage) {
            let (liability, breakage) = (local.money(liability), local.money(breakage));
            let rate = wallet.cost_money.zip(wallet.cost_points).map(|(money, points)| {
                format!(", all points at {} for {} as the program says now", local.money(money), grouped(points))
            });
            let _ = writeln!(out, "  liability {liability}, breakage {breakage}{}", rate.unwrap_or_default());
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

pub(in crate::cli) fn trial_balance(totals: &proto::WalletTotals) -> Table {
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

pub(in crate::cli) fn tiers(totals: &proto::GetTotalsResponse) -> Table {
    let mut table = table(&["tier", "members"], &[1]);
    for one in &totals.tiers {
        let name = if one.tier.is_empty() { "-" } else { &one.tier };
        table.add_row([name.to_owned(), grouped(one.members)]);
    }
    table
}
