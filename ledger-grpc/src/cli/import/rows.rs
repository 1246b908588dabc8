//! Rows: a file of events, row by row, each an event or the reason why it is none.
//!
//! A file of purchases is CSV whose header names the columns; every other file has one event in JSON on
//! each line. A row that is no event does not end the file.

use super::super::Usage;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use csv::{ByteRecord, Reader, ReaderBuilder};
use ledger_core::event::{Body, Currency, Event, Line, Name, Violation};
use ledger_core::units::{At, Money};
use ledger_grpc::{instant, json, wire};
use ledger_store::Handle;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

const BUFFER_BYTES: usize = 1 << 20;
/// The source of the events of a file of purchases.
const SOURCE: &str = "import";
/// The columns of a file of purchases.
const COLUMNS: [&str; 4] = ["member_id", "timestamp", "amount_minor_units", "order_id"];

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
            Some("csv") => Ok(Format::Csv),
            Some("jsonl" | "ndjson" | "json") => Ok(Format::Jsonl),
            _ => Err(Usage(format!("cannot tell the format of {} by its name; give --format", path.display())).into()),
        }
    }
}

/// A row of a file.
pub(super) struct Row {
    /// Its line, from 1.
    pub(super) line: u64,
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
pub(super) enum Rows {
    Purchases(Purchases, Currency),
    Lines(Lines),
}

impl Rows {
    /// Opens a file; the purchases of a CSV file are in `currency`.
    pub(super) fn open(path: &Path, format: Format, currency: Option<Currency>) -> Result<Rows> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        match format {
            Format::Csv => {
                let purchases = Purchases::of(file).with_context(|| path.display().to_string())?;
                let currency = currency.context("a file of purchases needs a program that says the currency")?;
                Ok(Rows::Purchases(purchases, currency))
            }
            Format::Jsonl => {
                let input = BufReader::with_capacity(BUFFER_BYTES, file);
                Ok(Rows::Lines(Lines { input, text: Vec::new(), line: 0, bytes: 0 }))
            }
        }
    }

    /// Passes a row over; `false` at the end.
    pub(super) fn skip(&mut self) -> Result<bool> {
        match self {
            Rows::Purchases(purchases, _) => purchases.read(),
            Rows::Lines(lines) => lines.read(),
        }
    }

    /// The next row; `None` at the end.
    pub(super) fn next(&mut self, handle: &Handle) -> Result<Option<Row>> {
        if !self.skip()? {
            return Ok(None);
        }
        let (line, event) = match self {
            Rows::Purchases(purchases, currency) => {
                let event = purchases.purchase().and_then(|purchase| checked(purchase.event(*currency)));
                (purchases.line(), event.map_err(|reason| Reject { reason, text: purchases.text() }))
            }
            Rows::Lines(lines) => {
                let event = lines.event(handle);
                (lines.line, event.map_err(|reason| Reject { reason, text: lines.shown() }))
            }
        };
        Ok(Some(Row { line, event }))
    }

    /// How many bytes of the file are read.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Rows::Purchases(purchases, _) => purchases.input.position().byte(),
            Rows::Lines(lines) => lines.bytes,
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

// ---- purchases -------------------------------------------------------------------------------

/// A file of purchases.
pub(in super::super) struct Purchases {
    input: Reader<Box<dyn std::io::Read>>,
    row: ByteRecord,
    columns: [usize; COLUMNS.len()],
    width: usize,
}

/// A purchase as the file has it.
#[derive(Clone, Debug)]
pub(in super::super) struct Purchase {
    pub(in super::super) member: String,
    pub(in super::super) at: At,
    pub(in super::super) amount: i64,
    pub(in super::super) order: String,
}

impl Purchase {
    fn event(self, currency: Currency) -> Event<Name> {
        let lines = vec![Line::plain("", 1, Money(self.amount))];
        Event {
            source: SOURCE.into(),
            id: self.order.as_str().into(),
            occurred_at: self.at,
            member: self.member.into(),
            keys: Default::default(),
            origin: None,
            body: Body::purchase(&self.order, currency, lines),
        }
    }
}

impl Purchases {
    /// Reads the header.
    pub(in super::super) fn of(input: impl std::io::Read + 'static) -> Result<Purchases> {
        let input: Box<dyn std::io::Read> = Box::new(input);
        let mut input = ReaderBuilder::new().flexible(true).buffer_capacity(BUFFER_BYTES).from_reader(input);
        let header = input.byte_headers()?.clone();
        let named = |name: &str| header.iter().position(|field| field.trim_ascii() == name.as_bytes());
        let missing: Vec<_> = COLUMNS.into_iter().filter(|name| named(name).is_none()).collect();
        if !missing.is_empty() || header.len() != COLUMNS.len() {
            let found: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
            bail!("line 1: the columns are {}; they must be {}", found.join(","), COLUMNS.join(","));
        }
        let columns = COLUMNS.map(|name| named(name).unwrap_or_default());
        Ok(Purchases { input, row: ByteRecord::new(), columns, width: header.len() })
    }

