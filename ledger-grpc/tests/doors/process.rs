//! `ledgerd serve` with little of what a process may have, with a disk that is full, and with a clock that is wrong.

use super::{NOON, SOON, available, connect, health, publish, reason, say, until};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use tempfile::TempDir;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

/// A server that runs.
struct Server {
    child: Child,
    address: SocketAddr,
    metrics: SocketAddr,
    log: Option<JoinHandle<String>>,
}

impl Server {
    /// Starts one behind a command of the shell.
    fn start(before: &str, dir: &Path, more: &[&str]) -> Server {
        let ledgerd = env!("CARGO_BIN_EXE_ledgerd");
        let mut child = Command::new("sh")
            .args(["-c", &format!("{before} exec \"$0\" \"$@\""), ledgerd, "serve", "--data"])
            .arg(dir)
            .args(["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"])
            .args(more)
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            text
        });
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut hear = |what: &str| {
            let line = said.next().expect("it says where it listens").unwrap();
            line.strip_prefix(what).unwrap_or_else(|| panic!("{line}")).parse().unwrap()
        };
        let (metrics, address) = (hear("metrics on "), hear("listening on "));
        Server { child, address, metrics, log: Some(log) }
    }

    fn scrape(&self) -> String {
        let mut connection = TcpStream::connect(self.metrics).unwrap();
        connection.set_read_timeout(Some(SOON)).unwrap();
        connection.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
        let mut text = String::new();
        connection.read_to_string(&mut text).unwrap();
        text
    }

    /// Waits for its end. Answers its exit code and what it logged.
    fn ended(&mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.log.take().unwrap().join().unwrap())
    }

    fn stop(&mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.ended()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ledgerd(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ledgerd")).args(args).arg("--data").arg(dir).output().unwrap()
}

/// Says things until the ledger has stopped.
async fn fill(address: SocketAddr) -> u64 {
    let channel = connect(address).await.unwrap();
    publish(&channel).await;
    let (mut taken, mut failed) = (0, None);
    while failed.is_none() {
        let calls: Vec<_> = (0..200)
            .map(|n| {
                let (channel, id) = (channel.clone(), format!("e-{taken}-{n}-{}", "x".repeat(90)));
                tokio::spawn(async move { say(&channel, &id, NOON).await })
            })
            .collect();
        for call in calls {
            match call.await.unwrap() {
                Ok(_) => taken += 1,
                Err(status) => failed = Some(status),
            }
        }
    }
    let status = failed.unwrap();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    taken
}

/// A disk that is full for one file: 25 is SIGXFSZ, without which a write past the limit fails.
const LITTLE_ROOM: &str = "trap '' 25; ulimit -f 600;";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_ledger_stops_ends_with_a_code_of_its_own_and_says_why() {
    let dir = TempDir::new().unwrap();
    let mut server = Server::start(LITTLE_ROOM, dir.path(), &["--time", "simulated"]);
    let taken = fill(server.address).await;
    let (code, log) = tokio::task::spawn_blocking(move || server.ended()).await.unwrap();
    assert_eq!(code, Some(4), "{log}");
    assert!(log.contains("commit failed") && log.contains("File too large"), "{log}");
    // Started again with room, it has all that it took.
    let mut server = Server::start("", dir.path(), &["--time", "simulated"]);
    let has = available(&connect(server.address).await.unwrap()).await;
    assert!(has >= i64::try_from(taken * 10).unwrap(), "{has} of {taken} purchases");
    assert_eq!(server.stop().0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_to_stay_goes_on_to_answer_what_is_read() {
    let dir = TempDir::new().unwrap();
    let mut server = Server::start(LITTLE_ROOM, dir.path(), &["--time", "simulated", "--stay"]);
    let taken = fill(server.address).await;
    let channel = connect(server.address).await.unwrap();
    let asks = super::proto::GetMemberRequest { member: "anna".into(), as_of: None, token: String::new() };
    let mut members = super::MemberServiceClient::new(channel.clone());
    until("reads go on", async || members.get_member(asks.clone()).await.is_ok()).await;
    let has = available(&channel).await;
    assert!(has >= i64::try_from(taken * 10).unwrap(), "{has} of {taken} purchases");
    let refused = say(&channel, "one more", NOON).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Unavailable, "STOPPED".into()));
    assert!(refused.message().contains("File too large"), "{refused:?}");
    let event_service = "ledger.v1.EventService";
    until("health says so", async || health(&channel, event_service).await == ServingStatus::NotServing).await;
    assert_eq!(health(&channel, "ledger.v1.MemberService").await, ServingStatus::Serving);
    let figures = server.scrape();
    assert!(figures.contains("ledger_serving 0\n"), "{figures}");
    assert!(figures.contains("ledger_stopped{reason=\"commit failed"), "{figures}");
    // Whoever looks at the directory of a full disk sees the same.
    let path = dir.path();
    let looked = ledgerd(&["verify"], path);
    assert!(looked.status.success(), "{looked:?}");
    let reader = Server::start(LITTLE_ROOM, path, &["--time", "simulated", "--read-only"]);
    assert_eq!(available(&connect(reader.address).await.unwrap()).await, has);
    let refused = say(&connect(reader.address).await.unwrap(), "one more", NOON).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Unavailable, "STOPPED".into()));
    let mut reader = reader;
    assert_eq!(reader.stop().0, Some(0));
    let (code, log) = server.stop();
    assert_eq!(code, Some(4), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_take_all_handles_leave_the_store_its_own() {
    let dir = TempDir::new().unwrap();
    let mut server = Server::start("ulimit -n 160;", dir.path(), &["--time", "simulated"]);
    let channel = connect(server.address).await.unwrap();
    publish(&channel).await;
    let silent: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    for n in 0..20 {
        let said = tokio::time::timeout(SOON, say(&channel, &format!("e-{n}"), NOON)).await;
        said.expect("nobody waits").expect("it is taken");
    }
    let another = tokio::time::timeout(SOON, connect(server.address)).await.expect("nobody waits").unwrap();
    assert_eq!(available(&another).await, 200);
    drop((silent, channel, another));
    let (code, log) = server.stop();
    assert_eq!(code, Some(0), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_far_ahead_of_the_last_record_is_not_believed_until_a_person_confirms_it() {
    let dir = TempDir::new().unwrap();
    // History, whose points would all die at once.
    let mut server = Server::start("", dir.path(), &["--time", "simulated"]);
    let channel = connect(server.address).await.unwrap();
    publish(&channel).await;
    say(&channel, "e-1", NOON).await.unwrap();
    drop(channel);
    assert_eq!(server.stop().0, Some(0));

    let mut server = Server::start("", dir.path(), &[]);
    let channel = connect(server.address).await.unwrap();
    until("it is told", async || health(&channel, "clock").await == ServingStatus::NotServing).await;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(available(&channel).await, 10, "no point died");
    let figures = server.scrape();
    let jump = figures.lines().find_map(|line| line.strip_prefix("ledger_clock_jump_seconds ")).unwrap();
    assert!(jump.parse::<u64>().unwrap() > 86_400 * 30, "{figures}");
    drop(channel);
    let (code, log) = server.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("ERROR") && log.contains("--clock-jump-ok"), "{log}");

    let mut server = Server::start("", dir.path(), &["--clock-jump-ok", "2100-01-01"]);
    let channel = connect(server.address).await.unwrap();
    until("what was due has happened", async || server.scrape().contains("ledger_position 3\n")).await;
    assert_eq!(available(&channel).await, 0);
    drop(channel);
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn the_files_of_a_ledger_are_its_owners_alone() {
    let place = TempDir::new().unwrap();
    let dir = place.path().join("ledger");
    let mut server = Server::start("umask 022;", &dir, &["--time", "simulated"]);
    let look = || {
        assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        for entry in std::fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{:?} has {mode:o}", entry.file_name());
        }
    };
    look();
    assert_eq!(server.stop().0, Some(0));
    look();
}
