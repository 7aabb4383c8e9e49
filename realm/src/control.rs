//! The control API for tests: `/_realm/…`. No authentication; the realm listens on loopback only.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::alteration::Alteration;
use crate::backchannel;
use crate::clock;
use crate::control_login::Browsers;
use crate::faults::{TARGETS, no_such_target};
use crate::fixtures::USERS;
use crate::keys::Rotation;
use crate::session::Ended;
use crate::settings::Change;
use crate::site::{App, Base};

pub(crate) const PREFIX: &str = "/_realm/";

/// `site` serves the login shortcut: the same pages a browser would see, without recording or
/// faults.
pub(crate) fn routes(site: Router) -> Router<Arc<App>> {
    let browsers = Arc::new(Browsers::new(site));
    let (login, logout) = (Arc::clone(&browsers), Arc::clone(&browsers));
    Router::new()
        .route("/_realm/reset", post(move |app| reset(app, browsers)))
        .route("/_realm/settings", post(settings))
        .route("/_realm/advance", post(advance))
        .route("/_realm/faults", post(faults))
        .route("/_realm/requests", get(requests).post(requests_by_order))
        .route("/_realm/counters", get(counters).post(counters))
        .route("/_realm/end_sessions", post(end_sessions))
        .route("/_realm/rotate_keys", post(rotate_keys))
        .route("/_realm/logout_token", post(logout_token))
        .route("/_realm/withdraw_consent", post(withdraw_consent))
        .route("/_realm/login", post(async move |Json(order): Json<Value>| respond(login.login(order).await)))
        .route("/_realm/logout", post(async move |Json(order): Json<Value>| respond(logout.logout(order).await)))
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
    match change.check() {
        Ok(()) => apply(&app, change.realm.as_deref(), |realm| realm.apply(&change)),
        Err(problem) => refused(&problem),
    }
}

/// Time that passes at the realm, and not for its clients.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

async fn advance(Json(order): Json<Value>) -> Response {
    let moved = serde_json::from_value(order).map_err(|error| error.to_string()).and_then(|order: Advance| clock::advance(order.seconds));
    respond(moved.map(|()| json!({"ahead": clock::ahead()})))
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
    if let Some(user) = order.user.as_ref().filter(|user| !USERS.iter().any(|known| known.username == **user)) {
        return refused(&format!("no such user: {user}; there are {}", USERS.map(|known| known.username).join(", ")));
    }
    apply(&app, order.realm.as_deref(), |realm| {
        // Offline sessions survive this.
        let wanted = realm.sessions.values().filter(|session| order.user.as_ref().is_none_or(|user| *user == session.username));
        for session in wanted.map(|session| session.id.clone()).collect::<Vec<_>>() {
            realm.end(&session, false);
        }
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

/// What an administrator does to replace the keys of the realm.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RotateKeys {
    realm: Option<String>,
    /// Whether the old keys are no longer listed.
    #[serde(default)]
    remove_old: bool,
    #[serde(default)]
    outdated_responses: u32,
}

async fn rotate_keys(State(app): State<Arc<App>>, Json(order): Json<Value>) -> Response {
    let order: RotateKeys = match serde_json::from_value(order) {
        Ok(order) => order,
        Err(error) => return refused(&error.to_string()),
    };
    let rotation = Rotation { keep_old: !order.remove_old, outdated_responses: order.outdated_responses };
    let sites: Vec<_> = app.sites.iter().filter(|site| order.realm.as_ref().is_none_or(|realm| site.name == realm)).collect();
    if sites.is_empty() {
        return refused("no such realm");
    }
    for site in sites {
        site.keys.rotate(&rotation);
    }
    Json(json!({})).into_response()
}

/// A logout token that is not sent: `{"client": "…", "sid": "…", "user": "…"}`, and what an
/// alteration may have.
async fn logout_token(State(app): State<Arc<App>>, Base(base): Base, Json(order): Json<Map<String, Value>>) -> Response {
    let mut order = order;
    let mut text = |name: &str| order.remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let (client_id, sid, user) = (text("client").unwrap_or_default(), text("sid"), text("user"));
    let alteration = match (!order.is_empty()).then(|| Alteration::of("logout_token", order)).transpose() {
        Ok(alteration) => alteration,
        Err(problem) => return refused(&problem),
    };
    for site in &app.sites {
        let realm = site.lock();
        let session = sid.as_ref().and_then(|sid| realm.sessions.get(sid).or_else(|| realm.offline_sessions.get(sid)));
        let client_session = session.and_then(|session| session.clients.get(&client_id));
        let ended = Ended {
            client_id: client_id.clone(),
            username: user.clone().or_else(|| Some(session?.username.clone())).unwrap_or_else(|| USERS[0].username.to_owned()),
            session: sid.clone(),
            issuer: client_session.map_or_else(|| format!("{base}/auth/realms/{}", site.name), |session| session.issuer.clone()),
        };
        if let Some(token) = backchannel::logout_token(site, &realm, &ended, alteration.as_ref()) {
            return Json(json!({"logout_token": token})).into_response();
        }
    }
    refused("no such client or user")
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
    respond(app.faults.order(order).map(|waiting| json!({"waiting": waiting})))
}

/// Which requests a test asks about: all, unless it names a target.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Requests {
    on: Option<String>,
}

async fn requests(State(app): State<Arc<App>>, uri: Uri) -> Response {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    received(&app, query.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect())
}

async fn requests_by_order(State(app): State<Arc<App>>, Json(order): Json<Value>) -> Response {
    received(&app, order)
}

fn received(app: &App, order: Value) -> Response {
    let target = match serde_json::from_value(order) {
        Ok(Requests { on }) => on.unwrap_or_else(|| "any".to_owned()),
        Err(error) => return refused(&error.to_string()),
    };
    if !TARGETS.contains(&target.as_str()) {
        return refused(&no_such_target(&target));
    }
    Json(app.ledger.requests(&target)).into_response()
}

async fn counters(State(app): State<Arc<App>>) -> Json<Value> {
    Json(app.ledger.counters())
}

fn respond(outcome: Result<Value, String>) -> Response {
    match outcome {
        Ok(value) => Json(value).into_response(),
        Err(problem) => refused(&problem),
    }
}

fn refused(problem: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": problem}))).into_response()
}
