//! Stories: what may be said to a ledger, and a ledger and a clerk (`naive/`) who hear the same and
//! must agree.

use crate::ledger::{self, event};
use crate::naive::{self, Act, Answer, Books, COUNTERS, Key, Keys, MemberRef};
use ledger_core::account::Account;
use ledger_core::change;
use ledger_core::change::Change;
use ledger_core::event::{
    self, Body, Currency, Event, Finding, Line, LineName, LinePart, LineRefund, Name, OpeningLot, RiskKind,
};
use ledger_core::features::approvals::state::ManualAdjustment;
use ledger_core::features::membership::state::Scope;
use ledger_core::features::risk::change::Action;
use ledger_core::features::risk::in_window;
use ledger_core::features::tiers::tier_progress;
use ledger_core::judge::projected_to;
use ledger_core::lots::Lots;
use ledger_core::member::Member;
use ledger_core::memory::{Memory, hash_key};
use ledger_core::outcome::Outcome;
use ledger_core::program::Program;
use ledger_core::quantity::Quantity;
use ledger_core::record::Cause;
use ledger_core::totals::tallies;
use ledger_core::units::{At, Day, MemberNo, Money, MonthDay, Points, Position, RiskKey};
use ledger_stories::{Seen, Stage};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub const WHO: [MemberRef; 4] = ["A", "B", "C", "D"];
/// 2027-12-20 00:00 in Shanghai: a leap day is near.
pub const START: i64 = 1_829_232_000_000;

#[derive(Clone, Debug)]
pub enum Op {
    Say(Said),
    /// An earlier event once more.
    Again(usize),
    /// An earlier event's id with another body.
    Reuse(usize, Said),
    Resolve(usize, bool),
    Publish(usize),
    Tick,
    Wait(i64),
}

#[derive(Clone, Debug)]
pub struct Said {
    pub who: MemberRef,
    pub keys: Keys,
    /// How long ago it happened; less than 0 lies ahead.
    pub ago: i64,
    pub act: Act,
}

fn key_of(key: Key) -> RiskKey {
    match key {
        Key::Device(n) => hash_key("device", &n.to_string()),
        Key::Ip(n) => hash_key("ip", &n.to_string()),
        Key::Phone(n) => hash_key("phone", &n.to_string()),
        Key::Member(_) => RiskKey::default(),
    }
}

