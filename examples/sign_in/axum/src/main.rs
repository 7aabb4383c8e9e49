//! Sign in with sipgate, in axum: `cargo run`.

use std::env;
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, routing::get, routing::post};
use sipgate_oauth2::{AuthorizationRequest, CallOptions, Client, ClientBuilder, Error, LogoutParameters, Remedy, Task};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, cookie::SameSite, session};

const SIGN_IN: &str = r#"<a href="/login">Sign in with sipgate</a>"#;

fn app() -> sipgate_oauth2::Result<Router> {
    let client = ClientBuilder::from_env()?.build()?;
    let secure = address(&client).scheme() == "https"; // on your own machine, it may be http
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_same_site(SameSite::Lax).with_secure(secure);
    let routes = Router::new().route("/", get(home)).route("/login", get(login)).route("/auth", get(auth));
    let routes =
        routes.route("/balance", get(balance)).route("/logout", post(logout)).route("/backchannel-logout", post(backchannel_logout));
    Ok(routes.layer(sessions).with_state(client))
}

/// Where users find this application.
fn address(client: &Client) -> url::Url {
    let redirect_uri = client.redirect_uri().expect("SIPGATE_REDIRECT_URI is set");
    url::Url::parse(redirect_uri).and_then(|uri| uri.join("/")).expect("the client has accepted it")
}

/// The outcome of a call, without blocking a thread.
async fn outcome<T: Send + 'static>(task: Task<T>) -> sipgate_oauth2::Result<T> {
    let (done, outcome) = tokio::sync::oneshot::channel();
    task.then(move |outcome| drop(done.send(outcome)));
    outcome.await.expect("a task calls its completion once")
}

type Logins = Vec<(String, String)>;

async fn login(State(client): State<Client>, session: Session) -> Result<Redirect, Failure> {
    let authorization = client.authorization_request("openid balance:read")?;
    let mut logins: Logins = session.get("logins").await?.unwrap_or_default();
    logins.drain(..logins.len().saturating_sub(1));
    logins.push((authorization.state().to_owned(), authorization.export().reveal().to_owned()));
    session.insert("logins", logins).await?;
    Ok(Redirect::to(authorization.url()))
}

async fn auth(State(client): State<Client>, session: Session, uri: axum::http::Uri) -> Result<Redirect, Failure> {
    let callback = uri.query().unwrap_or_default();
    let (_, state) = url::form_urlencoded::parse(callback.as_bytes()).find(|(name, _)| name == "state").unwrap_or_default();
    let logins: Logins = session.get("logins").await?.unwrap_or_default();
    let kept = logins.iter().find(|(of, _)| *of == state).map_or("", |(_, kept)| kept);
    let authorization = AuthorizationRequest::restore(kept)?;
    let source = outcome(client.start_complete_login(&authorization, callback, None, &CallOptions::new())).await?;
    session.cycle_id().await?;
    session.insert("account", source.account()).await?;
    Ok(Redirect::to("/"))
}

async fn home(State(client): State<Client>, session: Session) -> Result<Response, Failure> {
    let Some(account) = session.get::<String>("account").await? else { return Ok(Html(SIGN_IN).into_response()) };
    let claims = outcome(client.token_source(account)?.start_claims(&CallOptions::new())).await?;
    let email = claims.get("email").and_then(|email| email.as_str()).unwrap_or(claims.subject());
    let logout = r#"<form method="post" action="/logout"><button>Log out</button></form>"#;
    Ok(Html(format!("Hello, {}. {logout}", email.replace('&', "&amp;").replace('<', "&lt;"))).into_response())
}

async fn balance(State(client): State<Client>, session: Session) -> Result<Response, Failure> {
    let Some(account) = session.get::<String>("account").await? else { return Ok(Redirect::to("/login").into_response()) };
    let token = outcome(client.token_source(account)?.start_access_token(Duration::ZERO, &CallOptions::new())).await?;
    let api = env::var("SIPGATE_API").unwrap_or_else(|_| "https://api.sipgate.com".to_owned());
    let request = ureq::get(format!("{api}/v2/balance")).header("authorization", format!("Bearer {}", token.reveal()));
    let balance = tokio::task::spawn_blocking(|| request.call()?.body_mut().read_to_string()).await.expect("it does not panic")?;
    Ok(([("content-type", "application/json")], balance).into_response())
}

async fn logout(State(client): State<Client>, session: Session) -> Result<Redirect, Failure> {
    let Some(account) = session.get::<String>("account").await? else { return Ok(Redirect::to("/")) };
    let source = client.token_source(account)?;
    let parameters = LogoutParameters::new().post_logout_redirect_uri(address(&client));
    let url = outcome(client.start_logout_url(&source, parameters, &CallOptions::new())).await?;
    outcome(source.start_logout(&CallOptions::new())).await?;
    session.flush().await?;
    Ok(Redirect::to(&url))
}

#[derive(serde::Deserialize)]
struct LogoutToken {
    logout_token: String,
}

async fn backchannel_logout(State(client): State<Client>, Form(form): Form<LogoutToken>) -> Result<(), Failure> {
    let accounts = outcome(client.start_accept_logout_token(&form.logout_token, &CallOptions::new())).await?;
    eprintln!("logged out at the server: {accounts:?}");
    Ok(())
}

struct Failure(StatusCode, String);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        eprintln!("{}: {error}", error.code());
        let (status, page) = match error.remedy() {
            Remedy::LogInAgain | Remedy::DiscardInput => (StatusCode::BAD_REQUEST, format!("You are not logged in. {SIGN_IN}")),
            Remedy::ShowDenied => (StatusCode::FORBIDDEN, format!("You did not allow the access. {SIGN_IN}")),
            Remedy::TryLater => (StatusCode::SERVICE_UNAVAILABLE, "sipgate does not respond. Please reload this page in a minute.".into()),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "This is our mistake, and it is in our log.".into()),
        };
        Self(status, page)
    }
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        eprintln!("no balance: {error}");
        Self(StatusCode::BAD_GATEWAY, String::new())
    }
}

impl From<session::Error> for Failure {
    fn from(error: session::Error) -> Self {
        eprintln!("no session: {error}");
        Self(StatusCode::INTERNAL_SERVER_ERROR, String::new())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Html(self.1)).into_response()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Of the requests to the API. Without ring beside it, one library has all cryptography.
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("nobody else does");
    let port = env::var("PORT").unwrap_or_else(|_| "8000".to_owned()).parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, app()?).await?)
}
