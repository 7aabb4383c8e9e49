//! The state shared by all requests, and the context of one request to a realm.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::clock;
use crate::faults::Faults;
use crate::form::Form;
use crate::keys::Keys;
use crate::ledger::Ledger;
use crate::realm::Realm;

pub(crate) const REALMS: [&str; 2] = ["third-party", "sipgate-apps"];

pub(crate) struct App {
    pub(crate) sites: [Arc<Site>; 2],
    pub(crate) faults: Arc<Faults>,
    pub(crate) ledger: Arc<Ledger>,
    redirect_uris: Vec<String>,
}

impl App {
    /// `redirect_uris` are registered beside those of every test.
    pub(crate) fn new(redirect_uris: Vec<String>) -> Self {
        let ledger = Arc::new(Ledger::default());
        let faults = Arc::new(Faults::default());
        let sites = REALMS.map(|name| {
            Arc::new(Site {
                name,
                keys: Keys::generate(),
                faults: Arc::clone(&faults),
                ledger: Arc::clone(&ledger),
                realm: Mutex::new(Realm::new(name, &redirect_uris)),
            })
        });
        Self { sites, faults, ledger, redirect_uris }
    }

    /// Restores the initial state of everything but the active keys: older tokens then belong to
    /// ended sessions.
    pub(crate) fn reset(&self) {
        clock::reset();
        for site in &self.sites {
            site.keys.reset();
            *site.lock() = Realm::new(site.name, &self.redirect_uris);
        }
        self.faults.clear();
        self.ledger.clear();
    }

    pub(crate) fn site(&self, name: &str) -> Option<&Arc<Site>> {
        self.sites.iter().find(|site| site.name == name)
    }
}

/// One realm: its name and keys, and its mutable state behind a lock.
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) keys: Keys,
    pub(crate) faults: Arc<Faults>,
    pub(crate) ledger: Arc<Ledger>,
    realm: Mutex<Realm>,
}

impl Site {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Realm> {
        // Even after a panic: one broken request must not break all later ones.
        self.realm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the connection is encrypted; the server adds this to every request.
#[derive(Clone, Copy)]
pub(crate) struct Encrypted(pub(crate) bool);

/// A request to one realm. Unknown realms are rejected here, for all endpoints.
pub(crate) struct Call {
    pub(crate) site: Arc<Site>,
    /// `scheme://host/auth/realms/name` as the client wrote it, like Keycloak without a fixed host
    /// name.
    pub(crate) issuer: String,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Form,
    pub(crate) now: u64,
}

impl FromRequestParts<Arc<App>> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        // From the path itself: routes with further parameters need the realm too.
        let name = realm_of(parts.uri.path()).to_owned();
        let Some(site) = app.site(&name) else {
            return Err((StatusCode::NOT_FOUND, Json(json!({"error": "Realm does not exist"}))).into_response());
        };
        let Base(base) = Base::from_request_parts(parts, app).await.unwrap_or_else(|never| match never {});
        Ok(Self {
            site: Arc::clone(site),
            issuer: format!("{base}/auth/realms/{name}"),
            headers: parts.headers.clone(),
            query: Form::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            now: clock::now(),
        })
    }
}

/// The name after `/realms/` in a path.
pub(crate) fn realm_of(path: &str) -> &str {
    path.split_once("/realms/").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default()
}

/// `scheme://host` as the client wrote it.
pub(crate) struct Base(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let encrypted = parts.extensions.get::<Encrypted>().is_some_and(|encrypted| encrypted.0);
        let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        Ok(Self(format!("{}://{host}", if encrypted { "https" } else { "http" })))
    }
}