fn body_of(act: &Act, now: i64, spent: &[Position], proposed: &[Position]) -> Body<Name> {
    let proposal = |nth: usize| proposed.get(nth % (proposed.len() + 1)).copied().unwrap_or(Position(u64::MAX));
    let eur = Currency(*b"EUR");
    match act.clone() {
        Act::Enrol { birthday } => {
            let birthday = birthday.map(|(month, day)| MonthDay { month: month as u8, day: day as u8 });
            Body::Enrolled(event::Enrolled { birthday })
        }
        Act::Attribute { known, value } => {
            let name = if known { "percentile" } else { "shoe_size" };
            Body::AttributesSet(event::AttributesSet { attributes: vec![(name.into(), value)] })
        }
        Act::Purchase { order, paid } => {
            // Lines of a purchase are added up.
            let line = |net| Line::plain("", 1, Money(net));
            Body::purchase(&order, eur, vec![line(paid / 3), line(paid - paid / 3)])
        }
        Act::Settle { order } => Body::Settled(event::Settled { order: order.into() }),
        Act::Cancel { order } => Body::Cancelled(event::Cancelled { order: order.into() }),
        Act::Refund { order, amount } => Body::refund(&order, eur, Money(amount)),
        Act::RefundLine { order, line, amount } => {
            let part = amount.map_or(LinePart::Items(Quantity::ONE), |amount| LinePart::Amount(Money(amount)));
            let lines = vec![LineRefund { line: LineName::Place(line as u16), part }];
            Body::Refunded(event::Refunded {
                order: order.into(),
                currency: eur,
                amount: Money(0),
                lines,
                so_far: false,
            })
        }
        Act::CheckIn => Body::CheckIn(event::CheckIn),
        Act::Refer { referee } => Body::Referral(event::Referral { referee: referee.into() }),
        Act::Redeem { points } => Body::redeem(Points(points)),
        Act::Hold { name, points, ttl } => Body::Hold(event::Hold {
            wallet: "".into(),
            hold: name.into(),
            points: Points(points),
            ttl_ms: ttl,
            order: "".into(),
            total: None,
            item: None,
        }),
        Act::Capture { name, points, last } => {
            Body::Capture(event::Capture { hold: name.into(), points: points.map(Points), last })
        }
        Act::Void { name } => Body::Void(event::Void { hold: name.into() }),
        Act::Extend { name, ttl } => Body::HoldExtended(event::HoldExtended { hold: name.into(), ttl_ms: ttl }),
        Act::GiveBack { nth, points } => {
            let redemption = spent.get(nth % (spent.len() + 1)).copied().unwrap_or(Position(u64::MAX));
            Body::RedeemRefunded(event::RedeemRefunded { redemption: redemption.into(), points: points.map(Points) })
        }
        Act::Credit { points, by } => Body::Credit(event::Credit {
            wallet: "".into(),
            points: Points(points),
            reason: "why".into(),
            by: by.into(),
        }),
        Act::Debit { points, by } => {
            Body::Debit(event::Debit { wallet: "".into(), points: Points(points), reason: "why".into(), by: by.into() })
        }
        Act::Approve { nth, by } => Body::Approved(event::Approved { proposal: proposal(nth).into(), by: by.into() }),
        Act::Withdraw { nth } => {
            Body::Withdrawn(event::Withdrawn { proposal: proposal(nth).into(), by: "dan".into(), reason: "why".into() })
        }
        Act::Donate { known, points } => {
            Body::Donate(event::Donate { fund: if known { "trees" } else { "whales" }.into(), points: Points(points) })
        }
        Act::Give { to, points } => Body::Transfer(event::Transfer {
            to: to.into(),
            wallet: "".into(),
            points: Points(points),
            note: "".into(),
        }),
        Act::Open { lots, debt, spent } => {
            let lot = |(points, age, left): (i64, i64, Option<i64>)| OpeningLot {
                wallet: "".into(),
                points: Points(points),
                earned_at: At(now - age * naive::DAY),
                expires_at: left.map(|days| At(now + days * naive::DAY)),
            };
            let owes = |points| event::OpeningDebt { wallet: "".into(), points: Points(points) };
            let count = |(age, amount): (i64, i64)| event::OpeningCount {
                counter: "spend".into(),
                at: At(now - age * naive::DAY),
                amount,
            };
            Body::Opened(event::Opened {
                lots: lots.into_iter().map(lot).collect(),
                debts: debt.into_iter().map(owes).collect(),
                counts: spent.into_iter().map(count).collect(),
                ..Default::default()
            })
        }
        Act::Prolong { points, days } => Body::Extended(event::Extended {
            wallet: "".into(),
            points: points.map(Points),
            expires_at: At(now + days * naive::DAY),
            reason: "why".into(),
        }),
        Act::Reinstate { points, days } => Body::Reinstated(event::Reinstated {
            wallet: "".into(),
            points: points.map(Points),
            expires_at: At(now + days * naive::DAY),
            reason: "why".into(),
        }),
        Act::Freeze { earn, redeem } => {
            Body::Frozen(event::Frozen { scope: scope_of(earn, redeem), reason: "why".into() })
        }
        Act::Unfreeze { earn, redeem } => {
            Body::Unfrozen(event::Unfrozen { scope: scope_of(earn, redeem), reason: "why".into() })
        }
        Act::Close => Body::Closed(event::Closed { reason: "why".into() }),
    }
}

