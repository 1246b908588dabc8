//! Import: a file of events into a ledger that no server has open.
//!
//! The ledger notes how many rows of a file it has, durably with the events of those rows, under the
//! hash of the file's content: a run that was cut short goes on where it stopped, and another file of
//! the same name begins at its beginning. Each event has its id all the same, so that an event that
//! comes again, in whatever file, changes nothing.

mod jumps;
mod purchases;
mod report;
mod rows;
mod text;

pub(super) use purchases::Purchases;

use super::local::{Local, grouped};
use super::open::{Clock, Confirmed, Secret, hex, open_or_make, publish_first};
use super::progress::Progress;
use super::{Answer, say};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use jumps::{Course, MaxJump, lies_before};
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::merkle::{Frontier, leaf};
use ledger_core::outcome::Outcome;
use ledger_core::program::Program;
use ledger_core::units::{DAY_MS, Position};
use ledger_grpc::json;
use ledger_store::{Batch, CommitError, Cursor, Handle, Jumps, Options};
use report::{Rejects, Said, Tally};
use rows::{Format, Reading, Row, Rows, opens};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// Most rows of one batch.
const BATCH_ROWS: usize = 10_000;
/// A batch ends with the row that makes it so many bytes of the file: orders may have thousands of lines.
const BATCH_BYTES: u64 = 32 << 20;
/// Batches that are judged and flushed while the next is read.
const BATCHES_AHEAD: usize = 2;
/// The file is hashed in pieces of so many bytes.
const PIECE_BYTES: u64 = 1 << 20;

/// How files are written: purchases, and every kind of event.
fn shapes() -> String {
    format!("{PURCHASES}{EVENTS}{}\n{VALUES}{REJECTS}", json::kinds_explained())
}

