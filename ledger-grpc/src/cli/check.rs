//! Check: proofs, checkpoints and verdicts, with keys and without a ledger.

use super::local::{Local, grouped};
use super::open::hex;
use super::progress::Progress;
use super::{Answer, Usage, say};
use anyhow::{Context, Result, anyhow};
use clap::Args;
use ledger_core::account::Account;
use ledger_core::bytes::decode;
use ledger_core::event::{Event, MemberRef};
use ledger_core::inclusion::TreeHead;
use ledger_core::record::{VerdictPart, Why};
use ledger_store::{
    Checkpoint, ConsistencyProof, InclusionProof, NoteError, Shown, ShownCause, VerifierKey, is_export, read_export,
};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longest proof that is read.
const FILE_BYTES_MAX: u64 = 256 << 20;

#[derive(Args)]
pub(super) struct Check {
    /// The proof, the checkpoint, or the verdicts
    file: PathBuf,
    /// A key that is trusted, as `ledgerd checkpoint --keys` shows it and its operator made it known
    #[arg(long, value_name = "KEY", required = true)]
    key: Vec<VerifierKey>,
    /// A checkpoint of the same log that was kept
    #[arg(long, value_name = "FILE")]
    older: Vec<PathBuf>,
}

impl Check {
    pub(super) fn run(self) -> Result<Answer> {
        if is_export(&begin_of(&self.file, 16)?) {
            return self.verdicts();
        }
        let text = text_of(&self.file)?;
        let checked = match text.split([' ', '\n']).next() {
            Some("c2sp.org/tlog-proof@v1") => self.inclusion(&text)?,
            Some("old") => self.growth(&text)?,
            _ => self.checkpoint(&text)?,
        };
        match checked {
            Ok(answer) => Ok(answer),
            Err(error) => refused(&error),
        }
    }

    fn inclusion(&self, text: &str) -> Result<Result<Answer, NoteError>> {
        if !self.older.is_empty() {
            return Err(Usage("--older goes with a proof of growth, a checkpoint, or verdicts".into()).into());
        }
        let proof = InclusionProof::read(text);
        let checked = proof.and_then(|proof| Ok((proof.check(&self.key)?, proof)));
        Ok(match checked {
            Ok((Checkpoint { origin, head }, proof)) => {
                let (record, records) = (grouped(proof.index + 1), grouped(head.size));
                say(format_args!("proved: record {record} of {origin}, one of {records} that are signed for"))?;
                show(&proof.shown)?;
                Ok(Answer::Yes)
            }
            Err(error) => Err(error),
        })
    }

    fn growth(&self, text: &str) -> Result<Result<Answer, NoteError>> {
        let [older] = self.older.as_slice() else {
            return Err(Usage("a proof of growth needs --older FILE, the checkpoint it grew from".into()).into());
        };
        let older = text_of(older)?;
        let checked = Checkpoint::open(&older, &self.key).and_then(|older| {
            let newer = ConsistencyProof::read(text)?.check(&older, &self.key)?;
            Ok((older, newer))
        });
        Ok(match checked {
            Ok((older, Checkpoint { origin, head })) => {
                let (old, new) = (grouped(older.head.size), grouped(head.size));
                say(format_args!(
                    "proved: {origin} has grown from {old} records to {new}, and nothing before was changed"
                ))?;
                Ok(Answer::Yes)
            }
            Err(error) => Err(error),
        })
    }

