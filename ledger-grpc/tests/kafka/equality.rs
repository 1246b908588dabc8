//! The same events by gRPC and by Kafka come to the same.
//!
//! Kafka has twelve partitions, clients with other partitioners, every message one to three times, five
//! formats, and a hundredth of it is no event at all. Balances, lots, tiers, counters and the trial
//! balance must be those of a ledger that was told everything once and in order; every message that is
//! no event must be a dead letter, with its bytes; and the outbox must tell every point of it.

use crate::broker::Broker;
use crate::server::{Run, Server, config, verify};
use crate::shop::{POS, Random, Sent, as_json, as_pos, member, send, send_with_java, stories};
use ledger_grpc::proto::audit_service_client::AuditServiceClient;
use ledger_grpc::proto::event_service_client::EventServiceClient;
use ledger_grpc::proto::list_counters_request::Whose;
use ledger_grpc::proto::member_service_client::MemberServiceClient;
use ledger_grpc::proto::{
    Account, BatchGetMembersRequest, Event, GetTotalsResponse, ListCountersRequest, Member, Purse, SubmitBatchRequest,
};
use rdkafka::message::{Headers, Message};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const MEMBERS: u64 = 120;
const EVENTS: u64 = 60;

const TOPICS: &str = "[[topic]]\nname = \"orders\"\nformat = \"json\"\n";

/// Everything that must be the same.
#[derive(Debug, PartialEq)]
struct TierState {
    members: Vec<String>,
    counters: Vec<String>,
    totals: String,
}

async fn standing(server: &Server) -> TierState {
    let mut ask = MemberServiceClient::new(server.connect().await);
    let members: Vec<String> = (0..MEMBERS).map(member).collect();
    let request = BatchGetMembersRequest { members, ..BatchGetMembersRequest::default() };
    let told = ask.batch_get_members(request).await.unwrap().into_inner().members;
    let mut audit = AuditServiceClient::new(server.connect().await);
    let mut counters = Vec::new();
    let devices = (0..MEMBERS / 2).map(|n| Whose::Device(format!("device-{n}")));
    for whose in devices.chain((0..MEMBERS).map(|n| Whose::Member(member(n)))) {
        let request = ListCountersRequest { whose: Some(whose.clone()), token: String::new() };
        let mut told = audit.list_counters(request).await.unwrap().into_inner();
        told.counters.iter_mut().for_each(|value| value.members.sort());
        let mut values: Vec<String> = told.counters.iter().map(|value| format!("{value:?}")).collect();
        values.sort();
        counters.push(format!("{whose:?}: {values:?}"));
    }
    TierState {
        members: told.iter().filter_map(|one| one.member.as_ref()).map(plain).collect(),
        counters,
        totals: trial_balance(server.totals().await),
    }
}

/// A member without what depends on when and in which order strangers came.
fn plain(member: &Member) -> String {
    let purse = &member.purses[0];
    let lots: Vec<i64> = purse.lots.iter().map(|lot| lot.points).collect();
    let tier = member.tier.as_ref().map(|tier| tier.tier.clone());
    let Member { name, records, streaks, referrer, .. } = member;
    let Purse { available, in_review, held, debt, .. } = purse;
    let streaks: Vec<u32> = streaks.iter().map(|streak| streak.days).collect();
    format!("{name}: {available} {in_review} {held} {debt} {lots:?} {tier:?} {streaks:?} {records} {referrer}")
}

fn trial_balance(totals: GetTotalsResponse) -> String {
    let tiers: BTreeMap<_, _> = totals.tiers.iter().map(|one| (one.tier.clone(), one.members)).collect();
    format!("{:?} {tiers:?} {:?} {}", totals.wallets, totals.members, totals.refused)
}