fn scope_of(earn: bool, redeem: bool) -> Scope {
    match (earn, redeem) {
        (true, false) => Scope::Earn,
        (false, true) => Scope::Redeem,
        (true, true) => Scope::All,
        (false, false) => panic!("a freeze stops something"),
    }
}

/// A ledger, the clerk's books, and everything that was said to both.
pub struct World {
    pub memory: Memory,
    pub books: Books,
    pub now: i64,
    /// Every event with its first outcome.
    said: Vec<(Event<Name>, Outcome)>,
    /// The records that spent points, by who spent them.
    spent: BTreeMap<String, Vec<Position>>,
    /// The records that proposed something, by for whom.
    proposed: BTreeMap<String, Vec<Position>>,
    ids: u32,
    /// What was seen of everybody at an instant, after the last event of that instant.
    seen: BTreeMap<i64, Vec<(MemberRef, Seen)>>,
}

impl World {
    pub fn new() -> World {
        let mut world = World {
            memory: Memory::new(),
            books: Books::default(),
            now: START,
            said: Vec::new(),
            spent: BTreeMap::new(),
            proposed: BTreeMap::new(),
            ids: 0,
            seen: BTreeMap::new(),
        };
        world.play(&Op::Publish(0));
        world
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("e-{}", self.ids)
    }

    pub fn event(&mut self, said: &Said) -> Event<Name> {
        let id = self.id();
        let some = |key: Option<Key>| key.map(key_of);
        let Keys { device, ip, phone } = said.keys;
        let keys = [
            (RiskKind::Device, some(device.map(Key::Device))),
            (RiskKind::Ip, some(ip.map(Key::Ip))),
            (RiskKind::Phone, some(phone.map(Key::Phone))),
        ];
        let keys = keys.into_iter().filter_map(|(kind, key)| Some((kind, key?))).collect();
        let of_member = |lists: &BTreeMap<String, Vec<Position>>| lists.get(said.who).cloned().unwrap_or_default();
        let body = body_of(&said.act, self.now, &of_member(&self.spent), &of_member(&self.proposed));
        Event { keys, ..event(&id, said.who, At(self.now - said.ago), body) }
    }

    pub fn control(&mut self, body: Body<Name>) -> Event<Name> {
        let id = self.id();
        event(&id, "", At(self.now), body)
    }

    /// The end of a case, which is named by its place among the cases.
    pub fn resolution(&mut self, case: usize, fraud: bool) -> Event<Name> {
        let case = self.memory.state.cases.keys().nth(case).copied().unwrap_or(Position(u64::MAX));
        let finding = if fraud { Finding::Fraud } else { Finding::Legitimate };
        self.control(Body::CaseResolved(event::CaseResolved { case: case.into(), finding, note: "".into() }))
    }

    pub fn submit(&mut self, mut event: Event<Name>) -> Outcome {
        assert_eq!(event.violations(), [], "stories keep to the limits");
        let outcome = self.memory.submit(event.clone(), At(self.now)).expect("every record folds");
        if !outcome.duplicate {
            let record = self.memory.record(outcome.position).expect("it is recorded");
            if record.verdict.changes.iter().any(|change| matches!(change, Change::Redeemed(..))) {
                self.spent.entry(event.member.to_string()).or_default().push(outcome.position);
            }
            if outcome.proposed && !matches!(event.body, Body::Approved(..)) {
                self.proposed.entry(event.member.to_string()).or_default().push(outcome.position);
            }
            self.said.push((event, outcome.clone()));
        }
        outcome
    }

