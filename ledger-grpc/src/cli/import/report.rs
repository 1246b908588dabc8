//! Report: what came of the rows of a file, who did not come over, and why.

use super::super::local::{Local, grouped};
use super::super::say;
use super::rows::Reject;
use anyhow::{Context, Result};
use ledger_core::event::Name;
use ledger_core::refusal::Refusal;
use std::collections::BTreeMap;
use std::fmt::Arguments;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

/// Rows without points that are named on stderr.
const NAMED_MAX: usize = 20;

/// What came of the rows.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Rows of the file that were imported before.
    pub(super) before: u64,
    pub(super) rows: u64,
    /// Rows that are lines of an order with others, and such orders.
    pub(super) lines: (u64, u64),
    pub(super) accepted: u64,
    /// Events that had come before this file.
    pub(super) again: u64,
    /// Rows that say what a row before them in this file says.
    pub(super) repeated: u64,
    pub(super) rejected: u64,
    pub(super) refused: BTreeMap<&'static str, u64>,
    /// Members who came from another system, and who did not.
    pub(super) opened: (u64, u64),
    /// The money of purchases that were not recorded, in minor units, and how many they are.
    pub(super) dropped: (u64, i64),
    /// Rows that were judged late, the first, and the most days.
    pub(super) late: (u64, u64, i64),
    pub(super) seconds: f64,
}

impl Tally {
    /// Whether every row said something that was judged.
    pub(super) fn is_whole(&self) -> bool {
        self.rejected == 0 && self.repeated == 0
    }

    /// A purchase was not recorded.
    pub(super) fn drop_money(&mut self, money: i64) {
        if money != 0 {
            self.dropped = (self.dropped.0 + 1, self.dropped.1.saturating_add(money));
        }
    }

    pub(super) fn report(&self, file: &Path, local: &Local) -> Result<()> {
        let file = file.display();
        if self.rows == 0 {
            return say(format_args!("{file}: nothing to import behind row {}", grouped(self.before)));
        }
        let rate = self.rows as f64 / self.seconds.max(1e-3);
        let refused: u64 = self.refused.values().sum();
        say(format_args!(
            "{file}: {} rows in {:.2} s, {} a second: {} accepted, {} refused, {} had come before, {} rejected",
            grouped(self.rows),
            self.seconds,
            grouped(rate as i64),
            grouped(self.accepted),
            grouped(refused),
            grouped(self.again),
            grouped(self.rejected)
        ))?;
        for (reason, count) in &self.refused {
            say(format_args!("  refused {reason}: {}", grouped(*count)))?;
        }
        let (rows, orders) = self.lines;
        if rows > 0 {
            say(format_args!("  lines of orders: {} rows became {} orders", grouped(rows), grouped(orders)))?;
        }
        if self.repeated > 0 {
            say(format_args!("  repeated: {} rows say what a row before them says", grouped(self.repeated)))?;
        }
        if let (purchases @ 1.., money) = self.dropped {
            say(format_args!("  not recorded: {} purchases of {} in all", grouped(purchases), local.money(money)))?;
        }
        if let (rows @ 1.., first, days) = self.late {
            let (rows, days) = (grouped(rows), grouped(days));
            say(format_args!("  judged late: {rows} rows, the first on line {first}, by up to {days} days"))?;
        }
        let (came, not) = self.opened;
        if came + not > 0 {
            say(format_args!("  came from another system: {} members; {} did not", grouped(came), grouped(not)))?;
        }
        Ok(())
    }
}

/// Rows without points: the first are named on stderr, all of them in a file.
pub(super) struct Rejects {
    named: usize,
    unnamed: u64,
    file: Option<BufWriter<File>>,
}

/// A row that was judged.
pub(super) struct Said {
    pub(super) line: u64,
    pub(super) member: Name,
    pub(super) id: Name,
    pub(super) opens: bool,
    pub(super) money: i64,
}

impl Rejects {
    /// A run that goes on adds to the file of the run before.
    pub(super) fn create(path: Option<&Path>, goes_on: bool) -> Result<Rejects> {
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            options.create(true).write(true).append(goes_on).truncate(!goes_on);
            options.open(path).map(BufWriter::new).with_context(|| format!("cannot write {}", path.display()))
        };
        Ok(Rejects { named: 0, unnamed: 0, file: path.map(open).transpose()? })
    }

    pub(super) fn rejected(&mut self, line: u64, reject: &Reject) -> Result<()> {
        self.name(format_args!("line {line}: {}", reject.reason));
        self.write(&serde_json::json!({ "line": line, "rejected": reject.reason, "text": reject.text }))
    }

    pub(super) fn refused(&mut self, said: &Said, refusal: Refusal) -> Result<()> {
        let Said { line, member, id, .. } = said;
        let (reason, why) = (refusal.reason(), refusal.message());
        self.name(format_args!("line {line}: refused {reason}: {member}: {why}"));
        let row = serde_json::json!({
            "line": line, "refused": reason, "why": why, "member": &**member, "id": &**id
        });
        self.write(&row)
    }

    pub(super) fn repeated(&mut self, said: &Said) -> Result<()> {
        let Said { line, member, id, .. } = said;
        self.name(format_args!(
            "line {line}: says what a row before it says; if it is another, give it an id of its own"
        ));
        self.write(&serde_json::json!({ "line": line, "repeated": true, "member": &**member, "id": &**id }))
    }

    fn name(&mut self, row: Arguments<'_>) {
        if self.named < NAMED_MAX {
            self.named += 1;
            eprintln!("{row}");
        } else {
            self.unnamed += 1;
        }
    }

    fn write(&mut self, row: &serde_json::Value) -> Result<()> {
        match &mut self.file {
            Some(file) => Ok(writeln!(file, "{row}")?),
            None => Ok(()),
        }
    }

    pub(super) fn end(&mut self) -> Result<()> {
        if self.unnamed > 0 {
            eprintln!("and {} more", grouped(self.unnamed));
        }
        self.file.as_mut().map_or(Ok(()), |file| Ok(file.flush()?))
    }
}
