//! Status: what went wrong, as gRPC says it. The only file that makes a `tonic::Status`.
//!
//! One match per kind of bad news, without a catch-all where the kind is ours, so that a new failure
//! does not compile until somebody has decided what the caller should do. Every status has an
//! `ErrorInfo` with a stable reason and with `applied`: whether anything may have been recorded.

use crate::engine::Failure;
use crate::wire::Invalid;
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
    fn name(self) -> &'static str {
        match self {
            Applied::No => "NOT_APPLIED",
            Applied::Unknown => "UNKNOWN",
        }
    }
}

/// One kind of bad news.
struct StatusSpec {
    code: Code,
    reason: &'static str,
    applied: Applied,
    /// When to come back, if coming back helps.
    retry: Option<Duration>,
}

impl StatusSpec {
    const fn new(code: Code, reason: &'static str) -> StatusSpec {
        StatusSpec { code, reason, applied: Applied::No, retry: None }
    }

    const fn unknown(self) -> StatusSpec {
        StatusSpec { applied: Applied::Unknown, ..self }
    }

    const fn retry_ms(self, ms: u64) -> StatusSpec {
        StatusSpec { retry: Some(Duration::from_millis(ms)), ..self }
    }
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
        Status::with_error_details(news.code, failure.to_string(), details)
    }
}

impl From<Invalid> for Status {
    fn from(invalid: Invalid) -> Status {
        let message = match invalid.0.first() {
            Some(Violation { field, problem }) => format!("invalid request: {field} {problem}"),
            None => "invalid request".to_owned(),
        };
        let metadata = HashMap::from([(APPLIED.to_owned(), Applied::No.name().to_owned())]);
        let mut details = ErrorDetails::with_error_info("INVALID", DOMAIN, metadata);
        let field = |one: Violation| FieldViolation::new(one.field, one.problem);
        details.set_bad_request(invalid.0.into_iter().map(field).collect::<Vec<_>>());
        Status::with_error_details(Code::InvalidArgument, message, details)
    }
}

fn news(failure: &Failure) -> StatusSpec {
    match failure {
        Failure::TooManyRequests => StatusSpec::new(Code::ResourceExhausted, "TOO_MANY_REQUESTS").retry_ms(100),
        Failure::TooManyStreams => StatusSpec::new(Code::ResourceExhausted, "TOO_MANY_STREAMS").retry_ms(1_000),
        Failure::QueueFull => StatusSpec::new(Code::ResourceExhausted, "QUEUE_FULL").retry_ms(500),
        Failure::Deadline { queued: false } => StatusSpec::new(Code::DeadlineExceeded, "DEADLINE"),
        Failure::Deadline { queued: true } => StatusSpec::new(Code::DeadlineExceeded, "DEADLINE").unknown(),
        Failure::PositionNotReached { .. } => StatusSpec::new(Code::FailedPrecondition, "POSITION_NOT_REACHED"),
        Failure::Draining => StatusSpec::new(Code::Unavailable, "DRAINING").retry_ms(1_000),
        Failure::ReaderTooSlow => StatusSpec::new(Code::DeadlineExceeded, "READER_TOO_SLOW"),
        Failure::AnswerTooLarge { .. } => StatusSpec::new(Code::ResourceExhausted, "ANSWER_TOO_LARGE"),
        Failure::MemberUnknown => StatusSpec::new(Code::NotFound, "MEMBER_UNKNOWN"),
        Failure::OutcomeUnknown => StatusSpec::new(Code::NotFound, "OUTCOME_UNKNOWN"),
        Failure::WalletUnknown => StatusSpec::new(Code::NotFound, "WALLET_UNKNOWN"),
        Failure::RecordUnknown => StatusSpec::new(Code::NotFound, "RECORD_UNKNOWN"),
        Failure::Submit(error) => submit_news(error),
        Failure::Commit(error) => commit_news(error),
        Failure::Read(error) => read_news(error),
        Failure::Unanswered => StatusSpec::new(Code::Unavailable, "STOPPED").unknown(),
        Failure::Interrupted => StatusSpec::new(Code::Internal, "INTERRUPTED").unknown(),
    }
}

fn submit_news(error: &SubmitError) -> StatusSpec {
    match error {
        SubmitError::Busy { .. } => StatusSpec::new(Code::ResourceExhausted, "QUEUE_FULL").retry_ms(500),
        SubmitError::Stopped { .. } => StatusSpec::new(Code::Unavailable, "STOPPED"),
        _ => StatusSpec::new(Code::Internal, "STORE_FAILED").unknown(),
    }
}

/// Whatever it was, the events had been queued: some of them may be durable.
fn commit_news(error: &CommitError) -> StatusSpec {
    match error {
        CommitError::Stopped { .. } => StatusSpec::new(Code::Unavailable, "STOPPED").unknown(),
        _ => StatusSpec::new(Code::Internal, "STORE_FAILED").unknown(),
    }
}

fn read_news(error: &ReadError) -> StatusSpec {
    match error {
        ReadError::Stopped { .. } => StatusSpec::new(Code::Unavailable, "STOPPED"),
        ReadError::Damage(Damage::Database(_)) => StatusSpec::new(Code::Internal, "STORE_FAILED"),
        ReadError::Damage(_) => StatusSpec::new(Code::DataLoss, "CORRUPT"),
        _ => StatusSpec::new(Code::Internal, "STORE_FAILED"),
    }
}
