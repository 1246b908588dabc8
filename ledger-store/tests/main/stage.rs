//! The stories of the programs and of the core, played through the store.
//!
//! A scenario says at what ledger time an event comes, which need not be when it happened. The store
//! gets there with `Time::Events`: the clock stands at the scenario's time, so nothing lies beyond it,
//! and where an event is older than that, word of a case that is not there brings the time and nothing
//! else.

use crate::ledger;
use crate::secondfold::Exports;
use ledger_core::event::{self, Body, Event, Finding, Name};
use ledger_core::features::exchange::state::OpenExchange;
use ledger_core::member::Member;
use ledger_core::units::{At, MemberNo, Position, TermNo};
use ledger_store::{AsOf, Handle, Ledger, Options, Time};
use ledger_stories::{
    Quote, Said, Seen, SeenCase, SeenCounter, SeenExchange, SeenLedger, SeenProposal, SeenPurse, SeenTally, SeenTotals,
    SeenWhy, Stage, Told, asked, quote_of, run,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

struct Playing {
    handle: Handle,
    clock: Arc<AtomicI64>,
    /// How often time was brought.
    moves: u64,
}

impl Playing {
    /// What brings the time, if it is not there yet.
    fn bring(&mut self, at: At) -> Option<Event<Name>> {
        if self.handle.time() >= at {
            return None;
        }
        self.moves += 1;
        let nothing = Body::CaseResolved(event::CaseResolved {
            case: Position(u64::MAX).into(),
            finding: Finding::Fraud,
            note: "".into(),
        });
        Some(crate::said::event("stage", &format!("t-{}", self.moves), at, "", nothing))
    }

    fn word(&self, term: TermNo) -> String {
        self.handle.terms()[usize::from(term.0) - 1].to_string()
    }

    fn seen(&self, member: &Member, at: At) -> Seen {
        let program = self.handle.current_program();
        let wallets = program.iter().flat_map(|program| program.wallets().map(|wallet| wallet.id));
        let purse = |wallet: TermNo| SeenPurse::of(member, wallet, &self.word(wallet));
        let tier = if member.tier.tier.0 == 0 { String::new() } else { self.word(member.tier.tier) };
        let open = member.open_proposals(at);
        let staff = |no| self.handle.staff_names(&[no]).wait().expect("the shard works")[0].to_string();
        let proposals = open.map(|open| SeenProposal::of(open, &self.word(open.wallet), staff)).collect();
        let exchange = |open: &OpenExchange| SeenExchange::of(open, &self.word(open.exchange));
        let exchanges = member.exchanges().iter().map(exchange).collect();
        Seen { proposals, exchanges, ..Seen::of(member, wallets.map(purse).collect(), &tier, at) }
    }
}

impl Stage for Playing {
    fn submit(&mut self, said: &Said) -> Result<Told, String> {
        self.clock.store(said.at.0, Ordering::SeqCst);
        let mut event = said.event.clone();
        for (kind, text) in &said.keys {
            event.keys.set(*kind, self.handle.risk_key(kind.name(), text));
        }
        if let Some(violation) = event.violations().first() {
            return Err(format!("{}: {}", violation.field, violation.problem));
        }
        let mut events = Vec::new();
        if event.occurred_at < said.at {
            events.extend(self.bring(said.at));
        }
        events.push(event);
        let outcome = ledger::say(&self.handle, events).pop().expect("an outcome for every event");
        Ok(Told::of(&outcome, |term| self.word(term)))
    }

    fn quote(&mut self, member: &str, redeem: &Body<Name>, at: At) -> Result<Quote, String> {
        self.clock.store(at.0, Ordering::SeqCst);
        let bring = self.bring(at);
        ledger::say(&self.handle, bring.into_iter().collect());
        let before = self.handle.committed();
        let foreseen = self.handle.preview(asked(member, redeem, at)).wait().map_err(words)?;
        assert_eq!(self.handle.committed(), before, "nothing is recorded");
        foreseen.map(|verdict| quote_of(&verdict)).map_err(|error| error.to_string())
    }

    fn member(&mut self, name: &str, at: At, as_of: bool) -> Result<Seen, String> {
        let view = if as_of || at > self.handle.time() {
            self.handle.member_as_of(name, AsOf::Instant(at)).map_err(words)?
        } else {
            self.handle.member(name).wait().map_err(words)?
        };
        view.map(|view| self.seen(&view.member, at)).ok_or_else(|| format!("no member {name:?}"))
    }

    fn counters(&mut self, member: &str, at: At) -> Result<Vec<SeenCounter>, String> {
        let view = self.handle.member(member).wait().map_err(words)?;
        let view = view.ok_or_else(|| format!("no member {member:?}"))?;
        let program = self.handle.current_program();
        let rules = program.iter().flat_map(|program| &program.counters);
        let seen = rules.filter_map(|rule| {
            let seen = SeenCounter::of(&view.member, rule, &self.word(rule.id), at)?;
            Some((rule.id, seen))
        });
        let seen: Vec<(TermNo, SeenCounter)> = seen.collect();
        let told = self.handle.member_counters(member).wait().map_err(words)?.unwrap_or_default();
        for (term, seen) in &seen {
            let told = told.iter().find(|view| view.term == *term);
            assert_eq!(told.map(|view| view.total), Some(seen.total), "both ways to read a counter agree");
        }
        Ok(seen.into_iter().map(|(_, seen)| seen).collect())
    }

    fn ledger(&mut self) -> Result<SeenLedger, String> {
        let totals = self.handle.totals().wait().map_err(words)?;
        let cases = self.handle.cases(false, Position(0), usize::MAX).wait().map_err(words)?;
        let name = |no: MemberNo| {
            let view = self.handle.member_by_no(no).wait().expect("the shard works");
            view.expect("cases concern members").name.to_string()
        };
        let word = |term: TermNo| self.word(term);
        let current = self.handle.current_program();
        let wallets = totals.shared.wallets.iter();
        let wallets = wallets.map(|one| SeenTotals::of(one, current.as_deref(), &word(one.wallet))).collect();
        Ok(SeenLedger {
            wallets,
            tallies: totals.tallies.iter().map(|tally| SeenTally::of(tally, word)).collect(),
            cases: cases.iter().map(|(at, case)| SeenCase::of(*at, case, &word(case.opened.rule), name)).collect(),
            deferred: totals.shared.waiting.iter().map(|waiting| waiting.day).collect(),
            duplicates: self.handle.stats().duplicates,
        })
    }

    fn why(&mut self, position: Position) -> Result<Vec<SeenWhy>, String> {
        let explained = self.handle.explain(position).map_err(words)?.ok_or("no such record")?;
        Ok(SeenWhy::of(&explained.why, |term| self.word(term)))
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Plays a story; the second fold is to come to the same.
fn check(path: &Path, exports: &mut Exports) {
    let dir = ledger::directory();
    let clock = Arc::new(AtomicI64::new(0));
    let (time, jumps) = (Time::Events, ledger::any_time());
    let options = Options { time, jumps, snapshot_records: 10, ..Options::default() };
    let told = clock.clone();
    let ledger =
        Ledger::open(dir.path(), options, Arc::new(move || At(told.load(Ordering::SeqCst)))).expect("it opens");
    let mut stage = Playing { handle: ledger.handle(), clock, moves: 0 };
    let program = |name: &str| std::fs::read_to_string(path.with_file_name(name).with_extension("toml")).ok();
    let text = std::fs::read_to_string(path).expect("the scenario is there");
    let played = run(&text, &mut stage, &program).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let differ = |(n, (told, now)): (usize, (&str, &str))| {
        (told != now).then(|| format!("line {}\n  told {told}\n  now  {now}\n", n + 1))
    };
    let lines: String = text.lines().zip(played.lines()).enumerate().filter_map(differ).collect();
    assert!(lines.is_empty(), "{} goes otherwise through the store:\n{lines}", path.display());
    drop(stage);
    ledger.close().expect("nothing failed");
    exports.add(&path.display().to_string(), dir.path());
}

/// Plays the stories of a directory.
fn check_all(directory: &str) {
    let stories = crate::raw::files(&ledger::root().join(directory), ".txt");
    assert!(stories.len() >= 2, "{directory} holds no stories");
    let mut exports = Exports::new();
    stories.iter().for_each(|path| check(path, &mut exports));
    exports.compare();
}

#[test]
fn the_stories_of_the_programs_play_unchanged_through_the_store() {
    check_all("programs");
}

#[test]
fn the_stories_of_complaints_play_unchanged_through_the_store() {
    check_all("ledger-core/tests/stories/complaints");
}

#[test]
fn the_odd_stories_of_the_core_play_unchanged_through_the_store() {
    check_all("ledger-core/tests/stories");
}
