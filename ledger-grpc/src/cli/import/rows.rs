//! Rows: a file of events, each an event or the reason why it is none.
//!
//! A file of purchases is CSV whose header names the columns; every other file has one event in JSON on
//! each line. A row that is no event does not end the file.

use super::super::Usage;
use super::purchases::{Order, Purchases};
use super::text;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use ledger_core::event::{Currency, Event, Kind, Name, Origin, Violation};
use ledger_grpc::{json, wire};
use ledger_store::Handle;
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum Format {
    /// Purchases, with a header that names the columns
    Csv,
    /// An event in JSON on each line
    Jsonl,
}

impl Format {
    /// By the end of the name.
    pub(super) fn of(path: &Path) -> Result<Format> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv" | "tsv") => Ok(Format::Csv),
            Some("jsonl" | "ndjson" | "json") => Ok(Format::Jsonl),
            _ => Err(Usage(format!("cannot tell the format of {} by its name; give --format", path.display())).into()),
        }
    }
}

/// What the rows of a file are, beside what they say.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The source of purchases.
    pub(super) source: Name,
    /// The column that tells which rows are lines of one order, if each row is a line.
    pub(super) lines_by: Option<String>,
    /// All of it is history.
    pub(super) history: bool,
}

/// A row of a file, or several that are one order.
pub(super) struct Row {
    /// Its line, from 1; of several, the first.
    pub(super) line: u64,
    /// How many rows of the file it is.
    pub(super) rows: u64,
    /// The money of its purchase, in minor units, if it is one of a file of purchases.
    pub(super) money: i64,
    /// The event, or why it is none.
    pub(super) event: Result<Event<Name>, Reject>,
}

/// A row that is no event.
#[derive(Debug)]
pub(super) struct Reject {
    pub(super) reason: String,
    pub(super) text: String,
}

/// A file of events that is being read.
pub(super) struct Rows {
    of: Of,
    reading: Reading,
}

enum Of {
    Purchases(Box<Purchases>, Currency),
    Lines(Lines),
}

impl Rows {
    /// Opens a file; the purchases of a CSV file are in `currency`.
    pub(super) fn open(path: &Path, format: Format, reading: Reading, currency: Option<Currency>) -> Result<Rows> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let input = text::decoded(file).with_context(|| path.display().to_string())?;
        let of = match format {
            Format::Csv => {
                let purchases = Purchases::of_text(input, reading.lines_by.as_deref());
                let purchases = purchases.with_context(|| path.display().to_string())?;
                let currency = currency.context("a file of purchases needs a program that says the currency")?;
                Of::Purchases(Box::new(purchases), currency)
            }
            Format::Jsonl if reading.lines_by.is_some() => {
                return Err(Usage("--lines-by is for files of purchases (.csv)".into()).into());
            }
            Format::Jsonl => Of::Lines(Lines::of(input).with_context(|| path.display().to_string())?),
        };
        Ok(Rows { of, reading })
    }

    /// Passes a row over; `false` at the end.
    pub(super) fn skip(&mut self) -> Result<bool> {
        match &mut self.of {
            Of::Purchases(purchases, _) => purchases.read(),
            Of::Lines(lines) => lines.read(),
        }
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// If the file cannot be read, or says in one row what the rows behind it contradict.
    pub(super) fn next(&mut self, handle: &Handle) -> Result<Option<Row>> {
        let history = self.reading.history;
        match &mut self.of {
            Of::Purchases(purchases, currency) => {
                let Some(order) = purchases.next_order()? else { return Ok(None) };
                let Order { line, rows, money, text, .. } = &order;
                let (line, rows, money, text) = (*line, *rows, *money, text.clone());
                let event = order.event(&self.reading.source, *currency).and_then(|mut event| {
                    if history {
                        event.origin = Some(Box::new(Origin { history, ..Origin::default() }));
                    }
                    checked(event)
                });
                Ok(Some(Row { line, rows, money, event: event.map_err(|reason| Reject { reason, text }) }))
            }
            Of::Lines(lines) => {
                if !lines.read()? {
                    return Ok(None);
                }
                let event = lines.event(handle, history);
                let event = event.map_err(|reason| Reject { reason, text: lines.shown() });
                Ok(Some(Row { line: lines.line, rows: 1, money: 0, event }))
            }
        }
    }

    /// How many bytes of the file are read, as text.
    pub(super) fn bytes(&self) -> u64 {
        match &self.of {
            Of::Purchases(purchases, _) => purchases.bytes(),
            Of::Lines(lines) => lines.bytes,
        }
    }
}

fn checked(mut event: Event<Name>) -> Result<Event<Name>, String> {
    let violations = event.violations();
    if violations.is_empty() { Ok(event) } else { Err(problems(&violations)) }
}

fn problems(violations: &[Violation]) -> String {
    let problem = |one: &Violation| format!("{} {}", one.field.trim_start_matches("event."), one.problem);
    violations.iter().map(problem).collect::<Vec<_>>().join("; ")
}

/// A file with an event in JSON on each line.
struct Lines {
    input: BufReader<Box<dyn Read>>,
    text: Vec<u8>,
    line: u64,
    bytes: u64,
}

impl Lines {
    /// Looks at the beginning: what is no event on each line is told once, and not line by line.
    fn of(mut input: BufReader<Box<dyn Read>>) -> Result<Lines> {
        let begin = input.fill_buf()?.trim_ascii_start();
        if begin.first() == Some(&b'[') {
            bail!("is a JSON list; write one event on each line, as `jq -c '.[]'` does");
        }
        let line = begin.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let goes_on = serde_json::from_slice::<IgnoredAny>(line).is_err_and(|error| error.is_eof());
        if goes_on && line.len() < begin.len() {
            bail!("has events that go on over several lines; write each on one line, as `jq -c .` does");
        }
        Ok(Lines { input, text: Vec::new(), line: 0, bytes: 0 })
    }

    /// Reads the next line; `false` at the end. Lines that are blank count as rows of no event.
    fn read(&mut self) -> Result<bool> {
        loop {
            self.text.clear();
            let bytes = self.input.read_until(b'\n', &mut self.text)?;
            if bytes == 0 {
                return Ok(false);
            }
            self.line += 1;
            self.bytes += bytes as u64;
            if !self.text.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(self.text.trim_ascii()).into_owned()
    }

    fn event(&self, handle: &Handle, history: bool) -> Result<Event<Name>, String> {
        let text = std::str::from_utf8(&self.text).map_err(|_| "is not UTF-8; save the file as UTF-8".to_owned())?;
        let mut event = json::read(text)?;
        event.history |= history;
        let hash = |kind: &str, text: &str| handle.risk_key(kind, text);
        let sorted = wire::one(Some(event), &hash).map_err(|invalid| problems(&invalid.0))?;
        sorted.events.into_iter().next().ok_or_else(|| "is no event".to_owned())
    }
}

/// Whether the row brings a member of another system.
pub(super) fn opens(event: &Event<Name>) -> bool {
    event.body.kind() == Kind::Opened
}
