//! The state of one realm: users, clients, sessions, codes, and consents.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;
use url::Url;

use crate::algorithm::Algorithm;
use crate::authorization_request::AuthorizationRequest;
use crate::bytes::{base64url, sha256, uuid};
use crate::fixtures::{Account, CLIENTS, Registration, USERS};
use crate::scopes;
use crate::session::{Ended, UserSession};
use crate::settings::{Change, Settings};

pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) uuid: String,
    pub(crate) name: &'static str,
    pub(crate) secret: Option<String>,
    pub(crate) consent: bool,
    pub(crate) enabled: bool,
    /// By Keycloak's names; see `settings::ATTRIBUTES`.
    pub(crate) attributes: HashMap<String, String>,
    /// What audience mappers add to ID tokens.
    pub(crate) id_token_audiences: Vec<String>,
    redirect_uris: Vec<String>,
}

impl Client {
    /// Of ID tokens and logout tokens.
    pub(crate) fn id_token_algorithm(&self) -> Algorithm {
        self.algorithm("id.token.signed.response.alg").unwrap_or(Algorithm::RS256)
    }

    /// `None` if userinfo is not signed.
    pub(crate) fn userinfo_algorithm(&self) -> Option<Algorithm> {
        self.algorithm("user.info.response.signature.alg")
    }

    pub(crate) fn is_set(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|value| value == "true")
    }

    fn algorithm(&self, attribute: &str) -> Option<Algorithm> {
        self.attributes.get(attribute).and_then(|name| Algorithm::named(name).ok())
    }

    /// Text if there is one audience, otherwise a list.
    pub(crate) fn id_token_audience(&self) -> Value {
        if self.id_token_audiences.is_empty() {
            return self.id.as_str().into();
        }
        std::iter::once(&self.id).chain(&self.id_token_audiences).map(String::as_str).collect()
    }

    /// Whether a login may send the browser here. Allows any path on these hosts, any port on a
    /// loopback host (RFC 8252, 7.3), and what was given at the start.
    pub(crate) fn is_registered(&self, redirect_uri: &str) -> bool {
        let Ok(url) = Url::parse(redirect_uri) else { return false };
        let plain = url.username().is_empty() && url.password().is_none();
        let known = match (url.scheme(), url.host_str()) {
            ("http", Some("127.0.0.1" | "localhost")) => true,
            ("https", Some("example.com")) => url.port().is_none(),
            _ => false,
        };
        plain && (known || self.redirect_uris.iter().any(|registered| registered == redirect_uri))
    }

    /// Whether a logout may send the browser here. Entries are separated by `##`, and may end in
    /// an asterisk.
    pub(crate) fn returns_to(&self, uri: &str) -> bool {
        match self.attributes.get("post.logout.redirect.uris").map(String::as_str) {
            None | Some("+") => self.is_registered(uri),
            Some("-") => false,
            Some(list) => list.split("##").any(|entry| entry.strip_suffix('*').map_or(entry == uri, |start| uri.starts_with(start))),
        }
    }

    pub(crate) fn secret_text(&self) -> &str {
        self.secret.as_deref().unwrap_or_default()
    }
}

pub(crate) struct User {
    pub(crate) subject: String,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
    pub(crate) given_name: &'static str,
    pub(crate) enabled: bool,
    pub(crate) offline_access: bool,
}

/// What a code can be redeemed for.
pub(crate) struct Code {
    pub(crate) request: AuthorizationRequest,
    pub(crate) session: String,
    pub(crate) expires_at: u64,
}

/// A login in progress in one browser tab.
pub(crate) struct LoginInProgress {
    pub(crate) request: AuthorizationRequest,
    /// The cookie of the browser that began the login.
    pub(crate) browser: String,
    pub(crate) session_code: String,
    /// Set once the user is authenticated and only the consent is missing.
    pub(crate) user: Option<(String, String)>,
}