    /// Reads the next row; `false` at the end.
    pub(in super::super) fn read(&mut self) -> Result<bool> {
        Ok(self.input.read_byte_record(&mut self.row)?)
    }

    fn line(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::line)
    }

    fn text(&self) -> String {
        self.row.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().join(",")
    }

    /// The row that was read last.
    pub(in super::super) fn purchase(&self) -> Result<Purchase, String> {
        if self.row.len() != self.width {
            return Err(format!("has {} fields, the header has {}", self.row.len(), self.width));
        }
        let [member, at, amount, order] = self.columns.map(|at| &self.row[at]);
        let text = |name: &str, field: &[u8]| {
            let text = std::str::from_utf8(field).map_err(|_| format!("{name} is not UTF-8"));
            text.map(str::to_owned)
        };
        let time = text("timestamp", at)?;
        let at = instant::read(&time);
        let cents = text("amount_minor_units", amount)?;
        let whole = || format!("amount_minor_units {cents:?} is no whole number of the smallest unit of money");
        Ok(Purchase {
            member: text("member_id", member)?,
            at: at.ok_or_else(|| format!("timestamp {time:?} is no instant; write 2026-01-31T09:00:00Z"))?,
            amount: cents.parse().map_err(|_| whole())?,
            order: text("order_id", order)?,
        })
    }
}

// ---- lines -----------------------------------------------------------------------------------

/// A file with an event in JSON on each line.
pub(super) struct Lines {
    input: BufReader<File>,
    text: Vec<u8>,
    line: u64,
    bytes: u64,
}

impl Lines {
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

    fn event(&self, handle: &Handle) -> Result<Event<Name>, String> {
        let text = std::str::from_utf8(&self.text).map_err(|_| "is not UTF-8".to_owned())?;
        let event = json::read(text)?;
        let hash = |kind: &str, text: &str| handle.risk_key(kind, text);
        let sorted = wire::one(Some(event), &hash).map_err(|invalid| problems(&invalid.0))?;
        sorted.events.into_iter().next().ok_or_else(|| "is no event".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purchases(text: &'static str) -> Vec<Result<(String, i64, i64, String), String>> {
        let mut purchases = Purchases::of(text.as_bytes()).expect("the header is right");
        let mut all = Vec::new();
        while purchases.read().expect("the text can be read") {
            let purchase = purchases.purchase();
            all.push(purchase.map(|one| (one.member, one.at.0, one.amount, one.order)));
        }
        all
    }

    #[test]
    fn the_header_says_which_column_is_which() {
        let text = "order_id,member_id,amount_minor_units,timestamp\no-1,M1,1234,1997-01-01T12:00:00Z\n";
        assert_eq!(purchases(text), [Ok(("M1".into(), 852_120_000_000, 1234, "o-1".into()))]);
        for header in [
            "member_id,timestamp,amount,order_id\n",
            "member_id\n",
            "",
            "a,member_id,timestamp,amount_minor_units,order_id\n",
        ] {
            assert!(Purchases::of(header.as_bytes()).is_err(), "{header:?}");
        }
    }

    #[test]
    fn a_row_that_is_no_purchase_says_why() {
        let text = "member_id,timestamp,amount_minor_units,order_id\n\
            M1,1997-01-01,5,o-1\n\
            M1,1997-01-01T12:00:00Z,12.34,o-1\n\
            M1,1997-01-01T12:00:00Z\n\
            M1,1997-01-01T12:00:00Z,5,o-2\n";
        let mut read = purchases(text).into_iter();
        let mut reason = || read.next().expect("a row").expect_err("no purchase");
        assert!(reason().contains("\"1997-01-01\" is no instant"));
        assert!(reason().contains("\"12.34\" is no whole number"));
        assert!(reason().contains("has 2 fields, the header has 4"));
        assert!(read.next().is_some_and(|row| row.is_ok()));
    }
}
