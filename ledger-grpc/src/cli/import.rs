//! Import: a file of events into a ledger that no server has open.
//!
//! The ledger notes how many rows of a file it has, durably with the events of those rows, under the
//! hash of the file's content: a run that was cut short goes on where it stopped, and another file of
//! the same name begins at its beginning. Each event has its id all the same, so that an event that
//! comes again, in whatever file, changes nothing.

mod rows;

pub(super) use rows::Purchases;

use super::local::grouped;
use super::open::{Clock, Confirmed, Secret, hex, open_or_make, publish_first};
use super::progress::Progress;
use super::{Answer, say};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::merkle::{Frontier, leaf};
use ledger_core::outcome::Outcome;
use ledger_core::program::Program;
use ledger_core::units::{At, DAY_MS};
use ledger_grpc::instant;
use ledger_grpc::json;
use ledger_store::{Batch, CommitError, Cursor, Handle, Options};
use rows::{Format, Row, Rows};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// Rows of one batch.
const BATCH_ROWS: usize = 10_000;
/// Batches that are judged and flushed while the next is read.
const BATCHES_AHEAD: usize = 2;
/// Rows without points that are named on stderr.
const NAMED_MAX: usize = 20;
/// The file is hashed in pieces of so many bytes.
const PIECE_BYTES: u64 = 1 << 20;

/// How files are written: purchases, and every kind of event.
fn shapes() -> String {
    format!("{PURCHASES}{EVENTS}{}\n{VALUES}{REJECTS}", json::kinds_explained())
}

const PURCHASES: &str = concat!(
    "FILES\n\n",
    "A file of purchases is CSV. Its header names four columns, in any order; the money is in the smallest \
     unit of the program's currency. Each row is a purchase of the source \"import\", with the order's number \
     as its id.\n\n",
    r#"  member_id,timestamp,amount_minor_units,order_id
  14048,1997-02-19T12:00:00Z,479,cdnow-042714

"#,
);

const EVENTS: &str = concat!(
    "Any other file has an event in JSON on each line: `source` and `id`, which name the event for ever; \
     `occurred_at` (RFC 3339); `member`; `device`, `ip`, `phone` and the like in clear, if they are known; and one of \
     those below, which says what happened. Money is in the smallest unit.\n\n",
    r#"  {"source": "till-7", "id": "s-1", "occurred_at": "2026-01-03T09:00:00Z",
   "member": "M1", "purchase": {"order": "o-1", "currency": "USD",
   "lines": [{"sku": "CD-7", "quantity": 1, "net": 1299}]}}      on one line

"#,
);

const VALUES: &str = "\
    It is the JSON of `Event` in proto/ledger/v1/event.proto, which says what each field means and what may be left \
     out: what protobuf tools write, with names in either spelling (occurred_at, occurredAt), 64-bit integers as \
     numbers or in quotes, enums by name or number, and null as absent. `replay --json` shows it as `event`; only that \
     `device`, `ip` and `phone` are hashes there. Unknown names, names that come twice and fractions are faults. A \
     line of a purchase without `quantity` is of 1.\n\n";

const REJECTS: &str = concat!(
    "ROWS WITHOUT POINTS\n\n",
    "A row that is no event is rejected and not recorded: mend it and import the mended file. A row may also \
     be refused by the business, as a redemption of more points than there are: that is recorded and stays \
     so. The first 20 of both are named on stderr; --rejects writes all of them, in JSON, one on each line.\n\n",
    "TIME\n\n",
    "With --time events, ledger time follows the events, so that points expire and tiers fall when they did: \
     sort the file by time. An event that is earlier than the one before it is judged at the time of that \
     one, and those that are by more than a day are counted. One that is more than 92 days ahead of those before it \
     stops the import before its rows of up to 10,000, until a person confirms it with --clock-jump-ok. What falls due for members without later events is recorded when a tick says so, or by a server that \
     runs with --time wall; until then `totals` counts those points as available, and `member` does not.",
);

#[derive(Args)]
#[command(after_long_help = shapes())]
pub(super) struct Import {
    /// The file
    file: PathBuf,
    /// The ledger's directory; made if there is none
    #[arg(long, value_name = "DIR", env = "LEDGERD_DATA")]
    data: PathBuf,
    /// How the file is written, if its name does not end in .csv or .jsonl
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Publish this program first if the ledger has none
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// What moves ledger time
    #[arg(long, value_enum, default_value = "events")]
    time: Clock,
    #[command(flatten)]
    confirmed: Confirmed,
    #[command(flatten)]
    secret: Secret,
    /// Write every row that was rejected or refused to this file, and why
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Stop after so many rows
    #[arg(long, value_name = "N")]
    rows: Option<u64>,
}

