//! The command line: what can be asked of `ledgerd`, and what its exit code says.
//!
//! Each command is one file below. It prints its answer to stdout, and progress, warnings and errors
//! to stderr, so that the answer can be piped. An answer may be "no": the program has faults, the
//! ledger diverges from its log. That is exit code 1, and no error.

mod check;
mod demo;
mod explain;
mod export;
mod import;
mod kafka;
mod letters;
mod local;
mod look;
mod open;
mod progress;
mod proofs;
#[cfg(test)]
mod reference;
mod restore;
mod rules;
mod serve;
mod show;
mod told;
mod verify;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 the answer is \"no\" (a program has faults, a scenario tells another story, a \
ledger diverges, an import had rejects, a member is unknown, a redemption would be refused, a message is \
no event); 2 the command line is wrong; 3 it could not be done; 4 the ledger that was served has stopped, and \
its log says why.";

/// A ledger for loyalty points: every point accounted for, every balance explained.
#[derive(Parser)]
#[command(name = "ledgerd", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a ledger over gRPC
    ///
    /// Opens the ledger in a directory, or makes one, and serves it. When it is ready it prints
    /// `listening on ADDRESS`. SIGTERM or Ctrl-C stops it: it takes no new calls, answers those under way,
    /// and closes the ledger. A second one stops it at once; what was acknowledged is durable either way.
    ///
    /// A ledger that cannot go on, as on a disk that is full, stops, and nothing more is taken. The server then ends
    /// with exit code 4, for whoever starts it again; with --stay it goes on to answer what is read.
    ///
    /// There is no authentication: whoever reaches the address may do everything. The logs go to stderr;
    /// RUST_LOG says how much, as in RUST_LOG=info,ledger_grpc=debug.
    Serve(serve::Serve),
    /// Run the purchases of a real shop through a ledger of its own and show what comes of them
    ///
    /// Makes a ledger in a new directory, serves it, streams purchases of the years 1997 and 1998 to it as a
    /// till would, under programs/music.toml, and shows what comes of them: the trial balance, the tiers, a
    /// member and why it has what it has, what happens when everything comes again, and what `verify` says.
    Demo(demo::Demo),
    /// Check a ledger: fold its whole log again and compare with everything that is stored
    ///
    /// Folds the whole log from its beginning, hashes every record, and compares every row of state, every
    /// page of history and every event id with what is stored; checks that the trial balance sums to zero
    /// and equals the members; checks the chain of commits, and that the log is what the mark beside it says.
    /// Nothing is written: not where nothing can be, nor beside a server that has the ledger open.
    Verify(verify::Verify),
    /// Drop the folded state of a ledger and fold it again from the log
    ///
    /// Needed only if `verify` finds that folded state diverges from a log that is whole: the log is all
    /// that is true, and everything else follows from it. No server may have the ledger open.
    Rebuild(verify::Rebuild),
    /// Say that a ledger is a copy that was put back, so that it goes on from there
    ///
    /// A log that ends before its mark, or has none, has lost what was answered: no other command opens it. Put the
    /// newest copy of the whole directory in its place first. This command then checks the whole log, says which
    /// positions are lost, and moves the ledger's lineage on: other records will take those positions, so tokens
    /// and outbox ids of the lineage before are not those of this one. A log that differs from its mark where it
    /// does reach it was changed, and is refused here, too. No server may have the ledger open.
    Restore(restore::Restore),
    /// Show a member's records from the first: postings, the rules behind them, the balance after each
    Replay(told::Replay),
    /// Show a member: balance, lots, holds, tier
    Member(told::Member),
    /// Show what a redemption would take, from which lots, or why it would be refused
    Quote(told::Quote),
    /// Show why an event came to what it did, or where a member's points come from
    ///
    /// Of an event: every earn rule that might have applied, what it came to or which condition did not hold;
    /// of a refusal: the numbers it rests on. Of a member: the event and the rule behind every lot and debt.
    Explain(explain::Explain),
    /// Show the trial balance: every point ever issued, and where it is now
    Totals(told::Totals),
    /// Show what was counted for a member, or for a device, a means of payment and the like
    Counters(told::Counters),
    /// Show risk cases with their evidence
    Cases(told::Cases),
    /// Show what a ledger signs: which log it is, how many records it has, and the hash over them
    ///
    /// A signed note of a few lines (c2sp.org/tlog-checkpoint). Whoever keeps one can have it shown later that nothing
    /// before it was changed: `ledgerd prove --since`, `ledgerd check`.
    Checkpoint(proofs::Checkpoint),
    /// Prove that a record is in the log, or that the log has only grown
    ///
    /// The proof is a text that needs no ledger to be checked (c2sp.org/tlog-proof). It shows what the record did, and
    /// with --with-cause what was said.
    Prove(proofs::Prove),
    /// Check a proof, a checkpoint, or the verdicts of a whole log, with a key and without a ledger
    ///
    /// Of a record: its bytes lead to the hash that the checkpoint signs. Of a growth: the checkpoint begins with the
    /// older one. Of two checkpoints: whether they are of one log, as far as two sizes can tell. Of verdicts that
    /// `ledgerd export` wrote: they lead to what they claim, and begin with each older checkpoint, or part from it.
    Check(check::Check),
    /// Make a file that signs checkpoints
    Keygen(proofs::Keygen),
    /// Write the verdicts of a log to a flat file, for whoever folds them again: no name and nothing that was said
    ///
    /// FORMAT.md has its layout. The ledger is read as it is, whoever has it open.
    Export(export::Export),
    /// Check a program file, or play its scenario
    #[command(subcommand)]
    Program(rules::Rules),
    /// Try what a ledger that is fed from Kafka would make of a message
    #[command(subcommand)]
    Kafka(kafka::Kafka),
    /// List messages from Kafka that were no events, or send them to their topics again
    ///
    /// Each is shown with its place on the dead-letter topic, where it came from, and why it was no event.
    /// After what was wrong is mended, in the mapping or at the sender, --redrive sends them again: an event
    /// keeps its source and id, so doing so twice changes nothing. Letters stay where they are until the
    /// topic's retention takes them.
    DeadLetters(letters::DeadLetters),
    /// Import a file of events into a ledger; run it again to go on where it stopped
    ///
    /// It can be stopped at any time. Imported twice, nothing is counted twice. No server may have the
    /// ledger open.
    Import(import::Import),
}