    fn checkpoint(&self, text: &str) -> Result<Result<Answer, NoteError>> {
        let Checkpoint { origin, head } = match Checkpoint::open(text, &self.key) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return Ok(Err(error)),
        };
        say(format_args!("signed: {origin}, {} records, root {}", grouped(head.size), hex(&head.root)))?;
        let mut answer = Answer::Yes;
        for path in &self.older {
            let older = match Checkpoint::open(&text_of(path)?, &self.key) {
                Ok(older) => older,
                Err(error) => return Ok(Err(error)),
            };
            let (file, old) = (path.display(), grouped(older.head.size));
            if older.origin != origin {
                say(format_args!("{file} is of another log, {}", older.origin))?;
            } else if older.head == head {
                say(format_args!("{file} is the same"))?;
                continue;
            } else if older.head.size == head.size {
                say(format_args!(
                    "PARTS: {file} is over {old} records too, and has another root: the log has two pasts"
                ))?;
            } else {
                say(format_args!(
                    "{file} is over {old} records: what `ledgerd prove --since {} ` writes tells whether the log has \
                     only grown since",
                    older.head.size
                ))?;
            }
            answer = Answer::No;
        }
        Ok(Ok(answer))
    }

    fn verdicts(&self) -> Result<Answer> {
        let mut known = Vec::new();
        for path in &self.older {
            match Checkpoint::open(&text_of(path)?, &self.key) {
                Ok(older) => known.push(older),
                Err(error) => return refused(&error),
            }
        }
        let sizes: Vec<u64> = known.iter().map(|older| older.head.size).collect();
        let mut progress = Progress::of_records("check");
        let read = read_export(&self.file, &sizes, &mut |records| progress.at(records));
        progress.end();
        let exported = match read {
            Ok(exported) => exported,
            Err(error) => return refused(&error),
        };
        let (origin, TreeHead { size, root }) = (exported.identity.origin(), exported.head);
        say(format_args!("verdicts: {origin}, {} records, root {}", grouped(size), hex(&root)))?;
        let mut found: Vec<(Checkpoint, Option<TreeHead>)> = known.into_iter().zip(exported.heads).collect();
        for (note, head) in exported.checkpoints {
            match Checkpoint::open(&note, &self.key) {
                Ok(checkpoint) => found.push((checkpoint, head)),
                Err(NoteError::Unsigned) => {}
                Err(error) => return refused(&error),
            }
        }
        compare(&origin, found)
    }
}

/// Tells whether the log begins with each checkpoint, and between which records it parts from one.
fn compare(origin: &str, mut found: Vec<(Checkpoint, Option<TreeHead>)>) -> Result<Answer> {
    if found.is_empty() {
        say("NOT SIGNED: the verdicts are whole, and no key that was given has signed for them")?;
        return Ok(Answer::No);
    }
    found.sort_by_key(|(checkpoint, _)| checkpoint.head.size);
    let (mut agreed, mut answer) = (0, Answer::Yes);
    for (Checkpoint { origin: other, head }, here) in found {
        let size = grouped(head.size);
        if other != origin {
            say(format_args!("DIFFERS: a checkpoint over {size} records is of another log, {other}"))?;
        } else if here == Some(head) {
            say(format_args!("proved: it begins with the checkpoint over {size} records"))?;
            agreed = head.size;
            continue;
        } else if here.is_none() {
            say(format_args!("LACKS RECORDS: a checkpoint was signed over {size}"))?;
        } else {
            let first = grouped(agreed + 1);
            say(format_args!(
                "PARTS from the checkpoint over {size} records: of {first} to {size} not all are what was signed"
            ))?;
        }
        answer = Answer::No;
    }
    Ok(answer)
}

fn refused(error: &dyn std::fmt::Display) -> Result<Answer> {
    say(format_args!("REFUSED: {error}"))?;
    Ok(Answer::No)
}

/// What a proof shows of its record. Members and words are numbers: whom they stand for is in the log alone.
fn show(shown: &Shown) -> Result<()> {
    let VerdictPart { at, program, why, verdict } = decode(&shown.verdict).map_err(|error| anyhow!("{error}"))?;
    let at = Local::of(None).time(at);
    let (what, member) = match why {
        Why::Said { member } => ("said", member),
        Why::Timer { member, .. } => ("due", member),
    };
    say(format_args!("  at {at} UTC, {what} for member {}, judged by program version {program}", member.0))?;
    if let Some(refusal) = verdict.refusal {
        say(format_args!("  refused: {refusal}"))?;
    }
    for posting in &verdict.postings {
        let (from, to): (Account, Account) = (posting.from, posting.to);
        let (points, member, wallet) = (posting.points.0, posting.member.0, posting.wallet.0);
        say(format_args!("  {points} points of member {member}, wallet {wallet}: {} to {}", from.name(), to.name()))?;
    }
    match &shown.cause {
        ShownCause::Hash([0, ..]) if shown.cause_hash() == [0; 32] => Ok(()),
        ShownCause::Hash(hash) => say(format_args!("  what was said is not shown: {}", hex(hash))),
        ShownCause::Bytes { cause, .. } => {
            let event: Event<MemberRef> = decode(cause).map_err(|error| anyhow!("{error}"))?;
            say(format_args!(
                "  said by {:?} as {:?}, at {} UTC",
                &*event.source,
                &*event.id,
                Local::of(None).time(event.occurred_at)
            ))
        }
    }
}

fn begin_of(path: &Path, bytes: u64) -> Result<Vec<u8>> {
    let mut begin = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(bytes).read_to_end(&mut begin).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(begin)
}

/// A text; what is none is told as the file that it is.
fn text_of(path: &Path) -> Result<String> {
    let bytes = begin_of(path, FILE_BYTES_MAX)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
