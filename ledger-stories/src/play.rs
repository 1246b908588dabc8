//! A story as it is played, line by line.

use crate::seen::{Seen, SeenTally};
use crate::stage::{Said, Stage, Told};
use crate::verbs::{Act, Verb, detail, verb, verbs};
use crate::words::Words;
use ledger_core::calendar::Calendar;
use ledger_core::event::{self, Body, Event, Line, Name, RecordRef, RiskKeys};
use ledger_core::program::{Program, read_money};
use ledger_core::units::{At, Money, Position};

/// A line that cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Unplayable {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// Plays a story and answers with its text, the results behind the arrows replaced by what the stage said.
/// `program` finds the text of a program by its name.
///
/// # Errors
/// The first line that cannot be played.
pub fn run(text: &str, stage: &mut dyn Stage, program: &dyn Fn(&str) -> Option<String>) -> Result<String, Unplayable> {
    let mut play = Play {
        stage,
        find: program,
        program: None,
        at: At(0),
        said: 0,
        last: None,
        recorded: Position(0),
        spent: Vec::new(),
    };
    let mut out = String::with_capacity(text.len());
    for (n, line) in text.lines().enumerate() {
        let (told, arrow) = match line.split_once("->") {
            Some((told, _)) => (told, true),
            None => (line, false),
        };
        let act = told.split_once('#').map_or(told, |(act, _)| act);
        let words: Vec<&str> = act.split_whitespace().collect();
        let unplayable = |problem| Unplayable { line: n.saturating_add(1), problem };
        let answer = words.split_first().map(|(verb, rest)| play.line(verb, rest)).transpose().map_err(unplayable)?;
        if let Some(refused) = answer.as_ref().filter(|answer| !arrow && is_refused(answer)) {
            return Err(unplayable(format!("was {refused}; write `-> {refused}` behind it if that is meant")));
        }
        match answer.filter(|_| arrow) {
            Some(answer) => out.push_str(&format!("{told}-> {answer}")),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    Ok(out)
}

/// Whether an answer says that an event was refused.
fn is_refused(answer: &str) -> bool {
    answer.strip_prefix("again ").unwrap_or(answer).starts_with("refused ")
}
/// Who says all of a story.
const SOURCE: &str = "scenario";

/// A story on its stage, and what its lines refer back to.
pub(crate) struct Play<'a> {
    pub(crate) stage: &'a mut dyn Stage,
    find: &'a dyn Fn(&str) -> Option<String>,
    /// The program that was published last, and its words.
    program: Option<(Program, Vec<Box<str>>)>,
    /// Ledger time.
    pub(crate) at: At,
    /// How many events were said.
    said: u32,
    last: Option<Said>,
    /// Where that was recorded.
    pub(crate) recorded: Position,
    /// Orders and holds that points were spent for, and the record that spent them.
    spent: Vec<(Box<str>, Position)>,
}

/// What stands behind the arrow, or why the line cannot be played.
pub(crate) type Answer = Result<String, String>;

/// An event in the making: its details are read one after the other.
pub(crate) struct Saying {
    pub(crate) said: Said,
    /// The lines of a purchase, if it says any.
    pub(crate) lines: Vec<Line>,
}

impl Play<'_> {
    fn line(&mut self, word: &str, rest: &[&str]) -> Answer {
        let verb = verb(word).ok_or_else(|| unknown_verb(word))?;
        let mut words = Words::new(verb, rest);
        match verb.act {
            Act::Event(body) => {
                let member = words.next()?;
                let body = body(self, &mut words)?;
                let mut saying = self.saying(body, member);
                self.read_details(&mut saying, &mut words)?;
                self.submit(saying.finished()?)
            }
            Act::Other(act) => {
                let answer = act(self, &mut words)?;
                words.end()?;
                Ok(answer)
            }
        }
    }

    /// An event as it is said now, without details.
    fn saying(&mut self, body: Body<Name>, member: &str) -> Saying {
        self.said = self.said.saturating_add(1);
        self.asking(body, member)
    }

    /// An event that is only asked about: it takes no number.
    pub(crate) fn asking(&self, body: Body<Name>, member: &str) -> Saying {
        let event = Event {
            source: SOURCE.into(),
            id: format!("s-{}", self.said).into(),
            occurred_at: self.at,
            member: member.into(),
            keys: RiskKeys::default(),
            origin: None,
            body,
        };
        Saying { said: Said { at: self.at, event, keys: Vec::new() }, lines: Vec::new() }
    }

    /// Reads pairs of a word and a value to the end of the line.
    pub(crate) fn read_details(&self, saying: &mut Saying, words: &mut Words<'_>) -> Result<(), String> {
        let verb: &Verb = words.verb();
        while let Some((name, value)) = words.pair()? {
            let detail = detail(name).filter(|detail| detail.is_of(verb));
            let detail = detail.ok_or_else(|| format!("{} has no {name:?}", verb.word))?;
            (detail.set)(self, saying, value)?;
        }
        Ok(())
    }

    /// Says an event that no member is concerned with, and that has no details.
    pub(crate) fn say(&mut self, body: Body<Name>) -> Answer {
        let saying = self.saying(body, "");
        self.submit(saying.said)
    }

    /// Says the last event once more.
    pub(crate) fn say_again(&mut self) -> Answer {
        let said = self.last.clone().ok_or("nothing was said yet")?;
        self.submit(said)
    }

    fn submit(&mut self, said: Said) -> Answer {
        let told = self.stage.submit(&said)?;
        self.recorded = told.position;
        if told.refusal.is_none()
            && let Body::Redeem(event::Redeem { order: name, .. }) | Body::Capture(event::Capture { hold: name, .. }) =
                &said.event.body
        {
            self.spent.push((name.clone(), told.position));
        }
        let member = said.event.member.clone();
        self.last = Some(said);
        let again = if told.duplicate { "again " } else { "" };
        if let Some(refusal) = told.refusal {
            return Ok(format!("{again}refused {}", refusal.reason()));
        }
        if member.is_empty() {
            return Ok(format!("{again}ok"));
        }
        let tier = self.stage.member(&member, self.at, false).map(|seen| seen.tier).unwrap_or_default();
        Ok(format!("{again}{}", self.show_told(&told, &tier)))
    }

    fn show_told(&self, told: &Told, tier: &str) -> String {
        let Told { earned, available, .. } = told;
        let also: String = told.also.iter().map(|(wallet, points)| format!(" + {points} {wallet}")).collect();
        let waits = told.waits.iter().map(|(wallet, points, until)| {
            let other = told.also.iter().any(|(also, _)| also == wallet);
            let of = if other { format!(" {wallet}") } else { String::new() };
            format!("{points}{of} until {}", self.show_wait(*until))
        });
        let waits = waits.collect::<Vec<_>>().join(", ");
        let waits = if waits.is_empty() { waits } else { format!(", pending {waits}") };
        let dead = told.expired.iter().map(|(wallet, points)| {
            let other = told.also.iter().any(|(also, _)| also == wallet);
            if other { format!(", dead {points} {wallet}") } else { format!(", dead {points}") }
        });
        let dead: String = dead.collect();
        let tier = if tier.is_empty() { String::new() } else { format!(", {tier}") };
        let deferred = if told.deferred { ", parked" } else { "" };
        let proposed = if told.proposed { ", proposed" } else { "" };
        let excess =
            if told.excess.0 > 0 { format!(", beyond {}", self.show_money(told.excess.0)) } else { String::new() };
        format!("earned {earned}{also}, available {available}{waits}{dead}{tier}{deferred}{proposed}{excess}")
    }

    /// Takes the program of this name for the one whose zone, currency and counters the story speaks of.
    pub(crate) fn read_program(&mut self, name: &str) -> Result<String, String> {
        let text = (self.find)(name).ok_or_else(|| format!("there is no program {name:?}"))?;
        let mut words = Vec::new();
        let program = Program::read(&text, &mut words)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        self.program = Some((program, words));
        Ok(text)
    }

    /// The program that was published last.
    pub(crate) fn program(&self) -> Result<&Program, String> {
        self.program.as_ref().map(|(program, _)| program).ok_or_else(|| "publish a program first".to_string())
    }

    /// Whether that program has a counter of this name.
    pub(crate) fn has_counter(&self, name: &str) -> bool {
        let Some((program, words)) = &self.program else { return false };
        let word = |no: u16| usize::from(no).checked_sub(1).and_then(|at| words.get(at));
        program.counters.iter().any(|rule| word(rule.id.0).is_some_and(|word| **word == *name))
    }

    /// The event of this id, whether it was said or not.
    pub(crate) fn event_of(&self, id: &str) -> RecordRef {
        RecordRef::event(SOURCE, id)
    }

    /// The record that spent points for this order or hold; one that there is not, if none did.
    pub(crate) fn spent_for(&self, name: &str) -> Position {
        let found = self.spent.iter().rev().find(|(known, _)| **known == *name);
        found.map_or(Position(u64::MAX), |(_, position)| *position)
    }

    /// The member whose name is next, now or as of the time behind it.
    pub(crate) fn seen(&mut self, words: &mut Words<'_>) -> Result<Seen, String> {
        let name = words.next()?;
        self.seen_of(name, words)
    }

    /// This member, now or as of the time that the rest of the line says.
    pub(crate) fn seen_of(&mut self, name: &str, words: &mut Words<'_>) -> Result<Seen, String> {
        if !words.take("as-of") {
            return self.stage.member(name, self.at, false);
        }
        let at = self.time(&words.all())?;
        self.stage.member(name, at, true)
    }

    /// What all members did together, of this kind.
    pub(crate) fn tallies(&mut self, kind: &str) -> Result<Vec<SeenTally>, String> {
        self.program()?;
        let all = self.stage.ledger()?.tallies.into_iter();
        Ok(all.filter(|one| one.kind == kind).collect())
    }

    /// Money as people write it.
    pub(crate) fn money(&self, text: &str) -> Result<Money, String> {
        read_money(text, self.program()?.minor_digits).ok_or_else(|| format!("{text:?} is no money"))
    }

    /// The same, which may be below zero: what a line takes off.
    pub(crate) fn price(&self, text: &str) -> Result<Money, String> {
        let (size, is_below) = text.strip_prefix('-').map_or((text, false), |size| (size, true));
        self.money(size).map(|Money(size)| Money(if is_below { size.saturating_neg() } else { size }))
    }

    /// Sets money as people write it.
    pub(crate) fn set_money(&self, place: &mut Money, text: &str) -> Result<(), String> {
        *place = self.money(text)?;
        Ok(())
    }

    /// Money, from minor units.
    pub(crate) fn show_money(&self, minor: i64) -> String {
        let digits = self.program().map_or(2, |program| program.minor_digits);
        let unit = 10i64.checked_pow(digits).unwrap_or(1);
        let (whole, part) = (minor.div_euclid(unit), minor.rem_euclid(unit));
        let digits = usize::try_from(digits).unwrap_or(0);
        if digits == 0 { whole.to_string() } else { format!("{whole}.{part:0digits$}") }
    }

    fn calendar(&self) -> Result<&Calendar, String> {
        self.program().map(|program| &program.calendar)
    }

    /// A time or date in the program's zone.
    pub(crate) fn time(&self, when: &str) -> Result<At, String> {
        let found = self.calendar()?.read(when);
        found.ok_or_else(|| format!("{when:?} is no date or time; write 2026-01-31 09:00"))
    }

    /// A time as it is written in the program's zone.
    pub(crate) fn show(&self, at: At) -> String {
        self.calendar().map_or_else(|_| String::new(), |calendar| calendar.show(at))
    }

    /// Until when something waits.
    pub(crate) fn show_wait(&self, until: At) -> String {
        if until == At::NEVER { "settled".to_string() } else { self.show(until) }
    }

    /// Points and until when they live.
    pub(crate) fn show_lots(&self, lots: &[(i64, At)]) -> String {
        list(", ", lots.iter().map(|(left, at)| format!("{left} until {}", self.show(*at))))
    }
}

