//! Jumps: one wrong year in a file of history moves the time at which all behind it is judged. So a jump that is
//! further than the file should have is told before anything behind it is judged; and what was judged late is counted.

use super::super::local::grouped;
use super::super::open::Clock;
use super::rows::Row;
use ledger_core::event::{Body, Event, Name};
use ledger_core::units::{At, DAY_MS};
use ledger_grpc::instant;

/// How far apart two rows may be that follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct MaxJump(Option<i64>);

impl MaxJump {
    /// Reads `63d` or `none`.
    pub(super) fn read(text: &str) -> Result<MaxJump, String> {
        if text == "none" {
            return Ok(MaxJump(None));
        }
        let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| (1..=36_500).contains(days));
        days.map(|days| MaxJump(Some(days))).ok_or_else(|| "write 1d to 36500d, or none".to_owned())
    }
}

/// A row that is too far from those before it.
pub(super) struct Jump {
    /// When it happened.
    pub(super) at: At,
    /// What is the matter.
    told: String,
    /// It lies ahead, and the first row was not judged yet that may be wrong itself.
    pub(super) ahead: bool,
}

impl Jump {
    /// What to say, once it is known how many of the rows behind it lie before it.
    pub(super) fn told(&self, behind: u64) -> String {
        let Jump { told, ahead, .. } = self;
        let of_those = match (ahead, behind) {
            (false, _) => String::new(),
            (true, 0) => ". No row behind it lies before it".to_owned(),
            (true, 1) => ". 1 row behind it lies before it, and would be judged late".to_owned(),
            (true, rows) => format!(". {} rows behind it lie before it, and would be judged late", grouped(rows)),
        };
        format!("{told}{of_those}; mend the time, sort the file, or give a larger --max-jump, or none, if it is right")
    }
}

/// The time of the rows read so far.
pub(super) struct Course {
    max_jump: MaxJump,
    /// Whether ledger time follows the rows.
    follows: bool,
    /// The latest instant so far, and the line that says it: 0 if the ledger does.
    latest: Option<(At, u64)>,
    /// The time at which rows are judged that do not move it.
    now: At,
    /// How late things may be told and come to the same.
    late_ms: i64,
    /// How many rows were later than that.
    pub(super) late: u64,
    /// The first of them.
    pub(super) first_late: u64,
    /// The most milliseconds between what happened and when it was judged.
    pub(super) latest_ms: i64,
}

impl Course {
    /// Begins at the time of the ledger.
    pub(super) fn new(max_jump: MaxJump, clock: Clock, now: At, late_days: i32) -> Course {
        let follows = clock != Clock::Wall;
        // A ledger that has no more than its first program stands at no time yet.
        let latest = (follows && now.0 > 0).then_some((now, 0));
        let late_ms = i64::from(late_days) * DAY_MS;
        Course { max_jump, follows, latest, now, late_ms, late: 0, first_late: 0, latest_ms: 0 }
    }

    /// Whether the latest instant so far is that of a row, and which.
    pub(super) fn latest_line(&self) -> u64 {
        self.latest.map_or(0, |(_, line)| line)
    }

    /// Goes on to a row, unless it is too far.
    pub(super) fn take(&mut self, row: &Row) -> Option<Jump> {
        let event = row.event.as_ref().ok()?;
        if let Body::Tick(tick) = &event.body {
            self.reach(tick.up_to, row.line);
            return None;
        }
        if event.member.is_empty() {
            return None;
        }
        let at = event.occurred_at;
        if let Some(jump) = self.jump(row.line, at) {
            return Some(jump);
        }
        self.reach(at, row.line);
        let judged_at = if self.follows { self.latest.map_or(at, |(latest, _)| latest) } else { self.now };
        let late = judged_at.0.saturating_sub(at.0);
        if late > self.late_ms {
            self.late += 1;
            self.first_late = if self.late == 1 { row.line } else { self.first_late };
            self.latest_ms = self.latest_ms.max(late);
        }
        None
    }

    fn reach(&mut self, at: At, line: u64) {
        if self.latest.is_none_or(|(latest, _)| latest < at) {
            self.latest = Some((at, line));
        }
    }

    fn jump(&self, line: u64, at: At) -> Option<Jump> {
        let (MaxJump(Some(days)), Some((latest, said_on)), true) = (self.max_jump, self.latest, self.follows) else {
            return None;
        };
        let apart = at.0.saturating_sub(latest.0);
        // What is older than all that the ledger has may have come before, as in a file that is longer than the last.
        if apart.abs() <= days * DAY_MS || (apart < 0 && said_on == 0) {
            return None;
        }
        let (ahead, shown) = (apart > 0, instant::show(latest));
        let way = if ahead { "ahead of" } else { "before" };
        let other =
            if said_on == 0 { format!("the ledger's time {shown}") } else { format!("line {said_on}, {shown}") };
        let (apart, at_text) = (grouped(apart.abs() / DAY_MS), instant::show(at));
        let told = format!("line {line}: {at_text} is {apart} days {way} {other}: further than --max-jump {days}d");
        Some(Jump { at, told, ahead })
    }
}

/// Whether a row behind a jump lies before it.
pub(super) fn lies_before(event: &Event<Name>, at: At) -> bool {
    !event.member.is_empty() && event.occurred_at < at
}