    /// Plays one line of the story to both, without comparing more than the answer.
    pub fn play(&mut self, op: &Op) {
        match op {
            Op::Wait(ms) => self.now += ms,
            Op::Say(said) => {
                let event = self.event(said);
                let outcome = self.submit(event);
                self.books.go_to(self.now);
                let answer = self.books.say(said.who, said.keys, self.now - said.ago, &said.act);
                self.agree(&outcome, &answer, op);
            }
            Op::Again(of) if !self.said.is_empty() => {
                let (event, first) = self.said[of % self.said.len()].clone();
                let before = ledger::rows(&self.memory.state);
                let outcome = self.submit(event);
                assert_eq!(outcome, Outcome { duplicate: true, ..first }, "the first answer again");
                assert!(ledger::rows(&self.memory.state) == before, "a duplicate changes nothing");
            }
            Op::Reuse(of, said) if !self.said.is_empty() => {
                let id = self.said[of % self.said.len()].0.id.clone();
                let event = Event { id, ..self.event(said) };
                if self.said.iter().all(|(other, _)| *other != event) {
                    let balances = ledger::accounts(&self.memory.state);
                    let outcome = self.submit(event);
                    assert_eq!(outcome.refusal.map(|refusal| refusal.reason()), Some("ID_REUSED"));
                    assert_eq!(ledger::accounts(&self.memory.state), balances, "no points move");
                }
            }
            Op::Again(_) | Op::Reuse(..) => {}
            Op::Resolve(case, fraud) => {
                let event = self.resolution(*case, *fraud);
                let outcome = self.submit(event);
                self.books.go_to(self.now);
                let answer = self.books.resolve(*case, *fraud);
                self.agree(&outcome, &answer, op);
            }
            Op::Publish(version) => {
                let event = self
                    .control(Body::ProgramPublished(event::ProgramPublished { text: naive::program(*version).into() }));
                assert_eq!(self.submit(event).refusal, None);
                self.books.go_to(self.now);
                self.books.version = *version;
                self.agree_on_totals();
            }
            Op::Tick => {
                let event = self.control(Body::Tick(event::Tick { up_to: At(self.now) }));
                assert_eq!(self.submit(event).refusal, None);
                self.books.go_to(self.now);
                self.agree_on_totals();
            }
        }
    }

    fn agree(&self, outcome: &Outcome, answer: &Answer, op: &Op) {
        let told = Answer {
            refusal: outcome.refusal.map(|refusal| refusal.reason()),
            earned: outcome.earned_first().0,
            available: outcome.available.0,
        };
        assert_eq!(told, *answer, "the ledger tells what the clerk tells of {op:?}");
    }

    fn agree_on_totals(&mut self) {
        self.books.go_to(self.now);
        let accounts = ledger::accounts(&self.memory.state);
        // What was released or earned too late is expired at once, but by the next timer.
        let all_fired = !self.memory.state.may_be_due(At(self.now));
        if all_fired {
            let [issued, rest @ .., fees, _] = self.books.totals;
            assert_eq!(-accounts[0], issued);
            assert_eq!(accounts[1..6], rest, "redeemed, expired, clawed back, voided, debited");
            assert_eq!(accounts[Account::Fees.kind()], fees);
        }
        let donated = self.books.totals.last().copied().unwrap_or_default();
        assert_eq!(accounts[Account::Donated.kind()], donated);
        let told = tallies(&self.memory.state, &self.program());
        let raised: Vec<_> =
            told.iter().filter(|tally| tally.kind == "fund").map(|fund| fund.figure("given")).collect();
        assert_eq!(raised, [Some(donated)], "the trees have it all");
        assert_eq!(accounts[Account::Moved.kind()], 0, "what one gives another gets");
    }

    fn program(&self) -> Arc<Program> {
        self.memory.programs.current().expect("a program is published").clone()
    }

