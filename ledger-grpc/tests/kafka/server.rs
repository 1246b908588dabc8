//! `ledgerd serve` as a process, and what it says of itself.

use crate::broker::{Broker, signal, until};
use ledger_grpc::proto::audit_service_client::AuditServiceClient;
use ledger_grpc::proto::{GetTotalsRequest, GetTotalsResponse};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tonic::transport::Channel;

pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    pub(crate) address: String,
    metrics: String,
}

/// How `ledgerd serve` is run.
pub(crate) struct Run<'a> {
    pub(crate) dir: &'a Path,
    /// The text of the file that says how it is fed.
    pub(crate) kafka: Option<&'a str>,
    /// More words of the command line.
    pub(crate) more: &'a [String],
}

pub(crate) fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/community.toml")
}

impl Server {
    pub(crate) fn start(run: &Run<'_>) -> Server {
        std::fs::create_dir_all(run.dir).unwrap();
        let log = run.dir.join("ledgerd.log");
        let mut command = Command::new("bash");
        // A quota that is reached is a failed write, as on a full disk, and no signal; what it says goes
        // through a pipe, which has no quota.
        let script = format!("trap '' XFSZ; exec \"$0\" \"$@\" 2> >(exec cat >>'{}')", log.display());
        command.args(["-c", &script, env!("CARGO_BIN_EXE_ledgerd")]);
        command.args(["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data"]);
        command.arg(run.dir.join("ledger")).arg("--program").arg(program()).args(run.more);
        if let Some(kafka) = run.kafka {
            let file = run.dir.join("kafka.toml");
            std::fs::write(&file, kafka).unwrap();
            command.arg("--kafka").arg(file);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut address = |what: &str| {
            let line = said.next().unwrap_or_else(|| panic!("ledgerd ended: {}", last_words(&log)));
            line.strip_prefix(what).expect("ledgerd says where it listens").to_owned()
        };
        let metrics = address("metrics on ");
        let address = format!("http://{}", address("listening on "));
        Server { child, log, address, metrics }
    }

    /// Everything it tells Prometheus, by name and labels.
    pub(crate) fn figures(&self) -> BTreeMap<String, f64> {
        let mut connection = TcpStream::connect(&self.metrics).unwrap();
        connection.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
        let mut told = String::new();
        connection.read_to_string(&mut told).unwrap();
        let (head, body) = told.split_once("\r\n\r\n").expect("an answer");
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        let figure = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        body.lines().filter(|line| !line.starts_with('#')).filter_map(figure).collect()
    }

    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.figures().get(name).copied().unwrap_or_default()
    }

    /// PendingUntil until it has so many durable records.
    pub(crate) fn reaches(&self, records: u64) {
        until(&format!("the ledger has {records} records; it has {}", self.figure("ledger_position")), || {
            (self.figure("ledger_position") >= records as f64).then_some(())
        });
    }

    /// From now on it cannot make a file longer, as on a full disk.
    pub(crate) fn may_not_write(&self) {
        let pid = self.child.id().to_string();
        let told = Command::new("prlimit").args(["--fsize=4096", "--pid", &pid]).status().unwrap();
        assert!(told.success(), "prlimit");
    }

    /// Stops it as an operator does; answers whether it ended well.
    pub(crate) fn stop(mut self) -> bool {
        signal(&self.child, "TERM");
        self.child.wait().unwrap().success()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) async fn connect(&self) -> Channel {
        Channel::from_shared(self.address.clone()).unwrap().connect().await.expect("the server listens")
    }

    pub(crate) async fn totals(&self) -> GetTotalsResponse {
        let mut audit = AuditServiceClient::new(self.connect().await);
        audit.get_totals(GetTotalsRequest::default()).await.unwrap().into_inner()
    }
}

fn last_words(log: &Path) -> String {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let last: Vec<&str> = log.lines().rev().take(40).collect();
    last.into_iter().rev().collect::<Vec<_>>().join("\n")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("ledgerd's last words:\n{}", last_words(&self.log));
        }
    }
}

/// Folds the whole log again and compares; answers what `ledgerd verify --json` says.
pub(crate) fn verify(dir: &Path) -> serde_json::Value {
    let told = Command::new(env!("CARGO_BIN_EXE_ledgerd"))
        .args(["verify", "--json", "--data"])
        .arg(dir.join("ledger"))
        .output()
        .unwrap();
    assert!(
        told.status.success(),
        "{}{}",
        String::from_utf8_lossy(&told.stdout),
        String::from_utf8_lossy(&told.stderr)
    );
    serde_json::from_slice(&told.stdout).expect("verify answers in JSON")
}

/// How a ledger is fed from a broker.
pub(crate) fn config(broker: &Broker, group: &str, more: &str) -> String {
    format!(
        "brokers = \"{}\"\ngroup = \"{group}\"\ninstance = \"ledger\"\ndead_letters = \"dead\"\n\
         outbox = {{ topic = \"outcomes\" }}\n[properties]\n\"session.timeout.ms\" = 2000\n\
         \"heartbeat.interval.ms\" = 300\n\"reconnect.backoff.max.ms\" = 200\n{more}",
        broker.address()
    )
}
