//! A browser and its user in one: logs in through the same pages, for tests that need a login but
//! are not about the login.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

use crate::control::refused;
use crate::form;
use crate::site::Encrypted;

/// More steps than any login takes.
const MAX_STEPS: usize = 8;

type Cookies = BTreeMap<String, String>;

/// The named browsers, with their cookies.
pub(crate) struct Browsers {
    site: Router,
    cookies: Mutex<HashMap<String, Cookies>>,
}

impl Browsers {
    pub(crate) fn new(site: Router) -> Self {
        Self { site, cookies: Mutex::default() }
    }

    pub(crate) fn forget(&self) {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    authorization_url: String,
    username: String,
    password: String,
    /// A browser that keeps its cookies between requests; without a name, a new browser.
    browser: Option<String>,
    #[serde(default = "accept")]
    consent: bool,
}

fn accept() -> bool {
    true
}

pub(crate) async fn login(browsers: Arc<Browsers>, Json(order): Json<Value>) -> Response {
    let order: Order = match serde_json::from_value(order) {
        Ok(order) => order,
        Err(error) => return refused(&error.to_string()),
    };
    let stored = || browsers.cookies.lock().unwrap_or_else(PoisonError::into_inner);
    let mut cookies = order.browser.as_ref().and_then(|name| stored().get(name).cloned()).unwrap_or_default();
    let outcome = walk(&browsers.site, &order, &mut cookies).await;
    if let Some(name) = order.browser {
        stored().insert(name, cookies);
    }
    match outcome {
        Ok(callback) => Json(json!({"callback": callback})).into_response(),
        Err(problem) => refused(&problem),
    }
}

/// Follows the pages until one redirects away from the realm.
async fn walk(site: &Router, order: &Order, cookies: &mut Cookies) -> Result<String, String> {
    let start = Url::parse(&order.authorization_url).map_err(|error| format!("authorization_url: {error}"))?;
    let home = &start[..url::Position::BeforePath];
    let mut page = visit(site, &start, None, cookies).await?;
    for _ in 0..MAX_STEPS {
        if let Some(location) = page.location {
            match Url::parse(&location) {
                Ok(next) if location.starts_with(&format!("{home}/auth/realms/")) => page = visit(site, &next, None, cookies).await?,
                _ => return Ok(location),
            }
            continue;
        }
        let form = if page.body.contains("id=\"kc-form-login\"") {
            if page.body.contains("id=\"input-error\"") {
                return Err("the login page was shown again: wrong username or password, or the user is disabled".to_owned());
            }
            form::encode(&[("username", &order.username), ("password", &order.password), ("credentialId", "")])
        } else if let Some(code) = attribute(&page.body, "name=\"code\" value=\"") {
            form::encode(&[("code", &code), if order.consent { ("accept", "Yes") } else { ("cancel", "No") }])
        } else {
            let text = attribute(&page.body, "role=\"alert\">").unwrap_or_default();
            return Err(format!("a page without a form, status {}: {text}", page.status));
        };
        let action = attribute(&page.body, "action=\"").ok_or("a form without an action")?;
        let next = start.join(&action).map_err(|error| error.to_string())?;
        page = visit(site, &next, Some(form), cookies).await?;
    }
    Err("the login takes too many steps".to_owned())
}

struct Page {
    status: StatusCode,
    location: Option<String>,
    body: String,
}

async fn visit(site: &Router, url: &Url, form: Option<String>, cookies: &mut Cookies) -> Result<Page, String> {
    let cookie: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = Request::builder()
        .method(if form.is_some() { "POST" } else { "GET" })
        .uri(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort])
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::COOKIE, cookie.join("; "))
        .extension(Encrypted(url.scheme() == "https"))
        .body(Body::from(form.unwrap_or_default()))
        .map_err(|error| error.to_string())?;
    let response = site.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        let pair = cookie.to_str().unwrap_or_default().split(';').next().and_then(|pair| pair.split_once('='));
        if let Some((name, value)) = pair {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
    let status = response.status();
    let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok()).map(str::to_owned);
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Page { status, location, body: String::from_utf8_lossy(&body).into_owned() })
}

/// What follows `start` up to the next quote or tag, unescaped.
fn attribute(html: &str, start: &str) -> Option<String> {
    let (_, rest) = html.split_once(start)?;
    let value = &rest[..rest.find(['"', '<'])?];
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'").replace("&amp;", "&"))
}
