//! Two links of the transport chain. Below TLS, [`TickConnector`] wakes up every so often to see whether the caller has gone. Above TLS,
//! [`PhaseConnector`] notes the first byte of the request itself: a handshake that fails has sent nothing.

use std::time::Duration;

use ureq::Error;
use ureq::http::Uri;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport, time};

use super::current;
use super::failure::Abandoned;

/// How often a waiting read looks up.
const TICK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct TickConnector;

impl<In: Transport> Connector<In> for TickConnector {
    type Out = Ticking<In>;

    fn connect(&self, _: &ConnectionDetails, chained: Option<In>) -> Result<Option<Ticking<In>>, Error> {
        if current::is_abandoned() { Err(Abandoned.into()) } else { Ok(chained.map(Ticking)) }
    }
}

#[derive(Debug)]
pub(super) struct Ticking<T>(T);

impl<T: Transport> Transport for Ticking<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let mut left = timeout;
        loop {
            if current::is_abandoned() {
                return Err(Abandoned.into());
            }
            if *left.after <= TICK {
                return self.0.await_input(left);
            }
            match self.0.await_input(NextTimeout { after: time::Duration::Exact(TICK), ..left }) {
                Err(Error::Timeout(_)) => left.after = shorter(left.after),
                done => return done,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

fn shorter(left: time::Duration) -> time::Duration {
    match left {
        time::Duration::Exact(left) => time::Duration::Exact(left.saturating_sub(TICK)),
        endless => endless,
    }
}

/// Knows where a tunnel's own connection goes: the chain also runs for that one, and its CONNECT is not our request.
#[derive(Debug)]
pub(super) struct PhaseConnector {
    pub(super) proxy: Option<Uri>,
}

impl<In: Transport> Connector<In> for PhaseConnector {
    type Out = Phased<In>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Phased<In>>, Error> {
        let counts = details.config.proxy().is_some() || self.proxy.as_ref() != Some(details.uri);
        Ok(chained.map(|inner| Phased { inner, counts }))
    }
}

#[derive(Debug)]
pub(super) struct Phased<T> {
    inner: T,
    counts: bool,
}

impl<T: Transport> Transport for Phased<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.counts && !current::may_send() {
            return Err(Abandoned.into());
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
