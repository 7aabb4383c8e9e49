//! The keyword arguments of every call that waits: `timeout` and `cancel`.

use std::time::Duration;

use pyo3::prelude::*;
use sipgate_oauth2::{Call, CancelToken};

use crate::argument::{self, Any, Keywords, Optional, Setter};
use crate::cancel_token;

pub(crate) struct CallOptions {
    pub(crate) timeout: Duration,
    cancel: Option<CancelToken>,
    min_validity: Duration,
}

impl CallOptions {
    pub(crate) fn read(keywords: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        argument::keywords(Self::default(), keywords, |name| {
            Some(match name {
                "timeout" => Self::timeout,
                "cancel" => Self::cancel,
                _ => return None,
            })
        })
    }

    pub(crate) fn with(self, value: Optional<'_, '_>, set: Setter<Self>) -> PyResult<Self> {
        match value {
            Some(value) => set(self, value),
            None => Ok(self),
        }
    }

    pub(crate) fn timeout(self, value: Any<'_, '_>) -> PyResult<Self> {
        Ok(Self { timeout: argument::seconds("timeout", value)?, ..self })
    }

    pub(crate) fn cancel(self, value: Any<'_, '_>) -> PyResult<Self> {
        Ok(Self { cancel: Some(cancel_token::read(value)?), ..self })
    }

    pub(crate) fn min_validity(self, value: Any<'_, '_>) -> PyResult<Self> {
        Ok(Self { min_validity: argument::seconds("min_validity", value)?, ..self })
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(CancelToken::is_cancelled)
    }

    pub(crate) fn call(&self) -> Call {
        let call = Call::new().timeout(self.timeout).min_validity(self.min_validity);
        match &self.cancel {
            Some(cancel) => call.cancel_token(cancel),
            None => call,
        }
    }
}

impl Default for CallOptions {
    fn default() -> Self {
        Self { timeout: Call::DEFAULT_TIMEOUT, cancel: None, min_validity: Duration::ZERO }
    }
}
