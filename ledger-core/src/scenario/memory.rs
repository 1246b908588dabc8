//! The stage that is this crate's own ledger in memory.

use super::{
    Quote, Said, Seen, SeenCase, SeenExchange, SeenProposal, SeenPurse, SeenTally, SeenTotals, SeenWhy, Stage, asked,
    quote_of,
};
use crate::kernel::units::{At, MemberNo, Position, TermNo};
use crate::memory::{Memory, hash_key};
use crate::tables::event::{Body, Finding, Name};
use crate::tables::member::Member;
use crate::tables::outcome::Outcome;
use crate::tables::record::Record;
use crate::tables::state::WalletTotals;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl Stage for Memory {
    fn submit(&mut self, said: &Said) -> Result<Outcome, String> {
        let mut event = said.event.clone();
        for (kind, text) in &said.keys {
            event.keys.set(*kind, hash_key(kind.name(), text));
        }
        if let Some(violation) = event.violations().first() {
            return Err(format!("{}: {}", violation.field, violation.problem));
        }
        Memory::submit(self, event, said.at).map_err(|corrupt| corrupt.to_string())
    }

    fn member(&mut self, name: &str, at: At, as_of: bool) -> Result<Seen, String> {
        let no = self.number(name).ok_or_else(|| format!("no member {name:?}"))?;
        let row = self.state.member(no).cloned().unwrap_or_default();
        let row = if as_of { self.folded(no, |_, record| record.at <= at)? } else { row };
        if let Some(into) = row.merged_into().and_then(|into| self.state.member(into)) {
            let name = into.name.clone();
            return Stage::member(self, &name, at, as_of);
        }
        let published = self.state.programs.iter().filter(|program| !as_of || program.at <= at).count();
        let program = self.programs.version(u32::try_from(published).unwrap_or(u32::MAX)).cloned();
        let member = crate::judge::brought_up_to(&self.state, program.as_deref(), no, &row, at);
        let tier = self.state.term(member.tier.tier);
        let wallets = program.iter().flat_map(|program| program.wallets().map(|wallet| wallet.id));
        let purses = wallets.map(|wallet| SeenPurse::of(&member, wallet, self.state.term(wallet))).collect();
        let horizon = program.map(|program| program.refund_horizon(at));
        let open = member.open_proposals(at).map(|open| SeenProposal::of(open, self.state.term(open.wallet)));
        let seen = Seen::of(&member, purses, if tier == "-" { "" } else { tier }, horizon);
        let exchanges = member.exchanges().iter().map(|open| SeenExchange::of(open, self.state.term(open.exchange)));
        Ok(Seen { proposals: open.collect(), exchanges: exchanges.collect(), ..seen })
    }

    fn quote(&mut self, member: &str, redeem: &Body<Name>, at: At) -> Result<Quote, String> {
        let event = asked(member, redeem, at);
        self.foresee(event, at).map(|verdict| quote_of(&verdict)).map_err(|corrupt| corrupt.to_string())
    }

    fn word(&mut self, term: TermNo) -> String {
        self.state.term(term).to_string()
    }

    fn totals(&mut self) -> Result<Vec<SeenTotals>, String> {
        let program = self.programs.current().map(|program| &**program);
        let seen = |totals: &WalletTotals| SeenTotals::of(totals, program, self.state.term(totals.wallet));
        Ok(self.state.shared.wallets.iter().map(seen).collect())
    }

    fn tallies(&mut self) -> Result<Vec<SeenTally>, String> {
        let program = self.programs.current().ok_or("no program")?;
        let word = |term| self.state.term(term).to_string();
        Ok(crate::totals::tallies(&self.state, program).iter().map(|tally| SeenTally::of(tally, word)).collect())
    }

    fn why(&mut self, position: Position) -> Result<Vec<SeenWhy>, String> {
        let record = self.record(position).map_err(|corrupt| corrupt.to_string())?;
        let (no, program) = (record.member(), self.programs.version(record.program).ok_or("no program")?);
        let before = self.folded(no, |at, _| at < position)?;
        let why = crate::explain::explain(&self.state, program, no, &before, &record);
        Ok(SeenWhy::of(&why, |term| self.state.term(term).to_string()))
    }

    fn counter(&mut self, member: &str, counter: &str, at: At) -> Result<(i64, i64), String> {
        let no = self.number(member).ok_or_else(|| format!("no member {member:?}"))?;
        let program = self.programs.current().ok_or("no program")?;
        let rule = program.counters.iter().find(|rule| self.state.term(rule.id) == counter);
        let rule = rule.ok_or_else(|| format!("no counter {counter:?}"))?;
        let found = self.state.member(no).and_then(|member| member.counter(rule.id));
        Ok(found
            .map_or((0, 0), |counter| (crate::features::risk::rules::in_window(rule, counter, at).0, counter.total)))
    }

    fn cases(&mut self) -> Result<Vec<SeenCase>, String> {
        let name = |no| self.state.member(no).map(|member| member.name.to_string()).unwrap_or_default();
        let show = |(position, case): (&Position, &crate::tables::state::Case)| SeenCase {
            position: *position,
            rule: self.state.term(case.opened.rule).to_string(),
            value: case.opened.value,
            members: case.opened.members.iter().map(|no| name(*no)).collect(),
            state: match case.finding {
                None => "open",
                Some(Finding::Legitimate) => "legitimate",
                Some(Finding::Fraud) => "fraud",
            }
            .to_string(),
        };
        Ok(self.state.cases.iter().map(show).collect())
    }

    fn duplicates(&mut self) -> Result<u64, String> {
        Ok(self.duplicates)
    }
}

impl Memory {
    /// A member folded from its own records, as long as they lie before what is asked for.
    fn folded(&self, no: MemberNo, before: impl Fn(Position, &Record) -> bool) -> Result<Member, String> {
        let mut member = Member::default();
        for (n, _) in self.log().iter().enumerate() {
            let position = Position(u64::try_from(n).unwrap_or(u64::MAX)).next();
            let record = self.record(position).map_err(|corrupt| corrupt.to_string())?;
            if !before(position, &record) {
                break;
            }
            if record.members().contains(&no) {
                crate::tables::fold::fold_member(&mut member, no, position, &record)
                    .map_err(|corrupt| corrupt.to_string())?;
            }
        }
        Ok(member)
    }
}