const PURCHASES: &str = concat!(
    "FILES\n\n",
    "A file of purchases is CSV. Its header names four columns, in any order; the money is in the smallest \
     unit of the program's currency. Each row is a purchase of the source --source, whose id is the member and \
     the order's number: two members, or two shops with sources of their own, may number alike.\n\n",
    r#"  member_id,timestamp,amount_minor_units,order_id
  14048,1997-02-19T12:00:00Z,479,cdnow-042714

"#,
    "With --lines-by COLUMN each row is a line of an order: rows that follow each other with the same member and \
     the same value in that column (order_id, or a fifth one) are one purchase at the time of the first. Without it \
     an order that is there twice stops the import, since one of its rows would be lost.\n\n",
    "Fields may be parted by commas, semicolons, tabs or bars, as the header or a line `sep=;` before it says. A \
     file may begin with a byte order mark, be it of UTF-8 or of UTF-16.\n\n",
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
     `device`, `ip` and `phone` are hashes there. Unknown names, names that come twice and fractions of money \
     or points are faults. A line of a purchase without `quantity` is of 1; a quantity such as 0.345 is a weight.\n\n";

const REJECTS: &str = concat!(
    "ROWS WITHOUT POINTS\n\n",
    "A row that is no event is rejected and not recorded: mend it and import the mended file. A row may also \
     be refused by the business, as a redemption of more points than there are: that is recorded and stays \
     so. A row that says what one before it in the file says is repeated: it is one of both, or needs an id of its \
     own. The first 20 are named on stderr; --rejects writes all of them, in JSON, one on each line. The report \
     adds up the money of purchases that were not recorded.\n\n",
    "MEMBERS OF ANOTHER SYSTEM\n\n",
    "They come as `opened` events, one for each, in a file of events: their points with their dates, tier, debt, \
     streaks, and what was counted. What they did there before may be told as well: with `history`, or the whole \
     file with --history, it counts for tiers, counters, streaks and visits, and gives nothing. The report says how \
     many came, and --rejects who did not, and why: once it is mended, whoever was refused comes under a new \
     id.\n\n",
    "TIME\n\n",
    "With --time events, ledger time follows the events, so that points expire and tiers fall when they did: \
     sort the file by time. An event that is earlier than the one before it is judged at the time of that \
     one. A row further from those before it than --max-jump, either way, stops the import before it is judged, since \
     one wrong year moves all behind it. The report says how many rows were judged later than the program's \
     `lateness`. What falls due for members without later events is recorded when a tick says so, or by a server that \
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
    /// The source of the purchases of a CSV file
    #[arg(long, value_name = "NAME", default_value = "import")]
    source: String,
    /// Rows with the same value in this column are lines of one order
    #[arg(long, value_name = "COLUMN")]
    lines_by: Option<String>,
    /// All of the file is history that another system has rewarded
    #[arg(long)]
    history: bool,
    /// How many days may lie between a row and those before it, or `none` for any
    #[arg(long, value_name = "DAYS", default_value = "63d", value_parser = MaxJump::read)]
    max_jump: MaxJump,
}

impl Import {
    pub(super) fn run(self) -> Result<Answer> {
        let format = self.format.map_or_else(|| Format::of(&self.file), Ok)?;
        let source = name_of(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        // How far rows may be apart is asked here, of every row before it is judged.
        let jumps = Jumps { events_ms: i64::MAX, ..self.confirmed.jumps() };
        let options = Options { jumps, ..self.secret.read()?.options(self.time) };
        let ledger = open_or_make(&self.data, options)?;
        let imported = self.import(&ledger.handle(), format, source);
        let (position, members) = (ledger.handle().committed(), ledger.handle().stats().members);
        let local = Local::of_program(ledger.handle().current_program().as_deref());
        ledger.close().map_err(|error| anyhow!(error))?;
        let (tally, stopped) = imported?;
        if tally.rows > 0 || stopped.is_ok() {
            tally.report(&self.file, &local)?;
            say(format_args!("the ledger has {} records and {} members", grouped(position.0), grouped(members)))?;
        }
        stopped.map(|()| tally.is_whole().into())
    }

    /// What came of the rows, and whether all of them were read.
    fn import(&self, handle: &Handle, format: Format, source: Box<str>) -> Result<(Tally, Result<()>)> {
        if let Some(program) = &self.program
            && publish_first(handle, program, self.time)?
        {
            eprintln!("published {}", program.display());
        }
        if let Some(unreadable) = handle.unreadable() {
            bail!("{unreadable}");
        }
        let program = handle.current_program();
        if program.is_none() && format == Format::Csv {
            bail!("the ledger has no program, so nothing can be judged; publish one with --program FILE");
        }
        let reading =
            Reading { source: self.source.as_str().into(), lines_by: self.lines_by.clone(), history: self.history };
        let mut rows = Rows::open(&self.file, format, reading, program.as_ref().map(|program| program.currency))?;
        let done = handle.cursor(&source)?.unwrap_or(0);
        for _ in 0..done {
            if !rows.skip()? {
                break;
            }
        }
        if done > 0 {
            eprintln!("{}: {} rows were imported before; going on behind them", self.file.display(), grouped(done));
        }
        let first = format!("first:{source}");
        let began = handle.cursor(&first)?.map_or_else(|| handle.committed(), Position);
        let late_days = program.as_ref().map_or(i32::MAX, |program| program.late_days);
        let mut run = Run {
            handle,
            judged_by_program: program.is_some(),
            cursors: (source, first.into()),
            began,
            under_way: VecDeque::new(),
            tally: Tally { before: done, ..Tally::default() },
            rejects: Rejects::create(self.rejects.as_deref(), done > 0)?,
            course: Course::new(self.max_jump, self.time, handle.time(), late_days),
        };
        let mut progress = Progress::of_bytes("import", std::fs::metadata(&self.file)?.len());
        let started = Instant::now();
        let read = self.read(&mut rows, &mut run, &mut progress);
        // What was submitted is waited for, whatever happened to the rest of the file.
        while !run.under_way.is_empty() {
            run.settle()?;
        }
        progress.end();
        run.rejects.end()?;
        let Course { late, first_late, latest_ms, .. } = run.course;
        run.tally.late = (late, first_late, latest_ms / DAY_MS);
        run.tally.seconds = started.elapsed().as_secs_f64();
        Ok((run.tally, read))
    }

    fn read(&self, rows: &mut Rows, run: &mut Run<'_>, progress: &mut Progress) -> Result<()> {
        let mut next = run.tally.before;
        let last = self.rows.map_or(u64::MAX, |rows| next.saturating_add(rows));
        let mut open = Ok(true);
        while let Ok(true) = open {
            let mut batch = Vec::with_capacity(BATCH_ROWS);
            open = self.fill(&mut batch, rows, run, (&mut next, last));
            if !batch.is_empty() {
                run.submit(batch, next)?;
            }
            progress.at(rows.bytes());
        }
        open.map(drop)
    }

    /// Reads rows until a batch is full, the file ends, or something in it is not to be judged: what was read before
    /// that is. Answers whether there may be more.
    fn fill(
        &self,
        batch: &mut Vec<Row>,
        rows: &mut Rows,
        run: &mut Run<'_>,
        (next, last): (&mut u64, u64),
    ) -> Result<bool> {
        let enough = rows.bytes().saturating_add(BATCH_BYTES);
        while batch.len() < BATCH_ROWS && rows.bytes() < enough {
            if *next >= last {
                return Ok(false);
            }
            let named = || self.file.display().to_string();
            let Some(row) = rows.next(run.handle).with_context(named)? else { return Ok(false) };
            let is_second =
                run.tally.rows == 0 && batch.first().is_some_and(|row| row.line == run.course.latest_line());
            if let Some(jump) = run.course.take(&row) {
                // The first row has none before it: it may be the wrong one, and is not judged either.
                if is_second && !jump.ahead {
                    batch.iter().for_each(|row| *next -= row.rows);
                    batch.clear();
                }
                let mut behind = 0;
                while jump.ahead
                    && let Some(row) = rows.next(run.handle).with_context(named)?
                {
                    behind += u64::from(row.event.is_ok_and(|event| lies_before(&event, jump.at)));
                }
                return Err(anyhow!(jump.told(behind)).context(named()));
            }
            *next += row.rows;
            batch.push(row);
        }
        Ok(true)
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

/// A batch that is not answered yet, and what its events say.
struct UnderWay {
    said: Vec<Said>,
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
    /// Under which the rows are counted, and where their first record came behind.
    cursors: (Box<str>, Box<str>),
    /// The last record before the first of the file.
    began: Position,
    under_way: VecDeque<UnderWay>,
    tally: Tally,
    rejects: Rejects,
    course: Course,
}

impl Run<'_> {
    /// Queues the events of some rows, and the cursor behind them.
    fn submit(&mut self, batch: Vec<Row>, next: u64) -> Result<()> {
        if let Some(first) = batch.iter().find_map(|row| row.event.as_ref().ok())
            && !self.judged_by_program
        {
            self.judged_by_program = begins_with_program(first)?;
        }
        let (mut said, mut events) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for Row { line, rows, money, event } in batch {
            self.tally.rows += rows;
            if rows > 1 {
                self.tally.lines = (self.tally.lines.0 + rows, self.tally.lines.1 + 1);
            }
            match event {
                Ok(event) => {
                    let (member, id, opens) = (event.member.clone(), event.id.clone(), opens(&event));
                    said.push(Said { line, member, id, opens, money });
                    events.push(event);
                }
                Err(reject) => {
                    self.tally.rejected += rows;
                    self.tally.drop_money(money);
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
        let (source, first) = self.cursors.clone();
        let cursors = vec![Cursor { source, next }, Cursor { source: first, next: self.began.0 }];
        self.handle.submit(Batch { events, cursors }, Box::new(done))?;
        self.under_way.push_back(UnderWay { said, answer });
        Ok(())
    }

    /// Waits for the oldest batch.
    fn settle(&mut self) -> Result<()> {
        let Some(UnderWay { said, answer }) = self.under_way.pop_front() else { return Ok(()) };
        let outcomes = answer.recv().map_err(|_| anyhow!("the ledger stopped before it answered"))??;
        for (said, outcome) in said.into_iter().zip(outcomes) {
            let is_there = outcome.refusal.is_none();
            if said.opens {
                let (came, not) = self.tally.opened;
                self.tally.opened = if is_there { (came + 1, not) } else { (came, not + 1) };
            }
            match outcome.refusal {
                _ if outcome.duplicate && outcome.position > self.began => {
                    self.tally.repeated += 1;
                    self.tally.drop_money(said.money);
                    self.rejects.repeated(&said)?;
                }
                _ if outcome.duplicate => self.tally.again += 1,
                None => self.tally.accepted += 1,
                Some(refusal) => {
                    *self.tally.refused.entry(refusal.reason()).or_default() += 1;
                    self.tally.drop_money(said.money);
                    self.rejects.refused(&said, refusal)?;
                }
            }
        }
        Ok(())
    }
}
