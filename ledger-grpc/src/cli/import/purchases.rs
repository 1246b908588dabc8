//! Purchases: a CSV file whose header names the columns, each row a purchase, or a line of one.

use super::text;
use anyhow::{Result, bail};
use csv::{ByteRecord, Reader, ReaderBuilder};
use ledger_core::event::{Body, Currency, Event, Line, NAME_BYTES_MAX, Name};
use ledger_core::merkle::leaf;
use ledger_core::units::{At, Money};
use ledger_grpc::instant;
use std::io::{BufRead, BufReader, Read};

/// The columns of a file of purchases.
const COLUMNS: [&str; 4] = ["member_id", "timestamp", "amount_minor_units", "order_id"];
/// What may stand between two fields.
const DELIMITERS: &[u8] = b",;\t|";

/// A file of purchases.
pub(in super::super) struct Purchases {
    input: Reader<Box<dyn Read>>,
    row: ByteRecord,
    header: ByteRecord,
    columns: [usize; COLUMNS.len()],
    /// The column that tells which rows are lines of one order, if each row is a line.
    lines_by: Option<usize>,
    /// Lines before the header.
    before: u64,
    /// A row that was read ahead.
    held: Option<Order>,
}

/// A purchase as the file has it.
#[derive(Clone, Debug)]
pub(in super::super) struct Purchase {
    pub(in super::super) member: String,
    pub(in super::super) at: At,
    pub(in super::super) amount: i64,
    pub(in super::super) order: String,
}

/// An order: one row, or several that are its lines.
pub(super) struct Order {
    /// The line of its first row.
    pub(super) line: u64,
    /// How many rows it is.
    pub(super) rows: u64,
    /// The money of all of them that can be read.
    pub(super) money: i64,
    /// The rows as they are.
    pub(super) text: String,
    /// The first row, and the amounts of all; or why one of them is none.
    said: Result<(Purchase, Vec<i64>), String>,
    /// By what rows are known as of one order: the member, and the order.
    key: (Vec<u8>, Vec<u8>),
}

impl Order {
    /// The purchase, which is named by the member and the order: shops that number alike share no numbers.
    pub(super) fn event(self, source: &str, currency: Currency) -> Result<Event<Name>, String> {
        let (first, amounts) = self.said?;
        if amounts.iter().fold(0i64, |sum, amount| sum.saturating_add(*amount)) < 0 {
            let sum = self.money;
            return Err(format!(
                "amount_minor_units is {sum}, below 0; tell what came back as `refunded`, in a file of events (.jsonl)"
            ));
        }
        let lines = amounts.into_iter().map(|amount| Line::plain("", 1, Money(amount))).collect();
        Ok(Event {
            source: source.into(),
            id: id_of(&first.member, &first.order),
            occurred_at: first.at,
            member: first.member.into(),
            keys: Default::default(),
            origin: None,
            body: Body::purchase(&first.order, currency, lines),
        })
    }

    /// Takes the next row in, which is a line of the same order.
    fn add(&mut self, next: Order) {
        self.rows += next.rows;
        self.money = self.money.saturating_add(next.money);
        self.text = format!("{}\n{}", self.text, next.text);
        match (&mut self.said, next.said) {
            (Ok((_, amounts)), Ok((_, more))) => amounts.extend(more),
            (said @ Ok(_), Err(reason)) => *said = Err(format!("its line {}: {reason}", next.line)),
            (Err(_), _) => {}
        }
    }
}