pub(crate) struct Realm {
    pub(crate) settings: Settings,
    pub(crate) clients: Vec<Client>,
    pub(crate) users: Vec<User>,
    pub(crate) sessions: HashMap<String, UserSession>,
    pub(crate) offline_sessions: HashMap<String, UserSession>,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) logins: HashMap<String, LoginInProgress>,
    /// Ids of revoked access tokens.
    pub(crate) revoked: HashSet<String>,
    pub(crate) token_responses: usize,
    /// What clients are to be told, in order.
    pub(crate) ended: Vec<Ended>,
    consents: HashMap<(String, String), BTreeSet<String>>,
}

impl Realm {
    pub(crate) fn new(name: &str, redirect_uris: &[String]) -> Self {
        let client = |client: &Registration| Client {
            id: client.id_in(name),
            uuid: uuid(),
            name: client.name,
            secret: client.secret.map(str::to_owned),
            consent: client.consent,
            enabled: true,
            // As Keycloak creates a client.
            attributes: HashMap::from([("backchannel.logout.session.required".to_owned(), "true".to_owned())]),
            id_token_audiences: Vec::new(),
            redirect_uris: redirect_uris.to_vec(),
        };
        let user = |account: &Account| User {
            // The same in every run, but different in each realm.
            subject: base64url(&sha256(format!("{name}/{}", account.username).as_bytes())[..18]),
            username: account.username,
            password: account.password,
            given_name: account.given_name,
            enabled: true,
            offline_access: true,
        };
        Self {
            settings: Settings::of_realm(name),
            clients: CLIENTS.iter().map(client).collect(),
            users: USERS.iter().map(user).collect(),
            sessions: HashMap::new(),
            offline_sessions: HashMap::new(),
            codes: HashMap::new(),
            logins: HashMap::new(),
            revoked: HashSet::new(),
            token_responses: 0,
            ended: Vec::new(),
            consents: HashMap::new(),
        }
    }

    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    pub(crate) fn user(&self, username: &str) -> Option<&User> {
        self.users.iter().find(|user| user.username == username)
    }

    /// The session of a browser's cookie, if it can still be used.
    pub(crate) fn session_of_browser(&self, identity: Option<&str>, now: u64) -> Option<&UserSession> {
        let identity = identity?;
        self.sessions.values().find(|session| {
            session.identity == identity
                && !session.is_idle(now, self.settings.refresh_token_lifespan)
                && self.user(&session.username).is_some_and(|user| user.enabled)
        })
    }

    pub(crate) fn issue_code(&mut self, request: AuthorizationRequest, session: &str, issuer: &str, now: u64) -> String {
        let key = uuid();
        let client = self.client(&request.client_id).map_or_else(String::new, |client| client.uuid.clone());
        if let Some(session) = self.sessions.get_mut(session) {
            let client_session = session.clients.entry(request.client_id.clone()).or_default();
            issuer.clone_into(&mut client_session.issuer);
            client_session.single_sign_on = request.single_sign_on;
            session.last_used = now;
        }
        let code = Code { request, session: session.to_owned(), expires_at: now + self.settings.code_lifespan };
        self.codes.insert(key.clone(), code);
        format!("{key}.{session}.{client}")
    }

    pub(crate) fn sessions_mut(&mut self, offline: bool) -> &mut HashMap<String, UserSession> {
        if offline { &mut self.offline_sessions } else { &mut self.sessions }
    }

    /// Ends a session for all its clients, and tells them.
    pub(crate) fn end(&mut self, session: &str, offline: bool) -> bool {
        let Some(session) = self.sessions_mut(offline).remove(session) else { return false };
        self.ended.extend(session.clients.iter().map(|(client_id, client)| Ended::of(&session, client_id, client)));
        true
    }

    /// Removes the client from the session: all its tokens become invalid, from every login.
    pub(crate) fn detach(&mut self, session: &str, client_id: &str, offline: bool) -> bool {
        self.sessions_mut(offline).get_mut(session).is_some_and(|session| session.clients.remove(client_id).is_some())
    }