impl Import {
    pub(super) fn run(self) -> Result<Answer> {
        let format = self.format.map_or_else(|| Format::of(&self.file), Ok)?;
        let source = name_of(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        let options = Options { jumps: self.confirmed.jumps(), ..self.secret.read()?.options(self.time) };
        let ledger = open_or_make(&self.data, options)?;
        let imported = self.import(&ledger.handle(), format, source);
        let (position, members) = (ledger.handle().committed(), ledger.handle().stats().members);
        ledger.close().map_err(|error| anyhow!(error))?;
        let tally = imported?;
        tally.report(&self.file)?;
        say(format_args!("the ledger has {} records and {} members", grouped(position.0), grouped(members)))?;
        Ok((tally.rejected == 0).into())
    }

    fn import(&self, handle: &Handle, format: Format, source: Box<str>) -> Result<Tally> {
        if let Some(program) = &self.program
            && publish_first(handle, program, self.time)?
        {
            eprintln!("published {}", program.display());
        }
        if let Some(unreadable) = handle.unreadable() {
            bail!("{unreadable}");
        }
        let currency = handle.current_program().map(|program| program.currency);
        if currency.is_none() && format == Format::Csv {
            bail!("the ledger has no program, so nothing can be judged; publish one with --program FILE");
        }
        let mut rows = Rows::open(&self.file, format, currency)?;
        let done = handle.cursor(&source)?.unwrap_or(0);
        for _ in 0..done {
            if !rows.skip()? {
                break;
            }
        }
        if done > 0 {
            eprintln!("{}: {} rows were imported before; going on behind them", self.file.display(), grouped(done));
        }
        let mut run = Run {
            handle,
            judged_by_program: currency.is_some(),
            source,
            under_way: VecDeque::new(),
            tally: Tally { before: done, ..Tally::default() },
            rejects: Rejects::create(self.rejects.as_deref(), done > 0)?,
        };
        let mut progress = Progress::of_bytes("import", std::fs::metadata(&self.file)?.len());
        let began = Instant::now();
        let read = self.read(&mut rows, &mut run, &mut progress);
        // What was submitted is waited for, whatever happened to the rest of the file.
        while !run.under_way.is_empty() {
            run.settle()?;
        }
        progress.end();
        run.rejects.end()?;
        run.tally.seconds = began.elapsed().as_secs_f64();
        read.map(|()| run.tally)
    }

    fn read(&self, rows: &mut Rows, run: &mut Run<'_>, progress: &mut Progress) -> Result<()> {
        let mut next = run.tally.before;
        let last = self.rows.map_or(u64::MAX, |rows| next.saturating_add(rows));
        let mut open = true;
        while open {
            let mut batch = Vec::with_capacity(BATCH_ROWS);
            while batch.len() < BATCH_ROWS && next < last {
                let Some(row) = rows.next(run.handle)? else { break };
                batch.push(row);
                next += 1;
            }
            open = batch.len() == BATCH_ROWS;
            if !batch.is_empty() {
                run.submit(batch, next)?;
            }
            progress.at(rows.bytes());
        }
        Ok(())
    }
}

/// Names a file by its content: the root of the tree over its pieces.
fn name_of(path: &Path) -> Result<Box<str>> {
    let mut file = File::open(path)?;
    let (mut tree, mut piece) = (Frontier::default(), Vec::new());
    loop {
        piece.clear();
        if Read::by_ref(&mut file).take(PIECE_BYTES).read_to_end(&mut piece)? == 0 {
            return Ok(format!("file:{}", hex(&tree.root())).into());
        }
        tree.append(leaf(&piece));
    }
}

/// A batch that is not answered yet, and the lines of its events.
struct UnderWay {
    /// Of each event its line, and when it happened.
    lines: Vec<(u64, At)>,
    answer: Receiver<Result<Vec<Outcome>, CommitError>>,
}

/// Without a program every event would be refused, and stay so.
fn begins_with_program(first: &Event<Name>) -> Result<bool> {
    match &first.body {
        Body::ProgramPublished(event::ProgramPublished { text }) if Program::read(text, &mut Vec::new()).is_ok() => {
            Ok(true)
        }
        Body::ProgramPublished(..) => bail!("the program at the beginning of the file has faults"),
        _ => bail!("the ledger has no program, and the file does not begin with one; give --program FILE"),
    }
}

/// An import on its way.
struct Run<'a> {
    handle: &'a Handle,
    judged_by_program: bool,
    source: Box<str>,
    under_way: VecDeque<UnderWay>,
    tally: Tally,
    rejects: Rejects,
}