/// `member/order`; a hash of both where that is too long for an id.
fn id_of(member: &str, order: &str) -> Name {
    // A member may be called anything: no two pairs come to one id.
    let id = format!("{}/{order}", member.replace('%', "%25").replace('/', "%2F"));
    if id.len() <= NAME_BYTES_MAX {
        return id.into();
    }
    let hash: String = leaf(id.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    hash.into()
}

impl Purchases {
    /// Reads the header; each row is a purchase.
    pub(in super::super) fn of(input: impl Read + 'static) -> Result<Purchases> {
        Purchases::of_text(text::decoded(input)?, None)
    }

    /// The same of a text, in which rows may be lines of one order that a column names.
    pub(super) fn of_text(mut input: BufReader<Box<dyn Read>>, lines_by: Option<&str>) -> Result<Purchases> {
        let said = delimiter_said(&mut input)?;
        let before = u64::from(said.is_some());
        let first = input.fill_buf()?.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        let has = |delimiter: &u8| {
            let fields = || first.split(|byte| byte == delimiter).map(unquoted);
            COLUMNS.iter().filter(|name| fields().any(|field| field == name.as_bytes())).count()
        };
        let delimiter = said.or_else(|| DELIMITERS.iter().copied().rev().max_by_key(has)).unwrap_or(b',');
        let input: Box<dyn Read> = Box::new(input);
        let mut input = ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(input);
        let header = input.byte_headers()?.clone();
        let named = |name: &str| header.iter().position(|field| field.trim_ascii() == name.as_bytes());
        let extra = lines_by.filter(|name| !COLUMNS.contains(name));
        let missing = COLUMNS.into_iter().chain(extra).any(|name| named(name).is_none());
        if missing || header.len() != COLUMNS.len() + usize::from(extra.is_some()) {
            let found: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
            let wanted: Vec<_> = COLUMNS.into_iter().chain(extra).collect();
            bail!("line {}: the columns are {}; they must be {}", before + 1, found.join(","), wanted.join(","));
        }
        let columns = COLUMNS.map(|name| named(name).unwrap_or_default());
        let lines_by = lines_by.and_then(named);
        Ok(Purchases { input, row: ByteRecord::new(), header, columns, lines_by, before, held: None })
    }

    /// Reads the next row; `false` at the end.
    pub(in super::super) fn read(&mut self) -> Result<bool> {
        Ok(self.input.read_byte_record(&mut self.row)?)
    }

    /// The next order; `None` at the end.
    ///
    /// # Errors
    /// If two rows beside each other are one order, and the file does not say that each row is a line.
    pub(super) fn next_order(&mut self) -> Result<Option<Order>> {
        let Some(mut order) = self.held.take().map_or_else(|| self.one(), |held| Ok(Some(held)))? else {
            return Ok(None);
        };
        while let Some(next) = self.one()? {
            if next.key != order.key || order.key.1.is_empty() {
                self.held = Some(next);
                break;
            }
            if self.lines_by.is_none() {
                let (member, number) = (&order.key.0, &order.key.1);
                let [member, number] = [member, number].map(|name| String::from_utf8_lossy(name));
                bail!(
                    "line {}: order {number} of {member} is on line {} already; if each row is a line of an order, \
                     say --lines-by order_id, else leave one of them out. Nothing from line {} on is imported",
                    next.line,
                    order.line,
                    order.line
                );
            }
            order.add(next);
        }
        Ok(Some(order))
    }

    /// The next row by itself.
    fn one(&mut self) -> Result<Option<Order>> {
        if !self.read()? {
            return Ok(None);
        }
        let said = self.purchase();
        let field = |at: usize| self.row.get(at).unwrap_or_default().trim_ascii().to_vec();
        let [member, _, _, order] = self.columns;
        let money = said.as_ref().map_or(0, |purchase| purchase.amount);
        Ok(Some(Order {
            line: self.line(),
            rows: 1,
            money,
            text: self.text(),
            said: said.map(|purchase| (purchase, vec![money])),
            key: (field(member), field(self.lines_by.unwrap_or(order))),
        }))
    }

    /// How many bytes of the text are read.
    pub(super) fn bytes(&self) -> u64 {
        self.input.position().byte()
    }

    fn line(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::line) + self.before
    }

    fn text(&self) -> String {
        self.row.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().join(",")
    }

    /// The row that was read last.
    pub(in super::super) fn purchase(&self) -> Result<Purchase, String> {
        if self.row.len() != self.header.len() {
            return Err(format!("has {} fields, the header has {}", self.row.len(), self.header.len()));
        }
        if self.row == self.header {
            return Err("is the header again; leave it out".to_owned());
        }
        let [member, at, amount, order] = self.columns.map(|at| &self.row[at]);
        let text = |name: &str, field: &[u8]| {
            let text = std::str::from_utf8(field).map_err(|_| format!("{name} is not UTF-8; save the file as UTF-8"));
            text.map(str::to_owned)
        };
        let time = text("timestamp", at)?;
        let at = instant::read(&time);
        let cents = text("amount_minor_units", amount)?;
        let whole = || {
            format!(
                "amount_minor_units {cents:?} is no whole number of the smallest unit of money; write 1234 for 12.34 \
                 of a currency with cents"
            )
        };
        Ok(Purchase {
            member: text("member_id", member)?,
            at: at.ok_or_else(|| format!("timestamp {time:?} is no instant; write 2026-01-31T09:00:00Z"))?,
            amount: cents.parse().map_err(|_| whole())?,
            order: text("order_id", order)?,
        })
    }
}

