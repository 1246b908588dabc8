//! Callers in other languages, with the gRPC of their own platforms, before a real `ledgerd serve`.
//!
//! `clients/reflection.py` knows nothing but the address; `clients/shop.js` has the `.proto` files. The
//! server is then told to stop, as a service manager does, and the ledger it leaves behind is verified.
//!
//! `make test` installs what they need. `LEDGER_PYTHON` names the Python that has grpcio and
//! grpcio-reflection, cloudevents and confluent-kafka, `LEDGER_NODE_MODULES` the directory that has @grpc/grpc-js,
//! @grpc/proto-loader, @bufbuild/protobuf and cloudevents, `LEDGER_JAVA` the jars of protobuf-java-util and
//! cloudevents-kafka, `LEDGER_KAFKA` those of Kafka, `LEDGER_GO` where Go has its modules.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "clients/cloud.rs"]
mod cloud;
#[path = "clients/json.rs"]
mod json;
#[path = "clients/proofs.rs"]
mod proofs;

use expect_test::{Expect, expect};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A server on simulated time; killed if the test ends before it is stopped.
struct Server {
    child: Child,
    address: String,
    dir: TempDir,
}

impl Server {
    fn start() -> Server {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ledgerd"))
            .args(["serve", "--listen", "127.0.0.1:0", "--time", "simulated", "--data"])
            .arg(dir.path())
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .expect("ledgerd starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").expect("ledgerd says where it listens").to_owned();
        Server { child, address, dir }
    }

    /// Stops the server as a service manager does, and verifies the ledger.
    fn stop(mut self) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        assert!(self.child.wait().unwrap().success(), "ledgerd stops without complaint");
        let verified = Command::new(env!("CARGO_BIN_EXE_ledgerd"))
            .args(["verify", "--data"])
            .arg(self.dir.path())
            .output()
            .unwrap();
        assert!(verified.status.success(), "{}", said(&verified));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}", text(&output.stdout), text(&output.stderr))
}

/// Where `make` puts what it installs, unless the variable says otherwise.
fn installed(variable: &str, usual: &str) -> PathBuf {
    let cache = || match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) if !cache.is_empty() => PathBuf::from(cache),
        _ => PathBuf::from(std::env::var_os("HOME").expect("a home directory")).join(".cache"),
    };
    let path = std::env::var_os(variable).map_or_else(|| cache().join("points-ledger").join(usual), PathBuf::from);
    assert!(path.exists(), "{} is missing: run `make test`, which installs it, or set {variable}", path.display());
    path
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Go with the modules that are installed and no others.
fn go(arguments: &[&str]) -> Command {
    let (mut go, cache) = (Command::new("go"), installed("LEDGER_GO", "go"));
    go.env("GOMODCACHE", cache.join("mod")).env("GOCACHE", cache.join("build")).env("GOTOOLCHAIN", "local");
    go.env("GOFLAGS", "-mod=readonly").env("GOPROXY", "off").arg("-C").arg(here("tests/clients/go")).args(arguments);
    go
}

