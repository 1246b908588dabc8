//! Explain: why an event came to what it did, and where a member's points come from.

use super::local::{Local, grouped};
use super::look::{Look, Where};
use super::show::{cause, has, lines, lot_name, posting, reason, table, waits};
use super::{Answer, say};
use anyhow::Result;
use clap::{ArgGroup, Args};
use ledger_grpc::json;
use ledger_grpc::proto::{self, explain_event_request::Which, rule_explained::RuleOutcome};
use std::fmt::Write as _;

#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).args(["member", "event", "position"]))]
pub(super) struct Explain {
    /// The member whose points are explained
    member: Option<String>,
    /// The wallet that is explained; the program's first if not said
    #[arg(long, default_value = "", requires = "member")]
    wallet: String,
    /// The event that is explained, by its source and id
    #[arg(long, num_args = 2, value_names = ["SOURCE", "ID"])]
    event: Option<Vec<String>>,
    /// The record that is explained, by its position
    #[arg(long)]
    position: Option<u64>,
    #[command(flatten)]
    ledger: Where,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self) -> Result<Answer> {
        let look = self.ledger.open()?;
        match self.which() {
            Some(which) => self.event(&look, which),
            None => self.balance(&look),
        }
    }

    fn which(&self) -> Option<Which> {
        if let Some([source, id]) = self.event.as_deref() {
            return Some(Which::Event(proto::EventName { source: source.clone(), id: id.clone() }));
        }
        self.position.map(Which::Position)
    }

    fn event(&self, look: &Look, which: Which) -> Result<Answer> {
        let Some(told) = look.explain_event(which)? else {
            eprintln!("no such record");
            return Ok(Answer::No);
        };
        if self.json {
            say(json::write(&told))?
        } else {
            say(show_event(&told, &look.local()?))?
        }
        Ok(Answer::Yes)
    }

    fn balance(&self, look: &Look) -> Result<Answer> {
        let name = self.member.as_deref().unwrap_or_default();
        let Some(told) = look.explain_balance(name, &self.wallet)? else {
            let wallet =
                if self.wallet.is_empty() { String::new() } else { format!(", or no wallet {:?}", self.wallet) };
            eprintln!("no member {name:?}{wallet}");
            return Ok(Answer::No);
        };
        if self.json {
            say(json::write(&told))?
        } else {
            say(show_balance(&told, name, &look.local()?))?
        }
        Ok(Answer::Yes)
    }
}

fn show_event(told: &proto::ExplainEventResponse, local: &Local) -> String {
    let record = told.record.clone().unwrap_or_default();
    let before = told.before.clone().unwrap_or_default();
    let before = before.purses.into_iter().next().unwrap_or_default();
    let (at, what) = (local.stamp(record.at.as_ref()), cause(&record, "", local).replace('\n', " "));
    let mut out = format!("position {}, {at}: {what}\n", grouped(record.position));
    let _ = writeln!(out, "  before: {}; judged by version {} of the program", has(&before), record.program_version);
    if let Some(refused) = &record.refused {
        let _ = writeln!(out, "  refused {}: {}", refused.reason, refused.message);
    }
    if !told.factors.is_empty() {
        let mut factors = table(&["because of", "points"], &[1]);
        for ground in &told.factors {
            factors.add_row([ground.name.replace('_', " "), grouped(ground.points)]);
        }
        let _ = writeln!(out, "{}", lines(&factors));
    }
    if !told.rules.is_empty() {
        let mut rules = table(&["rule", "points", "why"], &[1]);
        for one in &told.rules {
            let (points, why) = match &one.rule_outcome {
                Some(RuleOutcome::Applied(trace)) => (grouped(trace.granted), reason(trace)),
                Some(RuleOutcome::Unmet(condition)) => ("-".to_owned(), format!("its `{condition}` did not hold")),
                None => Default::default(),
            };
            rules.add_row([one.rule.clone(), points, why]);
        }
        let _ = writeln!(out, "{}", lines(&rules));
    }
    for moved in &record.postings {
        let rule = if moved.rule.is_empty() { String::new() } else { format!(", by {}", moved.rule) };
        let _ = writeln!(out, "  {}{rule}", posting(moved, local));
    }
    out.trim_end().to_owned()
}

fn show_balance(told: &proto::ExplainBalanceResponse, name: &str, local: &Local) -> String {
    let purse = told.purse.clone().unwrap_or_default();
    let mut out = format!("{name} has: {}\n", has(&purse));
    let mut lots = table(&["points", "of", "lot", "usable before", "earned", "by", "rule", "version"], &[0, 1, 7]);
    for (lot, origin) in purse.lots.iter().zip(&told.origins) {
        let waits = match waits(lot, local) {
            waits if waits.is_empty() => waits,
            waits => format!(" ({waits})"),
        };
        lots.add_row([
            format!("{}{waits}", grouped(lot.points)),
            grouped(origin.points),
            lot_name(lot.id.as_ref()),
            local.stamp(lot.expires_at.as_ref()),
            local.stamp(origin.at.as_ref()),
            by(origin),
            origin.rule.clone(),
            origin.program_version.to_string(),
        ]);
    }
    if !purse.lots.is_empty() {
        let _ = writeln!(out, "{}", lines(&lots));
    }
    let rest = (purse.lots_count as usize).saturating_sub(purse.lots.len());
    if rest > 0 {
        let _ = writeln!(out, "  and {rest} more lots");
    }
    if !told.debts.is_empty() {
        let mut debts = table(&["owed", "since", "by", "rule"], &[0]);
        for debt in &told.debts {
            debts.add_row([grouped(debt.points), local.stamp(debt.at.as_ref()), by(debt), debt.rule.clone()]);
        }
        let _ = writeln!(out, "{}", lines(&debts));
    }
    out.trim_end().to_owned()
}

fn by(origin: &proto::Origin) -> String {
    if origin.position == 0 {
        return "what is due and not yet recorded".to_owned();
    }
    let named = origin.event.as_ref().map(|event| format!(" {}/{}", event.source, event.id)).unwrap_or_default();
    format!("{}{named}, position {}", origin.kind, origin.position)
}
