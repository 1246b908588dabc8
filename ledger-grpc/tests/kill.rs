//! A real server is killed with -9 again and again, under load, at random instants.
//!
//! Eight callers buy one point at a time and in batches, and write down every answer they get. After
//! each kill the server is started again on the same directory: every purchase that was answered must
//! be found at the position it was answered with. In the end everything that was ever sent is sent
//! again, and the ledger must have issued exactly one point for each purchase, no more and no fewer.
//!
//! `LEDGER_KILLS` sets how often (8), `LEDGER_SEED` the instants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use ledger_grpc::engine::wall_clock;
use ledger_grpc::proto::audit_service_client::AuditServiceClient;
use ledger_grpc::proto::event_service_client::EventServiceClient;
use ledger_grpc::proto::outcome::Result as Told;
use ledger_grpc::proto::{
    Account, Event, GetOutcomeRequest, GetTotalsRequest, Line, Outcome, Purchase, SubmitBatchRequest, SubmitRequest,
    event::Body,
};
use prost_types::Timestamp;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::StatusExt;

const CALLERS: u64 = 8;
const BATCH: u64 = 40;
const SOURCE: &str = "till";
/// When the test began, in seconds.
static TODAY: LazyLock<i64> = LazyLock::new(|| wall_clock()().0 / 1000);

/// What one caller has said and heard.
#[derive(Default)]
struct StoreLog {
    said: u64,
    answered: Vec<(u64, u64)>,
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(dir: &Path) -> Server {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/community.toml");
        let mut child = Command::new(env!("CARGO_BIN_EXE_ledgerd"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(dir)
            .arg("--program")
            .arg(program)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ledgerd starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().expect("ledgerd says where it listens").unwrap();
        let address = line.rsplit(' ').next().unwrap().to_string();
        Server { child, address: format!("http://{}", address.trim_start_matches("http://")) }
    }

    /// kill -9.
    fn kill(self) {}
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("kill -9");
        self.child.wait().unwrap();
    }
}

/// Only a broken connection ends a caller: the server itself has no reason to complain.
fn is_gone(status: &Status) {
    assert!(status.get_details_error_info().is_none(), "{status:?}");
}

fn purchase(caller: u64, n: u64) -> Event {
    let line = Line { sku: String::new(), quantity: 1, net: 100, ..Default::default() };
    let body =
        Purchase { order: format!("{caller}-{n}"), currency: "CNY".into(), lines: vec![line], ..Default::default() };
    Event {
        source: SOURCE.into(),
        id: format!("{caller}-{n}"),
        // All at the same instant, so that the same event can be said again; and of today, so that
        // nobody is dormant.
        occurred_at: Some(Timestamp { seconds: *TODAY, nanos: 0 }),
        member: format!("member-{}", (caller * 31 + n) % 97),
        body: Some(Body::Purchase(body)),
        ..Event::default()
    }
}

/// Buys until the server is gone, and writes down what was answered.
async fn shop(channel: Channel, caller: u64, book: Arc<Mutex<StoreLog>>) {
    let mut events = EventServiceClient::new(channel);
    loop {
        let from = {
            let mut book = book.lock().unwrap();
            let from = book.said;
            book.said += if caller.is_multiple_of(2) { 1 } else { BATCH };
            from
        };
        let outcomes: Vec<Outcome> = if caller.is_multiple_of(2) {
            let request = SubmitRequest { event: Some(purchase(caller, from)) };
            match events.submit(request).await {
                Ok(answer) => answer.into_inner().outcome.into_iter().collect(),
                Err(status) => return is_gone(&status),
            }
        } else {
            let request = SubmitBatchRequest { events: (from..from + BATCH).map(|n| purchase(caller, n)).collect() };
            match events.submit_batch(request).await {
                Ok(answer) => answer.into_inner().outcomes,
                Err(status) => return is_gone(&status),
            }
        };
        let mut book = book.lock().unwrap();
        for (at, outcome) in outcomes.iter().enumerate() {
            assert!(matches!(outcome.result, Some(Told::Accepted(_))), "{outcome:?}");
            book.answered.push((from + at as u64, outcome.position));
        }
    }
}

async fn every_answer_still_stands(channel: Channel, caller: u64, answered: &[(u64, u64)]) {
    let mut events = EventServiceClient::new(channel);
    for (n, position) in answered {
        let request = GetOutcomeRequest { source: SOURCE.into(), id: format!("{caller}-{n}"), ..Default::default() };
        let answer = events.get_outcome(request).await.expect("an answered event is known").into_inner();
        assert_eq!(answer.outcome.unwrap().position, *position, "event {caller}-{n} moved");
    }
}

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    (dir, path)
}