/// A member's messages: every event one to three times, its first copies in order, and some garbage.
fn messages(random: &mut Random, story: &[Event], form: impl Fn(&mut Random, &Event) -> Sent) -> (Vec<Sent>, u64) {
    let (mut all, mut garbage) = (Vec::new(), 0);
    for (n, event) in story.iter().enumerate() {
        all.push(form(random, event));
        for _ in 0..random.below(3) {
            let before = &story[random.below(n as u64 + 1) as usize];
            all.push(form(random, before));
        }
        if random.below(50) == 0 {
            garbage += 1;
            let broken = ["{\"source\": \"shop\", \"id\"", "no JSON", "{\"chekin\": {}}", "\u{1}\u{2}\u{3}"];
            all.push(Sent::plain(event.member.clone(), broken[random.below(4) as usize]));
        }
    }
    (all, garbage)
}

/// Sends everything: half of the members by Java's client in JSON, half by librdkafka in every format.
fn send_all(broker: &Broker, random: &mut Random, stories: &[Vec<Event>]) -> u64 {
    let (mut by_java, mut by_librdkafka, mut at_the_till, mut garbage) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (n, story) in stories.iter().enumerate() {
        let java = |_: &mut Random, event: &Event| Sent::plain(event.member.clone(), as_json(event).to_string());
        let told = |random: &mut Random, event: &Event| Sent::told(event, random.below(3));
        let (sent, broken) = match n % 2 {
            0 => messages(random, story, java),
            _ => messages(random, story, told),
        };
        garbage += broken;
        let to = if n % 2 == 0 { &mut by_java } else { &mut by_librdkafka };
        to.extend(sent);
    }
    // Larger than any event.
    by_librdkafka.push(Sent::plain(member(1), vec![b' '; 800_000]));
    garbage += 1;
    // The very same sales come again from the tills, in the shop's own JSON.
    for event in stories.iter().flatten().filter(|_| random.below(4) == 0) {
        at_the_till.extend(as_pos(event).map(|sale| Sent::plain(event.member.clone(), sale.to_string())));
    }
    std::thread::scope(|scope| {
        scope.spawn(|| send_with_java(broker, "orders", &by_java));
        scope.spawn(|| send(broker, "orders", &by_librdkafka));
    });
    // Behind their originals: a sale that comes first from here would be judged before what it follows.
    send(broker, "pos", &at_the_till);
    garbage
}

#[test]
fn events_by_kafka_come_to_the_same_as_by_grpc() {
    let _alone = crate::alone();
    let mut random = Random::new("equality");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (by_grpc, by_kafka) = (dir.path().join("grpc"), dir.path().join("kafka"));
    let stories = stories(&mut random, MEMBERS, EVENTS);
    let told = Server::start(&Run { dir: &by_grpc, kafka: None, more: &[] });
    runtime.block_on(async {
        let mut events = EventServiceClient::new(told.connect().await);
        for story in &stories {
            events.submit_batch(SubmitBatchRequest { events: story.clone() }).await.unwrap();
        }
    });
    let expected = runtime.block_on(standing(&told));
    assert!(told.stop());

    let broker = Broker::start();
    for (topic, partitions) in [("orders", 12), ("pos", 4), ("dead", 1), ("outcomes", 3)] {
        broker.create(topic, partitions);
    }
    let garbage = send_all(&broker, &mut random, &stories);
    let orders = config(&broker, "points", TOPICS);
    let both = config(&broker, "points", &format!("{TOPICS}{POS}"));
    let run = |kafka| Server::start(&Run { dir: &by_kafka, kafka: Some(kafka), more: &[] });
    let fed = run(&orders);
    // A program, and each event once.
    let records = 1 + MEMBERS * EVENTS;
    fed.reaches(records);
    assert!(fed.stop(), "it ends well while it is fed");
    let fed = run(&both);
    let drained = |server: &Server| {
        let figures = server.figures();
        let lag = |(name, lag): (&String, &f64)| name.starts_with("ledger_kafka_lag").then_some(*lag);
        let lags: Vec<f64> = figures.iter().filter_map(lag).collect();
        lags.len() == 16 && lags.iter().all(|lag| *lag == 0.0) && figures["ledger_kafka_in_flight_messages"] == 0.0
    };
    crate::broker::until("both topics are drained", || drained(&fed).then_some(()));
    assert_eq!(fed.figure("ledger_position"), records as f64, "nothing is applied twice");
    assert_eq!(runtime.block_on(standing(&fed)), expected);
    assert!(fed.figure("ledger_kafka_duplicates_total") > 0.0);
    crate::broker::until("the outbox is there too", || {
        (fed.figure("ledger_kafka_outbox_position") == records as f64).then_some(())
    });
    outcomes_are_told(&broker, &runtime.block_on(fed.totals()));
    assert!(fed.stop());
    letters_are_kept(&broker, &by_kafka, garbage);
    for dir in [by_grpc, by_kafka] {
        assert_eq!(verify(&dir)["records"], records);
    }
}

