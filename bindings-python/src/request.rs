//! One token request as Python asked for it: every argument converted, nothing sent.

use pyo3::prelude::*;
use sipgate_oauth2::{AuthorizationCode, AuthorizationRequest, Call, Client, RefreshParameters, Result, Running, TokenSet};

use crate::argument::{self, Optional};
use crate::door::Asked;
use crate::{authorization_request, door, token_set};

pub(crate) struct Request<'a> {
    client: &'a Client,
    grant: Grant<'a>,
}

enum Grant<'a> {
    Callback { pending: &'a AuthorizationRequest, callback: &'a str },
    Code(AuthorizationCode),
    Refresh(RefreshParameters),
}

impl<'a> Request<'a> {
    pub(crate) fn callback(client: &'a Client, pending: &'a Bound<'_, PyAny>, callback: &'a Bound<'_, PyAny>) -> PyResult<Self> {
        let pending = authorization_request::read(pending)?;
        let callback = argument::callback(callback)?;
        Ok(Self { client, grant: Grant::Callback { pending, callback } })
    }

    pub(crate) fn code(
        client: &'a Client,
        code: &Bound<'_, PyAny>,
        code_verifier: Optional<'_, '_>,
        redirect_uri: Optional<'_, '_>,
        scope: Optional<'_, '_>,
    ) -> PyResult<Self> {
        let mut code = AuthorizationCode::new(argument::text("code", code)?);
        if let Some(code_verifier) = argument::optional_text("code_verifier", code_verifier)? {
            code = code.code_verifier(code_verifier);
        }
        if let Some(redirect_uri) = argument::optional_text("redirect_uri", redirect_uri)? {
            code = code.redirect_uri(redirect_uri);
        }
        if let Some(scope) = scope {
            code = code.scope(argument::scope(scope)?);
        }
        Ok(Self { client, grant: Grant::Code(code) })
    }

    pub(crate) fn refresh(client: &'a Client, refresh_token: &Bound<'_, PyAny>, scope: Optional<'_, '_>) -> PyResult<Self> {
        let mut parameters = match token_set::read(refresh_token) {
            Some(tokens) => door::work(refresh_token.py(), "refresh", || RefreshParameters::try_from(tokens))?,
            None if refresh_token.is_instance_of::<pyo3::types::PyString>() => {
                RefreshParameters::new(argument::text("refresh_token", refresh_token)?)
            }
            None => return Err(argument::wrong_type("refresh_token", "a str or a TokenSet", refresh_token)),
        };
        if let Some(scope) = scope {
            parameters = parameters.scope(argument::scope(scope)?);
        }
        Ok(Self { client, grant: Grant::Refresh(parameters) })
    }
}

impl Asked for Request<'_> {
    type Outcome = TokenSet;

    fn start(self, _: &Call) -> Result<Running<TokenSet>> {
        match self.grant {
            Grant::Callback { pending, callback } => self.client.start_exchange_callback(pending, callback),
            Grant::Code(code) => self.client.start_exchange_code(code),
            Grant::Refresh(parameters) => self.client.start_refresh(parameters),
        }
    }

    fn complete(self, call: &Call) -> Result<TokenSet> {
        match self.grant {
            Grant::Callback { pending, callback } => self.client.exchange_callback_with(pending, callback, call),
            Grant::Code(code) => self.client.exchange_code_with(code, call),
            Grant::Refresh(parameters) => self.client.refresh_with(parameters, call),
        }
    }
}
