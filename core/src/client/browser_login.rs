//! A login in a browser on this machine, from its start to its end (RFC 8252).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Result};
use protocol::http::SendState;
use protocol::oauth::authorization_parameters::AuthorizationParameters;
use protocol::oauth::authorization_request::AuthorizationRequest;
use protocol::oauth::authorization_response;
use protocol::wait_ended::WaitEnded;

use super::client::Client;
use crate::browser::listener::{Callback, Listener};
use crate::browser::opener::Opener;
use crate::browser::page;
use crate::session::token_source::TokenSource;
use crate::sys::sync::Instant;
use crate::task::call_options::CallOptions;
use crate::task::task::{Completer, Task};

/// Long enough to find a password and a second factor. A user who has closed the page is waited for
/// no longer.
pub const TIMEOUT: Duration = Duration::from_secs(300);

/// Where the user returns to if the client has no redirect URI: any free port of this machine.
const REDIRECT_URI: &str = "http://127.0.0.1/";

type OnUrl = Arc<dyn Fn(&str) + Send + Sync>;

/// What [`Client::login_in_browser`] asks for: the parameters of the authorization request, and
/// what is optional.
///
/// ```
/// use sipgate_oauth2::BrowserLogin;
///
/// let login = BrowserLogin::new("balance:read").account("me").on_url(|url| println!("If no browser opens, open {url}"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct BrowserLogin {
    parameters: AuthorizationParameters,
    account: Option<String>,
    on_url: Option<OnUrl>,
}

impl BrowserLogin {
    /// A login with these parameters: a scope, or more. Their redirect URI, or else that of the
    /// client, must be on this machine.
    pub fn new(parameters: impl Into<AuthorizationParameters>) -> Self {
        Self { parameters: parameters.into(), account: None, on_url: None }
    }

    /// The account, as for [`Client::complete_login`]. Without it, it is the user's id at the
    /// server.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Called once with the URL that the browser opens, on the calling thread, before anything is
    /// opened: show it, for the case that no browser opens. Without it, that is an error.
    pub fn on_url(mut self, on_url: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_url = Some(Arc::new(on_url));
        self
    }
}

impl<P: Into<AuthorizationParameters>> From<P> for BrowserLogin {
    fn from(parameters: P) -> Self {
        Self::new(parameters)
    }
}

impl fmt::Debug for BrowserLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserLogin").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Client {
    /// Logs the user of this machine in: opens the browser, waits for its return on a port of this
    /// machine, shows a page that says what to do next, and stores the login as
    /// [`complete_login`](Self::complete_login) does. For command lines and programs on a desktop.
    ///
    /// The redirect URI is `http://127.0.0.1/…`, `http://localhost/…` or `http://[::1]/…`, as it is
    /// registered. Without a port it is any free one, which a server must allow (RFC 8252, section
    /// 7.3). If neither the parameters nor the client have one, it is `http://127.0.0.1/`.
    ///
    /// The user has five minutes, unless the call has a timeout.
    ///
    /// ```no_run
    /// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
    /// use sipgate_oauth2::BrowserLogin;
    ///
    /// let source = client.login_in_browser(BrowserLogin::new("balance:read").account("me"))?;
    /// let header = source.authorization_header()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`complete_login`](Self::complete_login).
    /// [`ErrorCode::Timeout`](crate::ErrorCode::Timeout) if the user does not return in time,
    /// [`ErrorCode::Busy`](crate::ErrorCode::Busy) if the port is in use, and
    /// [`ErrorCode::Unsupported`](crate::ErrorCode::Unsupported) if no browser opens and nobody
    /// was told the URL.
    pub fn login_in_browser(&self, login: impl Into<BrowserLogin>) -> Result<TokenSource> {
        self.start_login_in_browser(login, &CallOptions::new()).wait()
    }

    /// [`login_in_browser`](Self::login_in_browser) without waiting. It listens before this
    /// returns.
    pub fn start_login_in_browser(&self, login: impl Into<BrowserLogin>, options: &CallOptions) -> Task<TokenSource> {
        let BrowserLogin { parameters, account, on_url } = login.into();
        Task::started(options.refuse_cancelled().and_then(|()| {
            self.check_can_log_in(account.as_deref(), &parameters)?;
            let own = parameters.own_redirect_uri().or(self.redirect_uri()).unwrap_or(REDIRECT_URI).to_owned();
            // A mistake is found before anything listens.
            self.authorization_request(parameters.clone().redirect_uri(own.as_str()))?;
            let listener = Listener::bind(&own)?;
            let request = self.authorization_request(parameters.redirect_uri(listener.redirect_uri()))?;
            if let Some(on_url) = &on_url {
                on_url(request.url());
            }
            let options = options.clone().or_timeout(TIMEOUT);
            let (task, completer) = Task::new(&options, |why, sent| Err(wait_ended(why, sent)));
            let waiting = Waiting {
                client: self.clone(),
                account,
                request,
                url_is_shown: on_url.is_some(),
                until: Instant::now().checked_add(options.timeout),
                completer: completer.clone(),
            };
            completer.run("a login in the browser", move || waiting.run(listener));
            Ok(task)
        }))
    }
}

/// A login whose user is in the browser.
struct Waiting {
    client: Client,
    account: Option<String>,
    request: AuthorizationRequest,
    url_is_shown: bool,
    /// `None` if there is no limit.
    until: Option<Instant>,
    completer: Completer<TokenSource>,
}

impl Waiting {
    fn run(self, listener: Listener) {
        let mut opener = Opener::open(self.request.url());
        let fits = |query: &str| authorization_response::has_state(&self.request, query);
        let callback = listener.wait_for(fits, || {
            if opener.has_failed() && !self.url_is_shown {
                self.completer.complete(Err(no_browser()));
            }
            !self.completer.is_complete() && self.until.is_none_or(|until| Instant::now() < until)
        });
        drop(opener);
        // From here on a login may be stored, and a caller that stops waiting is told so.
        if let Some(callback) = callback
            && self.completer.progress().may_send()
        {
            self.complete(callback);
        }
    }

    fn complete(self, callback: Callback) {
        let left = self.until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let options = CallOptions::new().timeout(left);
        let (target, account) = (callback.target.clone(), self.account.as_deref());
        let completer = self.completer;
        self.client.start_complete_login(&self.request, target.reveal(), account, &options).then(move |outcome| {
            // First: a program that has its login may end at once.
            callback.respond(&page::of(outcome.as_ref()));
            completer.complete(outcome);
        });
    }
}

fn wait_ended(why: WaitEnded, came_back: SendState) -> Error {
    match (why, came_back) {
        (WaitEnded::Cancelled, SendState::NotSent) => Error::new(ErrorCode::Cancelled, "cancelled; nobody has logged in"),
        (_, SendState::NotSent) => Error::new(
            ErrorCode::Timeout,
            "the call's timeout elapsed before the browser came back; if the user has closed the page, start the login again",
        ),
        (WaitEnded::Cancelled, SendState::Sent) => {
            Error::new(ErrorCode::Cancelled, "cancelled while the login was completed; if that succeeds, it is stored")
        }
        (_, SendState::Sent) => {
            Error::new(ErrorCode::Timeout, "the call's timeout elapsed while the login was completed; if that succeeds, it is stored")
        }
    }
}

fn no_browser() -> Error {
    let message = "no browser opened on this machine; name one in the variable BROWSER, or show the user the URL (on_url)";
    Error::new(ErrorCode::Unsupported, message)
}
