//! The stage that is the core's ledger in memory.

use crate::seen::{
    Seen, SeenCase, SeenCounter, SeenExchange, SeenLedger, SeenProposal, SeenPurse, SeenTally, SeenTotals, SeenWhy,
};
use crate::stage::{Quote, Said, Stage, Told, asked, quote_of};
use ledger_core::event::{Body, Name};
use ledger_core::explain::explain;
use ledger_core::fold::{Corrupt, fold_member};
use ledger_core::judge::projected_to;
use ledger_core::member::Member;
use ledger_core::memory::{Memory, hash_key};
use ledger_core::record::Record;
use ledger_core::totals::tallies;
use ledger_core::units::{At, MemberNo, Position, TermNo};

impl Stage for Memory {
    fn submit(&mut self, said: &Said) -> Result<Told, String> {
        let mut event = said.event.clone();
        for (kind, text) in &said.keys {
            event.keys.set(*kind, hash_key(kind.name(), text));
        }
        if let Some(violation) = event.violations().first() {
            return Err(format!("{}: {}", violation.field, violation.problem));
        }
        let outcome = Memory::submit(self, event, said.at).map_err(words)?;
        Ok(Told::of(&outcome, |term| self.state.term(term).to_string()))
    }

    fn quote(&mut self, member: &str, redeem: &Body<Name>, at: At) -> Result<Quote, String> {
        let event = asked(member, redeem, at);
        self.preview(event, at).map(|verdict| quote_of(&verdict)).map_err(words)
    }

    fn member(&mut self, name: &str, at: At, as_of: bool) -> Result<Seen, String> {
        let no = known(self, name)?;
        let row = self.state.member(no).cloned().unwrap_or_default();
        let row = if as_of { folded(self, no, |_, record| record.at <= at)? } else { row };
        if let Some(into) = row.merged_into() {
            let name = Memory::name(self, into).to_string();
            return Stage::member(self, &name, at, as_of);
        }
        let published = self.state.programs.iter().filter(|program| !as_of || program.at <= at).count();
        let program = self.programs.version(u32::try_from(published).unwrap_or(u32::MAX)).cloned();
        let member = projected_to(&self.state, program.as_deref(), no, &row, at);
        let tier = self.state.term(member.tier.tier);
        let wallets = program.iter().flat_map(|program| program.wallets().map(|wallet| wallet.id));
        let purses = wallets.map(|wallet| SeenPurse::of(&member, wallet, self.state.term(wallet))).collect();
        let open = member
            .open_proposals(at)
            .map(|open| SeenProposal::of(open, self.state.term(open.wallet), |no| self.staff_name(no).to_string()));
        let seen = Seen::of(&member, purses, if tier == "-" { "" } else { tier }, at);
        let exchanges = member.exchanges().iter().map(|open| SeenExchange::of(open, self.state.term(open.exchange)));
        Ok(Seen { proposals: open.collect(), exchanges: exchanges.collect(), ..seen })
    }

    fn counters(&mut self, member: &str, at: At) -> Result<Vec<SeenCounter>, String> {
        let no = known(self, member)?;
        let (Some(program), Some(member)) = (self.programs.current(), self.state.member(no)) else {
            return Ok(Vec::new());
        };
        let seen = program.counters.iter().map(|rule| SeenCounter::of(member, rule, self.state.term(rule.id), at));
        Ok(seen.flatten().collect())
    }

    fn ledger(&mut self) -> Result<SeenLedger, String> {
        let state = &self.state;
        let word = |term: TermNo| state.term(term).to_string();
        let name = |no| Memory::name(self, no).to_string();
        let current = self.programs.current().map(|program| &**program);
        let wallets = state.shared.wallets.iter().map(|one| SeenTotals::of(one, current, state.term(one.wallet)));
        let cases = state.cases.iter().map(|(at, case)| SeenCase::of(*at, case, &word(case.opened.rule), name));
        let tallies = current.map(|program| tallies(state, program)).unwrap_or_default();
        Ok(SeenLedger {
            wallets: wallets.collect(),
            tallies: tallies.iter().map(|tally| SeenTally::of(tally, word)).collect(),
            cases: cases.collect(),
            deferred: state.shared.waiting.iter().map(|waiting| waiting.day).collect(),
            duplicates: self.duplicates,
        })
    }

    fn why(&mut self, position: Position) -> Result<Vec<SeenWhy>, String> {
        let record = self.record(position).map_err(words)?;
        let (no, program) = (record.member(), self.programs.version(record.program).ok_or("no program")?);
        let before = folded(self, no, |at, _| at < position)?;
        let named = self.named(&record).map_err(words)?;
        let why = explain((&self.state, self.hiding()), program, no, &before, (&record, named));
        Ok(SeenWhy::of(&why, |term| self.state.term(term).to_string()))
    }
}

fn words(corrupt: Corrupt) -> String {
    corrupt.to_string()
}

fn known(memory: &Memory, name: &str) -> Result<MemberNo, String> {
    memory.member_no(name).ok_or_else(|| format!("no member {name:?}"))
}

/// A member folded from its own records, as long as they lie before what is asked for.
fn folded(memory: &Memory, no: MemberNo, before: impl Fn(Position, &Record) -> bool) -> Result<Member, String> {
    let mut member = Member::default();
    for (n, _) in memory.log().iter().enumerate() {
        let position = Position(u64::try_from(n).unwrap_or(u64::MAX)).next();
        let record = memory.record(position).map_err(words)?;
        if !before(position, &record) {
            break;
        }
        if record.members().contains(&no) {
            fold_member(&mut member, no, position, &record).map_err(words)?;
        }
    }
    Ok(member)
}
