//! The connector that wraps a connection in TLS. ureq's own makes its configuration itself: too few
//! sessions would be resumed, and certificates would not be verified as they must be.

use std::fmt;
use std::io::{self, Read, Write};
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter};
use ureq::{Error, Timeout};

use super::deadline::left;
use super::failure::broken_tls;
use super::settings::BUFFER;
use crate::tls::Trust;

pub(super) struct TlsConnector {
    trust: Option<Arc<Trust>>,
    deadline: Instant,
}

impl TlsConnector {
    /// Without trust there is no TLS.
    pub(super) fn new(trust: Option<&Arc<Trust>>, deadline: Instant) -> Self {
        Self { trust: trust.cloned(), deadline }
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConnector")
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, Encrypted>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let trust = self.trust.as_ref().ok_or(Error::TlsRequired)?;
        let host = details.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::Tls("the host is no name that a certificate could have"))?;
        let session = ClientConnection::new(trust.config_for(details.uri.port_u16().unwrap_or(443)), name).map_err(broken_tls)?;
        let mut socket = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(left(self.deadline, Instant::now(), Timeout::Connect));
        let mut encrypted = Encrypted { session, socket, records: Vec::new(), buffers: LazyBuffers::new(BUFFER, BUFFER) };
        encrypted.shake_hands()?;
        Ok(Some(Either::B(encrypted)))
    }
}

pub(super) struct Encrypted {
    session: ClientConnection,
    socket: TransportAdapter,
    /// On their way to the socket.
    records: Vec<u8>,
    buffers: LazyBuffers,
}

impl Encrypted {
    /// What ends the handshake is sent with the request: a write of its own would be a packet.
    fn shake_hands(&mut self) -> io::Result<()> {
        while self.session.is_handshaking() {
            self.flush()?;
            if self.receive()? == 0 && self.session.is_handshaking() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Sends all records in one write.
    fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut self.records)?;
        }
        // What could not be sent is not sent again: the server may have responded all the same.
        let mut records = mem::take(&mut self.records);
        self.socket.write_all(&records)?;
        records.clear();
        self.records = records;
        Ok(())
    }

    /// Waits for bytes, and returns how many there were.
    fn receive(&mut self) -> io::Result<usize> {
        let amount = self.session.read_tls(&mut self.socket)?;
        if let Err(error) = self.session.process_new_packets() {
            // The server is told why, if it can be.
            let _ = self.flush();
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(amount)
    }
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encrypted")
    }
}

impl Transport for Encrypted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.socket.set_timeout(timeout);
        self.session.writer().write_all(&self.buffers.output()[..amount])?;
        Ok(self.flush()?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.socket.set_timeout(timeout);
        loop {
            self.flush()?;
            match self.session.reader().read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.receive()?,
                amount => {
                    let amount = amount?;
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
            };
        }
    }

    fn is_open(&mut self) -> bool {
        self.socket.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Roots;

    /// It takes nothing, as a server that has closed the connection.
    #[derive(Debug)]
    struct Closed {
        buffers: LazyBuffers,
    }

    impl Transport for Closed {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }

        fn transmit_output(&mut self, _amount: usize, _timeout: NextTimeout) -> Result<(), Error> {
            Err(io::Error::from(io::ErrorKind::BrokenPipe).into())
        }

        fn await_input(&mut self, _timeout: NextTimeout) -> Result<bool, Error> {
            Ok(false)
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    #[test]
    fn what_could_not_be_sent_is_not_sent_again() {
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(Trust::of(&Roots::System).config_for(443), name).unwrap();
        let closed = Closed { buffers: LazyBuffers::new(BUFFER, BUFFER) };
        let socket = TransportAdapter::new(closed.boxed(), Arc::new(ureq::unversioned::transport::time::Instant::now));
        let mut encrypted = Encrypted { session, socket, records: Vec::new(), buffers: LazyBuffers::new(BUFFER, BUFFER) };
        // What begins the handshake.
        encrypted.flush().unwrap_err();
        encrypted.flush().unwrap();
    }
}
