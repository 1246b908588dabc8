//! The reading commands: replay, member, quote, totals, counters, cases.

use super::look::{When, Where};
use super::{Answer, Usage, say, show};
use anyhow::Result;
use clap::{ArgGroup, Args};
use ledger_core::event::RiskKind;
use ledger_core::units::Position;
use ledger_grpc::proto::{self, list_counters_request::Whose};
use ledger_grpc::{json, wire};

#[derive(Args)]
pub(super) struct Replay {
    /// The member's name
    member: String,
    #[command(flatten)]
    ledger: Where,
    /// Answer in JSON, one line for each record
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Member {
    /// The member's name
    member: String,
    /// The member as it was: a position, now, 2026-01-31 or 20260131, "2026-01-31 09:00" (in the program's
    /// zone), or RFC 3339
    #[arg(long, value_name = "WHEN")]
    as_of: Option<String>,
    #[command(flatten)]
    ledger: Where,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Quote {
    /// The member's name
    member: String,
    /// How many points; what the item costs if not said
    #[arg(required_unless_present = "item")]
    points: Option<i64>,
    /// The item of the program that they would buy
    #[arg(long, default_value = "")]
    item: String,
    /// How many of it
    #[arg(long, default_value_t = 1, requires = "item")]
    pieces: u32,
    /// The order they would be for
    #[arg(long, default_value = "")]
    order: String,
    /// What the whole order costs, in minor units
    #[arg(long)]
    total: Option<i64>,
    /// The wallet they would come from; the program's first if not said
    #[arg(long, default_value = "")]
    wallet: String,
    #[command(flatten)]
    ledger: Where,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Totals {
    /// The totals as they were at this position, by folding the whole log up to it; only with --data
    #[arg(long, value_name = "POSITION", requires = "data", conflicts_with = "server")]
    at: Option<u64>,
    #[command(flatten)]
    ledger: Where,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Cases {
    /// Leave out the cases that were resolved
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    ledger: Where,
    /// Answer in JSON, one line for each case
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(group = ArgGroup::new("whose").required(true).args(["member", "key"]))]
pub(super) struct Counters {
    /// The member's name
    member: Option<String>,
    /// Of what is no member: its kind (device, ip, phone, ip_prefix, payment or address), and what events say
    #[arg(long, num_args = 2, value_names = ["KIND", "VALUE"])]
    key: Option<Vec<String>>,
    #[command(flatten)]
    ledger: Where,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

fn unknown(member: &str) -> Answer {
    eprintln!("no member {member:?}");
    Answer::No
}

impl Replay {
    pub(super) fn run(self) -> Result<Answer> {
        let look = self.ledger.open()?;
        if self.json {
            let known = look.replay(&self.member, |step| say(json::write(&step)))?;
            return Ok(if known { Answer::Yes } else { unknown(&self.member) });
        }
        let (local, mut table) = (look.local()?, show::steps_table());
        let known = look.replay(&self.member, |step| {
            table.add_row(show::step(&step, &self.member, &local));
            Ok(())
        })?;
        if !known {
            return Ok(unknown(&self.member));
        }
        say(show::lines(&table))?;
        Ok(Answer::Yes)
    }
}

impl Member {
    pub(super) fn run(self) -> Result<Answer> {
        let look = self.ledger.open()?;
        let local = look.local()?;
        let when = self.as_of.as_deref().map_or(Ok(When::Now), |text| When::read(text, &local))?;
        if let When::Position(asked) = when {
            let last = look.totals()?.position;
            if asked.0 > last {
                let problem =
                    format!("--as-of {asked} is beyond the last record, {last}; a date is written 2026-01-31");
                return Err(Usage(problem).into());
            }
        }
        let Some(member) = look.member(&self.member, when)? else { return Ok(unknown(&self.member)) };
        if self.json {
            say(json::write(&member))?
        } else {
            say(show::member(&member, &local))?
        }
        Ok(Answer::Yes)
    }
}

impl Quote {
    pub(super) fn run(self) -> Result<Answer> {
        let look = self.ledger.open()?;
        let Quote { member, points, order, total, wallet, item, pieces, .. } = self;
        let (points, pieces) = (points.unwrap_or(0), if item.is_empty() { 0 } else { pieces });
        let redeem = Some(proto::Redeem { points, order, total, wallet: wallet.clone(), item, pieces });
        let quote = look.quote(proto::QuoteRequest { member, redeem, token: String::new() })?;
        if self.json {
            say(json::write(&quote))?
        } else {
            say(show::quote(&quote, &wallet, &look.local()?))?
        }
        Ok(matches!(quote.result, Some(proto::quote_response::Result::Quoted(_))).into())
    }
}

impl Totals {
    pub(super) fn run(self) -> Result<Answer> {
        let (totals, local) = match self.at {
            Some(position) => self.ledger.totals_at(Position(position))?,
            None => {
                let look = self.ledger.open()?;
                (look.totals()?, look.local()?)
            }
        };
        if self.json {
            say(json::write(&totals))?
        } else {
            say(show::totals(&totals, &local))?
        }
        Ok(Answer::Yes)
    }
}

impl Counters {
    pub(super) fn run(self) -> Result<Answer> {
        let whose = self.whose()?;
        let look = self.ledger.open()?;
        let Some(counters) = look.counters(whose)? else { return Ok(unknown(&self.member.unwrap_or_default())) };
        if self.json {
            say(json::write(&counters))?
        } else {
            say(show::counters(&counters))?
        }
        Ok(Answer::Yes)
    }

    fn whose(&self) -> Result<Whose> {
        let Some([kind, value]) = self.key.as_deref() else {
            return Ok(Whose::Member(self.member.clone().unwrap_or_default()));
        };
        let known = RiskKind::ALL.into_iter().find(|known| known.name() == kind);
        let kinds = || Usage(format!("--key {kind:?} is none of {}", RiskKind::ALL.map(RiskKind::name).join(", ")));
        Ok(wire::whose_key(known.ok_or_else(kinds)?, value.clone()))
    }
}

impl Cases {
    pub(super) fn run(self) -> Result<Answer> {
        let look = self.ledger.open()?;
        let (cases, parked) = look.cases(self.open)?;
        if self.json {
            cases.iter().try_for_each(|case| say(json::write(case)))?;
            parked.iter().try_for_each(|waiting| say(json::write(waiting)))?;
        } else {
            say(show::cases(&cases, &parked, &look.local()?))?;
        }
        Ok(Answer::Yes)
    }
}
