//! Scenarios: stories in the words of the trade, and what the ledger answers.
//!
//! ```text
//! publish coffee
//! at 2026-01-03 09:00
//!   enrol     M1                    -> earned 0, available 0, bean
//!   purchase  M1 s-1 38.00          -> earned 38, available 38, bean
//!   redeem    M1 40                 -> refused NOT_ENOUGH_POINTS
//!   again                           -> again refused NOT_ENOUGH_POINTS
//! at 2027-01-04
//!   balance   M1                    -> available 0, held 0, review 0, debt 0
//! ```
//!
//! [`run`] plays a text on any [`Stage`] (this crate's memory, the store, a server over gRPC) and
//! writes the answers behind the arrows; a test passes when the text comes back unchanged. Lines
//! without an arrow are played silently; `#` begins a comment.

mod memory;
mod seen;

pub use self::seen::{Seen, SeenCase, SeenExchange, SeenProposal, SeenPurse, SeenTally, SeenTotals, SeenWhy};
use crate::features::membership::state::Scope;
use crate::kernel::account::Account;
use crate::kernel::calendar::{Calendar, show_day};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Money, MonthDay, Points, Position, TermNo};
use crate::tables::event::{
    self, Body, Currency, Event, Finding, Line, LineDetail, LineName, LinePart, LineRefund, Name, OpeningLot, Origin,
    RiskKeys, RiskKind, Wanted,
};
use crate::tables::outcome::Outcome;
use crate::tables::program::Program;
use crate::tables::record::Verdict;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// An event with its risk keys in clear, as a source says it.
#[derive(Clone, Debug)]
pub struct Said {
    /// Ledger time at which it is said: that of the last `at`.
    pub at: At,
    /// The event; its own risk keys are empty.
    pub event: Event<Name>,
    /// Of which kind each is, and its value.
    pub keys: Vec<(RiskKind, Box<str>)>,
}

/// The slices that a redemption would take, or why it would be refused.
pub type Quote = Result<Vec<(i64, At)>, Refusal>;

/// The quote that a verdict is.
pub fn quote_of(verdict: &Verdict) -> Quote {
    let spent = verdict.postings.iter().filter(|posting| posting.to == Account::Redeemed);
    verdict.refusal.map_or_else(|| Ok(spent.map(|posting| (posting.points.0, posting.expires_at)).collect()), Err)
}

/// Where a scenario is played.
pub trait Stage {
    /// Says an event; ledger time moves to [`Said::at`].
    ///
    /// # Errors
    /// What the ledger says of an event it cannot take at all.
    fn submit(&mut self, said: &Said) -> Result<Outcome, String>;

    /// A member at `at`, as the ledger knows it now or as it knew it then.
    ///
    /// # Errors
    /// If there is no such member.
    fn member(&mut self, name: &str, at: At, as_of: bool) -> Result<Seen, String>;

    /// What a redemption would take, if it were said at `at`: points and expiry of each slice.
    ///
    /// # Errors
    /// If the stage fails.
    fn quote(&mut self, member: &str, redeem: &Body<Name>, at: At) -> Result<Quote, String>;

    /// The word of a term in an outcome.
    fn word(&mut self, term: TermNo) -> String;

    /// The trial balance of every wallet in which points ever moved.
    ///
    /// # Errors
    /// If the stage fails.
    fn totals(&mut self) -> Result<Vec<SeenTotals>, String>;

    /// What all members did together: campaigns, budgets, funds, items and exchanges.
    ///
    /// # Errors
    /// If the stage fails.
    fn tallies(&mut self) -> Result<Vec<SeenTally>, String>;

    /// Why a record came to what it did.
    ///
    /// # Errors
    /// If the stage fails.
    fn why(&mut self, position: Position) -> Result<Vec<SeenWhy>, String>;

    /// A member's counter: in its window at `at`, and ever.
    ///
    /// # Errors
    /// If there is no such counter.
    fn counter(&mut self, member: &str, counter: &str, at: At) -> Result<(i64, i64), String>;

    /// All risk cases.
    ///
    /// # Errors
    /// If the stage fails.
    fn cases(&mut self) -> Result<Vec<SeenCase>, String>;

    /// How many events came again.
    ///
    /// # Errors
    /// If the stage fails.
    fn duplicates(&mut self) -> Result<u64, String>;
}

