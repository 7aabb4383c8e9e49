//! From the login page to the code: what the browser sends while a user logs in.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use crate::authorization_request::AuthorizationRequest;
use crate::bytes::random_id;
use crate::callback::{self, redirected};
use crate::clock;
use crate::form::{self, Form};
use crate::pages::{self, ConsentPage, LoginPage};
use crate::realm::{LoginInProgress, Realm};
use crate::session::UserSession;
use crate::site::Call;

const BROWSER_COOKIE: &str = "AUTH_SESSION_ID";
const IDENTITY_COOKIE: &str = "KEYCLOAK_IDENTITY";

pub(crate) fn identity_cookie(headers: &HeaderMap) -> Option<String> {
    cookie(headers, IDENTITY_COOKIE)
}

/// Shows the login page.
pub(crate) fn begin(call: &Call, realm: &mut Realm, request: AuthorizationRequest) -> Response {
    let (tab, browser) = remember(call, realm, request, None);
    let login = &realm.logins[&tab];
    let mut page = login_page(call, realm, &tab, login, None);
    set_cookie(&mut page, call, BROWSER_COOKIE, &browser);
    page
}

/// `POST …/login-actions/authenticate`: the login page's form.
pub(crate) async fn authenticate(call: Call, body: Bytes) -> Response {
    let mut guard = call.site.lock();
    let realm = &mut *guard;
    let form = Form::parse(&body);
    let Some((tab, login)) = login_in_progress(&call, realm) else { return expired() };
    if call.query.get("session_code") != Some(&login.session_code) {
        return expired();
    }

    let username = form.get("username").unwrap_or_default();
    let user = realm.user(username).filter(|user| form.get("password") == Some(user.password));
    let Some(user) = user else {
        return login_page(&call, realm, &tab, login, Some((username, "Invalid username or password.")));
    };
    if !user.enabled {
        return login_page(&call, realm, &tab, login, Some((username, "Account is disabled, contact your administrator.")));
    }

    call.site.ledger.count("logins");
    let username = user.username;
    let same_user =
        realm.session_of_browser(identity_cookie(&call.headers).as_deref(), call.now).filter(|session| session.username == username);
    let session = match same_user.map(|session| session.id.clone()) {
        Some(id) => id,
        None => {
            let session = UserSession::start(username, call.now);
            let id = session.id.clone();
            realm.sessions.insert(id.clone(), session);
            id
        }
    };
    let Some(LoginInProgress { request, .. }) = realm.logins.remove(&tab) else { return expired() };
    let identity = realm.sessions.get_mut(&session).map_or_else(String::new, |session| {
        session.authenticated_at = call.now;
        session.auth_time = clock::of_clients();
        session.identity.clone()
    });
    let mut response = finish_or_ask(&call, realm, request, &session, username);
    set_cookie(&mut response, &call, IDENTITY_COOKIE, &identity);
    response
}

/// Sends the browser back with a code, or first to the consent page.
pub(crate) fn finish_or_ask(call: &Call, realm: &mut Realm, request: AuthorizationRequest, session: &str, username: &str) -> Response {
    if !realm.must_ask(&request, username) {
        return finish(call, realm, &request, session);
    }
    let client_id = request.client_id.clone();
    let (tab, browser) = remember(call, realm, request, Some((session.to_owned(), username.to_owned())));
    let address = format!("{}/login-actions/required-action", call.issuer);
    let mut response =
        pages::redirect(&form::with_query(&address, &[("execution", "OAUTH_GRANT"), ("client_id", &client_id), ("tab_id", &tab)]));
    set_cookie(&mut response, call, BROWSER_COOKIE, &browser);
    response
}

