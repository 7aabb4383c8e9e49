//! The settings that every way of making a client has.

use pyo3::prelude::*;
use sipgate_oauth2::{Client, ClientBuilder, Event};

use crate::argument::{self, Keywords, Optional, Setter};
use crate::custom_store::CustomStore;
use crate::event_handler::EventHandler;
use crate::{call, log, store};

struct Options {
    builder: ClientBuilder,
    custom_store: Option<CustomStore>,
    handler: Option<EventHandler>,
}

pub(crate) fn build(py: Python<'_>, builder: ClientBuilder, options: Option<Keywords<'_, '_>>) -> PyResult<(Client, Option<CustomStore>)> {
    let Options { builder, custom_store, handler } =
        argument::keywords(Options { builder, custom_store: None, handler: None }, options, setter)?;
    let told = move |event: &Event| {
        log::event(event);
        if let Some(handler) = &handler {
            handler.told(event);
        }
    };
    Ok((call::work(py, "making a client", || builder.on_event(told).build())?, custom_store))
}

/// That of a client at sipgate.
pub(crate) fn realm(builder: ClientBuilder, realm: Optional<'_, '_>) -> PyResult<ClientBuilder> {
    Ok(match argument::optional_text("realm", realm)? {
        Some(realm) => builder.realm(realm),
        None => builder,
    })
}

fn setter(name: &str) -> Option<Setter<Options>> {
    Some(match name {
        "client_secret" => |options, value| {
            let secret = argument::text("client_secret", value)?;
            Ok(options.with(|builder| builder.client_secret(secret)))
        },
        "client_authentication" => |options, value| {
            let name = argument::text("client_authentication", value)?;
            let authentication = call::work(value.py(), "client_authentication", || name.parse())?;
            Ok(options.with(|builder| builder.client_authentication(authentication)))
        },
        "redirect_uri" => |options, value| {
            let redirect_uri = argument::text("redirect_uri", value)?;
            Ok(options.with(|builder| builder.redirect_uri(redirect_uri)))
        },
        "ca_certificates" => |options, value| {
            let pem = argument::bytes("ca_certificates", value)?;
            Ok(options.with(|builder| builder.ca_certificates(pem)))
        },
        "proxy" => |options, value| {
            let proxy = argument::text("proxy", value)?;
            Ok(options.with(|builder| builder.proxy(proxy)))
        },
        "connect_timeout" => |options, value| {
            let timeout = argument::seconds("connect_timeout", value)?;
            Ok(options.with(|builder| builder.connect_timeout(timeout)))
        },
        "request_timeout" => |options, value| {
            let timeout = argument::seconds("request_timeout", value)?;
            Ok(options.with(|builder| builder.request_timeout(timeout)))
        },
        "store" => |options, value| {
            let store = store::read(value)?;
            let store = store.get();
            let options = options.with(|builder| builder.store(store.core.clone()));
            Ok(Options { custom_store: store.custom.clone(), ..options })
        },
        "on_event" => |options, value| Ok(Options { handler: Some(EventHandler::new(value)?), ..options }),
        _ => return None,
    })
}

impl Options {
    fn with(self, set: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        Self { builder: set(self.builder), ..self }
    }
}
