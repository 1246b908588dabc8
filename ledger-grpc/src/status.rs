//! Status: what went wrong, as gRPC says it. The only file that makes a `tonic::Status`.
//!
//! [`NEWS`] is the one list of what may be said, from which `docs/errors.md` is made. One match per kind of failure,
//! without a catch-all where the kind is ours, so that a new failure does not compile until somebody has decided what
//! the caller should do. Every status has an
//! `ErrorInfo` with a stable reason and with `applied`: whether anything may have been recorded.

use crate::engine::Failure;
use crate::wire::{Invalid, VIOLATIONS_BYTES_MAX, shortened};
use ledger_core::event::Violation;
use ledger_store::{CommitError, Damage, ReadError, SubmitError};
use std::collections::HashMap;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// The domain of every reason.
pub const DOMAIN: &str = "ledger.v1";
/// The key in the metadata of `ErrorInfo` that says whether anything was recorded.
pub const APPLIED: &str = "applied";

/// Whether anything may have been recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Nothing was.
    No,
    /// It may have been: send the same ids again and learn which.
    Unknown,
}

impl Applied {
    /// As the metadata says it.
    pub fn name(self) -> &'static str {
        match self {
            Applied::No => "NOT_APPLIED",
            Applied::Unknown => "UNKNOWN",
        }
    }
}

/// One kind of bad news.
#[derive(Clone, Copy, Debug)]
pub struct StatusSpec {
    /// How gRPC calls it.
    pub code: Code,
    /// The stable reason.
    pub reason: &'static str,
    /// Whether anything may have been recorded.
    pub applied: Applied,
    /// When to come back, if coming back helps.
    pub retry: Option<Duration>,
    /// What it means, and what to do.
    pub about: &'static str,
}

impl StatusSpec {
    const fn new(code: Code, reason: &'static str) -> StatusSpec {
        StatusSpec { code, reason, applied: Applied::No, retry: None, about: "" }
    }

    const fn unknown(self) -> StatusSpec {
        StatusSpec { applied: Applied::Unknown, ..self }
    }

    const fn retry_ms(self, ms: u64) -> StatusSpec {
        StatusSpec { retry: Some(Duration::from_millis(ms)), ..self }
    }
}