impl Run<'_> {
    /// Queues the events of some rows, and the cursor behind them.
    fn submit(&mut self, batch: Vec<Row>, next: u64) -> Result<()> {
        if let Some(first) = batch.iter().find_map(|row| row.event.as_ref().ok())
            && !self.judged_by_program
        {
            self.judged_by_program = begins_with_program(first)?;
        }
        let (mut lines, mut events) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for Row { line, event } in batch {
            self.tally.rows += 1;
            match event {
                Ok(event) => {
                    lines.push((line, event.occurred_at));
                    events.push(event);
                }
                Err(reject) => {
                    self.tally.rejected += 1;
                    self.rejects.rejected(line, &reject)?;
                }
            }
        }
        if self.under_way.len() == BATCHES_AHEAD {
            self.settle()?;
        }
        let (tell, answer) = channel();
        let done = move |outcomes| {
            // Nobody listens any more if the import failed: the events are recorded all the same.
            let _ = tell.send(outcomes);
        };
        let cursors = vec![Cursor { source: self.source.clone(), next }];
        self.handle.submit(Batch { events, cursors }, Box::new(done))?;
        self.under_way.push_back(UnderWay { lines, answer });
        Ok(())
    }

    /// PendingUntil for the oldest batch.
    fn settle(&mut self) -> Result<()> {
        let Some(UnderWay { lines, answer }) = self.under_way.pop_front() else { return Ok(()) };
        let answer = answer.recv().map_err(|_| anyhow!("the ledger stopped before it answered"))?;
        let outcomes = match answer {
            Err(CommitError::Clock { event, jump }) => {
                let line = lines.get(event).map_or(0, |(line, _)| *line);
                let (from, to) = (instant::show(jump.from), instant::show(jump.to));
                bail!(
                    "line {line}: {jump}, from {from} to {to}; no row is imported from line {} on. Mend the row, or \
                     confirm it with --clock-jump-ok {to}",
                    lines.first().map_or(0, |(line, _)| *line)
                );
            }
            answer => answer?,
        };
        for ((line, occurred_at), outcome) in lines.into_iter().zip(outcomes) {
            self.tally.judged(occurred_at, &outcome);
            match outcome.refusal {
                _ if outcome.duplicate => self.tally.again += 1,
                None => self.tally.accepted += 1,
                Some(refusal) => {
                    *self.tally.refused.entry(refusal.reason()).or_default() += 1;
                    self.rejects.refused(line, refusal.reason())?;
                }
            }
        }
        Ok(())
    }
}

/// What came of the rows.
#[derive(Debug, Default)]
struct Tally {
    before: u64,
    rows: u64,
    accepted: u64,
    again: u64,
    rejected: u64,
    refused: BTreeMap<&'static str, u64>,
    /// How many were judged more than a day after they happened, and the longest it was, in days.
    late: (u64, i64),
    seconds: f64,
}

impl Tally {
    /// Notes how late an event was judged.
    fn judged(&mut self, occurred_at: At, outcome: &Outcome) {
        let days = outcome.at.0.saturating_sub(occurred_at.0) / DAY_MS;
        if days > 0 && !outcome.duplicate {
            self.late = (self.late.0 + 1, self.late.1.max(days));
        }
    }

    fn report(&self, file: &Path) -> Result<()> {
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
        if self.late.0 > 0 {
            let (rows, days) = (grouped(self.late.0), grouped(self.late.1));
            say(format_args!("  judged later than they happened: {rows}, by {days} days at the most"))?;
        }
        self.refused.iter().try_for_each(|(reason, count)| say(format_args!("  refused {reason}: {}", grouped(*count))))
    }
}

/// Rows without points: the first are named on stderr, all of them in a file.
struct Rejects {
    named: usize,
    unnamed: u64,
    file: Option<BufWriter<File>>,
}

impl Rejects {
    /// A run that goes on adds to the file of the run before.
    fn create(path: Option<&Path>, goes_on: bool) -> Result<Rejects> {
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            options.create(true).write(true).append(goes_on).truncate(!goes_on);
            options.open(path).map(BufWriter::new).with_context(|| format!("cannot write {}", path.display()))
        };
        Ok(Rejects { named: 0, unnamed: 0, file: path.map(open).transpose()? })
    }

    fn rejected(&mut self, line: u64, reject: &rows::Reject) -> Result<()> {
        self.name(format_args!("line {line}: {}", reject.reason));
        self.write(&serde_json::json!({ "line": line, "rejected": reject.reason, "text": reject.text }))
    }

    fn refused(&mut self, line: u64, reason: &str) -> Result<()> {
        self.name(format_args!("line {line}: refused {reason}"));
        self.write(&serde_json::json!({ "line": line, "refused": reason }))
    }

    fn name(&mut self, row: std::fmt::Arguments<'_>) {
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

    fn end(&mut self) -> Result<()> {
        if self.unnamed > 0 {
            eprintln!("and {} more", grouped(self.unnamed));
        }
        self.file.as_mut().map_or(Ok(()), |file| Ok(file.flush()?))
    }
}
