//! A real Kafka broker on free ports in a directory of its own, killed when it is dropped.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a broker may take to start, or anything else that is waited for here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Runs what must be so at last, until it is.
pub(crate) fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(child: &Child, name: &str) {
    let told = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(told.success(), "kill -{name}");
}

pub(crate) struct Broker {
    dir: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Broker {
    pub(crate) fn start() -> Broker {
        let mut broker = Broker { dir: tempfile::tempdir().unwrap(), port: free_port(), child: None };
        broker.restart();
        broker
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it again on the same directory and port, and waits until it answers.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/kafka/broker.sh");
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let child = Command::new(script)
            .arg(self.dir.path().join("data"))
            .arg(self.port.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("setup/kafka/broker.sh runs");
        self.child = Some(child);
        let client: BaseConsumer = self.settings().create().unwrap();
        until("the broker answers", || {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the broker ended: {ended:?}; is Kafka set up (setup/kafka.sh)?");
            client.fetch_metadata(None, Duration::from_millis(500)).ok().filter(|told| !told.brokers().is_empty())
        });
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("broker.log")
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn freeze(&self) {
        signal(self.child.as_ref().unwrap(), "STOP");
    }

    pub(crate) fn thaw(&self) {
        signal(self.child.as_ref().unwrap(), "CONT");
    }

    pub(crate) fn settings(&self) -> ClientConfig {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", self.address()).set("log_level", "0");
        settings
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.settings().create().unwrap()
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    pub(crate) fn create(&self, topic: &str, partitions: i32) {
        let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        // A topic of the same name that is being deleted is in the way for a moment.
        until("the topic is made", || {
            let made = self.wait(self.admin().create_topics([&topic], &AdminOptions::new())).unwrap();
            made.into_iter().next().unwrap().ok()
        });
    }

    pub(crate) fn delete(&self, topic: &str) {
        let gone = self.wait(self.admin().delete_topics(&[topic], &AdminOptions::new())).unwrap();
        gone.into_iter().next().unwrap().unwrap();
    }

    /// Deletes the messages of a partition before an offset, as retention does.
    pub(crate) fn truncate(&self, topic: &str, partition: i32, before: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, partition, Offset::Offset(before)).unwrap();
        self.wait(self.admin().delete_records(&offsets, &AdminOptions::new())).unwrap();
        until("the messages are gone", || (self.watermarks(topic, partition).0 >= before).then_some(()));
    }

    pub(crate) fn watermarks(&self, topic: &str, partition: i32) -> (i64, i64) {
        let client: BaseConsumer = self.settings().create().unwrap();
        client.fetch_watermarks(topic, partition, PATIENCE).unwrap()
    }

    /// A consumer of the group, that takes partitions until it is dropped.
    pub(crate) fn second_consumer(&self, group: &str, topics: &[&str]) -> BaseConsumer {
        self.consumer(self.settings(), group, topics)
    }

    /// One of the same name as another one, which is fenced off by it.
    pub(crate) fn namesake(&self, instance: &str, group: &str, topics: &[&str]) -> BaseConsumer {
        let mut settings = self.settings();
        settings.set("group.instance.id", instance);
        self.consumer(settings, group, topics)
    }

    fn consumer(&self, mut settings: ClientConfig, group: &str, topics: &[&str]) -> BaseConsumer {
        settings
            .set("group.id", group)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "2000")
            .set("heartbeat.interval.ms", "300")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "latest");
        let consumer: BaseConsumer = settings.create().unwrap();
        consumer.subscribe(topics).unwrap();
        consumer
    }

    /// Everything on a topic now, partition by partition: key, value, headers.
    pub(crate) fn read_all(&self, topic: &str) -> Vec<rdkafka::message::OwnedMessage> {
        let mut settings = self.settings();
        settings.set("group.id", "reader").set("enable.auto.commit", "false");
        let consumer: BaseConsumer = settings.create().unwrap();
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
        let mut all = Vec::new();
        for partition in metadata.topics()[0].partitions() {
            let (low, high) = self.watermarks(topic, partition.id());
            let mut assignment = TopicPartitionList::new();
            assignment.add_partition_offset(topic, partition.id(), Offset::Offset(low)).unwrap();
            consumer.assign(&assignment).unwrap();
            for _ in low..high {
                all.push(consumer.poll(PATIENCE).expect("a message").unwrap().detach());
            }
        }
        all
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("the broker's last words:\n{}", last.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
    }
}
