//! Rules: checks a program file, and plays the scenario beside it on a ledger in memory.

use super::{Answer, Usage, say};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use ledger_core::memory::Memory;
use ledger_core::program::{Fault, Program};
use ledger_grpc::proto::CheckProgramResponse;
use ledger_grpc::{json, wire};
use ledger_stories::{self as stories, Unplayable};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(super) enum Rules {
    /// Check a program file: every fault with its line, field and what to write instead
    Check(Check),
    /// Play the scenario beside a program file and compare what the ledger says with what is written
    ///
    /// The scenario of shop.toml is shop.txt. Where it says `publish NAME`, NAME.toml of the same
    /// directory is published. It runs on a ledger in memory and touches nothing else.
    #[command(after_long_help = stories::help())]
    Test(Test),
}

#[derive(Args)]
pub(super) struct Check {
    /// The program file (TOML)
    file: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Test {
    /// The program file (TOML); its scenario has the same name and ends in .txt
    file: PathBuf,
    /// Write what the ledger says into the scenario
    #[arg(long)]
    update: bool,
}

impl Rules {
    pub(super) fn run(self) -> Result<Answer> {
        match self {
            Rules::Check(check) => check.run(),
            Rules::Test(test) => test.run(),
        }
    }
}

/// A fault as editors and people find it.
pub(super) fn fault_line(path: &Path, fault: &Fault) -> String {
    format!("{}:{}: {}: {}", path.display(), fault.line, fault.field, fault.problem)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

impl Check {
    fn run(self) -> Result<Answer> {
        let text = read(&self.file)?;
        let (faults, warnings, summary) = match Program::read(&text, &mut Vec::new()) {
            Ok(program) => {
                let summary = summary(&program);
                (Vec::new(), program.warnings, summary)
            }
            Err(faults) => (faults, Vec::new(), String::new()),
        };
        if self.json {
            let told = CheckProgramResponse { faults: wire::faults(&faults), warnings: wire::faults(&warnings) };
            say(json::write(&told))?;
            return Ok(faults.is_empty().into());
        }
        for fault in &faults {
            say(fault_line(&self.file, fault))?;
        }
        for warning in &warnings {
            let Fault { line, field, problem } = warning;
            say(format_args!("{}:{line}: warning: {field}: {problem}", self.file.display()))?;
        }
        match faults.len() {
            0 => say(format_args!("{}: {summary}", self.file.display()))?,
            1 => say(format_args!("{}: 1 fault", self.file.display()))?,
            faults => say(format_args!("{}: {faults} faults", self.file.display()))?,
        }
        Ok(faults.is_empty().into())
    }
}

fn summary(program: &Program) -> String {
    let counts = [
        (program.earn.len(), "earn rule"),
        (program.conversions.len(), "conversion"),
        (program.tiers.as_ref().map_or(0, |tiers| tiers.ranks.len()), "tier"),
        (program.streaks.len(), "streak"),
        (program.ladders.len(), "ladder"),
        (program.counters.len(), "counter"),
        (program.risks.len(), "risk rule"),
    ];
    let mut summary = format!("ok, program {}", program.id);
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(summary, ", {count} {what}{}", if count == 1 { "" } else { "s" });
    }
    summary
}

impl Test {
    fn run(self) -> Result<Answer> {
        let path = self.file.with_extension("txt");
        if path == self.file {
            return Err(Usage(format!("{} is a scenario; name the program file beside it", path.display())).into());
        }
        read(&self.file)?;
        let told = read(&path)?;
        let played = match stories::run(&told, &mut Memory::new(), &|name| beside(&self.file, name)) {
            Ok(played) => played,
            Err(Unplayable { line, problem }) => {
                say(format_args!("{}:{line}: cannot be played: {problem}", path.display()))?;
                return Ok(Answer::No);
            }
        };
        let answers = told.lines().filter(|line| !line.trim_start().starts_with('#') && line.contains("->")).count();
        let differing = differences(&path, &told, &played);
        if differing.is_empty() {
            say(format_args!("{}: {answers} answers, all as written", path.display()))?;
            return Ok(Answer::Yes);
        }
        for difference in &differing {
            say(difference)?;
        }
        if self.update {
            fs::write(&path, played).with_context(|| format!("cannot write {}", path.display()))?;
            say(format_args!("{}: {} of {answers} answers written anew", path.display(), differing.len()))?;
            return Ok(Answer::Yes);
        }
        let differing = differing.len();
        say(format_args!("{}: {differing} of {answers} answers differ (--update writes them)", path.display()))?;
        Ok(Answer::No)
    }
}

/// The program of this name in the directory of `file`, and of no other directory.
fn beside(file: &Path, name: &str) -> Option<String> {
    let plain = !name.contains(['/', '\\']);
    plain.then(|| fs::read_to_string(file.with_file_name(format!("{name}.toml"))).ok()).flatten()
}

/// Each line that was told otherwise than it is played; both texts have the same lines.
fn differences(path: &Path, told: &str, played: &str) -> Vec<String> {
    let lines = told.lines().zip(played.lines()).enumerate();
    let differing = lines.filter(|(_, (told, played))| told.trim_end() != played.trim_end());
    differing.map(|(at, (told, played))| format!("{}:{}:\n- {told}\n+ {played}", path.display(), at + 1)).collect()
}
