//! Benches: the measures the goals are stated in, in one run on one machine.
//!
//! Every measure is taken three times and told as the median with its range; raw figures go to a CSV
//! file. A busy machine is refused: beside two compilers one flush takes thirty times as long.
//! `benches --help` names the measures; `benches/runs/` keeps dated runs.

mod grpc;
mod kafka;
mod proofs;
mod rules;
mod store;
mod workload;

use std::fmt::Write as _;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: heap::Heap = heap::Heap;

const HELP: &str = "benches [MEASURE…] [--members N] [--events N] [--runs N] [--busy] [--csv FILE]

measures: core rules commit reads proofs replay grpc (all, if none is named); kafka
  --members N   members, uniform (1000000); of `core` and `rules`, at most 100000
  --events N    events per batch size of `commit` (4000000); of `rules`, at most 300000
  --backlog N   messages of `kafka` (5000000)
  --runs N      repetitions; the median is told (3)
  --busy        measure although the machine is busy
  --csv FILE    where raw figures go";

/// What to measure, and how much of it.
pub(crate) struct Plan {
    pub(crate) members: u64,
    pub(crate) events: u64,
    pub(crate) backlog: u64,
    runs: usize,
    measures: Vec<String>,
    csv: Option<String>,
}

/// One figure of one run.
pub(crate) struct Figure {
    measure: String,
    value: f64,
    unit: &'static str,
}

/// Figures as they come.
#[derive(Default)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    pub(crate) fn add(&mut self, measure: impl Into<String>, value: f64, unit: &'static str) {
        let measure = measure.into();
        eprintln!("  {measure}: {} {unit}", show(value));
        self.0.push(Figure { measure, value, unit });
    }

    /// Rate of `count` in `time`.
    pub(crate) fn rate(&mut self, measure: impl Into<String>, count: u64, time: Duration) {
        self.add(measure, count as f64 / time.as_secs_f64(), "/s");
    }

    /// Median and 99th percentile of single times, in microseconds.
    pub(crate) fn latency(&mut self, measure: &str, mut times: Vec<Duration>) {
        times.sort_unstable();
        for (name, at) in [("p50", 50), ("p99", 99)] {
            if let Some(time) = times.get((times.len() * at / 100).min(times.len().saturating_sub(1))) {
                self.add(format!("{measure} {name}"), time.as_secs_f64() * 1e6, "us");
            }
        }
    }
}

fn main() {
    heap::tune();
    let plan = plan().unwrap_or_else(|problem| {
        eprintln!("{problem}\n\n{HELP}");
        std::process::exit(2);
    });
    let wants =
        |measure: &str| plan.measures.is_empty() || plan.measures.iter().any(|item_request| item_request == measure);
    let mut runs: Vec<Figures> = Vec::new();
    for run in 1..=plan.runs {
        eprintln!("run {run} of {}", plan.runs);
        let mut figures = Figures::default();
        if wants("core") {
            store::core(&plan, &mut figures);
        }
        if wants("rules") {
            rules::rules(&plan, &mut figures);
        }
        if wants("commit") || wants("reads") || wants("proofs") || wants("replay") {
            store::store(&plan, &wants, &mut figures);
        }
        if wants("grpc") {
            grpc::grpc(&plan, &mut figures);
        }
        if plan.measures.iter().any(|item_request| item_request == "kafka") {
            kafka::kafka(&plan, &mut figures);
        }
        runs.push(figures);
    }
    report(&plan, &runs);
}

fn plan() -> Result<Plan, String> {
    let (members, events, backlog) = (1_000_000, 4_000_000, 5_000_000);
    let mut plan = Plan { members, events, backlog, runs: 3, measures: Vec::new(), csv: None };
    let mut busy = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text:?} is no number"));
        match arg.as_str() {
            "--members" => plan.members = number(value()?)?.max(1),
            "--events" => plan.events = number(value()?)?.max(10_000),
            "--backlog" => plan.backlog = number(value()?)?.max(10_000),
            "--runs" => plan.runs = number(value()?)?.max(1) as usize,
            "--csv" => plan.csv = Some(value()?),
            "--busy" => busy = true,
            "core" | "rules" | "commit" | "reads" | "proofs" | "replay" | "grpc" | "kafka" => plan.measures.push(arg),
            "--help" => {
                println!("{HELP}");
                std::process::exit(0);
            }
            _ => return Err(format!("{arg:?} is not understood")),
        }
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0);
    if load > 0.7 && !busy {
        return Err(format!("the machine is busy (load {load}); wait, or measure all the same with --busy"));
    }
    eprintln!("load {load} at the start");
    Ok(plan)
}

fn report(plan: &Plan, runs: &[Figures]) {
    let Some(first) = runs.first() else { return };
    let mut csv = String::from("measure,unit,run,value\n");
    println!("{:<52} {:>12} {:>25}", "measure", "median", "range");
    for (at, figure) in first.0.iter().enumerate() {
        let mut values: Vec<f64> = Vec::new();
        for (run, figures) in runs.iter().enumerate() {
            if let Some(same) = figures.0.get(at) {
                values.push(same.value);
                let _ = writeln!(csv, "\"{}\",{},{},{}", same.measure, same.unit, run + 1, same.value);
            }
        }
        values.sort_by(f64::total_cmp);
        let median = values[values.len() / 2];
        let range = format!("{} – {}", show(values[0]), show(values[values.len() - 1]));
        println!("{:<52} {:>12} {:>25} {}", figure.measure, show(median), range, figure.unit);
    }
    if let Some(path) = &plan.csv
        && let Err(error) = std::fs::write(path, csv)
    {
        eprintln!("cannot write {path}: {error}");
    }
}

fn show(value: f64) -> String {
    if value >= 100.0 {
        let digits = format!("{value:.0}");
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(' ');
            }
            out.push(digit);
        }
        out
    } else {
        format!("{value:.2}")
    }
}
