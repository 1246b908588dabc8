//! Verify and rebuild: what an operator does with a ledger.

use super::local::{Local, grouped};
use super::open::{hex, keep_private, must_be_ledger, open_error, open_or_make};
use super::progress::Progress;
use super::restore::at_least;
use super::{Answer, say, show};
use anyhow::{Result, anyhow};
use clap::Args;
use ledger_core::account::Account;
use ledger_grpc::instant;
use ledger_store::{AtLeast, FINDINGS_MAX, Options, Report, Time};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Every kind of account, in order of [`Account::kind`].
#[derive(Args)]
pub(super) struct Verify {
    /// The ledger's directory
    #[arg(long, value_name = "DIR", env = "LEDGERD_DATA")]
    data: PathBuf,
    /// The log must reach this position, and have this root there: from an earlier `verify`, or a checkpoint
    #[arg(long, value_name = "POSITION[:ROOT]", value_parser = at_least)]
    at_least: Option<AtLeast>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Rebuild {
    /// The ledger's directory
    #[arg(long, value_name = "DIR", env = "LEDGERD_DATA")]
    data: PathBuf,
}

impl Verify {
    pub(super) fn run(self) -> Result<Answer> {
        let report = verify_at_least(&self.data, self.at_least)?;
        if self.json {
            say(told(&report))?;
        } else {
            say(verdict(&report))?;
        }
        Ok(report.agrees().into())
    }
}

/// Verifies the ledger in `dir`, telling how far it is.
pub(super) fn verify(dir: &Path) -> Result<Report> {
    verify_at_least(dir, None)
}

fn verify_at_least(dir: &Path, at_least: Option<AtLeast>) -> Result<Report> {
    must_be_ledger(dir)?;
    let mut progress = Progress::of_records("verify");
    let report = ledger_store::verify_at_least(dir, at_least, &mut |records| progress.at(records)).map_err(open_error);
    progress.end();
    report
}

/// A report in words; the first divergence comes last, where it is seen.
pub(super) fn verdict(report: &Report) -> String {
    let utc = Local::of(None);
    let mut table = show::table(&["checked", ""], &[]);
    table.add_row(["ledger".to_owned(), report.identity.to_string()]);
    table.add_row([
        "records".to_owned(),
        format!("{}, the last at {} UTC", grouped(report.records), utc.time(report.at)),
    ]);
    table.add_row(["members".to_owned(), grouped(report.members)]);
    table.add_row(["rows compared".to_owned(), grouped(report.rows)]);
    if report.sealed > 0 {
        table.add_row(["sealed, and not compared".to_owned(), format!("what was said in {}", grouped(report.sealed))]);
    }
    table.add_row(["root of the log".to_owned(), hex(&report.root)]);
    table.add_row(["digest of the state".to_owned(), hex(&report.digest)]);
    let balances = report.wallets.iter().map(|(name, totals)| {
        let accounts = Account::ALL.map(|account| (account.name(), totals.accounts[account.kind()]));
        format!("{}\n\n", show::lines(&show::balances(name, accounts)))
    });
    let balances: String = balances.collect();
    let found = match report.findings.as_slice() {
        [] => "verified: the log, the state folded from it and the trial balance agree".to_owned(),
        [first, rest @ ..] => {
            let rest: String = rest.iter().map(|finding| format!("  also: {finding}\n")).collect();
            let more = if report.findings.len() == FINDINGS_MAX { "  and perhaps more\n" } else { "" };
            format!("{rest}{more}DIVERGES: {first}")
        }
    };
    format!("{}\n\n{balances}{found}", show::lines(&table))
}

fn told(report: &Report) -> Value {
    let wallets = report.wallets.iter().map(|(name, totals)| {
        let told = |account: Account| (account.name().to_owned(), Value::from(totals.accounts[account.kind()]));
        (name.to_string(), Value::from(serde_json::Map::from_iter(Account::ALL.map(told))))
    });
    json!({
        "agrees": report.agrees(),
        "ledger": report.identity.ledger.to_string(),
        "lineage": report.identity.lineage,
        "shard": report.identity.shard,
        "records": report.records,
        "at": instant::show(report.at),
        "members": report.members,
        "rows": report.rows,
        "sealed": report.sealed,
        "root": hex(&report.root),
        "digest": hex(&report.digest),
        "wallets": serde_json::Map::from_iter(wallets),
        "findings": report.findings,
    })
}

impl Rebuild {
    pub(super) fn run(self) -> Result<Answer> {
        must_be_ledger(&self.data)?;
        keep_private();
        ledger_store::rebuild(&self.data).map_err(open_error)?;
        say("folded state is dropped; folding it again from the log")?;
        let options = Options { time: Time::Simulated, ..Options::default() };
        let ledger = open_or_make(&self.data, options)?;
        let stats = ledger.handle().stats();
        ledger.close().map_err(|error| anyhow!(error))?;
        let (records, members) = (grouped(stats.committed.0), grouped(stats.members));
        say(format_args!("rebuilt: {records} records folded, {members} members; `ledgerd verify` compares"))?;
        Ok(Answer::Yes)
    }
}
