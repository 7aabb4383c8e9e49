//! The connector below TLS that wakes up regularly to see whether the caller has stopped waiting
//! before the request's first byte.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport, time};

use super::failure::Abandoned;
use crate::task::progress::Progress;

/// How often a waiting read checks that. A request that was sent is not abandoned any more.
const TICK: Duration = Duration::from_millis(50);

pub(super) struct CancelConnector {
    progress: Arc<Progress>,
}

impl CancelConnector {
    pub(super) fn new(progress: &Arc<Progress>) -> Self {
        Self { progress: Arc::clone(progress) }
    }
}

impl fmt::Debug for CancelConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelConnector")
    }
}

impl<In: Transport> Connector<In> for CancelConnector {
    type Out = Cancellable<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Cancellable<In>>, Error> {
        if self.progress.is_abandoned() {
            return Err(Abandoned.into());
        }
        Ok(chained.map(|inner| Cancellable { inner, progress: Arc::clone(&self.progress) }))
    }
}

pub(super) struct Cancellable<T> {
    inner: T,
    progress: Arc<Progress>,
}

impl<T> fmt::Debug for Cancellable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cancellable")
    }
}

impl<T: Transport> Transport for Cancellable<T> {
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
            if *left.after <= TICK || self.progress.is_sent() {
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
