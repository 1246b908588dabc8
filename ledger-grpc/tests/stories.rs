//! The stories of the programs and of the core, told to a real server over gRPC.
//!
//! A scenario says at what ledger time an event comes, which need not be when it happened. The server
//! gets there with `Time::Events`: its clock stands at the scenario's time, so nothing lies beyond it,
//! and where an event is older than that, a stranger's wish brings the time: it is refused, and changes
//! nothing else. A tick would bring it too, and would record what is due for everyone, which the story
//! may not tell.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use ledger_core::account::Account;
use ledger_core::calendar::Calendar;
use ledger_core::event::{Body, Event, MemberRef, Name, RiskKeys, RiskKind};
use ledger_core::features::membership::state::Scope;
use ledger_core::record::{Record, Verdict};
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, Day, MemberNo, Money, Position, StaffNo};
use ledger_grpc::engine::Limits;
use ledger_grpc::proto;
use ledger_grpc::proto::audit_service_client::AuditServiceClient;
use ledger_grpc::proto::event_service_client::EventServiceClient;
use ledger_grpc::proto::get_member_request::AsOf;
use ledger_grpc::proto::list_counters_request::Whose;
use ledger_grpc::proto::member_service_client::MemberServiceClient;
use ledger_grpc::proto::program_service_client::ProgramServiceClient;
use ledger_grpc::proto::record::Cause;
use ledger_grpc::server::serve;
use ledger_grpc::wire::{self, Names};
use ledger_store::{Jumps, Ledger, Options, Time};
use ledger_stories::{
    Quote, Said, Seen, SeenCase, SeenCounter, SeenExchange, SeenLedger, SeenProposal, SeenPurse, SeenTally, SeenTotals,
    SeenWhy, Stage, Told, run,
};
use prost_types::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tonic::Status;
use tonic::transport::Channel;

const SECRET: [u8; 32] = [7; 32];
const STRANGER: &str = "a stranger";

/// Those of items that say a number.
const LACKING: [Refusal; 4] =
    [Refusal::ItemPriceDiffers, Refusal::ItemOverLimit, Refusal::ItemSoldOut, Refusal::ItemNotDivisible];

/// A caller of a served ledger, and the hand on the ledger's clock.
struct Caller {
    runtime: Runtime,
    channel: Channel,
    clock: Arc<AtomicI64>,
    /// Ledger time, as far as the server has told.
    time: At,
    /// How often a stranger brought the time.
    brought: u64,
}

impl Caller {
    fn say(&mut self, event: proto::Event) -> Result<Told, String> {
        let answer = if let Some(proto::event::Body::ProgramPublished(program)) = event.body {
            let proto::Event { source, id, occurred_at, .. } = event;
            let request = proto::PublishProgramRequest { source, id, occurred_at, text: program.text };
            let mut programs = ProgramServiceClient::new(self.channel.clone());
            let answer = self.runtime.block_on(programs.publish_program(request)).map_err(words)?.into_inner();
            let refused = matches!(told(&answer.outcome)?.result, Some(proto::outcome::Result::Refused(_)));
            assert_eq!(answer.version == 0, refused, "a version is told if it is in force");
            answer.outcome
        } else {
            let request = proto::SubmitRequest { event: Some(event) };
            let mut events = EventServiceClient::new(self.channel.clone());
            self.runtime.block_on(events.submit(request)).map_err(words)?.into_inner().outcome
        };
        let outcome = told(&answer)?;
        let at = outcome.at.as_ref().map(at_of).ok_or("an outcome without its time")?;
        self.time = self.time.max(at);
        seen_outcome(outcome)
    }

    /// Brings ledger time to `at`.
    fn bring(&mut self, at: At) -> Result<(), String> {
        self.clock.store(at.0, Ordering::SeqCst);
        if self.time >= at {
            return Ok(());
        }
        self.brought += 1;
        let wish = proto::event::Body::Redeem(proto::Redeem { points: 1, ..proto::Redeem::default() });
        let outcome = self.say(proto::Event {
            source: "stage".into(),
            id: format!("time-{}", self.brought),
            occurred_at: stamp(at),
            member: STRANGER.into(),
            body: Some(wish),
            ..proto::Event::default()
        })?;
        assert!(outcome.refusal.is_some(), "nobody knows the stranger");
        assert_eq!(self.time, at, "the stranger brings the time");
        Ok(())
    }

    fn look(&mut self, name: &str, as_of: Option<AsOf>) -> Result<proto::Member, String> {
        let request = proto::GetMemberRequest { member: name.into(), as_of, token: String::new() };
        let mut members = MemberServiceClient::new(self.channel.clone());
        Ok(self.runtime.block_on(members.get_member(request)).map_err(words)?.into_inner())
    }

    fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }
}

/// An outcome as a caller reads it.
fn seen_outcome(told: &proto::Outcome) -> Result<Told, String> {
    let seen = Told {
        position: Position(told.position),
        duplicate: told.duplicate,
        refusal: None,
        earned: 0,
        also: Vec::new(),
        waits: Vec::new(),
        expired: Vec::new(),
        available: 0,
        deferred: false,
        proposed: false,
        excess: Money(0),
    };
    Ok(match told.result.as_ref().ok_or("an outcome without a result")? {
        proto::outcome::Result::Accepted(accepted) => {
            let also = accepted.earned.iter().skip(1).map(|one| (one.wallet.clone(), one.points));
            let until = |one: &proto::Waiting| one.until.as_ref().map_or(At::NEVER, at_of);
            let waits = accepted.waiting.iter().map(|one| (one.wallet.clone(), one.points, until(one)));
            Told {
                earned: accepted.earned.first().map_or(0, |first| first.points),
                also: also.collect(),
                waits: waits.collect(),
                expired: accepted.expired.iter().map(|one| (one.wallet.clone(), one.points)).collect(),
                available: accepted.available,
                deferred: accepted.deferred,
                proposed: accepted.proposed,
                excess: Money(accepted.excess),
                ..seen
            }
        }
        proto::outcome::Result::Refused(refused) => {
            let refusal = known(refused)?;
            assert_eq!(refused.shortfall.is_some(), LACKING.contains(&refusal), "{refusal:?}");
            Told { refusal: Some(refusal), available: refused.available, ..seen }
        }
        proto::outcome::Result::Invalid(invalid) => return Err(format!("{invalid:?}")),
    })
}

fn seen_purse(purse: proto::Purse) -> SeenPurse {
    let (in_review, others): (Vec<&proto::Lot>, Vec<&proto::Lot>) = purse.lots.iter().partition(|lot| lot.in_review);
    let (pending, lots): (Vec<_>, Vec<_>) = others.into_iter().partition(|lot| lot.pending);
    let sum = |lots: &[&proto::Lot]| lots.iter().map(|lot| lot.points).sum::<i64>();
    let sums = [&lots, &in_review, &pending].map(|lots| sum(lots));
    assert_eq!(sums, [purse.available, purse.in_review, purse.pending], "lots are what one has");
    let instant = |at: &Option<Timestamp>| at.as_ref().map_or(At::NEVER, at_of);
    assert!(
        pending.iter().all(|lot| lot.waits_for_settlement == lot.waits_until.is_none()),
        "a lot waits for something"
    );
    SeenPurse {
        wallet: purse.wallet,
        available: purse.available,
        held: purse.held,
        review: purse.in_review,
        pending: purse.pending,
        exchanging: purse.exchanging,
        debt: purse.debt,
        lots: lots.iter().map(|lot| (lot.points, instant(&lot.expires_at))).collect(),
        waits: pending.iter().map(|lot| (lot.points, instant(&lot.waits_until))).collect(),
    }
}

fn seen_exchange(open: proto::OpenExchange) -> SeenExchange {
    SeenExchange {
        exchange: open.exchange,
        reference: open.reference,
        inward: open.inward,
        points: open.points,
        units: open.units,
        lapses_at: open.lapses_at.as_ref().map(at_of).expect("every exchange lapses"),
    }
}

fn seen_proposal(open: proto::Proposal) -> SeenProposal {
    let adjustment = match open.adjustment() {
        proto::ManualAdjustment::Credit => "credit",
        proto::ManualAdjustment::Debit => "debit",
        proto::ManualAdjustment::Unspecified => panic!("a proposal says what is proposed"),
    };
    let lapses_at = open.lapses_at.as_ref().map(at_of).expect("every proposal lapses");
    SeenProposal { adjustment: adjustment.to_owned(), wallet: open.wallet, points: open.points, by: open.by, lapses_at }
}

fn seen_totals(totals: proto::WalletTotals) -> SeenTotals {
    let mut accounts = [0; Account::KINDS];
    for account in Account::ALL {
        let name = format!("ACCOUNT_{}", account.name().to_uppercase());
        let told = totals.accounts.iter().find(|one| one.account().as_str_name() == name).unwrap();
        accounts[account.kind()] = told.balance;
    }
    let sum_of = |which: fn(&Account) -> bool| -> i64 {
        Account::ALL.iter().filter(|account| which(account)).map(|account| accounts[account.kind()]).sum()
    };
    assert_eq!((totals.sum, accounts.iter().sum::<i64>()), (0, 0), "the books balance");
    assert_eq!(totals.outstanding, sum_of(|account| account.is_spendable_later()));
    assert_eq!(totals.debt, -sum_of(|account| *account == Account::Debt));
    SeenTotals { wallet: totals.wallet, accounts, liability: totals.liability }
}

