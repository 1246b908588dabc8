//! Door: who comes in, how many of them, and how long they may take to say what they want.
//!
//! A connection that has said nothing holds a place of its own kind: where there are too many of those, the oldest
//! makes room. Once it has said what it speaks it needs a place among all connections, and among those of its address.
//! Calls and streams have places by address, too. So whoever takes all that is to be had takes it from itself.

mod sender;
mod web;

pub use self::web::Hosts;

pub(crate) use self::sender::Patient;
pub(crate) use self::web::Stranger;

use crate::engine::{Failure, Limits};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::sleep;
use tonic::transport::server::Connected;

/// So many bytes say what a connection speaks: the preface of HTTP/2, and no request of HTTP/1.1 is shorter.
const PREFACE_BYTES: usize = 24;
/// Of an address of IPv6 so many bits name the network, in which one caller has all addresses.
const NETWORK_BITS: u32 = 64;
/// Addresses that are remembered before those nobody comes from are forgotten.
const PEERS_KEPT: usize = 1_024;

/// What one address has of everything.
#[derive(Debug)]
struct Peer {
    connections: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

/// A connection: who came, and what it has.
#[derive(Clone, Debug)]
pub struct Guest {
    peer: Arc<Peer>,
    streams: Arc<Semaphore>,
}

impl Guest {
    /// A place among the calls from its address.
    pub(crate) fn request(&self) -> Result<OwnedSemaphorePermit, Failure> {
        Arc::clone(&self.peer.requests).try_acquire_owned().map_err(|_| Failure::TooManyRequests)
    }

    /// Places among the streams of its connection and of its address.
    pub(crate) fn stream(&self) -> Result<[OwnedSemaphorePermit; 2], Failure> {
        let place = |of: &Arc<Semaphore>| Arc::clone(of).try_acquire_owned().map_err(|_| Failure::TooManyStreams);
        Ok([place(&self.streams)?, place(&self.peer.streams)?])
    }
}

/// Where connections come in.
pub(crate) struct Hall {
    limits: Limits,
    connections: Arc<Semaphore>,
    /// Those that have said nothing, the oldest first: what ends them.
    silent: Mutex<VecDeque<oneshot::Sender<()>>>,
    peers: Mutex<HashMap<IpAddr, Weak<Peer>>>,
}

impl Hall {
    pub(crate) fn new(limits: Limits) -> Hall {
        let connections = Arc::new(Semaphore::new(limits.connections_max));
        Hall { limits, connections, silent: Mutex::default(), peers: Mutex::default() }
    }

    /// Lets a connection in, to say what it speaks.
    pub(crate) fn enter(&self, io: TcpStream) -> io::Result<Visit> {
        let peer = self.peer(io.peer_addr()?.ip());
        let (end, ended) = oneshot::channel();
        let wait = self.limits.handshake_wait;
        let over = async move {
            tokio::select! {
                () = sleep(wait) => {}
                // Whoever could end it may be gone with the hall: then it has its time.
                Ok(()) = ended => {}
            }
        };
        let mut silent = self.silent.lock();
        while silent.len() >= self.limits.silent_max {
            silent.retain(|end| !end.is_closed());
            if silent.len() < self.limits.silent_max {
                break;
            }
            let Some(oldest) = silent.pop_front() else { break };
            let _ = oldest.send(());
        }
        silent.push_back(end);
        let (left, connections) = (PREFACE_BYTES, Arc::clone(&self.connections));
        let guest = Guest { peer, streams: Arc::new(Semaphore::new(self.limits.connection_streams_max)) };
        let silence = Some(Silence { left, over: Box::pin(over), connections });
        Ok(Visit { io, guest, silence, places: None })
    }

    fn peer(&self, address: IpAddr) -> Arc<Peer> {
        let mut peers = self.peers.lock();
        let address = network_of(address);
        if let Some(peer) = peers.get(&address).and_then(Weak::upgrade) {
            return peer;
        }
        if peers.len() >= PEERS_KEPT {
            peers.retain(|_, peer| peer.strong_count() > 0);
        }
        let places = |most: usize| Arc::new(Semaphore::new(most));
        let peer = Arc::new(Peer {
            connections: places(self.limits.peer_connections_max),
            requests: places(self.limits.peer_requests_max),
            streams: places(self.limits.peer_streams_max),
        });
        peers.insert(address, Arc::downgrade(&peer));
        peer
    }
}

/// What counts as one address.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> (128 - NETWORK_BITS) << (128 - NETWORK_BITS)))
        }
        address => address,
    }
}

/// A connection that has not said what it speaks.
struct Silence {
    left: usize,
    over: Pin<Box<dyn Future<Output = ()> + Send>>,
    connections: Arc<Semaphore>,
}

/// A connection that came in.
pub(crate) struct Visit {
    io: TcpStream,
    guest: Guest,
    silence: Option<Silence>,
    places: Option<[OwnedSemaphorePermit; 2]>,
}

impl Connected for Visit {
    type ConnectInfo = Guest;

    fn connect_info(&self) -> Guest {
        self.guest.clone()
    }
}

impl Visit {
    /// Counts what was said. Whoever has said what it speaks needs a place.
    fn heard(&mut self, bytes: usize) -> io::Result<()> {
        let Some(silence) = &mut self.silence else { return Ok(()) };
        silence.left = silence.left.saturating_sub(bytes);
        if silence.left > 0 {
            return Ok(());
        }
        let full = |_| io::Error::new(io::ErrorKind::ConnectionRefused, "too many connections are open");
        let place = Arc::clone(&silence.connections).try_acquire_owned().map_err(full)?;
        let share = Arc::clone(&self.guest.peer.connections).try_acquire_owned().map_err(full)?;
        (self.places, self.silence) = (Some([place, share]), None);
        Ok(())
    }
}

impl AsyncRead for Visit {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if read.is_pending()
            && let Some(silence) = &mut self.silence
        {
            ready!(silence.over.as_mut().poll(cx));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the connection says nothing")));
        }
        ready!(read)?;
        Poll::Ready(self.heard(buf.filled().len() - before))
    }
}

impl AsyncWrite for Visit {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_is_one_address() {
        let of = |text: &str| network_of(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
