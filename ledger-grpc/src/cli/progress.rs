//! Progress: a bar on a terminal, a plain line now and then elsewhere; always on stderr.

use super::local::grouped;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How long a plain line is enough.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// How far some work has got.
pub(super) struct Progress {
    what: &'static str,
    bar: Option<ProgressBar>,
    total: Option<u64>,
    told: Instant,
}

impl Progress {
    /// Of so many bytes.
    pub(super) fn of_bytes(what: &'static str, total: u64) -> Progress {
        Progress::new(what, Some(total), "{msg} {bar:32} {percent:>3} %  {bytes} of {total_bytes}, {eta} left")
    }

    /// Of so many events.
    pub(super) fn of_events(what: &'static str, total: u64) -> Progress {
        Progress::new(what, Some(total), "{msg} {bar:32} {percent:>3} %  {human_pos} of {human_len}")
    }

    /// Of nobody knows how many records.
    pub(super) fn of_records(what: &'static str) -> Progress {
        Progress::new(what, None, "{msg} {spinner} {human_pos} records, {per_sec}")
    }

    fn new(what: &'static str, total: Option<u64>, template: &str) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let style = ProgressStyle::with_template(template).expect("the template is written above");
            bar.with_style(style).with_message(what)
        });
        Progress { what, bar, total, told: Instant::now() }
    }

    /// So much is done.
    pub(super) fn at(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            return bar.set_position(done);
        }
        if self.told.elapsed() < BETWEEN_LINES {
            return;
        }
        self.told = Instant::now();
        match self.total {
            Some(total) => eprintln!("{}: {} %", self.what, done.min(total) * 100 / total.max(1)),
            None => eprintln!("{}: {} records", self.what, grouped(done)),
        }
    }

    /// All is done.
    pub(super) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
