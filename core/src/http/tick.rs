//! A link of the connection below TLS that wakes up every so often to see whether the caller has gone before the request's first byte.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport, time};

use super::failure::Abandoned;
use crate::running::Progress;

/// How often a waiting read looks up.
const TICK: Duration = Duration::from_millis(50);

pub(super) struct TickConnector {
    progress: Arc<Progress>,
}

impl TickConnector {
    pub(super) fn new(progress: &Arc<Progress>) -> Self {
        Self { progress: Arc::clone(progress) }
    }
}

impl fmt::Debug for TickConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TickConnector")
    }
}

impl<In: Transport> Connector<In> for TickConnector {
    type Out = Ticking<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Ticking<In>>, Error> {
        if self.progress.is_abandoned() {
            return Err(Abandoned.into());
        }
        Ok(chained.map(|inner| Ticking { inner, progress: Arc::clone(&self.progress) }))
    }
}

pub(super) struct Ticking<T> {
    inner: T,
    progress: Arc<Progress>,
}

impl<T> fmt::Debug for Ticking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticking")
    }
}

impl<T: Transport> Transport for Ticking<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let mut left = timeout;
        loop {
            if self.progress.is_abandoned() {
                return Err(Abandoned.into());
            }
            if *left.after <= TICK {
                return self.inner.await_input(left);
            }
            match self.inner.await_input(NextTimeout { after: time::Duration::Exact(TICK), ..left }) {
                Err(Error::Timeout(_)) => left.after = shorter(left.after),
                done => return done,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

fn shorter(left: time::Duration) -> time::Duration {
    match left {
        time::Duration::Exact(left) => time::Duration::Exact(left.saturating_sub(TICK)),
        endless => endless,
    }
}