/// Every dead letter has the bytes that were sent and says why; those that are sent again come again.
fn letters_are_kept(broker: &Broker, dir: &Path, garbage: u64) {
    let letters = broker.read_all("dead");
    assert_eq!(letters.len() as u64, garbage);
    for letter in &letters {
        let headers: BTreeMap<&str, &[u8]> =
            letter.headers().unwrap().iter().map(|header| (header.key, header.value.unwrap())).collect();
        assert_eq!(headers["ledger-topic"], b"orders");
        assert!(!headers["ledger-reason"].is_empty());
        assert!(headers.contains_key("ledger-partition") && headers.contains_key("ledger-offset"));
    }
    let ledgerd = |more: &[&str]| {
        let file = dir.join("kafka.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledgerd"));
        let told = command.args(["dead-letters", "--kafka"]).arg(file).args(more).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap()
    };
    let listed: Vec<Value> = ledgerd(&["--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed.len() as u64, garbage);
    for (letter, listed) in letters.iter().zip(&listed) {
        assert_eq!(listed["value"], String::from_utf8_lossy(letter.payload().unwrap()).as_ref());
    }
    let ends = || (0..12).map(|partition| broker.watermarks("orders", partition).1).sum::<i64>();
    let before = ends();
    let told = ledgerd(&["--redrive", "--reason", "chekin"]);
    let meant = listed.iter().filter(|letter| letter["value"] == "{\"chekin\": {}}").count();
    assert_eq!(told, format!("{meant} dead letters were sent to their topics again\n"));
    assert_eq!(ends() - before, meant as i64);
}

/// The outbox has every outcome, each id once, a member's in the order of the log, and no point too few.
fn outcomes_are_told(broker: &Broker, totals: &GetTotalsResponse) {
    let (mut ids, mut earned, mut spent) = (BTreeSet::new(), 0, 0);
    let mut last: BTreeMap<(String, i32), u64> = BTreeMap::new();
    for message in broker.read_all("outcomes") {
        let outcome: Value = serde_json::from_slice(message.payload().unwrap()).unwrap();
        assert_eq!(outcome["specversion"], "1.0");
        let data = &outcome["data"];
        let position = data["position"].as_u64().unwrap();
        let member = outcome["subject"].as_str().unwrap().to_owned();
        // What was on its way when the ledger ended comes again.
        if !ids.insert(outcome["id"].as_str().unwrap().to_owned()) {
            continue;
        }
        let before = last.insert((member, message.partition()), position).unwrap_or(0);
        assert!(before <= position, "outcomes of a member left the order of the log");
        match outcome["type"].as_str().unwrap() {
            "ledger.v1.points.earned" | "ledger.v1.debt.repaid" => earned += data["points"].as_i64().unwrap(),
            "ledger.v1.points.spent" | "ledger.v1.hold.captured" => spent += data["points"].as_i64().unwrap(),
            _ => {}
        }
    }
    let [points] = totals.wallets.as_slice() else { panic!("one wallet: {totals:?}") };
    let balance = |account: Account| {
        points.accounts.iter().find(|balance| balance.account == account as i32).map_or(0, |found| found.balance)
    };
    assert_eq!(earned, -balance(Account::Issued));
    assert_eq!(spent, balance(Account::Redeemed));
}