/// A line that cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Unplayable {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// Plays a scenario and answers with its text, the results behind the arrows replaced by what the
/// stage said. `program` finds the text of a program by its name.
///
/// # Errors
/// The first line that cannot be played.
pub fn run(text: &str, stage: &mut dyn Stage, program: &dyn Fn(&str) -> Option<String>) -> Result<String, Unplayable> {
    let mut play = Play {
        stage,
        program,
        calendar: None,
        currency: None,
        digits: 2,
        at: At(0),
        said: 0,
        last: None,
        recorded: Position(0),
        proposed: Vec::new(),
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
        let answer = if words.is_empty() { String::new() } else { play.line(&words).map_err(unplayable)? };
        if arrow && !words.is_empty() {
            out.push_str(&format!("{told}-> {answer}"));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    Ok(out)
}

struct Play<'a> {
    stage: &'a mut dyn Stage,
    program: &'a dyn Fn(&str) -> Option<String>,
    calendar: Option<Calendar>,
    currency: Option<Currency>,
    digits: u32,
    at: At,
    said: u32,
    last: Option<Said>,
    /// Where that was recorded.
    recorded: Position,
    /// Ids of events that left a proposal open, and their records.
    proposed: Vec<(Box<str>, Position)>,
    /// Orders and holds that points were spent for, and the record that spent them.
    spent: Vec<(Box<str>, Position)>,
}

type Answer = Result<String, String>;

impl Play<'_> {
    fn line(&mut self, words: &[&str]) -> Answer {
        let (verb, args) = words.split_first().ok_or("nothing to play")?;
        match (*verb, args) {
            ("publish", [name]) => self.publish(name),
            ("at", when) => self.go_to(&when.join(" ")),
            ("again", []) => {
                let said = self.last.clone().ok_or("nothing was said yet")?;
                self.submit(said)
            }
            ("balance", [name, "in", wallet, as_of @ ..]) => self.balance(name, wallet, as_of),
            ("balance", [name, as_of @ ..]) => self.balance(name, "", as_of),
            ("tier", [name, as_of @ ..]) => self.tier(name, as_of),
            ("life", [name, as_of @ ..]) => self.life(name, as_of),
            ("parked", [name, as_of @ ..]) => {
                let since: Vec<String> = self.seen(name, as_of)?.parked.into_iter().map(show_day).collect();
                Ok(if since.is_empty() { "none".to_string() } else { since.join(", ") })
            }
            ("household", [name, as_of @ ..]) => {
                let seen = self.seen(name, as_of)?;
                Ok(match (seen.in_household, seen.household_members) {
                    (true, _) => "in one".to_string(),
                    (false, 0) => "none".to_string(),
                    (false, members) => format!("of {members}"),
                })
            }
            ("proposals", [name, as_of @ ..]) => {
                let open = self.seen(name, as_of)?.proposals;
                let show = |SeenProposal { hand, wallet, points, by, lapses_at }: SeenProposal| {
                    format!("{hand} {points} {wallet} by {} until {}", by.join(" and "), self.show(lapses_at))
                };
                let told: Vec<String> = open.into_iter().map(show).collect();
                Ok(if told.is_empty() { "none".to_string() } else { told.join(", ") })
            }
            ("exchanges", [name, as_of @ ..]) => {
                let open = self.seen(name, as_of)?.exchanges;
                let show = |SeenExchange { exchange, reference, inward, points, units, lapses_at }: SeenExchange| {
                    let way =
                        if inward { format!("{units} in for {points}") } else { format!("{points} out for {units}") };
                    format!("{exchange} {reference} {way} until {}", self.show(lapses_at))
                };
                let told: Vec<String> = open.into_iter().map(show).collect();
                Ok(if told.is_empty() { "none".to_string() } else { told.join(", ") })
            }
            ("quote", [name, rest @ ..]) => {
                let (mut body, rest) = self.body("redeem", rest)?;
                for pair in rest.chunks(2) {
                    let (name, value) = name_and_value(pair)?;
                    self.say_more(&mut body, name, value)?;
                }
                match self.stage.quote(name, &body, self.at)? {
                    Ok(lots) => Ok(self.show_lots(&lots)),
                    Err(refusal) => Ok(format!("refused {}", refusal.reason())),
                }
            }
            ("lots", [name]) => self.lots(name, ""),
            ("lots", [name, "in", wallet]) => self.lots(name, wallet),
            ("waits", [name]) => self.waits(name, ""),
            ("waits", [name, "in", wallet]) => self.waits(name, wallet),
            ("totals", []) => self.totals(""),
            ("totals", ["in", wallet]) => self.totals(wallet),
            ("campaigns" | "budgets" | "funds" | "items" | "exchanges", []) => self.tallies(verb),
            ("counter", [name, counter]) => {
                let (now, ever) = self.stage.counter(name, counter, self.at)?;
                Ok(format!("{now} now, {ever} ever"))
            }
            ("cases", []) => {
                let show = |case: SeenCase| {
                    format!("{} {} at {}: {}", case.rule, case.state, case.value, case.members.join(" "))
                };
                Ok(self.stage.cases()?.into_iter().map(show).collect::<Vec<_>>().join("; "))
            }
            ("duplicates", []) => Ok(self.stage.duplicates()?.to_string()),
            ("resolve", [n, finding]) => self.resolve(n, finding),
            ("why", []) => {
                let why = self.stage.why(self.recorded)?;
                Ok(why.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            ("tick", []) => self.say(Body::Tick(event::Tick { up_to: self.at }), "", &[]).map(|_| "ok".to_string()),
            (verb, [name, rest @ ..]) => {
                let (body, rest) = self.body(verb, rest)?;
                self.say(body, name, rest)
            }
            (verb, []) => Err(format!("{verb:?} needs more words")),
        }
    }

    fn body<'w>(&self, verb: &str, args: &'w [&'w str]) -> Result<(Body<Name>, &'w [&'w str]), String> {
        let points = |word: &str| word.parse().map(Points).map_err(|_| format!("{word:?} is no number of points"));
        let money = |word: &str| self.money(word);
        let currency = self.currency.ok_or("publish a program first");
        Ok(match (verb, args) {
            ("enrol", ["birthday", date, rest @ ..]) => {
                let (month, day) = date.split_once('-').ok_or("a birthday is MM-DD")?;
                let number = |text: &str| text.parse::<u8>().map_err(|_| "a birthday is MM-DD".to_string());
                (
                    Body::Enrolled(event::Enrolled {
                        birthday: Some(MonthDay { month: number(month)?, day: number(day)? }),
                    }),
                    rest,
                )
            }
            ("enrol", rest) => (Body::Enrolled(event::Enrolled { birthday: None }), rest),
            ("check-in", rest) => (Body::CheckIn(event::CheckIn), rest),
            ("attribute", [name, value, rest @ ..]) => {
                let value = value.parse().map_err(|_| format!("{value:?} is no number"))?;
                (Body::AttributesSet(event::AttributesSet { attributes: vec![((*name).into(), value)] }), rest)
            }
            ("purchase", [order, amount, rest @ ..]) => {
                let lines = vec![Line::plain("", 1, money(amount)?)];
                (Body::purchase(order, currency?, lines), rest)
            }
            ("exchange", ["out", points_out, "to", exchange, reference, rest @ ..]) => {
                let (exchange, reference) = ((*exchange).into(), (*reference).into());
                (Body::ExchangeOut(event::ExchangeOut { exchange, reference, points: points(points_out)? }), rest)
            }
            ("exchange", ["in", units, "from", exchange, reference, rest @ ..]) => {
                let (exchange, reference) = ((*exchange).into(), (*reference).into());
                (Body::ExchangeIn(event::ExchangeIn { exchange, reference, units: points(units)?.0 }), rest)
            }
            ("exchange", [answer @ ("accepted" | "refused"), exchange, reference, rest @ ..]) => {
                let (exchange, reference) = ((*exchange).into(), (*reference).into());
                (
                    Body::ExchangeSettled(event::ExchangeSettled {
                        exchange,
                        reference,
                        accepted: *answer == "accepted",
                    }),
                    rest,
                )
            }
            ("settle", [order, rest @ ..]) => (Body::Settled(event::Settled { order: (*order).into() }), rest),
            ("cancel", [order, rest @ ..]) => (Body::Cancelled(event::Cancelled { order: (*order).into() }), rest),
            ("refund", [order, amount, rest @ ..]) => (Body::refund(order, currency?, money(amount)?), rest),
            ("refer", [referee, rest @ ..]) => (Body::Referral(event::Referral { referee: (*referee).into() }), rest),
            // What an item costs may be left out.
            ("redeem", rest @ ["item", ..]) => (Body::redeem(Points::ZERO), rest),
            ("redeem", [amount, rest @ ..]) => (Body::redeem(points(amount)?), rest),
            ("hold", [hold, "item", ..]) => (Body::hold(hold, Points::ZERO), args.get(1..).unwrap_or_default()),
            ("hold", [hold, amount, rest @ ..]) => (Body::hold(hold, points(amount)?), rest),
            ("extend", [hold, "for", hours, rest @ ..]) => {
                (Body::HoldExtended(event::HoldExtended { hold: (*hold).into(), ttl_ms: read_hours(hours)? }), rest)
            }
            ("give-back", [what, rest @ ..]) => {
                let spent = self.spent.iter().rev().find(|(name, _)| **name == **what);
                let redemption = spent.map_or(Position(u64::MAX), |(_, position)| *position);
                let (some, rest) = match rest.split_first() {
                    Some((amount, rest)) if amount.parse::<i64>().is_ok() => (Some(points(amount)?), rest),
                    _ => (None, rest),
                };
                (Body::RedeemRefunded(event::RedeemRefunded { redemption, points: some }), rest)
            }
            ("capture", [hold, "last", rest @ ..]) => {
                (Body::Capture(event::Capture { hold: (*hold).into(), points: None, last: true }), rest)
            }
            ("capture", [hold, amount, "last", rest @ ..]) => (
                Body::Capture(event::Capture { hold: (*hold).into(), points: Some(points(amount)?), last: true }),
                rest,
            ),
            ("capture", [hold, amount, rest @ ..]) if amount.parse::<i64>().is_ok() => (
                Body::Capture(event::Capture { hold: (*hold).into(), points: Some(points(amount)?), last: false }),
                rest,
            ),
            ("capture", [hold, rest @ ..]) => {
                (Body::Capture(event::Capture { hold: (*hold).into(), points: None, last: false }), rest)
            }
            ("void", [hold, rest @ ..]) => (Body::Void(event::Void { hold: (*hold).into() }), rest),
            ("credit", [amount, reason, rest @ ..]) => (Body::credit(points(amount)?, reason), rest),
            ("debit", [amount, reason, rest @ ..]) => (Body::debit(points(amount)?, reason), rest),
            ("approve", [id, by, rest @ ..]) => {
                (Body::Approved(event::Approved { proposal: self.proposal(id), by: (*by).into() }), rest)
            }
            ("withdraw", [id, by, reason, rest @ ..]) => {
                let (proposal, by, reason) = (self.proposal(id), (*by).into(), (*reason).into());
                (Body::Withdrawn(event::Withdrawn { proposal, by, reason }), rest)
            }
            ("transfer", [to, amount, rest @ ..]) => (
                Body::Transfer(event::Transfer {
                    to: (*to).into(),
                    wallet: "".into(),
                    points: points(amount)?,
                    note: "".into(),
                }),
                rest,
            ),
            ("donate", [amount, fund, rest @ ..]) => {
                (Body::Donate(event::Donate { fund: (*fund).into(), points: points(amount)? }), rest)
            }
            ("reinstate" | "prolong", [amount, until, reason, rest @ ..]) => {
                let points = if *amount == "all" { None } else { Some(points(amount)?) };
                let (wallet, expires_at, reason) = ("".into(), self.read(until)?, (*reason).into());
                let body = match verb {
                    "prolong" => Body::Extended(event::Extended { wallet, points, expires_at, reason }),
                    _ => Body::Reinstated(event::Reinstated { wallet, points, expires_at, reason }),
                };
                (body, rest)
            }
            ("import", [lot, rest @ ..]) => {
                (Body::Imported(event::Imported { wallet: "".into(), lots: vec![self.lot_of(lot)?] }), rest)
            }
            ("join", [household, rest @ ..]) => {
                (Body::HouseholdJoined(event::HouseholdJoined { household: (*household).into() }), rest)
            }
            ("leave", rest) => (Body::HouseholdLeft(event::HouseholdLeft), rest),
            ("merge", [from, rest @ ..]) => (Body::Merged(event::Merged { from: (*from).into() }), rest),
            ("unmerge", [from, rest @ ..]) => (Body::Unmerged(event::Unmerged { from: (*from).into() }), rest),
            ("freeze", [scope, rest @ ..]) => {
                (Body::Frozen(event::Frozen { scope: read_scope(scope)?, reason: "".into() }), rest)
            }
            ("unfreeze", [scope, rest @ ..]) => {
                (Body::Unfrozen(event::Unfrozen { scope: read_scope(scope)?, reason: "".into() }), rest)
            }
            ("close", rest) => (Body::Closed(event::Closed { reason: "".into() }), rest),
            ("link", [kind, name, rest @ ..]) => (
                Body::AliasLinked(event::AliasLinked { kind: (*kind).into(), alias: format!("{kind}:{name}").into() }),
                rest,
            ),
            ("unlink", [kind, name, rest @ ..]) => (
                Body::AliasUnlinked(event::AliasUnlinked {
                    kind: (*kind).into(),
                    alias: format!("{kind}:{name}").into(),
                }),
                rest,
            ),
            _ => return Err(format!("{verb:?} with {} words is not played here", args.len())),
        })
    }

    /// The record that was proposed by the event of this id; one that there is not, if none was.
    fn proposal(&self, id: &str) -> Position {
        let found = self.proposed.iter().rev().find(|(known, _)| **known == *id);
        found.map_or(Position(u64::MAX), |(_, position)| *position)
    }

    /// Says an event; what is left of the words are pairs of a name and a value: a risk key, `id`,
    /// `occurred`, a field of the origin, or a field of the body.
    fn say(&mut self, body: Body<Name>, member: &str, rest: &[&str]) -> Answer {
        self.said = self.said.saturating_add(1);
        let mut said = Said {
            at: self.at,
            event: Event {
                source: "scenario".into(),
                id: format!("s-{}", self.said).into(),
                occurred_at: self.at,
                member: member.into(),
                keys: RiskKeys::default(),
                origin: None,
                body,
            },
            keys: Vec::new(),
        };
        let mut lines = Vec::new();
        for pair in rest.chunks(2) {
            let (name, value) = name_and_value(pair)?;
            match name {
                "id" => said.event.id = value.into(),
                "occurred" => said.event.occurred_at = self.read(value)?,
                "line" => lines.push(self.line_of(value)?),
                name => match RiskKind::ALL.into_iter().find(|kind| kind.name() == name) {
                    Some(kind) => said.keys.push((kind, value.into())),
                    None if self.say_where(&mut said.event, name, value) => {}
                    None => self.say_more(&mut said.event.body, name, value)?,
                },
            }
        }
        if let (false, Body::Purchase(event::Purchase { lines: plain, .. })) = (lines.is_empty(), &mut said.event.body)
        {
            let sum = |lines: &[Line]| lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.net.0));
            if sum(&lines) != sum(plain) {
                return Err("the lines do not come to the amount".into());
            }
            *plain = lines;
        }
        self.submit(said)
    }

    /// A field of the event's origin; whether it is one.
    fn say_where(&self, event: &mut Event<Name>, name: &str, value: &str) -> bool {
        let mut origin = event.origin.take().unwrap_or_default();
        let field = match name {
            "channel" => Some(&mut origin.channel),
            "store" => Some(&mut origin.store),
            "terminal" => Some(&mut origin.terminal),
            "employee" => Some(&mut origin.employee),
            "partner" => Some(&mut origin.partner),
            _ => None,
        };
        let known = field.map(|field| *field = value.into()).is_some();
        event.origin = (*origin != Origin::default()).then_some(origin);
        known
    }

    /// A field of the event's body.
    fn say_more(&self, body: &mut Body<Name>, name: &str, value: &str) -> Result<(), String> {
        match (name, body) {
            (
                "currency",
                Body::Purchase(event::Purchase { currency, .. }) | Body::Refunded(event::Refunded { currency, .. }),
            ) => {
                *currency = Currency::read(value).ok_or_else(|| format!("{value:?} is no currency"))?;
            }
            ("shipping", Body::Purchase(event::Purchase { shipping, .. })) => *shipping = self.money(value)?,
            ("points-paid", Body::Purchase(event::Purchase { points_paid, .. })) => *points_paid = self.money(value)?,
            ("of", Body::Refunded(event::Refunded { lines, .. })) => lines.push(self.line_refund_of(value)?),
            (
                "wallet",
                Body::Redeem(event::Redeem { wallet, .. })
                | Body::Hold(event::Hold { wallet, .. })
                | Body::Credit(event::Credit { wallet, .. })
                | Body::Debit(event::Debit { wallet, .. })
                | Body::Transfer(event::Transfer { wallet, .. })
                | Body::Imported(event::Imported { wallet, .. })
                | Body::Reinstated(event::Reinstated { wallet, .. })
                | Body::Extended(event::Extended { wallet, .. }),
            ) => *wallet = value.into(),
            ("by", Body::Credit(event::Credit { by, .. }) | Body::Debit(event::Debit { by, .. })) => *by = value.into(),
            ("and", Body::Imported(event::Imported { lots, .. })) => lots.push(self.lot_of(value)?),
            ("order", Body::Redeem(event::Redeem { order, .. }) | Body::Hold(event::Hold { order, .. })) => {
                *order = value.into()
            }
            ("total", Body::Redeem(event::Redeem { total, .. }) | Body::Hold(event::Hold { total, .. })) => {
                *total = Some(self.money(value)?)
            }
            ("for", Body::Hold(event::Hold { ttl_ms, .. })) => *ttl_ms = read_hours(value)?,
            ("item", Body::Redeem(event::Redeem { item, .. }) | Body::Hold(event::Hold { item, .. })) => {
                *item = Some(Box::new(Wanted { item: value.into(), pieces: 1 }));
            }
            (
                "pieces",
                Body::Redeem(event::Redeem { item: Some(wanted), .. })
                | Body::Hold(event::Hold { item: Some(wanted), .. }),
            ) => {
                wanted.pieces = value.parse().map_err(|_| format!("{value:?} is no number of pieces"))?;
            }
            (_, body) => return Err(format!("{} has no {name:?}", body.kind())),
        }
        Ok(())
    }

    /// A line written `SKU/CATEGORY/TAG,TAG/QUANTITY/NET/DISCOUNT/TAX`; what is left out is nothing.
    fn line_of(&self, text: &str) -> Result<Line, String> {
        let mut fields = text.split('/');
        let mut field = || fields.next().filter(|field| !field.is_empty());
        let (sku, category, tags) = (field().unwrap_or(""), field().unwrap_or(""), field());
        let quantity = field().map_or(Ok(1), str::parse).map_err(|_| format!("{text:?} has no quantity"))?;
        let mut money = || field().map_or(Ok(Money(0)), |amount| self.money(amount));
        let (net, discount, tax) = (money()?, money()?, money()?);
        let tags = tags.map_or_else(Vec::new, |tags| tags.split(',').map(Into::into).collect());
        let detail = LineDetail { category: category.into(), tags, discount, tax };
        let detail = (detail != LineDetail::default()).then(|| Box::new(detail));
        Ok(Line { sku: sku.into(), quantity, net, detail })
    }

    /// Part of a line, written `LINE/AMOUNT` or `LINE/3x` for three items; the line is its place or its SKU.
    fn line_refund_of(&self, text: &str) -> Result<LineRefund, String> {
        let (line, part) = text.split_once('/').ok_or("a line is refunded as `of LINE/AMOUNT` or `of LINE/3x`")?;
        let line = line.parse().map_or_else(|_| LineName::Sku(line.into()), LineName::Place);
        let part = match part.strip_suffix('x') {
            Some(items) => LinePart::Items(items.parse().map_err(|_| format!("{text:?} has no number of items"))?),
            None => LinePart::Amount(self.money(part)?),
        };
        Ok(LineRefund { line, part })
    }

    /// An opening lot written `POINTS/EARNED/EXPIRES`; without an expiry as if it was earned here.
    fn lot_of(&self, text: &str) -> Result<OpeningLot, String> {
        let mut fields = text.split('/');
        let mut field = || fields.next().filter(|field| !field.is_empty());
        let points = field().and_then(|points| points.parse().ok()).ok_or_else(|| format!("{text:?} has no points"))?;
        let earned_at = field().ok_or_else(|| format!("{text:?} does not say when it was earned"))?;
        let expires_at = field().map(|at| self.read(at)).transpose()?;
        Ok(OpeningLot { points: Points(points), earned_at: self.read(earned_at)?, expires_at })
    }

    fn show_money(&self, minor: i64) -> String {
        let unit = 10i64.checked_pow(self.digits).unwrap_or(1);
        let (whole, part) = (minor.div_euclid(unit), minor.rem_euclid(unit));
        let digits = usize::try_from(self.digits).unwrap_or(0);
        if digits == 0 { whole.to_string() } else { format!("{whole}.{part:0digits$}") }
    }

    fn money(&self, text: &str) -> Result<Money, String> {
        crate::tables::program::read_money(text, self.digits).ok_or_else(|| format!("{text:?} is no money"))
    }

    fn submit(&mut self, said: Said) -> Answer {
        let outcome = self.stage.submit(&said)?;
        self.recorded = outcome.position;
        if outcome.refusal.is_none()
            && let Body::Redeem(event::Redeem { order: name, .. }) | Body::Capture(event::Capture { hold: name, .. }) =
                &said.event.body
        {
            self.spent.push((name.clone(), outcome.position));
        }
        if outcome.proposed {
            self.proposed.push((said.event.id.clone(), outcome.position));
        }
        let again = if outcome.duplicate { "again " } else { "" };
        let member = said.event.member.clone();
        self.last = Some(said);
        if let Some(refusal) = outcome.refusal {
            return Ok(format!("{again}refused {}", refusal.reason()));
        }
        if member.is_empty() {
            return Ok(format!("{again}ok"));
        }
        let tier = self.stage.member(&member, self.at, false).map(|seen| seen.tier).unwrap_or_default();
        let tier = if tier.is_empty() { tier } else { format!(", {tier}") };
        let also = outcome.earned_others().map(|(wallet, points)| format!(" + {points} {}", self.stage.word(*wallet)));
        let also: String = also.collect();
        let waits = outcome.waits.iter().map(|(wallet, points, until)| {
            let other = outcome.earned_others().any(|(also, _)| also == wallet);
            let of = if other { format!(" {}", self.stage.word(*wallet)) } else { String::new() };
            format!("{points}{of} until {}", self.show_wait(*until))
        });
        let waits = waits.collect::<Vec<_>>().join(", ");
        let waits = if waits.is_empty() { waits } else { format!(", pending {waits}") };
        let parked = if outcome.parked { ", parked" } else { "" };
        let proposed = if outcome.proposed { ", proposed" } else { "" };
        let (earned, available) = (outcome.earned_first(), outcome.available);
        Ok(format!("{again}earned {earned}{also}, available {available}{waits}{tier}{parked}{proposed}"))
    }

    fn publish(&mut self, name: &str) -> Answer {
        let text = (self.program)(name).ok_or_else(|| format!("there is no program {name:?}"))?;
        let program = Program::read(&text, &mut Vec::new())
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        self.calendar = Some(program.calendar);
        self.currency = Some(program.currency);
        self.digits = program.minor_digits;
        self.say(Body::ProgramPublished(event::ProgramPublished { text: text.into() }), "", &[])
    }

    fn go_to(&mut self, when: &str) -> Answer {
        self.at = self.read(when)?;
        Ok(String::new())
    }

    fn read(&self, when: &str) -> Result<At, String> {
        let calendar = self.calendar.as_ref().ok_or("publish a program first: times are in its zone")?;
        calendar.read(when).ok_or_else(|| format!("{when:?} is no date or time; write 2026-01-31 09:00"))
    }

    fn show(&self, at: At) -> String {
        self.calendar.as_ref().map_or_else(String::new, |calendar| calendar.show(at))
    }

    fn show_lots(&self, lots: &[(i64, At)]) -> String {
        let show = |(left, at): &(i64, At)| format!("{left} until {}", self.show(*at));
        lots.iter().map(show).collect::<Vec<_>>().join(", ")
    }

    fn balance(&mut self, name: &str, wallet: &str, as_of: &[&str]) -> Answer {
        let seen = self.seen(name, as_of)?;
        let SeenPurse { available, held, review, pending, exchanging, debt, .. } = purse(seen, wallet);
        let rare = [("pending", pending), ("exchanging", exchanging)].into_iter().filter(|(_, points)| *points != 0);
        let rare: String = rare.map(|(name, points)| format!(", {name} {points}")).collect();
        Ok(format!("available {available}, held {held}, review {review}{rare}, debt {debt}"))
    }

    fn lots(&mut self, name: &str, wallet: &str) -> Answer {
        let seen = self.stage.member(name, self.at, false)?;
        Ok(self.show_lots(&purse(seen, wallet).lots))
    }

    fn waits(&mut self, name: &str, wallet: &str) -> Answer {
        let seen = self.stage.member(name, self.at, false)?;
        let show = |(points, at): &(i64, At)| format!("{points} until {}", self.show_wait(*at));
        Ok(purse(seen, wallet).waits.iter().map(show).collect::<Vec<_>>().join(", "))
    }

    fn show_wait(&self, until: At) -> String {
        if until == At::NEVER { "settled".to_string() } else { self.show(until) }
    }

    fn tier(&mut self, name: &str, as_of: &[&str]) -> Answer {
        let seen = self.seen(name, as_of)?;
        let short = seen.unmet_since.map_or_else(String::new, |day| format!(", short since {}", show_day(day)));
        Ok(format!("{}{short}", seen.tier))
    }

    fn life(&mut self, name: &str, as_of: &[&str]) -> Answer {
        let seen = self.seen(name, as_of)?;
        let frozen = seen.frozen.map(|scope| format!("frozen {}", scope.name()));
        let closed = seen.closed.then(|| "closed".to_string());
        let told: Vec<String> = frozen.into_iter().chain(closed).chain(seen.aliases).collect();
        Ok(if told.is_empty() { "ordinary".to_string() } else { told.join(", ") })
    }

    fn seen(&mut self, name: &str, as_of: &[&str]) -> Result<Seen, String> {
        match as_of {
            [] => self.stage.member(name, self.at, false),
            ["as-of", when @ ..] => {
                let at = self.read(&when.join(" "))?;
                self.stage.member(name, at, true)
            }
            other => Err(format!("{:?} is not understood; write as-of and a time", other.join(" "))),
        }
    }

    /// What all members did together, of the kind whose plural is said.
    fn tallies(&mut self, kinds: &str) -> Answer {
        let told = self.stage.tallies()?.into_iter().filter(|one| kinds.strip_suffix('s') == Some(&one.kind));
        let show = |one: SeenTally| {
            let (name, left, max) = (&one.name, one.left.unwrap_or(0), one.max.unwrap_or(0));
            let figure = |name| one.figure(name);
            match one.kind.as_str() {
                "campaign" => {
                    let cost =
                        one.find("cost").map_or_else(String::new, |cost| format!(" for {}", self.show_money(cost)));
                    format!("{name} gave {}{cost}", figure("given"))
                }
                "budget" => format!("{name} has {left} of {max} left"),
                "fund" => format!("{name} has {} {}", figure("given"), one.wallet),
                "item" if one.max.is_some() => format!("{name} {} taken, {left} left", figure("taken")),
                "item" => format!("{name} {} taken", figure("taken")),
                "exchange" => {
                    let out = format!("{} became {}", figure("points_out"), figure("units_out"));
                    format!("{name}: {out}, {} came of {}", figure("points_in"), figure("units_in"))
                }
                _ => {
                    let figures = one.figures.iter().map(|(figure, amount)| format!("{figure} {amount}"));
                    format!("{name}: {}", figures.collect::<Vec<_>>().join(", "))
                }
            }
        };
        let between = if matches!(kinds, "items" | "exchanges") { "; " } else { ", " };
        Ok(told.map(show).collect::<Vec<_>>().join(between))
    }

    fn totals(&mut self, wallet: &str) -> Answer {
        let mut all = self.stage.totals()?.into_iter();
        let found = all.find(|totals| wallet.is_empty() || totals.wallet == wallet);
        let accounts = found.as_ref().map_or([0; Account::KINDS], |totals| totals.accounts);
        let liability = found.and_then(|totals| totals.liability);
        let of = |account: Account| accounts.get(account.kind()).copied().unwrap_or_default();
        let program = [
            Account::Redeemed,
            Account::Expired,
            Account::ClawedBack,
            Account::Voided,
            Account::Debited,
            Account::Fees,
            Account::Donated,
            Account::Exchanged,
        ];
        let member = [
            Account::Available,
            Account::Review,
            Account::Held(0),
            Account::Debt,
            Account::Pending,
            Account::Exchanging,
        ];
        let outstanding = member.iter().fold(0i64, |sum, account| sum.saturating_add(of(*account)));
        let mut parts: Vec<String> = program
            .iter()
            .filter(|account| of(**account) != 0)
            .map(|account| format!("{} {}", account.name(), of(*account)))
            .collect();
        parts.push(format!("outstanding {outstanding}"));
        let sum = accounts.iter().fold(0i64, |sum, balance| sum.saturating_add(*balance));
        let sum = if sum == 0 { String::new() } else { format!(" OFF BY {sum}") };
        let liability = liability.map_or_else(String::new, |cost| format!(", liability {}", self.show_money(cost)));
        let issued = of(Account::Issued).saturating_neg();
        Ok(format!("issued {issued} = {}{sum}{liability}", parts.join(" + ")))
    }

    fn resolve(&mut self, n: &str, finding: &str) -> Answer {
        let n: usize = n.parse().map_err(|_| "cases are counted from 1")?;
        let cases = self.stage.cases()?;
        let case = n.checked_sub(1).and_then(|n| cases.get(n)).ok_or("there is no such case")?.position;
        let finding = match finding {
            "legitimate" => Finding::Legitimate,
            "fraud" => Finding::Fraud,
            _ => return Err("a case is resolved as legitimate or fraud".into()),
        };
        self.say(Body::CaseResolved(event::CaseResolved { case, finding, note: "".into() }), "", &[])
    }
}

/// A command that is only asked about.
pub fn asked(member: &str, body: &Body<Name>, at: At) -> Event<Name> {
    Event {
        source: "quote".into(),
        id: "quote".into(),
        occurred_at: at,
        member: member.into(),
        keys: RiskKeys::default(),
        origin: None,
        body: body.clone(),
    }
}

fn name_and_value<'w>(pair: &[&'w str]) -> Result<(&'w str, &'w str), String> {
    match pair {
        [name, value] => Ok((name, value)),
        _ => Err(format!("{:?} has no value", pair.join(" "))),
    }
}

fn read_hours(word: &str) -> Result<Option<i64>, String> {
    let hours: i64 = word.trim_end_matches('h').parse().map_err(|_| "a hold lasts so many h")?;
    Ok(hours.checked_mul(3_600_000))
}

fn read_scope(word: &str) -> Result<Scope, String> {
    Scope::read(word).ok_or_else(|| format!("{word:?} is no scope; write earn, redeem or all"))
}

/// The purse of this wallet; the first if the name is empty.
fn purse(seen: Seen, wallet: &str) -> SeenPurse {
    seen.purses.into_iter().find(|purse| wallet.is_empty() || purse.wallet == wallet).unwrap_or_default()
}
