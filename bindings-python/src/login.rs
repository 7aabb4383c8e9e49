//! The completion of one login as Python asked for it: every argument converted, nothing sent.

use pyo3::prelude::*;
use sipgate_oauth2::{AuthorizationRequest, Call, Client, Result, Running, TokenSource};

use crate::door::Asked;
use crate::{argument, authorization_request};

pub(crate) struct Login<'a> {
    client: &'a Client,
    pending: &'a AuthorizationRequest,
    callback: &'a str,
    account: &'a str,
}

impl<'a> Login<'a> {
    pub(crate) fn new(
        client: &'a Client,
        pending: &'a Bound<'_, PyAny>,
        callback: &'a Bound<'_, PyAny>,
        account: &'a Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        Ok(Self {
            client,
            pending: authorization_request::read(pending)?,
            callback: argument::callback(callback)?,
            account: argument::text("account", account)?,
        })
    }
}

impl Asked for Login<'_> {
    type Outcome = TokenSource;

    fn start(self, _: &Call) -> Result<Running<TokenSource>> {
        self.client.start_complete_login(self.pending, self.callback, self.account)
    }

    fn complete(self, call: &Call) -> Result<TokenSource> {
        self.client.complete_login_with(self.pending, self.callback, self.account, call)
    }
}
