//! Proofs: what a ledger signs, proofs of its records and of its growth, and the file that signs.

use super::look::{Look, Where};
use super::{Answer, Usage, say};
use anyhow::{Context, Result};
use clap::{ArgGroup, Args};
use ledger_grpc::proto::{self, get_inclusion_proof_request::Which};
use ledger_store::{Checkpoints, Seed};
use std::path::{Path, PathBuf};

/// With which keys checkpoints are signed, and where the last one is kept.
#[derive(Args)]
pub(super) struct Signing {
    /// Sign checkpoints with the seed in this file, which `ledgerd keygen` makes: it lies outside of DIR, and only its
    /// owner may read it. Given twice, both sign: while one key follows the other
    #[arg(long, value_name = "FILE", env = "LEDGERD_CHECKPOINT_KEY")]
    checkpoint_key: Vec<PathBuf>,
    /// Keep the last checkpoint here [default: DIR/checkpoint]
    ///
    /// A ledger that is behind it, or differs from it, is not opened. Kept on another disk than the ledger, it tells
    /// when the whole directory is an older copy.
    #[arg(long, value_name = "FILE", env = "LEDGERD_CHECKPOINT_FILE")]
    checkpoint_file: Option<PathBuf>,
}

impl Signing {
    /// Reads the seeds for the ledger in `data`.
    pub(super) fn read(&self, data: &Path) -> Result<Checkpoints> {
        let seeds = self.checkpoint_key.iter().map(|path| Seed::read(path, data)).collect::<Result<_, _>>()?;
        Ok(Checkpoints { seeds, file: self.checkpoint_file.clone() })
    }
}

#[derive(Args)]
pub(super) struct Keygen {
    /// The file to make; there must be none of this name
    file: PathBuf,
}

#[derive(Args)]
pub(super) struct Checkpoint {
    /// Show the keys that verify it instead, one on each line
    #[arg(long, conflicts_with = "data")]
    keys: bool,
    #[command(flatten)]
    ledger: Where,
}

#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).args(["position", "event", "since"]))]
pub(super) struct Prove {
    /// The record, by its position
    position: Option<u64>,
    /// The record of an event, by its source and id
    #[arg(long, num_args = 2, value_names = ["SOURCE", "ID"])]
    event: Option<Vec<String>>,
    /// That the log has only grown since it had so many records
    #[arg(long, value_name = "SIZE")]
    since: Option<u64>,
    /// Show what was said as well
    #[arg(long, conflicts_with = "since")]
    with_cause: bool,
    /// Write the proof to this file, by custom NAME.tlog-proof
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    ledger: Where,
}

impl Keygen {
    pub(super) fn run(self) -> Result<Answer> {
        Seed::make(&self.file)?;
        say(format_args!("{} is made; keep it from whoever can write the ledger", self.file.display()))?;
        Ok(Answer::Yes)
    }
}

impl Checkpoint {
    pub(super) fn run(self) -> Result<Answer> {
        let Some(told) = self.ledger.open()?.checkpoint()? else { return Ok(unsigned()) };
        if self.keys {
            told.keys.iter().try_for_each(say)?;
        } else {
            say(told.checkpoint.trim_end())?;
        }
        Ok(Answer::Yes)
    }
}

fn unsigned() -> Answer {
    eprintln!("no checkpoint is signed over it; `ledgerd serve --checkpoint-key FILE` signs");
    Answer::No
}

impl Prove {
    pub(super) fn run(self) -> Result<Answer> {
        let look = self.ledger.open()?;
        let proof = match self.since {
            Some(size) => look.prove_growth(size)?.map(|told| told.proof),
            None => self.inclusion(&look)?,
        };
        let Some(proof) = proof else { return Ok(Answer::No) };
        match &self.out {
            Some(path) => std::fs::write(path, proof).with_context(|| format!("cannot write {}", path.display()))?,
            None => say(proof.trim_end())?,
        }
        Ok(Answer::Yes)
    }

    fn inclusion(&self, look: &Look) -> Result<Option<String>> {
        let which = match (self.event.as_deref(), self.position) {
            (Some([source, id]), _) => Which::Event(proto::EventName { source: source.clone(), id: id.clone() }),
            (_, Some(position)) => Which::Position(position),
            _ => return Err(Usage("say which record: a position, or --event SOURCE ID".into()).into()),
        };
        let which = Some(which);
        let request = proto::GetInclusionProofRequest { which, with_cause: self.with_cause, ..Default::default() };
        Ok(look.prove(request)?.map(|told| told.proof))
    }
}