macro_rules! news {
    ($($(#[doc = $about:literal])+ $name:ident: $news:expr;)*) => {
        $($(#[doc = $about])+ const $name: StatusSpec = StatusSpec { about: concat!($($about),+), ..$news };)*

        /// Every kind of bad news, with what it means to whoever asked.
        pub const NEWS: &[StatusSpec] = &[$($name),*];
    };
}

news! {
    /// A field breaks a limit; a `google.rpc.BadRequest` names each, with what to send instead. Mend the
    /// request: sent again as it is, it fails again.
    INVALID: StatusSpec::new(Code::InvalidArgument, "INVALID");
    /// There is no member of this name, or was none at the position or instant that was asked for.
    MEMBER_UNKNOWN: StatusSpec::new(Code::NotFound, "MEMBER_UNKNOWN");
    /// No event of this source and id was recorded: if it was ever sent, it may be sent now.
    OUTCOME_UNKNOWN: StatusSpec::new(Code::NotFound, "OUTCOME_UNKNOWN");
    /// The program in force has no wallet of this name, or no program is in force.
    WALLET_UNKNOWN: StatusSpec::new(Code::NotFound, "WALLET_UNKNOWN");
    /// The log does not go as far as the position that was asked for.
    RECORD_UNKNOWN: StatusSpec::new(Code::NotFound, "RECORD_UNKNOWN");
    /// What was said in a record that the answer speaks of is held back. What it did stands, in the balance too.
    CAUSE_HELD_BACK: StatusSpec::new(Code::NotFound, "CAUSE_HELD_BACK");
    /// The ledger did not get to the token in time. `position` in the metadata says how far it is. Ask again.
    POSITION_NOT_REACHED: StatusSpec::new(Code::FailedPrecondition, "POSITION_NOT_REACHED");
    /// The server has no key to sign checkpoints with, and none was signed over what is asked for. Its operator gives
    /// it one with `--checkpoint-key`.
    NO_CHECKPOINT: StatusSpec::new(Code::FailedPrecondition, "NO_CHECKPOINT");
    /// As many calls as the server allows are in progress. Come again after a moment.
    TOO_MANY_REQUESTS: StatusSpec::new(Code::ResourceExhausted, "TOO_MANY_REQUESTS").retry_ms(100);
    /// As many streams or replays as the server allows are open. Come again once one is over.
    TOO_MANY_STREAMS: StatusSpec::new(Code::ResourceExhausted, "TOO_MANY_STREAMS").retry_ms(1_000);
    /// There was no room among the events that wait for as long as a call waits. Come again after a moment.
    QUEUE_FULL: StatusSpec::new(Code::ResourceExhausted, "QUEUE_FULL").retry_ms(500);
    /// The answer does not fit into one message. Ask for less: fewer members, a shorter page.
    ANSWER_TOO_LARGE: StatusSpec::new(Code::ResourceExhausted, "ANSWER_TOO_LARGE");
    /// The deadline of the call passed before its events were queued, or while it read.
    DEADLINE: StatusSpec::new(Code::DeadlineExceeded, "DEADLINE");
    /// The deadline of the call passed while its events waited to be recorded. Send the same ids again.
    DEADLINE_QUEUED: StatusSpec::new(Code::DeadlineExceeded, "DEADLINE").unknown();
    /// The reader of a stream took nothing for 30 seconds. What it has read is so; ask for the rest.
    READER_TOO_SLOW: StatusSpec::new(Code::DeadlineExceeded, "READER_TOO_SLOW");
    /// Of a request nothing came for 5 seconds before all of it was there, or on a stream of events for 60. Nothing of
    /// it was taken. Send it again, or open the stream once there are events.
    SENDER_TOO_SLOW: StatusSpec::new(Code::DeadlineExceeded, "SENDER_TOO_SLOW");
    /// A page in a browser asks that is of a host that may not, or by such a name. The operator allows it with
    /// `--web-host`.
    HOST_NOT_ALLOWED: StatusSpec::new(Code::PermissionDenied, "HOST_NOT_ALLOWED");
    /// Time would jump: by the clock of the server, or where time follows the events, by one of these. Nothing of them
    /// was taken. A person has to put the clock or the event right, or to confirm that it is with `--clock-jump-ok`.
    CLOCK_JUMP: StatusSpec::new(Code::FailedPrecondition, "CLOCK_JUMP");
    /// The server is shutting down and takes nothing new. Come again, to the one that follows it.
    DRAINING: StatusSpec::new(Code::Unavailable, "DRAINING").retry_ms(1_000);
    /// The ledger has a program with words that are newer than this server: what is recorded can be read, and nothing
    /// can be judged, quoted or explained by it. A person has to start a newer server.
    PROGRAM_UNREADABLE: StatusSpec::new(Code::FailedPrecondition, "PROGRAM_UNREADABLE");
    /// The ledger has stopped; the log of the server says why. A person has to look.
    STOPPED: StatusSpec::new(Code::Unavailable, "STOPPED");
    /// The ledger stopped while events waited to be recorded. Send the same ids again once it is back.
    STOPPED_QUEUED: StatusSpec::new(Code::Unavailable, "STOPPED").unknown();
    /// The database could not read. The log of the server says why; a person has to look.
    STORE_FAILED: StatusSpec::new(Code::Internal, "STORE_FAILED");
    /// The database failed with events that were queued. Send the same ids again once it is mended.
    STORE_FAILED_QUEUED: StatusSpec::new(Code::Internal, "STORE_FAILED").unknown();
    /// A thread of the server died under the call; the log of the server says where. Send the same ids again.
    INTERRUPTED: StatusSpec::new(Code::Internal, "INTERRUPTED").unknown();
    /// What is stored is not what was written. `ledgerd verify` says where; a person has to look.
    CORRUPT: StatusSpec::new(Code::DataLoss, "CORRUPT");
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Status {
        let news = news(&failure);
        if matches!(news.code, Code::Internal | Code::DataLoss) {
            tracing::error!(reason = news.reason, %failure, "a call failed");
        }
        let mut metadata = HashMap::from([(APPLIED.to_owned(), news.applied.name().to_owned())]);
        if let Failure::PositionNotReached { committed, .. } = &failure {
            metadata.insert("position".to_owned(), committed.to_string());
        }
        let mut details = ErrorDetails::with_error_info(news.reason, DOMAIN, metadata);
        if news.retry.is_some() {
            details.set_retry_info(news.retry);
        }
        Status::with_error_details(news.code, shortened(failure.to_string()), details)
    }
}

impl From<Invalid> for Status {
    fn from(invalid: Invalid) -> Status {
        let message = match invalid.0.first() {
            Some(Violation { field, problem }) => shortened(format!("invalid request: {field} {problem}")),
            None => "invalid request".to_owned(),
        };
        let metadata = HashMap::from([(APPLIED.to_owned(), INVALID.applied.name().to_owned())]);
        let mut details = ErrorDetails::with_error_info(INVALID.reason, DOMAIN, metadata);
        let field = |one: Violation| FieldViolation::new(one.field, one.problem);
        let told = invalid.fitted(VIOLATIONS_BYTES_MAX);
        details.set_bad_request(told.into_iter().map(field).collect::<Vec<_>>());
        Status::with_error_details(INVALID.code, message, details)
    }
}

fn news(failure: &Failure) -> StatusSpec {
    match failure {
        Failure::TooManyRequests => TOO_MANY_REQUESTS,
        Failure::TooManyStreams => TOO_MANY_STREAMS,
        Failure::QueueFull => QUEUE_FULL,
        Failure::Deadline { queued: false } => DEADLINE,
        Failure::Deadline { queued: true } => DEADLINE_QUEUED,
        Failure::PositionNotReached { .. } => POSITION_NOT_REACHED,
        Failure::NoCheckpoint => NO_CHECKPOINT,
        Failure::SenderTooSlow => SENDER_TOO_SLOW,
        Failure::HostNotAllowed { .. } => HOST_NOT_ALLOWED,
        Failure::Draining => DRAINING,
        Failure::ReaderTooSlow => READER_TOO_SLOW,
        Failure::AnswerTooLarge { .. } => ANSWER_TOO_LARGE,
        Failure::MemberUnknown => MEMBER_UNKNOWN,
        Failure::OutcomeUnknown => OUTCOME_UNKNOWN,
        Failure::WalletUnknown => WALLET_UNKNOWN,
        Failure::RecordUnknown => RECORD_UNKNOWN,
        Failure::Submit(error) => submit_news(error),
        Failure::Commit(error) => commit_news(error),
        Failure::Read(error) => read_news(error),
        Failure::Unanswered => STOPPED_QUEUED,
        Failure::Interrupted => INTERRUPTED,
    }
}

fn submit_news(error: &SubmitError) -> StatusSpec {
    match error {
        SubmitError::Busy { .. } => QUEUE_FULL,
        SubmitError::Program(_) => PROGRAM_UNREADABLE,
        SubmitError::Stopped { .. } => STOPPED,
        _ => STORE_FAILED_QUEUED,
    }
}

/// Unless no program could judge them, or time would jump, the events had been queued: some of them may be durable.
fn commit_news(error: &CommitError) -> StatusSpec {
    match error {
        CommitError::Program(_) => PROGRAM_UNREADABLE,
        CommitError::Clock { .. } => CLOCK_JUMP,
        CommitError::Stopped { .. } => STOPPED_QUEUED,
        _ => STORE_FAILED_QUEUED,
    }
}

fn read_news(error: &ReadError) -> StatusSpec {
    match error {
        ReadError::Program(_) => PROGRAM_UNREADABLE,
        ReadError::Stopped { .. } => STOPPED,
        ReadError::CauseHeldBack { .. } => CAUSE_HELD_BACK,
        ReadError::Abandoned => DEADLINE,
        ReadError::Damage(Damage::Database(_)) => STORE_FAILED,
        ReadError::Damage(_) => CORRUPT,
        _ => STORE_FAILED,
    }
}