#[test]
fn a_server_killed_under_load_loses_nothing_it_answered_and_applies_nothing_twice() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let kills = number("LEDGER_KILLS").unwrap_or(8);
    let mut seed = number("LEDGER_SEED").unwrap_or_else(|| u64::from(std::process::id())) | 1;
    println!("{kills} kills, LEDGER_SEED={seed}");
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let (_guard, dir) = scratch();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let books: Vec<Arc<Mutex<StoreLog>>> = (0..CALLERS).map(|_| Arc::default()).collect();
    let mut checked = vec![0; CALLERS as usize];
    for kill in 1..=kills {
        let server = Server::start(&dir);
        let wait = Duration::from_millis(30 + random() % 400);
        runtime.block_on(async {
            let channel = connect(&server.address).await;
            for (caller, book) in books.iter().enumerate() {
                let fresh = book.lock().unwrap().answered[checked[caller]..].to_vec();
                checked[caller] += fresh.len();
                every_answer_still_stands(channel.clone(), caller as u64, &fresh).await;
            }
            let mut shoppers = Vec::new();
            for (caller, book) in books.iter().enumerate() {
                // One connection each, so that the server has much under way when it dies.
                let channel = connect(&server.address).await;
                shoppers.push(tokio::spawn(shop(channel, caller as u64, book.clone())));
            }
            tokio::time::sleep(wait).await;
            server.kill();
            for shopper in shoppers {
                shopper.await.expect("every answer was an acceptance");
            }
        });
        let answered: usize = books.iter().map(|book| book.lock().unwrap().answered.len()).sum();
        if kill % 10 == 0 || kill == kills {
            println!("kill {kill}: {answered} answers so far");
        }
    }

    let server = Server::start(&dir);
    let said: u64 = books.iter().map(|book| book.lock().unwrap().said).sum();
    runtime.block_on(async {
        let channel = connect(&server.address).await;
        for (caller, book) in books.iter().enumerate() {
            let (said, answered) = {
                let book = book.lock().unwrap();
                (book.said, book.answered.clone())
            };
            let mut told = std::collections::HashMap::new();
            let all: Vec<u64> = (0..said).collect();
            let mut events = EventServiceClient::new(channel.clone());
            for part in all.chunks(1_000) {
                let request = SubmitBatchRequest { events: part.iter().map(|n| purchase(caller as u64, *n)).collect() };
                let outcomes = events.submit_batch(request).await.expect("all is taken").into_inner().outcomes;
                told.extend(part.iter().copied().zip(outcomes));
            }
            for (n, position) in answered {
                assert!(told[&n].duplicate, "event {caller}-{n} was answered and forgotten");
                assert_eq!(told[&n].position, position, "event {caller}-{n} moved");
            }
        }
        let totals =
            AuditServiceClient::new(channel).get_totals(GetTotalsRequest::default()).await.unwrap().into_inner();
        let [points] = totals.wallets.as_slice() else { panic!("one wallet: {totals:?}") };
        let balance = |account: Account| {
            points.accounts.iter().find(|balance| balance.account == account as i32).map_or(0, |found| found.balance)
        };
        assert_eq!(points.sum, 0);
        assert_eq!(-balance(Account::Issued), said as i64, "one point for each of {said} purchases");
    });
    server.kill();
    let verified = Command::new(env!("CARGO_BIN_EXE_ledgerd")).args(["verify", "--data"]).arg(&dir).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

async fn connect(address: &str) -> Channel {
    Channel::from_shared(address.to_string()).unwrap().connect().await.expect("the server listens")
}