fn seen_tally(one: proto::Tally) -> SeenTally {
    let used = one.figures[0].amount;
    assert_eq!(one.left, one.max.map(|max| (max - used).max(0)));
    let figures = one.figures.into_iter().map(|figure| (figure.name, figure.amount)).collect();
    let proto::Tally { kind, name, wallet, max, left, .. } = one;
    SeenTally { kind, name, wallet, figures, max, left }
}

fn seen_case(case: proto::Case) -> SeenCase {
    let state = match case.finding() {
        proto::Finding::Unspecified => "open",
        proto::Finding::Legitimate => "legitimate",
        proto::Finding::Fraud => "fraud",
    };
    let evidence = case.evidence.unwrap();
    SeenCase {
        position: Position(case.position),
        rule: evidence.rule,
        value: evidence.value,
        members: evidence.members,
        state: state.to_owned(),
    }
}

impl Stage for Caller {
    fn submit(&mut self, said: &Said) -> Result<Told, String> {
        self.clock.store(said.at.0, Ordering::SeqCst);
        if said.event.occurred_at < said.at {
            self.bring(said.at)?;
        }
        let outcome = self.say(event(said))?;
        if outcome.refusal.is_none() && !said.event.member.is_empty() {
            // What was answered is what stood at that position, and it stays so.
            let then = self.look(&said.event.member, Some(AsOf::Position(outcome.position.0)))?;
            assert_eq!(then.purses[0].available, outcome.available, "{:?}", said.event);
        }
        Ok(outcome)
    }

    fn member(&mut self, name: &str, at: At, as_of: bool) -> Result<Seen, String> {
        let then = (as_of || at > self.time).then(|| AsOf::Time(stamp(at).unwrap()));
        let member = self.look(name, then)?;
        let purses = member.purses.clone();
        let held: i64 = purses.iter().map(|purse| purse.held).sum();
        assert_eq!(member.holds.iter().map(|hold| hold.points).sum::<i64>(), held, "holds are what is held");
        let standing = member.tier.clone().unwrap_or_default();
        Ok(Seen {
            purses: purses.into_iter().map(seen_purse).collect(),
            tier: standing.tier,
            unmet_since: (!standing.unmet_since.is_empty()).then(|| day(&standing.unmet_since)),
            frozen: match member.frozen() {
                proto::FreezeScope::Unspecified => None,
                proto::FreezeScope::Earn => Some(Scope::Earn),
                proto::FreezeScope::Redeem => Some(Scope::Redeem),
                proto::FreezeScope::All => Some(Scope::All),
            },
            closed: member.closed_at.is_some(),
            aliases: member.aliases.into_iter().map(|alias| alias.kind).collect(),
            deferred: member.parked_events.iter().map(|deferred| day(&deferred.since)).collect(),
            in_household: !member.household.is_empty(),
            household_members: member.household_members.len(),
            proposals: member.proposals.into_iter().map(seen_proposal).collect(),
            exchanges: member.exchanges.into_iter().map(seen_exchange).collect(),
        })
    }

    fn quote(&mut self, member: &str, redeem: &Body<Name>, at: At) -> Result<Quote, String> {
        self.bring(at)?;
        let proto::event::Body::Redeem(redeem) = message(redeem) else { panic!("redemptions are quoted") };
        let request = proto::QuoteRequest { member: member.into(), redeem: Some(redeem), token: String::new() };
        let mut members = MemberServiceClient::new(self.channel.clone());
        let answer = self.runtime.block_on(members.quote(request)).map_err(words)?.into_inner();
        Ok(match answer.result.ok_or("a quote without a result")? {
            proto::quote_response::Result::Quoted(quoted) => Ok(quoted
                .lots
                .iter()
                .map(|lot| (lot.points, lot.expires_at.as_ref().map_or(At::NEVER, at_of)))
                .collect()),
            proto::quote_response::Result::Refused(refused) => Err(known(&refused)?),
        })
    }

