//! Name look-ups with a deadline.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Instant;

use crate::worker::pool;

const MAX_ADDRESSES: usize = 16;

/// A host has no address.
#[derive(Debug)]
pub(super) struct NameNotFound;

impl fmt::Display for NameNotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name has no address")
    }
}

impl std::error::Error for NameNotFound {}

/// The addresses of a host. A look-up cannot be interrupted: it has a thread of its own, which may
/// outlive the deadline.
pub(super) fn resolve(host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    let host = host.to_owned();
    let look_up = move || {
        let found = (host.as_str(), port).to_socket_addrs().map(|found| found.take(MAX_ADDRESSES).collect::<Vec<_>>());
        // The deadline may have passed.
        let _ = sender.send(found);
    };
    pool::run(look_up).map_err(io::Error::other)?;
    match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(found)) if !found.is_empty() => Ok(found),
        Ok(_) => Err(io::Error::new(io::ErrorKind::NotFound, NameNotFound)),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
