//! Limits: how much the server takes on at once, of all together and of each who asks.

use std::time::Duration;

/// Of the file handles of the process, so many are the store's at the least.
const STORE_HANDLES_MIN: usize = 96;

/// How much the server takes on at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls in progress. What is more is refused before its message is read.
    pub requests_max: usize,
    /// Calls in progress from one address: fewer than all, so that others have places.
    pub peer_requests_max: usize,
    /// Open streams of events.
    pub streams_max: usize,
    /// Open streams of events from one address.
    pub peer_streams_max: usize,
    /// Open streams of events on one connection.
    pub connection_streams_max: usize,
    /// Batches of one stream that are queued and not yet answered.
    pub stream_batches_max: usize,
    /// Room for events on their way into the store, in begun KiB of each; no more than the store
    /// queues.
    pub queue_max: usize,
    /// How long a call may take if its caller sets no deadline, or a later one. Streams may take
    /// longer.
    pub call_wait: Duration,
    /// How long one call waits for room in the queue. Where none came for so long, the next calls are refused before
    /// their messages are read.
    pub queue_wait: Duration,
    /// Reads of the log at once; each has a thread of its own. As many look-ups by id have places beside them.
    pub log_reads_max: usize,
    /// Replays at once; each has a thread of its own.
    pub replays_max: usize,
    /// How long a read waits for what its token rests on.
    pub position_wait: Duration,
    /// How long the reader of a stream may take for one message.
    pub reader_wait: Duration,
    /// How long the sender of a request may say nothing before all of it is there.
    pub sender_wait: Duration,
    /// How long a stream of events may say nothing.
    pub stream_idle: Duration,
    /// Largest request, in bytes after decompression.
    pub message_bytes_max: usize,
    /// Connections that have said what they speak.
    pub connections_max: usize,
    /// Those from one address.
    pub peer_connections_max: usize,
    /// Connections that have not: where there are more, the oldest makes room for the next.
    pub silent_max: usize,
    /// How long a connection may take to say what it speaks.
    pub handshake_wait: Duration,
    /// Calls in progress on one connection; more wait at the client. A quarter of all, so that a few connections
    /// never take every place.
    pub connection_requests_max: u32,
    /// After so long without a word a connection is asked whether it lives, and closed if it does not
    /// answer for as long again.
    pub keepalive: Duration,
    /// How long a shutdown waits for callers to take their answers.
    pub drain_wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            requests_max: 2_048,
            peer_requests_max: 1_536,
            streams_max: 256,
            peer_streams_max: 192,
            connection_streams_max: 64,
            stream_batches_max: 8,
            queue_max: 65_536,
            call_wait: Duration::from_secs(60),
            queue_wait: Duration::from_millis(25),
            log_reads_max: 16,
            replays_max: 8,
            position_wait: Duration::from_secs(5),
            reader_wait: Duration::from_secs(30),
            sender_wait: Duration::from_secs(5),
            stream_idle: Duration::from_secs(60),
            message_bytes_max: 4 << 20,
            connections_max: 4_096,
            peer_connections_max: 3_072,
            silent_max: 256,
            handshake_wait: Duration::from_secs(5),
            connection_requests_max: 512,
            keepalive: Duration::from_secs(20),
            drain_wait: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The same, for a process that may have so many file handles. Half of them, and 96 at the least, are the store's,
    /// which stops where it gets none; of the others half are for connections, a quarter for those that have said
    /// nothing yet, and a quarter for all else.
    pub fn within(self, handles: usize) -> Limits {
        let free = handles.saturating_sub(STORE_HANDLES_MIN.max(handles / 2));
        let connections_max = self.connections_max.min(free / 2);
        let peer_connections_max = self.peer_connections_max.min((connections_max * 3).div_ceil(4));
        Limits { connections_max, peer_connections_max, silent_max: self.silent_max.min(free / 4), ..self }
    }

    /// How many of so many file handles are neither the store's nor for callers.
    pub fn spare(handles: usize) -> usize {
        handles.saturating_sub(STORE_HANDLES_MIN.max(handles / 2)) / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_callers_may_have_the_store_keeps_its_handles() {
        for handles in [0, 16, 96, 160, 256, 1_024, 65_536, 1 << 20] {
            let limits = Limits::default().within(handles);
            let callers = limits.connections_max + limits.silent_max + Limits::spare(handles);
            assert!(callers <= handles / 2 && callers <= handles.saturating_sub(96), "{handles}: {limits:?}");
            assert!(limits.peer_connections_max <= limits.connections_max);
        }
        let usual = Limits::default().within(1_024);
        assert_eq!((usual.connections_max, usual.peer_connections_max, usual.silent_max), (256, 192, 128));
    }
}