    fn counters(&mut self, member: &str, at: At) -> Result<Vec<SeenCounter>, String> {
        self.bring(at)?;
        let request = proto::ListCountersRequest { whose: Some(Whose::Member(member.into())), token: String::new() };
        let mut audit = self.audit();
        let answer = self.runtime.block_on(audit.list_counters(request)).map_err(words)?.into_inner();
        // Without a window it is a counter of an earlier program.
        let seen = answer.counters.into_iter().filter_map(|one| {
            let (name, total) = (one.name, one.total);
            one.window.map(|window| SeenCounter { name, window, total })
        });
        Ok(seen.collect())
    }

    fn ledger(&mut self) -> Result<SeenLedger, String> {
        let mut audit = self.audit();
        let answer = self.runtime.block_on(audit.get_totals(proto::GetTotalsRequest::default()));
        let told = answer.map_err(words)?.into_inner();
        let answer = self.runtime.block_on(audit.list_cases(proto::ListCasesRequest::default()));
        let cases = answer.map_err(words)?.into_inner();
        assert_eq!(cases.next_page_token, "", "a story has few cases");
        Ok(SeenLedger {
            wallets: told.wallets.into_iter().map(seen_totals).collect(),
            tallies: told.tallies.into_iter().map(seen_tally).collect(),
            deferred: cases.parked_events.iter().map(|waiting| day(&waiting.since)).collect(),
            cases: cases.cases.into_iter().map(seen_case).collect(),
            duplicates: told.duplicates,
        })
    }

    fn why(&mut self, position: Position) -> Result<Vec<SeenWhy>, String> {
        use proto::rule_explained::RuleOutcome;
        let which = Some(proto::explain_event_request::Which::Position(position.0));
        let request = proto::ExplainEventRequest { which, ..Default::default() };
        let mut audit = self.audit();
        let told = self.runtime.block_on(audit.explain_event(request)).map_err(words)?.into_inner();
        let rules = told.rules.into_iter().map(|one| match one.rule_outcome.expect("a rule came to something") {
            RuleOutcome::Applied(trace) => SeenWhy::Gave(one.rule, trace.granted, trace.computed),
            RuleOutcome::Unmet(condition) => SeenWhy::Asks(one.rule, condition),
        });
        Ok(rules.chain(told.factors.into_iter().map(|one| SeenWhy::Factor(one.name, one.points))).collect())
    }
}

fn words(status: Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

fn told(outcome: &Option<proto::Outcome>) -> Result<&proto::Outcome, String> {
    outcome.as_ref().ok_or_else(|| "an answer without an outcome".to_owned())
}

/// The refusal that a caller reads.
fn known(refused: &proto::Refused) -> Result<Refusal, String> {
    let known = Refusal::ALL.iter().copied().find(|one| one.reason() == refused.reason);
    let known = known.ok_or_else(|| format!("unknown reason {:?}", refused.reason))?;
    let told = (refused.message.clone(), refused.retry_may_succeed);
    assert_eq!(told, (known.to_string(), known.retry_may_succeed()));
    Ok(known)
}

fn event(said: &Said) -> proto::Event {
    let Event { source, id, occurred_at, member, body, .. } = &said.event;
    let origin = said.event.origin.as_deref().cloned().unwrap_or_default();
    let key = |kind: RiskKind| {
        let found = said.keys.iter().find(|(known, _)| *known == kind);
        found.map(|(_, text)| text.to_string()).unwrap_or_default()
    };
    proto::Event {
        source: source.to_string(),
        id: id.to_string(),
        occurred_at: stamp(*occurred_at),
        member: member.to_string(),
        device: key(RiskKind::Device),
        ip: key(RiskKind::Ip),
        phone: key(RiskKind::Phone),
        ip_prefix: key(RiskKind::IpPrefix),
        payment: key(RiskKind::Payment),
        address: key(RiskKind::Address),
        channel: origin.channel.into(),
        store: origin.store.into(),
        terminal: origin.terminal.into(),
        employee: origin.employee.into(),
        partner: origin.partner.into(),
        history: origin.history,
        body: Some(message(body)),
    }
}

/// What is said in the body of an event, as the server itself tells it again; an alias, which is told as its hash, in
/// clear.
fn message(body: &Body<Name>) -> proto::event::Body {
    let (mut members, mut staff): (Vec<Name>, Vec<Name>) = (Vec::new(), Vec::new());
    let who = |name: Name| {
        members.push(name);
        MemberRef::Known(MemberNo(members.len() as u32))
    };
    let number = |name: Name| {
        staff.push(name);
        StaffNo(staff.len() as u32)
    };
    let body = body.clone().map(who, number);
    let (source, id) = ("story".into(), "1".into());
    let (member, keys, origin) = (MemberRef::Nobody, RiskKeys::default(), None);
    let said = Event { source, id, occurred_at: At(0), member, keys, origin, body };
    let names = Names::default()
        .and_members((1..).map(MemberNo).zip(members.iter().cloned()))
        .and_staff((1..).map(StaffNo).zip(staff));
    let told = wire::record(Position(1), &Record::said(At(0), 1, said, Verdict::default()), &names);
    let Some(Cause::Event(proto::Event { body: Some(mut body), .. })) = told.cause else { panic!("{told:?}") };
    if let proto::event::Body::AliasLinked(proto::AliasLinked { kind, name })
    | proto::event::Body::AliasUnlinked(proto::AliasUnlinked { kind, name }) = &mut body
    {
        let [alias] = members.as_slice() else { panic!("one alias, not {members:?}") };
        *name = bare(kind, alias);
    }
    body
}

/// An alias without its kind.
fn bare(kind: &str, alias: &str) -> String {
    alias.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':')).expect("an alias names its kind").to_owned()
}

