//! A connection that can misbehave: plain or TLS, with ways to reset it and to send byte by byte.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

/// How a connection is to behave: shared between the server, which sets it, and the `Wire`.
#[derive(Default)]
pub(crate) struct Behaviour {
    reset_at_end: AtomicBool,
    drip_milliseconds: AtomicU64,
    odd_head: AtomicBool,
}

impl Behaviour {
    /// The connection will end with a RST, not with a FIN.
    pub(crate) fn reset_at_end(&self) {
        self.reset_at_end.store(true, Ordering::Release);
    }

    /// From now on, writes one byte at a time with this pause between them; zero stops that.
    pub(crate) fn drip(&self, milliseconds: u64) {
        self.drip_milliseconds.store(milliseconds, Ordering::Release);
    }

    /// The next head follows an interim response and contains lines that hyper would not write.
    pub(crate) fn odd_head(&self) {
        self.odd_head.store(true, Ordering::Release);
    }
}

fn odd_lines() -> Vec<u8> {
    let mut lines = b"X-Folded: a\r\n b\r\n\tc\r\nno colon\r\nX-M\xFCller: gr\xFCn\n".to_vec();
    for number in 0..150 {
        lines.extend(format!("X-Filler-{number}: {number}\r\n").bytes());
    }
    lines
}

pub(crate) struct Wire {
    stream: Stream,
    behaviour: Arc<Behaviour>,
    pause: Option<Pin<Box<Sleep>>>,
    /// Must be written before anything else.
    first: Vec<u8>,
    /// How many bytes of hyper's output `first` replaces.
    replaced: usize,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub(crate) fn plain(stream: TcpStream, behaviour: Arc<Behaviour>) -> Self {
        Self { stream: Stream::Plain(stream), behaviour, pause: None, first: Vec::new(), replaced: 0 }
    }

    pub(crate) fn tls(stream: TlsStream<TcpStream>, behaviour: Arc<Behaviour>) -> Self {
        Self { stream: Stream::Tls(Box::new(stream)), behaviour, pause: None, first: Vec::new(), replaced: 0 }
    }

    /// Inserts the odd lines after the status line, and writes all that first.
    fn poll_odd_head(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.first.is_empty() {
            self.replaced = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            self.first = [b"HTTP/1.1 100 Continue\r\n\r\n", &bytes[..self.replaced], &odd_lines()].concat();
        }
        while !self.first.is_empty() {
            let written = ready!(self.stream.poll_write(context, &self.first))?;
            self.first.drain(..written);
        }
        self.behaviour.odd_head.store(false, Ordering::Release);
        Poll::Ready(Ok(self.replaced))
    }

    fn poll_drip(&mut self, context: &mut Context<'_>, bytes: &[u8], milliseconds: u64) -> Poll<io::Result<usize>> {
        if let Some(pause) = &mut self.pause {
            // Before the pause, not after it: written bytes must be sent while we wait.
            ready!(self.stream.poll_flush(context))?;
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let written = ready!(self.stream.poll_write(context, &bytes[..bytes.len().min(1)]))?;
        self.pause = Some(Box::pin(sleep(Duration::from_millis(milliseconds))));
        Poll::Ready(Ok(written))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.behaviour.reset_at_end.load(Ordering::Acquire) {
            let socket = match &self.stream {
                Stream::Plain(stream) => stream,
                Stream::Tls(stream) => stream.get_ref().0,
            };
            reset_on_close(socket);
        }
    }
}

/// With a linger time of zero, closing sends a RST and discards unsent bytes.
pub(crate) fn reset_on_close(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.behaviour.odd_head.load(Ordering::Acquire) {
            return self.poll_odd_head(context, bytes);
        }
        match self.behaviour.drip_milliseconds.load(Ordering::Acquire) {
            0 => self.stream.poll_write(context, bytes),
            milliseconds => self.poll_drip(context, bytes, milliseconds),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl Stream {
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }
}
