//! The control API for tests: `/_realm/…`. No authentication; the realm listens on loopback only.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::control_login::{self, Browsers};
use crate::form::Form;
use crate::settings::Change;
use crate::site::App;

pub(crate) const PREFIX: &str = "/_realm/";

/// `site` serves the login shortcut: the same pages a browser would see, without recording or
/// faults.
pub(crate) fn routes(site: Router) -> Router<Arc<App>> {
    let browsers = Arc::new(Browsers::new(site));
    let login = Arc::clone(&browsers);
    Router::new()
        .route("/_realm/reset", post(move |app| reset(app, browsers)))
        .route("/_realm/settings", post(settings))
        .route("/_realm/faults", post(faults))
        .route("/_realm/requests", get(requests))
        .route("/_realm/counters", get(counters))
        .route("/_realm/end_sessions", post(end_sessions))
        .route("/_realm/withdraw_consent", post(withdraw_consent))
        .route("/_realm/login", post(move |order| control_login::login(login, order)))
}

async fn reset(State(app): State<Arc<App>>, browsers: Arc<Browsers>) -> Json<Value> {
    app.reset();
    browsers.forget();
    Json(json!({}))
}

async fn settings(State(app): State<Arc<App>>, Json(order): Json<Value>) -> Response {
    let change: Change = match serde_json::from_value(order) {
        Ok(change) => change,
        Err(error) => return refused(&error.to_string()),
    };
    apply(&app, change.realm.as_deref(), |realm| realm.apply(&change))
}

/// What an administrator does to sign users out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndSessions {
    realm: Option<String>,
    user: Option<String>,
}

async fn end_sessions(State(app): State<Arc<App>>, Json(order): Json<Value>) -> Response {
    let order: EndSessions = match serde_json::from_value(order) {
        Ok(order) => order,
        Err(error) => return refused(&error.to_string()),
    };
    apply(&app, order.realm.as_deref(), |realm| {
        // Offline sessions survive this.
        realm.sessions.retain(|_, session| order.user.as_ref().is_some_and(|user| *user != session.username));
        Ok(())
    })
}

/// What an administrator does to withdraw a consent: unlike the setting, it also ends the client's
/// sessions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WithdrawConsent {
    realm: Option<String>,
    user: String,
    client: String,
}

async fn withdraw_consent(State(app): State<Arc<App>>, Json(order): Json<Value>) -> Response {
    let order: WithdrawConsent = match serde_json::from_value(order) {
        Ok(order) => order,
        Err(error) => return refused(&error.to_string()),
    };
    apply(&app, order.realm.as_deref(), |realm| realm.withdraw_consent(&order.user, &order.client))
}

/// Applies the change to one realm, or to all. For all, one success is enough, because client ids
/// differ between realms.
fn apply(app: &App, realm: Option<&str>, mut change: impl FnMut(&mut crate::realm::Realm) -> Result<(), String>) -> Response {
    let sites: Vec<_> = app.sites.iter().filter(|site| realm.is_none_or(|realm| site.name == realm)).collect();
    let outcomes: Vec<_> = sites.iter().map(|site| change(&mut site.lock())).collect();
    match outcomes.iter().find_map(|outcome| outcome.as_ref().err()) {
        Some(problem) if outcomes.iter().all(Result::is_err) => refused(problem),
        _ if outcomes.is_empty() => refused("no such realm"),
        _ => Json(json!({})).into_response(),
    }
}

async fn faults(State(app): State<Arc<App>>, Json(order): Json<Value>) -> Response {
    match app.faults.order(order) {
        Ok(waiting) => Json(json!({"waiting": waiting})).into_response(),
        Err(problem) => refused(&problem),
    }
}

async fn requests(State(app): State<Arc<App>>, uri: Uri) -> Json<Vec<Value>> {
    let query = Form::parse(uri.query().unwrap_or_default().as_bytes());
    Json(app.ledger.requests(query.get("path")))
}

async fn counters(State(app): State<Arc<App>>) -> Json<Value> {
    Json(app.ledger.counters())
}

pub(crate) fn refused(problem: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": problem}))).into_response()
}
