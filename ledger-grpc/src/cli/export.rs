//! Export: the verdicts of a log as a flat file.

use super::local::grouped;
use super::open::{hex, must_be_ledger, open_error};
use super::progress::Progress;
use super::{Answer, say};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Export {
    /// The ledger's directory
    #[arg(long, value_name = "DIR", env = "LEDGERD_DATA")]
    data: PathBuf,
    /// The file to make; there must be none of this name
    #[arg(long, value_name = "FILE")]
    verdicts: PathBuf,
}

impl Export {
    pub(super) fn run(self) -> Result<Answer> {
        must_be_ledger(&self.data)?;
        let mut progress = Progress::of_records("export");
        let told = |records| progress.at(records);
        let written = ledger_store::export_verdicts(&self.data, &self.verdicts, &mut { told }).map_err(open_error);
        progress.end();
        let head = written?;
        let (records, file) = (grouped(head.size), self.verdicts.display());
        say(format_args!("{file}: {records} records, root {}", hex(&head.root)))?;
        Ok(Answer::Yes)
    }
}
