//! The settings that every way of making a client has.

use pyo3::prelude::*;
use sipgate_oauth2::{Client, ClientBuilder, Event};

use crate::argument::{self, Keywords, Optional, Setter};
use crate::event_handler::EventHandler;
use crate::event_loop::EventLoop;
use crate::{call, log, store};

struct Options {
    builder: ClientBuilder,
    event_loop: Option<EventLoop>,
    handler: Option<EventHandler>,
}

pub(crate) fn build(py: Python<'_>, builder: ClientBuilder, options: Option<Keywords<'_, '_>>) -> PyResult<(Client, Option<EventLoop>)> {
    let Options { builder, event_loop, handler } =
        argument::keywords(Options { builder, event_loop: None, handler: None }, options, setter)?;
    let told = move |event: &Event| {
        log::event(event);
        if let Some(handler) = &handler {
            handler.told(event);
        }
    };
    Ok((call::work(py, "making a client", || builder.on_event(told).build())?, event_loop))
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
        "client_secret" => |options, value| options.with(argument::text("client_secret", value)?, ClientBuilder::client_secret),
        "client_authentication" => |options, value| {
            let name = argument::text("client_authentication", value)?;
            let authentication = call::work(value.py(), "client_authentication", || name.parse())?;
            options.with(authentication, ClientBuilder::client_authentication)
        },
        "redirect_uri" => |options, value| options.with(argument::text("redirect_uri", value)?, ClientBuilder::redirect_uri),
        "ca_certificates" => |options, value| options.with(argument::bytes("ca_certificates", value)?, ClientBuilder::ca_certificates),
        "proxy" => |options, value| options.with(argument::text("proxy", value)?, ClientBuilder::proxy),
        "connect_timeout" => |options, value| options.with(argument::seconds("connect_timeout", value)?, ClientBuilder::connect_timeout),
        "request_timeout" => |options, value| options.with(argument::seconds("request_timeout", value)?, ClientBuilder::request_timeout),
        "id_token_signed_response_alg" => |options, value| {
            let algorithms = argument::one_or_more("id_token_signed_response_alg", value)?;
            options.with(algorithms, ClientBuilder::id_token_signed_response_alg)
        },
        "trusted_audiences" => |options, value| {
            let audiences = argument::texts("trusted_audiences", "a list of str", value)?;
            options.with(audiences, ClientBuilder::trusted_audiences)
        },
        "leeway" => |options, value| options.with(argument::seconds("leeway", value)?, ClientBuilder::leeway),
        "store" => |options, value| {
            let store = store::read(value)?;
            let options = options.with(store.get().core.clone(), ClientBuilder::store)?;
            Ok(Options { event_loop: store.get().event_loop.clone(), ..options })
        },
        "on_event" => |options, value| Ok(Options { handler: Some(EventHandler::new(value)?), ..options }),
        _ => return None,
    })
}

impl Options {
    fn with<T>(self, value: T, set: impl FnOnce(ClientBuilder, T) -> ClientBuilder) -> PyResult<Self> {
        Ok(Self { builder: set(self.builder, value), ..self })
    }
}
