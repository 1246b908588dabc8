//! Kafka: what becomes of a message, without a broker.

use super::letters::faults;
use super::{Answer, Usage, say};
use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use ledger_core::units::RiskKey;
use ledger_grpc::kafka::{self, Config, Header, Topic};
use ledger_grpc::{json, proto};
use std::io::Read;
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(super) enum Kafka {
    /// Show what a message becomes: the event as JSON, or what is wrong with it and which rule says so
    ///
    /// Reads the file that says how a ledger is fed and a message in a file, and needs neither broker nor ledger. A
    /// message that is skipped, as a rule declares it, says so. The answer is "no" where a part of it is no event.
    Check(Check),
}

impl Kafka {
    pub(super) fn run(self) -> Result<Answer> {
        match self {
            Kafka::Check(check) => check.run(),
        }
    }
}

#[derive(Args)]
pub(super) struct Check {
    /// The file that says how the ledger is fed (see `ledgerd serve --help`)
    #[arg(long, value_name = "FILE", env = "LEDGERD_KAFKA")]
    config: PathBuf,
    /// The value of the message, as it is on the topic; - reads it from stdin
    #[arg(long, value_name = "FILE")]
    message: PathBuf,
    /// The topic it is on, if the file names several
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Its key: a note is told if that is not the member
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A header
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<Header>,
}

fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text.split_once('=').ok_or("write its name and value, such as ce_type=ledger.v1.purchase")?;
    Ok((name.trim().into(), value.as_bytes().into()))
}

impl Check {
    fn run(self) -> Result<Answer> {
        // What a server would log of the message.
        tracing_subscriber::fmt()
            .without_time()
            .with_target(false)
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .init();
        let topic = self.topic(config(&self.config)?)?;
        let value = value(&self.message)?;
        let content = match kafka::content(&topic, &self.headers, Some(&value)) {
            Ok(content) => content,
            Err(reason) => {
                say(format_args!("no event: {reason}"))?;
                return Ok(Answer::No);
            }
        };
        if let Some(why) = &content.skipped {
            say(format_args!("skipped: {why}"))?;
        }
        let by = content.rule.as_ref().map(|rule| format!("by {rule}: ")).unwrap_or_default();
        let mut answer = Answer::Yes;
        for part in content.parts {
            let (event, problem) = match part {
                Ok(event) => {
                    let checked = kafka::checked(event.clone(), &|_, _| RiskKey::default());
                    (Some(event), checked.err())
                }
                Err(reason) => (None, Some(reason)),
            };
            if let Some(event) = event {
                say(json::write(&event))?;
                self.note(&event, &by);
            }
            if let Some(problem) = problem {
                say(format_args!("no event: {by}{problem}"))?;
                answer = Answer::No;
            }
        }
        Ok(answer)
    }

    /// The topic that is meant.
    fn topic(&self, config: Config) -> Result<Topic> {
        let names: Vec<&str> = config.topics.iter().map(|topic| topic.name.as_str()).collect();
        let names = names.join(", ");
        let mut found =
            config.topics.into_iter().filter(|topic| self.topic.as_ref().is_none_or(|it| *it == topic.name));
        match (found.next(), found.next(), &self.topic) {
            (Some(topic), None, _) => Ok(topic),
            (None, _, Some(asked)) => Err(Usage(format!("no topic {asked:?}; write one of {names}")).into()),
            _ => Err(Usage(format!("several topics are read: say which with --topic, one of {names}")).into()),
        }
    }

    fn note(&self, event: &proto::Event, by: &str) {
        if !by.is_empty() {
            eprintln!("{}", by.trim_end_matches(": "));
        }
        if let Some(key) = self.key.as_ref().filter(|key| **key != event.member) {
            eprintln!(
                "note: the key is {key:?} and the member {:?}: only messages of one key keep their order",
                event.member
            );
        }
    }
}

/// Reads the file that says how a ledger is fed. What it takes from the environment is a secret of the broker's, and
/// not needed here.
fn config(path: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Config::read(&text, &|_| Some(String::new())).map_err(|found| anyhow!(faults(path, &found)))
}

fn value(path: &Path) -> Result<Vec<u8>> {
    if path != Path::new("-") {
        return std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    }
    let mut value = Vec::new();
    std::io::stdin().lock().read_to_end(&mut value).context("cannot read stdin")?;
    Ok(value)
}