/// Runs a client to its end and compares what it found.
fn check(client: &mut Command, expected: &Expect) {
    let output = client.output().unwrap_or_else(|error| panic!("{client:?}: {error}"));
    assert!(output.status.success(), "{client:?}: {}\n{}", output.status, said(&output));
    expected.assert_eq(&String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_python_client_finds_its_way_by_reflection_alone() {
    let python = installed("LEDGER_PYTHON", "venv/bin/python");
    let server = Server::start();
    let expected = expect![[r#"
        grpc.health.v1.Health: Check Watch
        grpc.reflection.v1alpha.ServerReflection: ServerReflectionInfo
        ledger.v1.AuditService: GetTotals ListCounters ListCases ExplainEvent ExplainBalance GetCheckpoint GetInclusionProof GetConsistencyProof
        ledger.v1.EventService: Submit SubmitBatch SubmitStream GetOutcome
        ledger.v1.MemberService: GetMember BatchGetMembers ListRecords ReplayMember Quote
        ledger.v1.ProgramService: CheckProgram PublishProgram ListPrograms
        health of the server: SERVING
        health of ledger.v1.EventService: SERVING
        health of ledger.v1.AuditService: SERVING
        too early: refused NO_PROGRAM, perhaps later, available 0
          no program is published yet; publish one first
        broken program: INVALID_ARGUMENT ledger.v1 INVALID NOT_APPLIED
          text: line 21: earn[0].fixed: is -20; must be 0 to 1000000
        program: version 1, accepted at 2, earned 0, available 0 []
        enrol: accepted at 3, earned 20, available 20 [welcome:20:ADJUSTMENT_NONE]
        purchase: accepted at 4, earned 21, available 41 [cup:21:ADJUSTMENT_NONE]
        the same: again accepted at 4, earned 21, available 41 [cup:21:ADJUSTMENT_NONE]
        redeem: accepted at 5, earned 0, available 26 []
        redeem too much: refused NOT_ENOUGH_POINTS, perhaps later, available 26
          not enough points are available
        the id again: refused ID_REUSED, never, available 26
          this id was used before with a different body; send the event under a new id
        birthday: accepted at 10, earned 60, available 60 [cup:20:ADJUSTMENT_NONE birthday:40:ADJUSTMENT_NONE]
        invalid: INVALID_ARGUMENT ledger.v1 INVALID NOT_APPLIED
          event.id: must not be empty
          event.purchase.lines[1].net: is -1000000000001; must be -1000000000000 to 1000000000000
        invalid: INVALID_ARGUMENT ledger.v1 INVALID NOT_APPLIED
          event.body: unknown type; send one of those in event.proto
        nobody: NOT_FOUND ledger.v1 MEMBER_UNKNOWN NOT_APPLIED
        now: available 60 in 2 lots, guest, 8 records
        as of position 4: available 41
        as of the day before: available 20 at position 3
        replay 3 v1 enrolled, ISSUED>AVAILABLE 20 welcome = 20
        replay 4 v1 purchase, ISSUED>AVAILABLE 21 cup = 41
        replay 5 v1 redeem, AVAILABLE>REDEEMED 15 = 26
        replay 6 v1 redeem, refused NOT_ENOUGH_POINTS = 26
        replay 7 v1 redeem, refused ID_REUSED = 26
        replay 8 v1 TIMER_KIND_EXPIRY, AVAILABLE>EXPIRED 5 = 21
        replay 9 v1 TIMER_KIND_EXPIRY, AVAILABLE>EXPIRED 21 = 0
        replay 10 v1 purchase, ISSUED>AVAILABLE 20 cup, ISSUED>AVAILABLE 40 birthday = 60
        totals: {'ISSUED': -101, 'REDEEMED': 15, 'EXPIRED': 26, 'AVAILABLE': 60}, sum 0, 3 refused, 1 came again
    "#]];
    let script = here("tests/clients/reflection.py");
    check(Command::new(python).arg(script).arg(&server.address).arg(here("../programs/cafe.toml")), &expected);
    server.stop();
}

#[test]
fn a_node_client_streams_purchases_and_reads_their_records_to_the_end() {
    let modules = installed("LEDGER_NODE_MODULES", "node/node_modules");
    let server = Server::start();
    let expected = expect![[r#"
        {
          "version": 1,
          "tags": "b-0 b-1 b-2 b-3 b-4 b-5 b-6 b-7 b-8 b-9 b-10 b-11 b-3",
          "accepted": 1800,
          "earned": 1800,
          "ascending": true,
          "rules": "base ADJUSTMENT_NONE",
          "again": true,
          "names": true,
          "known": 25,
          "available": "72",
          "reached": true,
          "pages": 11,
          "records": 72,
          "complete": true,
          "cause": "event purchase",
          "unknown": "NOT_FOUND no such member"
        }
    "#]];
    let mut node = Command::new("node");
    node.env("NODE_PATH", modules).arg(here("tests/clients/shop.js")).arg(&server.address);
    check(node.arg(here("../proto")).arg(here("../programs/music.toml")), &expected);
    server.stop();
}