/// A name of the header without the quotes around it.
fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field)
}

/// What stands between two fields by the file's own word: `sep=;` on a line before the header, as spreadsheets do.
fn delimiter_said(input: &mut BufReader<Box<dyn Read>>) -> Result<Option<u8>> {
    let begin = input.fill_buf()?;
    let Some(rest) = begin.strip_prefix(b"sep=") else { return Ok(None) };
    let Some(delimiter) = rest.first().copied() else { return Ok(None) };
    if !DELIMITERS.contains(&delimiter) {
        bail!("line 1: sep={} is no delimiter; write sep=, or sep=;", char::from(delimiter));
    }
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    Ok(Some(delimiter))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Result<(String, i64, i64, String), String>;

    fn purchases(text: &'static str) -> Vec<Read> {
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
        let right: Read = Ok(("M1".into(), 852_120_000_000, 1234, "o-1".into()));
        for text in [
            "order_id,member_id,amount_minor_units,timestamp\no-1,M1,1234,1997-01-01T12:00:00Z\n",
            "\u{feff}order_id;\"member_id\";amount_minor_units;timestamp\no-1;M1;1234;1997-01-01T12:00:00Z\n",
            "sep=\t\r\norder_id\tmember_id\tamount_minor_units\ttimestamp\r\no-1\tM1\t1234\t1997-01-01T12:00:00Z\r\n",
        ] {
            assert_eq!(purchases(text), std::slice::from_ref(&right), "{text:?}");
        }
        for header in [
            "member_id,timestamp,amount,order_id\n",
            "member_id\n",
            "",
            "sep=x\nmember_id,timestamp,amount_minor_units,order_id\n",
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
            member_id,timestamp,amount_minor_units,order_id\n\
            M1,1997-01-01T12:00:00Z,5,o-2\n";
        let mut read = purchases(text).into_iter();
        let mut reason = || read.next().expect("a row").expect_err("no purchase");
        assert!(reason().contains("\"1997-01-01\" is no instant"));
        assert!(reason().contains("\"12.34\" is no whole number"));
        assert!(reason().contains("has 2 fields, the header has 4"));
        assert!(reason().contains("is the header again"));
        assert!(read.next().is_some_and(|row| row.is_ok()));
    }

    #[test]
    fn an_id_is_of_one_member_and_order() {
        assert_eq!(&*id_of("M1", "o/1"), "M1/o/1");
        let ids = [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c")].map(|(member, order)| id_of(member, order));
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2], "{ids:?}");
        let long = "x".repeat(128);
        assert_eq!(id_of(&long, &long).len(), 64);
    }
}