    /// Like `detach`, but also ends a session that has no clients left.
    pub(crate) fn revoke(&mut self, session: &str, client_id: &str, offline: bool) -> bool {
        let detached = self.detach(session, client_id, offline);
        if self.sessions_mut(offline).get(session).is_some_and(|session| session.clients.is_empty()) {
            self.sessions_mut(offline).remove(session);
        }
        detached
    }

    /// Whether the user sees the consent page.
    pub(crate) fn must_ask(&self, request: &AuthorizationRequest, username: &str) -> bool {
        let asks = |client: &Client| client.consent && request.prompted("consent") || self.needs_consent(client, username, &request.scope);
        self.client(&request.client_id).is_some_and(asks)
    }

    pub(crate) fn needs_consent(&self, client: &Client, username: &str, scope: &[String]) -> bool {
        client.consent && !self.consented(username, &client.id, scope)
    }

    pub(crate) fn consented(&self, username: &str, client_id: &str, scope: &[String]) -> bool {
        let consents = self.consents.get(&(username.to_owned(), client_id.to_owned()));
        // `openid` is not a client scope in Keycloak and needs no consent.
        consents.is_some_and(|consents| scope.iter().all(|scope| scope == "openid" || consents.contains(scope)))
    }

    pub(crate) fn consent(&mut self, username: &str, client_id: &str, scope: &[String]) {
        let scope = scope.iter().cloned();
        self.consents.entry((username.to_owned(), client_id.to_owned())).or_default().extend(scope);
    }

    /// Fails if this realm does not know the user or the client.
    pub(crate) fn withdraw_consent(&mut self, username: &str, client_id: &str) -> Result<(), String> {
        self.user(username).ok_or_else(|| format!("no user {username}"))?;
        self.client(client_id).ok_or_else(|| format!("no client {client_id}"))?;
        self.consents.remove(&(username.to_owned(), client_id.to_owned()));
        let sessions = self.sessions.values_mut().chain(self.offline_sessions.values_mut());
        for session in sessions.filter(|session| session.username == username) {
            if let Some(client) = session.clients.remove(client_id) {
                self.ended.push(Ended::of(session, client_id, &client));
            }
        }
        Ok(())
    }

    /// What a client is granted: the scopes it asked for and the default ones.
    pub(crate) fn granted(asked: &str) -> Vec<String> {
        let mut granted: Vec<String> = asked.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
        granted.extend(scopes::DEFAULT.map(str::to_owned));
        let mut seen = HashSet::new();
        granted.retain(|scope| seen.insert(scope.clone()));
        granted
    }

    /// Fails if the change names a user or client that this realm does not know.
    pub(crate) fn apply(&mut self, change: &Change) -> Result<(), String> {
        self.settings.apply(change);
        if change.consent == Some(false) {
            self.consents.retain(|(user, client), _| {
                change.user.as_ref().is_some_and(|wanted| wanted != user) || change.client.as_ref().is_some_and(|wanted| wanted != client)
            });
        }
        if let Some(name) = &change.user {
            let user = self.users.iter_mut().find(|user| user.username == name).ok_or_else(|| format!("no user {name}"))?;
            user.enabled = change.enabled.unwrap_or(user.enabled);
            user.offline_access = change.offline_access.unwrap_or(user.offline_access);
        }
        if let Some(id) = &change.client {
            let client = self.clients.iter_mut().find(|client| client.id == *id).ok_or_else(|| format!("no client {id}"))?;
            if change.user.is_none() {
                client.enabled = change.enabled.unwrap_or(client.enabled);
            }
            if let Some(secret) = &change.secret {
                client.secret = Some(secret.clone());
            }
            if let Some(audiences) = &change.id_token_audiences {
                client.id_token_audiences.clone_from(audiences);
            }
            for (name, value) in &change.attributes {
                match value.as_deref() {
                    None | Some("") => client.attributes.remove(name),
                    Some(value) => client.attributes.insert(name.clone(), value.to_owned()),
                };
            }
        }
        Ok(())
    }
}