/// `GET …/login-actions/required-action`: the consent page.
pub(crate) async fn consent_page(call: Call) -> Response {
    let guard = call.site.lock();
    let realm = &*guard;
    let Some((tab, LoginInProgress { request, session_code, user: Some((_, username)), .. })) = login_in_progress(&call, realm) else {
        return expired();
    };
    // Here the action of Keycloak's form is a path, not a full URL.
    let address = format!("/auth/realms/{}/login-actions/consent", call.site.name);
    pages::consent(&ConsentPage {
        action: &form::with_query(&address, &[("client_id", &request.client_id), ("tab_id", &tab)]),
        code: session_code,
        realm: call.site.name,
        application: application(realm, request),
        username,
        scope: &request.scope,
    })
}

/// `POST …/login-actions/consent`: accepted or denied.
pub(crate) async fn consent(call: Call, body: Bytes) -> Response {
    let mut guard = call.site.lock();
    let realm = &mut *guard;
    let form = Form::parse(&body);
    let Some((tab, login)) = login_in_progress(&call, realm) else { return expired() };
    if form.get("code") != Some(&login.session_code) {
        return expired();
    }
    let Some(LoginInProgress { request, user: Some((session, username)), .. }) = realm.logins.remove(&tab) else {
        return expired();
    };
    if form.get("accept").is_none() {
        return callback::refused(&call, realm, &request, &redirected("access_denied", ""));
    }
    realm.consent(&username, &request.client_id, &request.scope);
    finish(&call, realm, &request, &session)
}

fn finish(call: &Call, realm: &mut Realm, request: &AuthorizationRequest, session: &str) -> Response {
    call.site.keys.prepare();
    let code = realm.issue_code(request.clone(), session, &call.issuer, call.now);
    callback::granted(call, realm, request, session, &code)
}

/// Returns the ids of the new tab and of the browser.
fn remember(call: &Call, realm: &mut Realm, request: AuthorizationRequest, user: Option<(String, String)>) -> (String, String) {
    let tab = random_id();
    let browser = cookie(&call.headers, BROWSER_COOKIE).unwrap_or_else(random_id);
    let login = LoginInProgress { request, browser: browser.clone(), session_code: random_id(), user };
    realm.logins.insert(tab.clone(), login);
    (tab, browser)
}

/// The tab this request names, if the same browser began it.
fn login_in_progress<'a>(call: &Call, realm: &'a Realm) -> Option<(String, &'a LoginInProgress)> {
    let tab = call.query.get("tab_id")?;
    let login = realm.logins.get(tab)?;
    (cookie(&call.headers, BROWSER_COOKIE)? == login.browser).then(|| (tab.to_owned(), login))
}

fn login_page(call: &Call, realm: &Realm, tab: &str, login: &LoginInProgress, failed: Option<(&str, &str)>) -> Response {
    let request = &login.request;
    let parameters = [
        ("session_code", login.session_code.as_str()),
        ("execution", "username-password-form"),
        ("client_id", &request.client_id),
        ("tab_id", tab),
    ];
    pages::login(&LoginPage {
        action: &form::with_query(&format!("{}/login-actions/authenticate", call.issuer), &parameters),
        realm: call.site.name,
        application: application(realm, request),
        scope: &request.scope,
        username: failed.map_or(&request.login_hint, |(username, _)| username),
        problem: failed.map(|(_, problem)| problem),
    })
}

fn application<'a>(realm: &Realm, request: &'a AuthorizationRequest) -> (&'static str, &'a str) {
    (realm.client(&request.client_id).map_or("An application", |client| client.name), &request.client_id)
}

fn expired() -> Response {
    pages::error(
        StatusCode::BAD_REQUEST,
        "This login was already finished, has expired, or began in another browser. Go back to the application and start again.",
    )
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let values = headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).find_map(|pair| match pair.trim().split_once('=') {
        Some((name, value)) if name == wanted => Some(value.to_owned()),
        _ => None,
    })
}

/// Not `Secure`, unlike Keycloak's cookies: these must work over plain HTTP in any cookie jar.
fn set_cookie(response: &mut Response, call: &Call, name: &str, value: &str) {
    let cookie = format!("{name}={value}; Path=/auth/realms/{}/; HttpOnly; SameSite=Lax", call.site.name);
    // The only value that is not generated here was sent by a browser.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append("set-cookie", cookie);
    }
}
