//! The settings that every way of making a client has.

use pyo3::prelude::*;
use sipgate_oauth2 as core;
use sipgate_oauth2::{ClientBuilder, Provider};

use crate::argument::{self, Optional};
use crate::client::Client;
use crate::event_handler::EventHandler;
use crate::{door, log, store};

#[derive(Default)]
pub(crate) struct Options<'a, 'py> {
    pub(crate) client_secret: Optional<'a, 'py>,
    pub(crate) client_authentication: Optional<'a, 'py>,
    pub(crate) redirect_uri: Optional<'a, 'py>,
    pub(crate) realm: Optional<'a, 'py>,
    pub(crate) ca_certificates: Optional<'a, 'py>,
    pub(crate) proxy: Optional<'a, 'py>,
    pub(crate) connect_timeout: Optional<'a, 'py>,
    pub(crate) request_timeout: Optional<'a, 'py>,
    pub(crate) store: Optional<'a, 'py>,
    pub(crate) on_event: Optional<'a, 'py>,
}

impl Options<'_, '_> {
    pub(crate) fn client(&self, py: Python<'_>, provider: Provider, client_id: &str) -> PyResult<Client> {
        self.build(py, core::Client::with_provider(client_id, provider))
    }

    pub(crate) fn build(&self, py: Python<'_>, mut builder: ClientBuilder) -> PyResult<Client> {
        if let Some(secret) = argument::optional_text("client_secret", self.client_secret)? {
            builder = builder.client_secret(secret);
        }
        if let Some(name) = argument::optional_text("client_authentication", self.client_authentication)? {
            builder = builder.client_authentication(door::work(py, "client_authentication", || name.parse())?);
        }
        if let Some(redirect_uri) = argument::optional_text("redirect_uri", self.redirect_uri)? {
            builder = builder.redirect_uri(redirect_uri);
        }
        if let Some(realm) = argument::optional_text("realm", self.realm)? {
            builder = builder.realm(realm);
        }
        if let Some(pem) = self.ca_certificates {
            builder = builder.ca_certificates(argument::bytes("ca_certificates", pem)?);
        }
        if let Some(proxy) = argument::optional_text("proxy", self.proxy)? {
            builder = builder.proxy(proxy);
        }
        if let Some(timeout) = self.connect_timeout {
            builder = builder.connect_timeout(argument::seconds("connect_timeout", timeout)?);
        }
        if let Some(timeout) = self.request_timeout {
            builder = builder.request_timeout(argument::seconds("request_timeout", timeout)?);
        }
        let store = self.store.map(store::read).transpose()?;
        if let Some(store) = store {
            builder = builder.store(store.core.clone());
        }
        let handler = self.on_event.map(EventHandler::new).transpose()?;
        let told = move |event: &core::Event| {
            log::event(event);
            if let Some(handler) = &handler {
                handler.told(event);
            }
        };
        let core = door::work(py, "making a client", || builder.on_event(told).build())?;
        Ok(Client { core, own: store.and_then(|store| store.own.clone()) })
    }
}
