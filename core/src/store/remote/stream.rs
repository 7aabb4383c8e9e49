//! A connected socket of the operating system, with a deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Each call gets the time that is left until the deadline. After it, each call fails with
/// `TimedOut`.
pub(super) struct Stream {
    socket: Socket,
    pub(super) deadline: Instant,
}

enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    pub(super) fn connect(address: &SocketAddr, deadline: Instant) -> io::Result<Self> {
        let socket = TcpStream::connect_timeout(address, left(deadline)?).map_err(elapsed)?;
        socket.set_nodelay(true)?;
        notice_silence(&socket)?;
        Ok(Self { socket: Socket::Tcp(socket), deadline })
    }

    /// The operating system would let a client wait for ever if the server accepts no connections.
    /// So this does not block, and tries again until the deadline.
    #[cfg(unix)]
    pub(super) fn connect_unix(path: &Path, deadline: Instant) -> io::Result<Self> {
        use rustix::io::{FdFlags, fcntl_setfd};
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};

        const PAUSE: Duration = Duration::from_millis(10);

        let address = SocketAddrUnix::new(path)?;
        let socket = UnixStream::from(socket(AddressFamily::UNIX, SocketType::STREAM, None)?);
        fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
        socket.set_nonblocking(true)?;
        while let Err(error) = connect(&socket, &address) {
            match error {
                rustix::io::Errno::AGAIN | rustix::io::Errno::INTR => std::thread::sleep(left(deadline)?.min(PAUSE)),
                rustix::io::Errno::ISCONN => break,
                error => return Err(error.into()),
            }
        }
        socket.set_nonblocking(false)?;
        Ok(Self { socket: Socket::Unix(socket), deadline })
    }

    #[cfg(not(unix))]
    pub(super) fn connect_unix(_: &Path, _: Instant) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets"))
    }

    #[cfg(all(test, unix))]
    pub(super) fn pair() -> (Self, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("the test may open sockets");
        (Self { socket: Socket::Unix(ours), deadline: Instant::now() + Duration::from_secs(60) }, theirs)
    }

    /// Whether the connection is open, and the server has sent nothing. Does not wait.
    #[cfg(unix)]
    pub(super) fn is_silent(&self) -> bool {
        use rustix::net::{RecvFlags, recv};

        let (mut byte, flags) = ([0_u8], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        let received = match &self.socket {
            Socket::Tcp(socket) => recv(socket, &mut byte[..], flags),
            Socket::Unix(socket) => recv(socket, &mut byte[..], flags),
        };
        matches!(received, Err(rustix::io::Errno::AGAIN))
    }

    #[cfg(not(unix))]
    pub(super) fn is_silent(&self) -> bool {
        let Socket::Tcp(socket) = &self.socket;
        let peeked = socket.set_nonblocking(true).and_then(|()| socket.peek(&mut [0]));
        let silent = matches!(&peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        silent && socket.set_nonblocking(false).is_ok()
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = Some(left(self.deadline)?);
        match &mut self.socket {
            Socket::Tcp(socket) => socket.set_read_timeout(left).and_then(|()| socket.read(buffer)),
            #[cfg(unix)]
            Socket::Unix(socket) => socket.set_read_timeout(left).and_then(|()| socket.read(buffer)),
        }
        .map_err(elapsed)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = Some(left(self.deadline)?);
        match &mut self.socket {
            Socket::Tcp(socket) => socket.set_write_timeout(left).and_then(|()| socket.write(bytes)),
            #[cfg(unix)]
            Socket::Unix(socket) => socket.set_write_timeout(left).and_then(|()| socket.write(bytes)),
        }
        .map_err(elapsed)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Unix reports an elapsed timeout of a socket as `WouldBlock`.
fn elapsed(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

/// A peer that vanished ends a connection that is idle, before it is used again.
#[cfg(unix)]
fn notice_silence(socket: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt::{set_socket_keepalive, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl};

    set_socket_keepalive(socket, true)?;
    set_tcp_keepidle(socket, Duration::from_secs(10))?;
    set_tcp_keepintvl(socket, Duration::from_secs(5))?;
    set_tcp_keepcnt(socket, 3)?;
    #[cfg(target_os = "linux")]
    rustix::net::sockopt::set_tcp_user_timeout(socket, 25_000)?;
    Ok(())
}

#[cfg(not(unix))]
fn notice_silence(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_deadline_that_has_passed_ends_each_call() {
        let (mut stream, mut peer) = Stream::pair();
        peer.write_all(b"x").unwrap();
        stream.deadline = Instant::now();
        for result in
            [stream.read(&mut [0]), stream.write(b"x"), Stream::connect(&"127.0.0.1:1".parse().unwrap(), stream.deadline).map(|_| 0)]
        {
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
    }

    #[test]
    fn a_peer_that_says_nothing_or_reads_nothing_ends_a_call_at_its_deadline() {
        let (mut stream, _peer) = Stream::pair();
        stream.deadline = Instant::now() + Duration::from_millis(20);
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::TimedOut);
        stream.deadline = Instant::now() + Duration::from_millis(20);
        assert_eq!(stream.write_all(&vec![0; 64 << 20]).unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_connection_is_silent_until_its_peer_sends_or_closes() {
        let (stream, mut peer) = Stream::pair();
        assert!(stream.is_silent());
        peer.write_all(b"x").unwrap();
        assert!(!stream.is_silent());
        let (stream, peer) = Stream::pair();
        drop(peer);
        assert!(!stream.is_silent());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = Stream::connect(&listener.local_addr().unwrap(), Instant::now() + Duration::from_secs(60)).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        assert!(stream.is_silent());
        peer.write_all(b"x").unwrap();
        while stream.is_silent() {
            std::thread::yield_now();
        }
    }
}
