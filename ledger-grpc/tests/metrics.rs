//! What Prometheus meets: `ledgerd serve --metrics`, among callers who hold connections and say nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a scrape may take, whatever else goes on.
const SOON: Duration = Duration::from_secs(1);

struct Server {
    child: Child,
    metrics: String,
    // It says more than is read here, and ends if nobody listens.
    _said: BufReader<ChildStdout>,
    _dir: TempDir,
}

impl Server {
    fn start() -> Server {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ledgerd"))
            .args(["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data"])
            .arg(dir.path())
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .expect("ledgerd starts");
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let metrics = line.trim().strip_prefix("metrics on ").expect("ledgerd says where they are").to_owned();
        Server { child, metrics, _said: said, _dir: dir }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.metrics).unwrap()
    }

    /// Says something, and hears everything until the server closes.
    fn ask(&self, request: &str) -> Answer {
        let mut connection = self.connect();
        connection.set_read_timeout(Some(SOON)).unwrap();
        // A server that has heard enough may close before all of it is said.
        let _ = connection.write_all(request.as_bytes());
        let mut told = Vec::new();
        let heard = connection.read_to_end(&mut told);
        let told = String::from_utf8(told).unwrap();
        let (head, body) = told.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {told:?}, {heard:?}"));
        Answer { head: head.to_lowercase(), body: body.to_owned() }
    }

    fn scrape(&self) -> Answer {
        let start = Instant::now();
        let answer = self.ask("GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(answer.status(), "200");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        let of = |line: &'_ str| line.split_once(": ").is_some_and(|(one, _)| one == name);
        let line = self.head.lines().find(|line| of(line)).unwrap_or_else(|| panic!("no {name}: {}", self.head));
        line.split_once(": ").unwrap().1
    }
}

#[test]
fn callers_who_say_nothing_or_half_a_request_stop_no_scrape() {
    let server = Server::start();
    let mut held = Vec::new();
    for n in 0..200 {
        let mut connection = server.connect();
        match n % 4 {
            0 => {}
            1 => connection.write_all(b"GET /met").unwrap(),
            2 => connection.write_all(b"GET /metrics HTTP/1.1\r\nhost: te").unwrap(),
            // A whole request, whose answer nobody reads.
            _ => connection.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n").unwrap(),
        }
        held.push(connection);
    }
    for _ in 0..20 {
        server.scrape();
    }
    // They are not held for ever: what has been silent for some seconds is over.
    let last_but_one = held.iter_mut().rev().nth(1).unwrap();
    last_but_one.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut told = Vec::new();
    let _ = last_but_one.read_to_end(&mut told);
    assert!(!told.starts_with(b"HTTP/1.1 200"), "half a request is not answered");
    server.scrape();
}

#[test]
fn a_request_that_is_too_large_is_refused_and_the_next_is_answered() {
    let server = Server::start();
    let long = server.ask(&format!("GET /metrics HTTP/1.1\r\nhost: test\r\nlong: {}\r\n\r\n", "x".repeat(100_000)));
    assert_eq!(long.status(), "431", "{}", long.head);
    let many: String = (0..500).map(|n| format!("h{n}: x\r\n")).collect();
    let many = server.ask(&format!("GET /metrics HTTP/1.1\r\nhost: test\r\n{many}\r\n"));
    assert_eq!(many.status(), "431", "{}", many.head);
    assert_eq!(server.ask("what is this\r\n\r\n").status(), "400");
    server.scrape();
}

#[test]
fn what_is_no_scrape_is_told_what_to_do() {
    let server = Server::start();
    let head = server.ask("HEAD /metrics HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!((head.status(), head.body.as_str()), ("200", ""));
    assert!(head.header("content-length").parse::<usize>().unwrap() > 100, "of what GET would tell");
    let elsewhere = server.ask("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!((elsewhere.status(), elsewhere.body.as_str()), ("404", "here is only /metrics\n"));
    let posted = server.ask("POST /metrics HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n");
    assert_eq!((posted.status(), posted.body.as_str()), ("405", "send GET or HEAD\n"));
    assert_eq!(posted.header("allow"), "get, head");
    // Some collectors add parameters.
    assert_eq!(server.ask("GET /metrics?collect=all HTTP/1.1\r\nhost: test\r\n\r\n").status(), "200");
}

/// Every line as the text format 0.0.4 has it: help, type, then figures of that name.
#[test]
fn the_figures_are_in_the_text_format() {
    let server = Server::start();
    let told = server.scrape();
    assert_eq!(told.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(told.body.ends_with('\n'));
    let (mut helped, mut typed, mut names) = (String::new(), String::new(), Vec::new());
    for line in told.body.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            helped = help.split_once(' ').expect("a help").0.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}");
            assert_eq!(name, helped);
            typed = name.to_owned();
        } else {
            let (name, value) = line.split_once(' ').expect("a figure");
            assert_eq!(name, typed);
            assert!(value.parse::<f64>().is_ok(), "{line}");
            names.push(name.to_owned());
        }
    }
    let expected = [
        "serving",
        "position",
        "snapshot_position",
        "members",
        "duplicates_total",
        "queue_events",
        "disk_bytes",
        "clock_jump_seconds",
        "clock_jump_batches_total",
    ];
    assert_eq!(names, expected.map(|name| format!("ledger_{name}")));
}
