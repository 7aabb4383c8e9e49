//! The keyword arguments of every call that waits: `timeout` and `cancel`.

use std::time::Duration;

use pyo3::prelude::*;
use sipgate_oauth2 as core;
use sipgate_oauth2::CancelToken;

use crate::argument::{self, Keywords, Setter};
use crate::cancel_token;

#[derive(Default)]
pub(crate) struct CallOptions {
    timeout: Option<Duration>,
    cancel: Option<CancelToken>,
    min_validity: Option<Duration>,
}

impl CallOptions {
    pub(crate) fn read(keywords: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        argument::keywords(Self::default(), keywords, setter)
    }

    /// With `min_validity`, which an access token alone has.
    pub(crate) fn for_access_token(keywords: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        argument::keywords(Self::default(), keywords, |name| match name {
            "min_validity" => Some(|options, value| Ok(Self { min_validity: Some(argument::seconds("min_validity", value)?), ..options })),
            other => setter(other),
        })
    }

    /// Whether the current token will do, for however short a time it is valid.
    pub(crate) fn takes_any_token(&self) -> bool {
        self.min_validity.is_none()
    }

    pub(crate) fn min_validity(&self) -> Duration {
        self.min_validity.unwrap_or_default()
    }

    pub(crate) fn core(&self) -> core::CallOptions {
        let options = self.timeout.map_or_else(core::CallOptions::new, |timeout| core::CallOptions::new().timeout(timeout));
        match &self.cancel {
            Some(cancel) => options.cancel_token(cancel),
            None => options,
        }
    }
}

fn setter(name: &str) -> Option<Setter<CallOptions>> {
    Some(match name {
        "timeout" => |options, value| Ok(CallOptions { timeout: Some(argument::seconds("timeout", value)?), ..options }),
        "cancel" => |options, value| Ok(CallOptions { cancel: Some(cancel_token::read(value)?), ..options }),
        _ => return None,
    })
}