impl Saying {
    /// What is said.
    pub(crate) fn body(&mut self) -> &mut Body<Name> {
        &mut self.said.event.body
    }

    /// The event with its lines.
    fn finished(mut self) -> Result<Said, String> {
        if let (false, Body::Purchase(purchase)) = (self.lines.is_empty(), &mut self.said.event.body) {
            let sum = |lines: &[Line]| lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.net.0));
            if sum(&self.lines) != sum(&purchase.lines) {
                let (lines, amount) = (self.lines.as_slice(), purchase.lines.as_slice());
                return Err(format!("the lines come to {} and not to {}, in minor units", sum(lines), sum(amount)));
            }
            purchase.lines = self.lines;
        }
        Ok(self.said)
    }
}

/// What is wrong with a word that no line begins with, and which one may be meant.
fn unknown_verb(word: &str) -> String {
    let begins = |known: &str| known.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
    let nearest = verbs().map(|(_, verb)| verb.word).max_by_key(|known| begins(known));
    match nearest.filter(|known| begins(known) > 2) {
        Some(known) => format!("{word:?} is no verb of stories; did you mean {known:?}?"),
        None => format!("{word:?} is no verb of stories; docs/stories.md lists them"),
    }
}

/// Parts of an answer.
pub(crate) fn list(between: &str, parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(between)
}

/// Parts of an answer, or `none`.
pub(crate) fn list_or_none(parts: impl IntoIterator<Item = String>) -> String {
    let told = list(", ", parts);
    if told.is_empty() { "none".to_string() } else { told }
}
