//! A browser and its user in one: logs in and out through the same pages, for tests that need a
//! login but are not about the login.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

use crate::fixtures::CLIENTS;
use crate::form;
use crate::site::{Encrypted, REALMS};

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

impl Order {
    /// Consent can be denied only by a user whom the realm has asked for it.
    fn arrived(&self, asked: bool, callback: Value) -> Result<Value, String> {
        if self.consent || asked {
            return Ok(callback);
        }
        let asking: Vec<_> =
            CLIENTS.iter().filter(|client| client.consent).flat_map(|client| REALMS.map(|realm| client.id_in(realm))).collect();
        Err(format!(
            "consent: {} was not asked, and could not deny it; {} ask, each user once, and again after withdraw_consent",
            self.username,
            asking.join(" and ")
        ))
    }
}

/// A logout that the application sends the browser to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogoutOrder {
    logout_url: String,
    browser: Option<String>,
}

impl Browsers {
    pub(crate) async fn login(&self, order: Value) -> Result<Value, String> {
        let order: Order = serde_json::from_value(order).map_err(|error| error.to_string())?;
        self.act(order.browser.as_ref(), async |cookies| walk(&self.site, &order, cookies).await).await
    }

    pub(crate) async fn logout(&self, order: Value) -> Result<Value, String> {
        let order: LogoutOrder = serde_json::from_value(order).map_err(|error| error.to_string())?;
        self.act(order.browser.as_ref(), async |cookies| walk_out(&self.site, &order.logout_url, cookies).await).await
    }

    /// Lets the named browser do something, and keeps its cookies.
    async fn act(&self, browser: Option<&String>, act: impl AsyncFnOnce(&mut Cookies) -> Result<Value, String>) -> Result<Value, String> {
        let stored = || self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cookies = browser.and_then(|name| stored().get(name).cloned()).unwrap_or_default();
        let outcome = act(&mut cookies).await;
        if let Some(name) = browser {
            stored().insert(name.clone(), cookies);
        }
        outcome
    }
}

/// Confirms the logout if the page asks. Returns where the browser is sent, or null.
async fn walk_out(site: &Router, logout_url: &str, cookies: &mut Cookies) -> Result<Value, String> {
    let start = Url::parse(logout_url).map_err(|error| format!("logout_url: {error}"))?;
    let mut page = visit(site, &start, None, cookies).await?;
    if page.body.contains("id=\"kc-logout\"") {
        let action = attribute(&page.body, "action=\"").ok_or("a form without an action")?;
        let next = start.join(&action).map_err(|error| error.to_string())?;
        page = visit(site, &next, Some(form::encode(&borrowed(&hidden_fields(&page.body)))), cookies).await?;
    }
    if page.status.is_client_error() {
        return Err(attribute(&page.body, "role=\"alert\">").unwrap_or_default());
    }
    Ok(json!({"callback": page.location}))
}

/// Follows the pages until one redirects away from the realm, or posts a form away from it.
async fn walk(site: &Router, order: &Order, cookies: &mut Cookies) -> Result<Value, String> {
    let start = Url::parse(&order.authorization_url).map_err(|error| format!("authorization_url: {error}"))?;
    let home = &start[..url::Position::BeforePath];
    let mut page = visit(site, &start, None, cookies).await?;
    let mut asked = false;
    for _ in 0..MAX_STEPS {
        if let Some(location) = page.location {
            match Url::parse(&location) {
                Ok(next) if location.starts_with(&format!("{home}/auth/realms/")) => page = visit(site, &next, None, cookies).await?,
                _ => return order.arrived(asked, json!({"callback": location})),
            }
            continue;
        }
        if page.body.contains("id=\"form-post\"") {
            let action = attribute(&page.body, "action=\"").ok_or("a form without an action")?;
            return order.arrived(asked, json!({"callback": action, "form": form::encode(&borrowed(&hidden_fields(&page.body)))}));
        }
        let form = if page.body.contains("id=\"kc-form-login\"") {
            if page.body.contains("id=\"input-error\"") {
                return Err("the login page was shown again: wrong username or password, or the user is disabled".to_owned());
            }
            form::encode(&[("username", &order.username), ("password", &order.password), ("credentialId", "")])
        } else if let Some(code) = attribute(&page.body, "name=\"code\" value=\"") {
            asked = true;
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

/// Names and values.
fn hidden_fields(html: &str) -> Vec<(String, String)> {
    let inputs = html.split("<input type=\"hidden\" ").skip(1);
    inputs.filter_map(|input| Some((attribute(input, "name=\"")?, attribute(input, "value=\"")?))).collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// What follows `start` up to the next quote or tag, unescaped.
fn attribute(html: &str, start: &str) -> Option<String> {
    let (_, rest) = html.split_once(start)?;
    let value = &rest[..rest.find(['"', '<'])?];
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'").replace("&amp;", "&"))
}
