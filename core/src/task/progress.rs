//! How far a request has got.

use protocol::http::SendState;

use crate::sys::sync::{AtomicU8, Ordering};

/// Whether a request is sent or abandoned. It is decided once, between the thread that sends and
/// the one that abandons.
#[derive(Default)]
pub(crate) struct Progress(AtomicU8);

const WAITING: u8 = 0;
const SENT: u8 = 1;
const ABANDONED: u8 = 2;

impl Progress {
    /// Called with the first byte of the request in hand. `false`: the request was abandoned and
    /// must not be sent.
    pub(crate) fn may_send(&self) -> bool {
        match self.0.compare_exchange(WAITING, SENT, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(now) => now == SENT,
        }
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.load(Ordering::Acquire) == ABANDONED
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.send_state() == SendState::Sent
    }

    pub(crate) fn send_state(&self) -> SendState {
        if self.0.load(Ordering::Acquire) == SENT { SendState::Sent } else { SendState::NotSent }
    }

    pub(crate) fn abandon(&self) -> SendState {
        match self.0.compare_exchange(WAITING, ABANDONED, Ordering::AcqRel, Ordering::Acquire) {
            Err(SENT) => SendState::Sent,
            _ => SendState::NotSent,
        }
    }
}