    /// The ledger and the clerk see the same members, cases and counters.
    pub fn compare(&mut self) {
        self.books.go_to(self.now);
        let program = self.program();
        let state = &self.memory.state;
        assert_eq!(state.members_len() as usize, self.books.members.len(), "who is a member");
        let told = tallies(state, &program);
        let first = |kind| told.iter().find(|tally| tally.kind == kind).expect("the program has one");
        let visits = self.books.visits.iter().map(|(_, points)| points).sum::<i64>();
        assert_eq!(first("campaign").figure("given"), Some(visits), "visits");
        let (used, of_month) = (first("budget").figure("used"), self.books.visits_in_month_of(state.shared.at.0));
        assert_eq!(used, Some(of_month), "visits of the month");
        assert!(used <= first("budget").max, "no budget is exceeded");
        for (who, clerks) in &self.books.members {
            let no = self.memory.member_no(who).expect("the ledger knows the member");
            let row = state.member(no).expect("and has its row");
            let member = projected_to(state, Some(&program), no, row, At(self.now));
            let purse = member.purses.first();
            let lots = |lots: &Lots| -> Vec<(i64, i64)> {
                purse.dated(lots).map(|lot| (lot.left.0, lot.expires_at.0)).collect()
            };
            let clerks_lots =
                |lots: &[naive::Lot]| -> Vec<(i64, i64)> { lots.iter().map(|lot| (lot.points, lot.expires)).collect() };
            assert_eq!(lots(&purse.lots), clerks_lots(&clerks.available), "{who}: available lots");
            assert_eq!(lots(purse.review()), clerks_lots(&clerks.review), "{who}: lots in review");
            assert_eq!(lots(purse.pending()), clerks_lots(&clerks.pending), "{who}: lots that wait");
            let waits = purse.dated(purse.pending()).map(|lot| purse.waits_until(lot.id).map_or(0, |until| until.0));
            let clerks_waits = clerks.pending.iter().map(|lot| lot.waits);
            assert!(waits.eq(clerks_waits), "{who}: until when they wait");
            assert_eq!(member.purses.first().debt.0, clerks.debt, "{who}: debt");
            let mut holds: Vec<_> = member
                .holds
                .iter()
                .map(|hold| {
                    (hold.name.sealed.as_plain().expect("plain").to_string(), hold.expires_at.0, hold.points().0)
                })
                .collect();
            let held = |hold: &naive::Hold| hold.lots.iter().map(|lot| lot.points).sum::<i64>();
            let mut clerks_holds: Vec<_> =
                clerks.holds.iter().map(|hold| (hold.name.clone(), hold.expires, held(hold))).collect();
            holds.sort();
            clerks_holds.sort();
            assert_eq!(holds, clerks_holds, "{who}: holds");
            let frozen = member.frozen();
            let frozen =
                frozen.map_or((false, false), |scope| (scope.covers(Scope::Earn), scope.covers(Scope::Redeem)));
            assert_eq!(frozen, clerks.frozen, "{who}: frozen");
            assert_eq!(member.closed_at().map(|at| at.0), clerks.closed_at, "{who}: closed");
            let (now, today) = (At(self.now), i64::from(program.calendar.day_of(At(self.now)).0));
            let deferred: Vec<i64> = member.waiting(now).map(|waiting| waiting.day.0.into()).collect();
            let waits = clerks.deferred.iter().filter(|waiting| waiting.waits_on(today));
            let (of_holds, of_purchases): (Vec<_>, Vec<_>) = waits.partition(|waiting| waiting.is_of_hold());
            let waits: Vec<i64> = of_purchases.into_iter().chain(of_holds).map(|waiting| waiting.told).collect();
            assert_eq!(deferred, waits, "{who}: what waits");
            let open = member.open_proposals(At(self.now));
            let open: Vec<_> =
                open.map(|open| (open.adjustment == ManualAdjustment::Credit, open.points.0, open.by.len())).collect();
            let clerks_open = clerks.proposed.iter().filter(|one| one.is_open(self.now));
            let clerks_open: Vec<_> = clerks_open.map(|one| (one.gives, one.points, one.by.len())).collect();
            assert_eq!(open, clerks_open, "{who}: proposals");
            let tier = clerks.tier.map_or("-", |rank| naive::TIERS[rank]);
            assert_eq!(state.term(member.tier.tier), tier, "{who}: tier");
            let unmet = member.tier.unmet_since.map(|day| i64::from(day.0));
            assert_eq!(unmet, clerks.unmet_since, "{who}: short of its tier since");
            let tier_progress = tier_progress(&program, &member, At(self.now)).expect("the program has tiers");
            let date = |day: Option<Day>| day.map(|day| i64::from(day.0));
            let told = (tier_progress.metric, date(tier_progress.falls_short_on), date(tier_progress.lost_on));
            assert_eq!(told, self.books.tier_progress(who), "{who}: footing");
            self.compare_counters(who, &member);
        }
        let told = state.cases.values().map(|case| {
            let name = |no: &MemberNo| state.member(*no).expect("a member").name.as_plain().expect("plain");
            let members: BTreeSet<&str> = case.opened.members.iter().map(name).collect();
            let action = match case.opened.action {
                Action::Flag => naive::Action::Flag,
                Action::Review => naive::Action::Review,
                Action::Deny => naive::Action::Deny,
            };
            let fraud = case.finding.map(|finding| finding == Finding::Fraud);
            (state.term(case.opened.rule), action, members, fraud)
        });
        let told: Vec<_> = told.collect();
        let clerks: Vec<_> = self
            .books
            .cases
            .iter()
            .map(|case| (case.rule, case.action, case.members.iter().copied().collect(), case.fraud))
            .collect();
        assert_eq!(told, clerks, "cases");
    }

