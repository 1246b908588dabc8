//! Failure: why a call got no answer.

use ledger_core::units::Position;
use ledger_store::{CommitError, ReadError, SubmitError};

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// As many calls as allowed are in progress.
    #[error("too many requests are in progress")]
    TooManyRequests,
    /// Nothing came of a request's message, or of a stream, for too long.
    #[error("the sender of the request is too slow")]
    SenderTooSlow,
    /// A page of the web asks that is none of those who may, or by a name that is none of this server's.
    #[error("pages of {host:?} may not ask here")]
    HostNotAllowed {
        /// Whose page it is, or by which name it asks.
        host: String,
    },
    /// As many streams or replays as allowed are open.
    #[error("too many streams are open")]
    TooManyStreams,
    /// There was no room in the queue for as long as a call waits.
    #[error("the queue of events is full")]
    QueueFull,
    /// The deadline of the call passed.
    #[error("the deadline of the call passed")]
    Deadline {
        /// Whether events were queued by then.
        queued: bool,
    },
    /// The log did not get to the position that was asked for.
    #[error("the ledger is at position {committed} and has not reached {item_request}")]
    PositionNotReached {
        /// What was asked for.
        item_request: Position,
        /// What is durable.
        committed: Position,
    },
    /// Nothing is signed here, or not over what was asked for.
    #[error("no checkpoint is signed over what is asked for: the server has no checkpoint key")]
    NoCheckpoint,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Draining,
    /// The reader of a stream took nothing for too long.
    #[error("the reader of the stream is too slow")]
    ReaderTooSlow,
    /// The answer does not fit into a message.
    #[error("the answer has {bytes} bytes, which do not fit into one message; ask for less")]
    AnswerTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// There is no member of this name, or was none then.
    #[error("no such member")]
    MemberUnknown,
    /// The program in force has no wallet of this name, or there is none in force.
    #[error("no such wallet")]
    WalletUnknown,
    /// The log does not go that far.
    #[error("there is no record at this position yet")]
    RecordUnknown,
    /// No event of this source and id was recorded.
    #[error("no event of this source and id was recorded")]
    OutcomeUnknown,
    /// The store did not take the events.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The store took the events and could not commit them.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store could not read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store let go of the events without a word.
    #[error("the ledger stopped before it answered")]
    Unanswered,
    /// A thread of this server died.
    #[error("a thread of the server died; its log says why")]
    Interrupted,
}

impl Failure {
    /// The same, in a call whose events had been queued: they may be recorded.
    pub fn once_queued(self) -> Failure {
        match self {
            Failure::Deadline { .. } => Failure::Deadline { queued: true },
            Failure::Submit(_) | Failure::Commit(_) | Failure::Unanswered | Failure::Interrupted => self,
            _ => Failure::Unanswered,
        }
    }
}