fn stamp(at: At) -> Option<Timestamp> {
    let nanos = i32::try_from(at.0.rem_euclid(1000)).unwrap() * 1_000_000;
    Some(Timestamp { seconds: at.0.div_euclid(1000), nanos })
}

fn at_of(stamp: &Timestamp) -> At {
    At(stamp.seconds * 1000 + i64::from(stamp.nanos / 1_000_000))
}

/// The day of a date `YYYY-MM-DD`.
fn day(text: &str) -> Day {
    let utc = Calendar::new("UTC").unwrap();
    utc.day_of(utc.read(text).unwrap_or_else(|| panic!("{text:?} is no date")))
}

/// Plays a story on a ledger of its own, and verifies the ledger afterwards.
fn check(path: &Path) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(AtomicI64::new(0));
    let adjustment = Arc::clone(&clock);
    // A story jumps through years.
    let jumps = Jumps { believed: At(i64::MAX), ..Jumps::default() };
    let options =
        Options { time: Time::Events, jumps, secret: Some(SECRET), snapshot_records: 10, ..Options::default() };
    let ledger = Ledger::open(dir.path(), options, Arc::new(move || At(adjustment.load(Ordering::SeqCst)))).unwrap();
    let runtime = Runtime::new().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (channel, serving) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = async {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(serve(listener, ledger.handle(), Limits::default(), shutdown));
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        (channel, serving)
    });
    let mut caller = Caller { runtime, channel, clock, time: At(0), brought: 0 };

    let program = |name: &str| std::fs::read_to_string(path.with_file_name(name).with_extension("toml")).ok();
    let text = std::fs::read_to_string(path).unwrap();
    let played = run(&text, &mut caller, &program).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let differ = |(n, (told, now)): (usize, (&str, &str))| {
        (told != now).then(|| format!("line {}\n  told {told}\n  now  {now}\n", n + 1))
    };
    let lines: String = text.lines().zip(played.lines()).enumerate().filter_map(differ).collect();
    assert!(lines.is_empty(), "{} goes otherwise over gRPC:\n{lines}", path.display());
    caller.ledger().unwrap();

    let Caller { runtime, channel, .. } = caller;
    stop.send(()).unwrap();
    drop(channel);
    runtime.block_on(serving).unwrap().unwrap();
    ledger.close().unwrap();
    let report = ledger_store::verify(dir.path(), &mut |_| {}).unwrap();
    assert!(report.agrees(), "{}: {:?}", path.display(), report.findings);
}

/// The stories in a directory, by name.
fn stories(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(directory);
    let entries = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "txt")).collect();
    paths.sort();
    paths
}

#[test]
fn the_worked_example_of_two_years_comes_out_over_grpc() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/community.txt"));
}

#[test]
fn the_stories_of_the_other_programs_play_unchanged_over_grpc() {
    let paths = stories("programs");
    assert!(paths.len() >= 3, "{paths:?}");
    paths.iter().filter(|path| !path.ends_with("community.txt")).for_each(|path| check(path));
}

#[test]
fn the_odd_stories_of_the_core_play_unchanged_over_grpc() {
    let paths = stories("ledger-core/tests/stories");
    assert!(paths.len() >= 3, "{paths:?}");
    paths.iter().for_each(|path| check(path));
}

#[test]
fn the_stories_of_complaints_play_unchanged_over_grpc() {
    let paths = stories("ledger-core/tests/stories/complaints");
    assert!(paths.len() >= 13, "{paths:?}");
    paths.iter().for_each(|path| check(path));
}