    /// The ledger and the clerk have said the same of what dies; everything due has fired.
    pub fn compare_reminders(&self) {
        let mut told = Vec::new();
        for (_, record) in ledger::log(&self.memory) {
            let Cause::Timer { due, .. } = record.cause() else { continue };
            for change in &record.verdict.changes {
                let Change::Expiring(change::Expiring { member, expires_at, points, .. }) = change else { continue };
                let name = self.memory.name(*member).to_string();
                told.push((name, due.0, expires_at.0, points.0));
            }
        }
        let clerks =
            self.books.reminders.iter().map(|(who, due, date, points)| (who.to_string(), *due, *date, *points));
        let mut clerks: Vec<_> = clerks.collect();
        told.sort();
        clerks.sort();
        assert_eq!(told, clerks, "reminders");
    }

    fn compare_counters(&self, who: MemberRef, member: &Member) {
        let state = &self.memory.state;
        let program = self.program();
        for (index, rule) in program.counters.iter().enumerate() {
            assert_eq!(state.term(rule.id), COUNTERS[index].name);
            for key in self.books.keys(index) {
                let counter = match key {
                    Key::Member(other) if other != who => continue,
                    Key::Member(_) => member.counter(rule.id),
                    key => state.counters.get(&(key_of(key), rule.id)).map(|row| &row.counter),
                };
                let counter = counter.expect("what was counted has a counter");
                let told = (in_window(rule, counter, At(self.now)).0, counter.total);
                assert_eq!(told, self.books.counter(index, key, self.now), "{} of {key:?}", COUNTERS[index].name);
            }
        }
    }

    /// Remembers what can be seen of everybody now.
    pub fn look(&mut self) {
        let names: Vec<MemberRef> = self.books.members.keys().copied().collect();
        let seen = names.into_iter().map(|who| {
            let seen = Stage::member(&mut self.memory, who, At(self.now), false).expect("the member can be read");
            (who, seen)
        });
        let seen = seen.collect();
        self.seen.insert(self.now, seen);
    }

    /// Whatever was seen then can be seen of then now.
    pub fn look_back(&mut self) {
        for (at, seen) in std::mem::take(&mut self.seen) {
            for (who, then) in seen {
                let now = Stage::member(&mut self.memory, who, At(at), true).expect("the member can be read");
                assert_eq!(now, then, "{who} as of {at}");
            }
        }
    }
}
