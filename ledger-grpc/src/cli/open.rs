//! Open: a ledger's directory, and how the ledger in it is to be kept.

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::program::Program;
use ledger_core::units::{At, DAY_MS};
use ledger_grpc::engine::{steady_clock, wall_clock};
use ledger_grpc::instant;
use ledger_store::{Batch, Handle, Jumps, Ledger, MarkError, OpenError, Options, Time, key_from};
use std::path::{Path, PathBuf};

/// A date, for whoever asks how one is written.
const DATE: &str = "2026-01-31";

/// What moves ledger time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Clock {
    /// The clock of this machine
    Wall,
    /// The events' own times, never past the clock: for history
    Events,
    /// The events' own times and ticks alone: for simulations
    Simulated,
}

impl From<Clock> for Time {
    fn from(clock: Clock) -> Time {
        match clock {
            Clock::Wall => Time::Wall,
            Clock::Events => Time::Events,
            Clock::Simulated => Time::Simulated,
        }
    }
}

/// The secret of the ledger.
#[derive(Args)]
pub(super) struct Secret {
    /// Key of the hashes of event ids, devices, addresses and phones, when the ledger is made: a file
    /// of 32 bytes, or of 64 hexadecimal digits. Without one the ledger draws its own
    #[arg(long, value_name = "FILE", env = "LEDGERD_SECRET_FILE")]
    secret_file: Option<PathBuf>,
    /// Root of the salts of what is said, when the ledger is made: a file of 16 bytes, or of 32 hexadecimal
    /// digits. Without one the ledger draws its own. Ledgers that are told the same with the same secret and
    /// the same salts have the same root
    #[arg(long, value_name = "FILE", env = "LEDGERD_SALTS_FILE")]
    salts_file: Option<PathBuf>,
}

/// What a person says of time.
#[derive(Args)]
pub(super) struct Confirmed {
    /// Time is right up to here: RFC 3339, or a date (UTC)
    ///
    /// The clock is not believed where it is more than 7 days ahead of the last record when the ledger is opened, or
    /// gets more than an hour ahead of what has passed since; with `--time events`, an event is not that is more than
    /// 92 days ahead of those before it. Nothing is done by such a time: what is due by it could not be taken back.
    #[arg(long, value_name = "TIME", value_parser = time)]
    clock_jump_ok: Option<At>,
}

impl Confirmed {
    pub(super) fn jumps(&self) -> Jumps {
        self.clock_jump_ok.map_or_else(Jumps::default, |believed| Jumps { believed, ..Jumps::default() })
    }
}

/// Reads an instant, or the end of a day.
fn time(text: &str) -> Result<At, String> {
    let day = || Some(At(instant::UTC.read(text)?.0 + i64::from(text.len() == DATE.len()) * (DAY_MS - 1)));
    instant::read(text).or_else(day).ok_or_else(|| format!("write a date, as {DATE}, or RFC 3339"))
}

/// What is drawn when a ledger is made, unless it is given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    secret: Option<[u8; 32]>,
    salts: Option<[u8; 16]>,
}

impl Keys {
    /// How a ledger with these keys is kept.
    pub(super) fn options(self, time: Clock) -> Options {
        let Keys { secret, salts } = self;
        Options { time: time.into(), secret, salts, steady: Some(steady_clock()), ..Options::default() }
    }
}

impl Secret {
    pub(super) fn read(&self) -> Result<Keys> {
        Ok(Keys { secret: read_key(self.secret_file.as_deref())?, salts: read_key(self.salts_file.as_deref())? })
    }
}

/// The key in a file, as it is or in hexadecimal digits.
fn read_key<const BYTES: usize>(path: Option<&Path>) -> Result<Option<[u8; BYTES]>> {
    let Some(path) = path else { return Ok(None) };
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let key = key_from::<BYTES>(&bytes);
    let (path, found, digits) = (path.display(), bytes.len(), BYTES * 2);
    let wrong = || anyhow!("{path} holds {found} bytes; write {BYTES} bytes or {digits} hexadecimal digits");
    key.ok_or_else(wrong).map(Some)
}

/// Hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens the ledger in `dir`, making one if there is none. Its files are of no concern to others than their owner.
pub(super) fn open_or_make(dir: &Path, options: Options) -> Result<Ledger> {
    keep_private();
    Ledger::open(dir, options, wall_clock()).map_err(open_error)
}

/// Opens the ledger in `dir` to look at it, as at its last record. Nothing is written.
pub(super) fn open_to_look(dir: &Path) -> Result<Ledger> {
    must_be_ledger(dir)?;
    let options = Options { time: Time::Simulated, ..Options::default() };
    Ledger::look(dir, options, wall_clock()).map_err(open_error)
}

/// Of the files that this process makes from now on others can read none.
pub(super) fn keep_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// The store makes a ledger where there is none; whoever asks about one has mistyped its name.
pub(super) fn must_be_ledger(dir: &Path) -> Result<()> {
    if dir.join("CURRENT").is_file() { Ok(()) } else { bail!("there is no ledger in {}", dir.display()) }
}

/// What the store says, with what to do about it.
pub(super) fn open_error(error: OpenError) -> anyhow::Error {
    let text = error.to_string();
    match error {
        OpenError::Database { .. } if text.contains("LOCK") => {
            anyhow!(
                "{text}; another process has the ledger open: if that is a server, ask it with --server, or stop it"
            )
        }
        OpenError::InUse { .. } => anyhow!("{text}: if that is a server, ask it with --server, or stop it"),
        OpenError::Mark(wrong) => anyhow!("{text}; {}", mend(&wrong)),
        OpenError::Damage(_) => anyhow!("{text}; `ledgerd verify` says more"),
        _ => anyhow!(text),
    }
}

/// What to do about a log that is not what its mark says.
fn mend(wrong: &MarkError) -> &'static str {
    match wrong {
        MarkError::Ahead { .. } | MarkError::Alone { .. } => {
            "answered records are missing: put the newest copy of the directory in its place, then say so with \
             `ledgerd restore`, which names what is lost"
        }
        MarkError::Missing { .. } | MarkError::Damaged { .. } | MarkError::Behind { .. } => {
            "if this is a copy that was put back, say so with `ledgerd restore`; if not, find out who touched the \
             directory"
        }
        MarkError::Other { .. } => "put the mark of this very ledger beside it",
        _ => "keep the directory as it is, and put a copy in its place that `ledgerd verify --at-least` takes",
    }
}

/// Publishes a program file in a ledger that has none yet. Answers whether it did.
pub(super) fn publish_first(handle: &Handle, path: &Path, time: Clock) -> Result<bool> {
    if handle.current_program().is_some() || handle.unreadable().is_some() {
        return Ok(false);
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    if let Err(faults) = Program::read(&text, &mut Vec::new()) {
        let faults: Vec<String> = faults.iter().map(|fault| super::rules::fault_line(path, fault)).collect();
        bail!("the program has faults:\n{}", faults.join("\n"));
    }
    let occurred_at = match time {
        Clock::Wall => wall_clock()(),
        // Ledger time never goes back: a program of today would not let history happen in its own time.
        Clock::Events | Clock::Simulated => At(0),
    };
    let event = Event {
        source: "ledgerd".into(),
        id: "first-program".into(),
        occurred_at,
        member: Name::default(),
        keys: Default::default(),
        origin: None,
        body: Body::ProgramPublished(event::ProgramPublished { text: text.into() }),
    };
    let outcomes = handle.submit_and_wait(Batch { events: vec![event], cursors: Vec::new() })?;
    match outcomes.first().and_then(|outcome| outcome.refusal) {
        Some(refusal) => bail!("{} was refused: {refusal}", path.display()),
        None => Ok(true),
    }
}
