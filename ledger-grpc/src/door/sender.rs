//! Sender: a request whose message does not come is given up, and its place is another's.

use crate::engine::Failure;
use hyper::body::{Bytes, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tonic::body::Body;

/// The body of a request that is waited for as long as something comes of it.
pub(crate) struct Patient {
    body: Body,
    wait: Duration,
    /// Of what is awaited now, if anything is.
    over: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(crate) fn new(body: Body, wait: Duration) -> Patient {
        Patient { body, wait, over: None }
    }
}

impl hyper::body::Body for Patient {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.over = None;
            return Poll::Ready(frame);
        }
        let wait = self.wait;
        let over = self.over.get_or_insert_with(|| Box::pin(sleep(wait)));
        ready!(over.as_mut().poll(cx));
        Poll::Ready(Some(Err(Failure::SenderTooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
