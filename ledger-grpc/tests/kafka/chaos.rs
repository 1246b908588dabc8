//! Everything breaks while events stream in, and none is lost, applied twice or out of order.
//!
//! A round sends purchases of one point each, breaks something in the middle, mends it, and waits until
//! the ledger has every purchase that was ever sent exactly once; and that it recovered by itself. The
//! rounds take turns: the ledger is killed, the broker is killed, the broker is frozen for longer than
//! the session, a second consumer joins and leaves, another one comes under the ledger's own name, the ledger
//! may not write any more, and retention deletes what was not read yet: the only trouble that a person has to end.
//!
//! `LEDGER_CHAOS` says how many rounds (7), `LEDGER_SEED` what is random.

use crate::broker::{Broker, until};
use crate::server::{Run, Server, config, verify};
use crate::shop::{Random, Sent, as_json, member, send_with};
use ledger_grpc::engine::wall_clock;
use ledger_grpc::instant;
use ledger_grpc::proto::member_service_client::MemberServiceClient;
use ledger_grpc::proto::record::Cause;
use ledger_grpc::proto::{Account, Event, Line, ListRecordsRequest, Purchase, event::Body};
use prost_types::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const MEMBERS: u64 = 40;
/// Purchases of one round.
const ROUND: u64 = 4_000;
/// `brief` has copies of what `orders` has, and loses them before they are read.
const TOPICS: &str =
    "[[topic]]\nname = \"orders\"\nformat = \"json\"\n[[topic]]\nname = \"brief\"\nformat = \"json\"\n";
/// Longer than the session of the ledger's consumer, which is 2 s.
const FROZEN: Duration = Duration::from_secs(3);

/// When the test began.
static TODAY: LazyLock<Timestamp> = LazyLock::new(|| instant::stamp(wall_clock()()));

#[derive(Clone, Copy, Debug)]
enum Trouble {
    LedgerKilled,
    BrokerKilled,
    BrokerFrozen,
    SecondConsumer,
    Namesake,
    DiskFull,
    Truncated,
}

const TROUBLES: [Trouble; 7] = [
    Trouble::LedgerKilled,
    Trouble::BrokerKilled,
    Trouble::BrokerFrozen,
    Trouble::SecondConsumer,
    Trouble::Namesake,
    Trouble::DiskFull,
    Trouble::Truncated,
];

