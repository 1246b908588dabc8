//! A cursor that does not fit its partition any more halts that partition, loudly, and no other.

use crate::broker::{Broker, until};
use crate::server::{Run, Server, config, verify};
use crate::shop::{Random, Sent, as_json, send, stories};
use ledger_grpc::proto::Event;
use std::path::Path;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const TOPICS: &str =
    "[[topic]]\nname = \"steady\"\nformat = \"json\"\n[[topic]]\nname = \"shaky\"\nformat = \"json\"\n";

fn start(broker: &Broker, dir: &Path, more: &[String]) -> Server {
    Server::start(&Run { dir, kafka: Some(&config(broker, "points", TOPICS)), more })
}

fn sent(events: &[Event]) -> Vec<Sent> {
    events.iter().map(|event| Sent::plain(event.member.clone(), as_json(event).to_string())).collect()
}

fn health(server: &Server) -> ServingStatus {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut health = HealthClient::new(server.connect().await);
        health.check(HealthCheckRequest { service: "kafka".into() }).await.unwrap().into_inner().status()
    })
}

/// The partition is halted and says why; what else comes still arrives.
fn halts(broker: &Broker, server: &Server, why: &str, steady: &[Event], records: u64) {
    until("the partition is halted", || {
        (server.figure("ledger_kafka_halted{partition=\"shaky/0\"}") == 1.0).then_some(())
    });
    assert!(server.log().contains(why), "{}", server.log());
    until("health says so", || (health(server) == ServingStatus::NotServing).then_some(()));
    send(broker, "steady", &sent(steady));
    server.reaches(records);
}

#[test]
fn a_partition_whose_cursor_does_not_fit_is_halted_and_never_reset() {
    let _alone = crate::alone();
    let mut random = Random::new("halts");
    let stories = stories(&mut random, 8, 10);
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start();
    for topic in ["steady", "shaky", "dead", "outcomes"] {
        broker.create(topic, 1);
    }
    let mut records = 1;
    let mut tell = |topic: &str, story: &[Event]| {
        send(&broker, topic, &sent(story));
        records += story.len() as u64;
        records
    };

    let server = start(&broker, dir.path(), &[]);
    server.reaches(tell("shaky", &stories[0]));
    until("it says that it goes on", || (health(&server) == ServingStatus::Serving).then_some(()));
    assert!(server.stop());

    // Retention takes what was never read.
    send(&broker, "shaky", &sent(&stories[1]));
    broker.truncate("shaky", 0, 15);
    let server = start(&broker, dir.path(), &[]);
    halts(&broker, &server, "5 of its messages were never read", &stories[2], records + 10);
    records += 10;
    assert!(server.stop());
    // Only a person may decide that they are lost.
    let server = start(&broker, dir.path(), &["--kafka-move".into(), "shaky/0=15".into()]);
    records += 5;
    server.reaches(records);
    until("it goes on", || (health(&server) == ServingStatus::Serving).then_some(()));
    assert!(server.stop());

    // Retention takes exactly what was read: nothing is lost, nothing halts.
    broker.truncate("shaky", 0, 20);
    let server = start(&broker, dir.path(), &[]);
    send(&broker, "shaky", &sent(&stories[3]));
    records += 10;
    server.reaches(records);
    assert!(server.stop());

    // The topic is made anew and is shorter than the cursor.
    let anew = || {
        broker.delete("shaky");
        broker.create("shaky", 1);
    };
    anew();
    let server = start(&broker, dir.path(), &[]);
    halts(&broker, &server, "the topic was made anew", &stories[4], records + 10);
    records += 10;
    assert!(server.stop());

    // It is longer than the cursor: another message is where the last one was.
    send(&broker, "shaky", &sent(&stories[5..8].concat()));
    send(&broker, "shaky", &sent(&stories[0]));
    let server = start(&broker, dir.path(), &[]);
    until("the partition is halted", || {
        (server.figure("ledger_kafka_halted{partition=\"shaky/0\"}") == 1.0).then_some(())
    });
    assert!(server.log().contains("is not the one that was read there"), "{}", server.log());
    assert_eq!(server.figure("ledger_position"), records as f64);
    assert!(server.stop());
    let server = start(&broker, dir.path(), &["--kafka-move".into(), "shaky/0=0".into()]);
    records += 30;
    server.reaches(records);
    assert!(server.stop());
    assert_eq!(verify(dir.path())["records"], records);
}
