//! Sessions: one per browser and user. Each contains one client session per client, shared by all
//! logins of that client in that browser.

use std::collections::HashMap;

use crate::bytes::{random_id, uuid};
use crate::clock;
use crate::oauth_error::OAuthError;

pub(crate) struct UserSession {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) authenticated_at: u64,
    /// The same by the clock of the clients, who compare it with that of the first ID token.
    pub(crate) auth_time: u64,
    pub(crate) last_used: u64,
    /// The value of the browser's cookie.
    pub(crate) identity: String,
    pub(crate) clients: HashMap<String, ClientSession>,
}

impl UserSession {
    pub(crate) fn start(username: &str, now: u64) -> Self {
        Self {
            id: random_id(),
            username: username.to_owned(),
            authenticated_at: now,
            auth_time: clock::of_clients(),
            last_used: now,
            identity: random_id(),
            clients: HashMap::new(),
        }
    }

    /// The session that outlives that of the browser: the same id, but only the client that
    /// requested it.
    pub(crate) fn offline_copy(&self, now: u64) -> Self {
        Self {
            id: self.id.clone(),
            username: self.username.clone(),
            authenticated_at: self.authenticated_at,
            auth_time: self.auth_time,
            last_used: now,
            identity: String::new(),
            clients: HashMap::new(),
        }
    }

    pub(crate) fn is_idle(&self, now: u64, lifespan: u64) -> bool {
        now >= self.last_used + lifespan
    }
}

/// One client's families of refresh tokens by reuse id: one family for each redeemed code.
#[derive(Default)]
pub(crate) struct ClientSession {
    /// The address that the browser used for the last login.
    pub(crate) issuer: String,
    /// Whether the last login needed no password, because the browser had a session.
    pub(crate) single_sign_on: bool,
    families: HashMap<String, Family>,
}

/// The ids of one family's refresh tokens in the order they were issued, and the last one spent.
#[derive(Default)]
struct Family {
    issued: Vec<String>,
    last_spent: Option<usize>,
}

impl ClientSession {
    /// The same login, without its refresh tokens.
    pub(crate) fn offline_copy(&self) -> Self {
        Self { issuer: self.issuer.clone(), single_sign_on: self.single_sign_on, families: HashMap::new() }
    }

    pub(crate) fn new_family(&mut self) -> String {
        let reuse_id = uuid();
        self.families.insert(reuse_id.clone(), Family::default());
        reuse_id
    }

    pub(crate) fn issue(&mut self, reuse_id: &str) -> String {
        let token_id = uuid();
        self.families.entry(reuse_id.to_owned()).or_default().issued.push(token_id.clone());
        token_id
    }

    /// Marks a token as used. With rotation, it is an error to use a token twice or after a newer
    /// one.
    pub(crate) fn spend(&mut self, reuse_id: &str, token_id: &str, rotation: bool) -> Result<(), Reuse> {
        let family = self.families.get_mut(reuse_id).ok_or(Reuse::EarlierSession)?;
        let generation = family.issued.iter().position(|issued| issued == token_id).ok_or(Reuse::EarlierSession)?;
        if rotation && family.last_spent.is_some_and(|spent| generation <= spent) {
            return Err(if Some(generation) == family.last_spent { Reuse::LastToken } else { Reuse::OlderToken });
        }
        if rotation {
            family.last_spent = Some(generation);
        }
        Ok(())
    }
}

/// A client's part of a session that has ended.
pub(crate) struct Ended {
    pub(crate) client_id: String,
    pub(crate) username: String,
    /// `None` for a token about all sessions of the user.
    pub(crate) session: Option<String>,
    pub(crate) issuer: String,
}

impl Ended {
    pub(crate) fn of(session: &UserSession, client_id: &str, client: &ClientSession) -> Self {
        Self {
            client_id: client_id.to_owned(),
            username: session.username.clone(),
            session: Some(session.id.clone()),
            issuer: client.issuer.clone(),
        }
    }
}

pub(crate) enum Reuse {
    /// The client session was detached meanwhile, and another one has begun.
    EarlierSession,
    LastToken,
    OlderToken,
}

impl Reuse {
    /// Whether Keycloak detaches the whole client session.
    pub(crate) fn is_theft(&self) -> bool {
        !matches!(self, Self::EarlierSession)
    }
}

impl From<Reuse> for OAuthError {
    fn from(reuse: Reuse) -> Self {
        Self::invalid_grant(match reuse {
            Reuse::EarlierSession => "refresh token issued before the client session started",
            Reuse::LastToken => "Maximum allowed refresh token reuse exceeded",
            Reuse::OlderToken => "Stale token",
        })
    }
}
