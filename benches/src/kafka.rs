//! The ledger fed by a real broker on the same cores: a backlog drained, beside the store alone in the
//! same run, what memory that takes, and whose time it is.

use crate::store::{Scratch, open, pump, submit};
use crate::workload::Workload;
use crate::{Figures, Plan};
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::units::Position;
use ledger_grpc::instant;
use ledger_grpc::kafka::{Config, Kafka};
use ledger_grpc::proto;
use prost::Message;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const PARTITIONS: i32 = 12;
const TOPIC: &str = "purchases";
const PATIENCE: Duration = Duration::from_secs(60);
/// Events of the store alone.
const ALONE: u64 = 1_000_000;

struct Broker {
    child: Child,
    address: String,
}

impl Broker {
    fn start(dir: &Path) -> Broker {
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/kafka/broker.sh");
        let mut command = Command::new(script);
        command.arg(dir.join("broker")).arg(port.to_string()).env("LEDGER_KAFKA_HEAP", "1g");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let address = format!("127.0.0.1:{port}");
        Broker { child: child.expect("setup/kafka.sh has put Kafka into the cache"), address }
    }

    fn settings(&self) -> ClientConfig {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", &self.address).set("log_level", "0");
        settings
    }

    fn create(&self, topic: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.settings().create().expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let options = AdminOptions::new().request_timeout(Some(PATIENCE));
        let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let made = runtime.block_on(admin.create_topics([&topic], &options)).expect("the broker answers");
        made.into_iter().for_each(|made| drop(made.expect("the topic is made")));
    }

    fn send(&self, events: impl Iterator<Item = Event<Name>>) {
        let mut settings = self.settings();
        settings.set("linger.ms", "5").set("queue.buffering.max.kbytes", "65536");
        let producer: BaseProducer = settings.create().expect("a producer");
        for event in events {
            let value = message(&event).encode_to_vec();
            let mut record = BaseRecord::to(TOPIC).key(&*event.member).payload(&value);
            while let Err((_, back)) = producer.send(record) {
                producer.poll(Duration::from_millis(10));
                record = back;
            }
        }
        producer.flush(PATIENCE).expect("all is there");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn kafka(plan: &Plan, figures: &mut Figures) {
    let scratch = Scratch::new("kafka");
    let _ = std::fs::create_dir_all(&scratch.0);
    let broker = Broker::start(&scratch.0);
    broker.create(TOPIC, PARTITIONS);
    broker.create("dead", 1);
    let mut workload = Workload::new(plan.members, 13);
    let sent = Instant::now();
    broker.send((0..plan.backlog).map(|_| {
        let member = workload.random.below(plan.members);
        workload.purchase(member)
    }));
    figures.rate("kafka: produced, to the broker", plan.backlog, sent.elapsed());
    let alone = alone(&scratch.0, plan, figures);
    let drained = drain(&broker, &scratch.0, plan, figures);
    figures.add("kafka: of what the store does alone", 100.0 * drained / alone, "%");
}

/// The same events without Kafka: made beforehand, in batches as large as those that come from there.
fn alone(dir: &Path, plan: &Plan, figures: &mut Figures) -> f64 {
    let ledger = open(&dir.join("alone"));
    let handle = ledger.handle();
    submit(&handle, vec![Workload::publish()]);
    let mut workload = Workload::new(plan.members, 17);
    let count = ALONE.min(plan.backlog);
    let mut batches: Vec<_> = (0..count / 10_000).map(|_| workload.batch(10_000)).collect();
    let start = Instant::now();
    pump(&handle, || batches.pop());
    let took = start.elapsed();
    ledger.close().expect("closes");
    figures.rate("kafka: the store alone, in the same run", count, took);
    count as f64 / took.as_secs_f64()
}

fn drain(broker: &Broker, dir: &Path, plan: &Plan, figures: &mut Figures) -> f64 {
    let ledger = open(&dir.join("fed"));
    let handle = ledger.handle();
    submit(&handle, vec![Workload::publish()]);
    let text = format!(
        "brokers = \"{}\"\ngroup = \"bench\"\ndead_letters = \"dead\"\n[[topic]]\nname = \"{TOPIC}\"\nformat = \"protobuf\"\n",
        broker.address
    );
    let config = Config::read(&text, &|_| None).expect("it has no faults");
    let all = Position(plan.backlog + 1);
    let (tell, told) = channel();
    handle.on_commit(Box::new(move |position| {
        if position >= all {
            let _ = tell.send(());
        }
    }));
    // From here on the peak is counted anew.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let (before, broker_before) = (threads(), cpu(&format!("/proc/{}", broker.child.id())));
    let start = Instant::now();
    let kafka = Kafka::start(handle, config).expect("it starts");
    told.recv().expect("all is drained");
    let took = start.elapsed();
    figures.rate(format!("kafka: backlog of {} drained", plan.backlog), plan.backlog, took);
    figures.add("kafka: resident memory, peak while draining", memory("VmHWM"), "MB");
    figures.add("kafka: resident memory, when all is drained", memory("VmRSS"), "MB");
    let million = plan.backlog as f64 / 1e6;
    for (name, spent) in threads() {
        let spent = spent - before.get(&name).copied().unwrap_or_default();
        if spent / million > 0.05 {
            figures.add(format!("kafka: processor time of {name}, each million"), spent / million, "s");
        }
    }
    let spent = cpu(&format!("/proc/{}", broker.child.id())) - broker_before;
    figures.add("kafka: processor time of the broker, each million", spent / million, "s");
    kafka.stop();
    ledger.close().expect("closes");
    plan.backlog as f64 / took.as_secs_f64()
}

/// A line of `/proc/self/status`, in megabytes.
fn memory(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib: Option<f64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or_default() / 1024.0
}

/// Seconds of processor time of a process or thread.
fn cpu(proc: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("{proc}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks: f64 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Seconds of processor time of this process's threads, by their names.
fn threads() -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for thread in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let path = thread.path().to_string_lossy().into_owned();
        let name = std::fs::read_to_string(format!("{path}/comm")).unwrap_or_default();
        *all.entry(name.trim().to_owned()).or_default() += cpu(&path);
    }
    all
}

fn message(event: &Event<Name>) -> proto::Event {
    let Body::Purchase(event::Purchase { order, currency, lines, .. }) = &event.body else {
        unreachable!("the workload buys")
    };
    let line = |line: &ledger_core::event::Line| proto::Line {
        sku: line.sku.to_string(),
        quantity: line.quantity.number(),
        quantity_digits: line.quantity.digits(),
        net: line.net.0,
        ..proto::Line::default()
    };
    let purchase = proto::Purchase {
        order: order.to_string(),
        currency: currency.to_string(),
        lines: lines.iter().map(line).collect(),
        ..proto::Purchase::default()
    };
    proto::Event {
        source: event.source.to_string(),
        id: event.id.to_string(),
        occurred_at: Some(instant::stamp(event.occurred_at)),
        member: event.member.to_string(),
        body: Some(proto::event::Body::Purchase(purchase)),
        ..proto::Event::default()
    }
}