/// What the group knows the ledger by: its `instance`, and a hash of the topics it reads.
fn instance() -> String {
    let hash = ledger_core::merkle::leaf(b"brief,orders");
    format!("ledger-{}", hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn purchase(n: u64) -> Event {
    let line = Line { quantity: 1, net: 100, ..Default::default() };
    let body = Purchase { order: format!("o-{n}"), currency: "CNY".into(), lines: vec![line], ..Default::default() };
    Event {
        source: "shop".into(),
        id: n.to_string(),
        occurred_at: Some(*TODAY),
        member: member(n % MEMBERS),
        body: Some(Body::Purchase(body)),
        ..Event::default()
    }
}

/// The purchases of a round, some of them twice, in order.
fn messages(random: &mut Random, from: u64) -> Vec<Sent> {
    let mut all = Vec::new();
    for n in from..from + ROUND {
        let event = purchase(n);
        let value = as_json(&event).to_string();
        for _ in 0..1 + u64::from(random.below(10) == 0) {
            all.push(Sent::plain(event.member.clone(), value.clone()));
        }
    }
    all
}

struct Field<'a> {
    broker: Broker,
    dir: &'a Path,
    server: Option<Server>,
}

impl Field<'_> {
    fn start(&mut self) {
        self.start_with(&[]);
    }

    fn start_with(&mut self, more: &[String]) {
        let kafka = config(&self.broker, "points", TOPICS);
        self.server = None;
        self.server = Some(Server::start(&Run { dir: self.dir, kafka: Some(&kafka), more }));
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// PendingUntil until some of this round is in the ledger, so that what breaks breaks in the middle.
    fn midway(&self, before: u64, random: &mut Random) {
        let some = before + random.below(ROUND / 2);
        until("the round is under way", || (self.server().figure("ledger_position") > some as f64).then_some(()));
    }

    fn breaks(&mut self, trouble: Trouble, before: u64, random: &mut Random) {
        match trouble {
            Trouble::LedgerKilled => {
                self.midway(before, random);
                self.start();
            }
            Trouble::BrokerKilled => {
                self.midway(before, random);
                self.broker.restart();
            }
            Trouble::BrokerFrozen => {
                self.midway(before, random);
                self.broker.freeze();
                // For as long as it takes, not to wait for anything.
                std::thread::sleep(FROZEN);
                self.broker.thaw();
            }
            Trouble::SecondConsumer => {
                let second = self.broker.second_consumer("points", &["orders"]);
                until("it gets partitions", || (holds(&second) > 0).then_some(()));
                drop(second);
            }
            Trouble::Namesake => {
                self.midway(before, random);
                let halted = "ledger_kafka_halted{partition=\"consumer\"}";
                let namesake = self.broker.namesake(&instance(), "points", &["brief", "orders"]);
                until("the ledger is fenced off", || {
                    let _ = namesake.poll(Duration::from_millis(50));
                    (self.server().figure(halted) == 1.0).then_some(())
                });
                drop(namesake);
                until("it is back", || (self.server().figure(halted) == 0.0).then_some(()));
            }
            Trouble::DiskFull => {
                self.midway(before, random);
                self.server().may_not_write();
                until("it stops", || (self.server().figure("ledger_serving") == 0.0).then_some(()));
                until("it says so", || self.server().log().contains("the ledger has stopped").then_some(()));
                self.start();
            }
            Trouble::Truncated => self.is_truncated(before, random),
        }
    }

    /// Copies of old purchases are deleted before the ledger has read them; it must say so and stay there.
    fn is_truncated(&mut self, before: u64, random: &mut Random) {
        self.midway(before, random);
        let copies = |from: u64| -> Vec<Sent> {
            let copy = |n| Sent::plain(member(n % MEMBERS), as_json(&purchase(n)).to_string());
            (from..from + 10).map(copy).collect()
        };
        let end = |field: &Self| field.broker.watermarks("brief", 0).1;
        send_with(self.broker.settings(), "brief", &copies(0));
        let read = end(self);
        let position = "ledger_kafka_position{topic=\"brief\",partition=\"0\"}";
        until("the copies are read", || (self.server().figure(position) == read as f64).then_some(()));
        self.server = None;
        send_with(self.broker.settings(), "brief", &copies(0));
        self.broker.truncate("brief", 0, end(self) - 5);
        self.start();
        let halted = "ledger_kafka_halted{partition=\"brief/0\"}";
        until("it says so", || (self.server().figure(halted) == 1.0).then_some(()));
        self.start_with(&["--kafka-move".into(), format!("brief/0={}", end(self) - 5)]);
        until("it goes on", || (self.server().figure(position) == end(self) as f64).then_some(()));
    }
}

fn holds(consumer: &BaseConsumer) -> usize {
    // What it takes it loses: it has no ledger behind it, and gives its partitions back.
    let _ = consumer.poll(Duration::from_millis(50));
    consumer.assignment().map_or(0, |assigned| assigned.count())
}

async fn every_purchase_once_and_in_order(server: &Server, sent: u64) {
    let totals = server.totals().await;
    let [points] = totals.wallets.as_slice() else { panic!("one wallet: {totals:?}") };
    let balance = |account: Account| {
        points.accounts.iter().find(|balance| balance.account == account as i32).map_or(0, |found| found.balance)
    };
    assert_eq!(-balance(Account::Issued), sent as i64, "one point for each purchase");
    assert_eq!((points.sum, totals.position), (0, sent + 1));
    let mut ask = MemberServiceClient::new(server.connect().await);
    // Another member after each round.
    let of = (sent / ROUND) % MEMBERS;
    let (mut page_token, mut expected) = (String::new(), of);
    loop {
        let request = ListRecordsRequest { member: member(of), page_size: 1_000, page_token, ..Default::default() };
        let page = ask.list_records(request).await.unwrap().into_inner();
        for record in page.records {
            let Some(Cause::Event(event)) = record.cause else { panic!("{record:?}") };
            assert_eq!(event.id, expected.to_string(), "a member's purchases keep their order");
            expected += MEMBERS;
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert!(expected >= sent, "the last of them is there");
}

#[test]
fn nothing_is_lost_or_applied_twice_whatever_breaks() {
    let _alone = crate::alone();
    let rounds: u64 =
        std::env::var("LEDGER_CHAOS").map_or(TROUBLES.len() as u64, |text| text.parse().expect("a number"));
    let mut random = Random::new("chaos");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start();
    for (topic, partitions) in [("orders", 6), ("brief", 1), ("dead", 1), ("outcomes", 1)] {
        broker.create(topic, partitions);
    }
    let mut field = Field { broker, dir: dir.path(), server: None };
    field.start();
    let mut sent = 0;
    for round in 0..rounds {
        let trouble = TROUBLES[(round % TROUBLES.len() as u64) as usize];
        let began = Instant::now();
        let messages = messages(&mut random, sent);
        std::thread::scope(|scope| {
            let settings = field.broker.settings();
            scope.spawn(move || send_with(settings, "orders", &messages));
            field.breaks(trouble, sent, &mut random);
        });
        sent += ROUND;
        field.server().reaches(sent + 1);
        runtime.block_on(every_purchase_once_and_in_order(field.server(), sent));
        println!("round {}: {trouble:?}, {sent} purchases, {:.1} s", round + 1, began.elapsed().as_secs_f64());
    }
    assert_eq!(field.server().figure("ledger_kafka_dead_letters_total"), 0.0);
    assert!(field.server.take().unwrap().stop());
    assert_eq!(verify(dir.path())["records"], sent + 1);
}