/// What a command answers, if nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// The ledger that was served has stopped.
    Stopped,
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Answer {
        if yes { Answer::Yes } else { Answer::No }
    }
}

/// Runs the command that was asked for.
pub(crate) fn run() -> ExitCode {
    let command = Cli::parse().command;
    if matches!(command, Command::Serve(_) | Command::Demo(_) | Command::Import(_)) {
        heap::tune();
    }
    let answer = match command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Verify(verify) => verify.run(),
        Command::Rebuild(rebuild) => rebuild.run(),
        Command::Restore(restore) => restore.run(),
        Command::Replay(replay) => replay.run(),
        Command::Member(member) => member.run(),
        Command::Quote(quote) => quote.run(),
        Command::Explain(explain) => explain.run(),
        Command::Totals(totals) => totals.run(),
        Command::Counters(counters) => counters.run(),
        Command::Cases(cases) => cases.run(),
        Command::Checkpoint(checkpoint) => checkpoint.run(),
        Command::Prove(prove) => prove.run(),
        Command::Check(check) => check.run(),
        Command::Keygen(keygen) => keygen.run(),
        Command::Export(export) => export.run(),
        Command::Program(rules) => rules.run(),
        Command::Kafka(kafka) => kafka.run(),
        Command::DeadLetters(letters) => letters.run(),
        Command::Import(import) => import.run(),
    };
    match answer {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Ok(Answer::Stopped) => ExitCode::from(4),
        Err(error) if reader_left(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 3 })
        }
    }
}

/// What is wrong with the command line, where `clap` cannot tell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Whether stdout was closed by whoever read it, as `head` does.
fn reader_left(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Prints an answer, whole lines at a time.
fn say(text: impl std::fmt::Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
