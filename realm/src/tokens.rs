//! What the tokens of this realm contain, and when a refresh token is accepted.

use serde_json::{Value, json};

use crate::algorithm::Algorithm;
use crate::alteration::Alteration;
use crate::bytes::uuid;
use crate::clock;
use crate::fixtures::BALANCE_API;
use crate::keys::Keys;
use crate::oauth_error::OAuthError;
use crate::realm::{Realm, User};
use crate::session::UserSession;
use crate::site::Site;
use crate::unsigned::Unsigned;

/// The user, client, scopes, and session that tokens are issued for.
pub(crate) struct Grant<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) session: &'a str,
    pub(crate) offline: bool,
    pub(crate) reuse_id: &'a str,
    /// The scope of the refresh token.
    pub(crate) scope: &'a [String],
    /// The scope of the access token.
    pub(crate) narrowed: &'a [String],
    /// `grant_type`.
    pub(crate) kind: &'a str,
    /// Only the first ID token has the nonce.
    pub(crate) nonce: Option<&'a str>,
    pub(crate) now: u64,
}

impl Grant<'_> {
    /// The members of a successful token response (RFC 6749, 5.1).
    pub(crate) fn response(&self, realm: &mut Realm, site: &Site) -> Result<Value, OAuthError> {
        let now = self.now;
        let keys = &site.keys;
        let session =
            realm.sessions_mut(self.offline).get_mut(self.session).ok_or_else(|| OAuthError::invalid_grant("Session not active"))?;
        session.last_used = now;
        let username = session.username.clone();
        let auth_time = session.auth_time;
        let client_session =
            session.clients.get_mut(self.client_id).ok_or_else(|| OAuthError::invalid_grant("Session doesn't have required client"))?;
        let token_id = client_session.issue(self.reuse_id);
        let acr = if client_session.single_sign_on { "0" } else { "1" };
        realm.token_responses += 1;
        let user = realm.user(&username).ok_or_else(|| OAuthError::invalid_grant("User not found"))?;
        let client = realm.client(self.client_id).ok_or_else(|| OAuthError::invalid_grant("Unmatching clients"))?;
        let settings = &realm.settings;

        let mut identity = json!({
            "exp": now + settings.access_token_lifespan, "iat": now, "auth_time": auth_time, "jti": uuid(), "iss": self.issuer,
            "sub": user.subject, "azp": self.client_id, "sid": self.session, "acr": acr,
        });
        merge(&mut identity, profile(user, self.narrowed));

        let scope_text = in_some_order(self.narrowed, realm.token_responses);
        let mut access = identity.clone();
        merge(&mut access, json!({"typ": "Bearer", "scope": scope_text, "allowed-origins": []}));
        let balance = || self.narrowed.iter().any(|scope| scope == "balance:read").then(|| format!("{BALANCE_API}:{}", site.name));
        if let Some(audience) = settings.audience.clone().or_else(balance) {
            access["aud"] = audience.into();
        }
        let access_token = Unsigned { typ: "JWT", algorithm: Algorithm::RS256, secret: "", claims: access }.sign(keys, None);

        let mut refresh = json!({
            "iat": now, "jti": token_id, "iss": self.issuer, "aud": self.issuer, "sub": user.subject,
            "typ": if self.offline { "Offline" } else { "Refresh" },
            "azp": self.client_id, "sid": self.session, "scope": self.scope.join(" "), "reuse_id": self.reuse_id,
        });
        if !self.offline {
            refresh["exp"] = (now + settings.refresh_token_lifespan).into();
        }

        let mut response = json!({
            "access_token": access_token,
            "expires_in": settings.access_token_lifespan,
            "refresh_expires_in": if self.offline { 0 } else { settings.refresh_token_lifespan },
            "refresh_token": keys.sign_refresh_token(&refresh),
            "token_type": settings.token_type,
        });
        if self.narrowed.iter().any(|scope| scope == "openid") {
            let alteration = site.faults.alteration("id_token", site.name, self.kind);
            let algorithm = alteration.as_ref().and_then(Alteration::algorithm).unwrap_or_else(|| client.id_token_algorithm());
            let at_hash = algorithm.at_hash(&access_token);
            // The client judges it by its own clock.
            let by_clients = |time: u64| time.saturating_sub(clock::ahead());
            let (issued_at, expires_at) = (by_clients(now), by_clients(now + settings.access_token_lifespan));
            merge(&mut identity, json!({"iat": issued_at, "exp": expires_at}));
            merge(&mut identity, json!({"typ": "ID", "jti": uuid(), "aud": client.id_token_audience(), "at_hash": at_hash}));
            if let Some(nonce) = self.nonce {
                identity["nonce"] = nonce.into();
            }
            let token = Unsigned { typ: "JWT", algorithm, secret: client.secret_text(), claims: identity };
            response["id_token"] = token.sign(keys, alteration.as_ref()).into();
        }
        merge(&mut response, json!({"not-before-policy": settings.not_before, "session_state": self.session, "scope": scope_text}));
        Ok(response)
    }
}

/// The claims about a user that the scope permits.
pub(crate) fn profile(user: &User, scope: &[String]) -> Value {
    let has = |wanted: &str| scope.iter().any(|scope| scope == wanted);
    let mut claims = json!({});
    if has("profile") {
        let name = format!("{} Test", user.given_name);
        merge(
            &mut claims,
            json!({"name": name, "preferred_username": user.username, "given_name": user.given_name, "family_name": "Test"}),
        );
    }
    if has("email") {
        merge(&mut claims, json!({"email": format!("{}@example.test", user.username), "email_verified": true}));
    }
    claims
}

/// The order of Keycloak's scopes changes between responses, so clients must not rely on it.
fn in_some_order(scope: &[String], token_responses: usize) -> String {
    let mut scope = scope.to_vec();
    let turn = token_responses % scope.len().max(1);
    scope.rotate_left(turn);
    scope.join(" ")
}

pub(crate) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// A refresh token of this realm, with all checks that do not spend it.
pub(crate) struct RefreshToken {
    pub(crate) session: String,
    pub(crate) client_id: String,
    pub(crate) offline: bool,
    pub(crate) reuse_id: String,
    pub(crate) id: String,
    pub(crate) scope: Vec<String>,
    issued_at: u64,
    expires_at: Option<u64>,
    issuer: String,
}

impl RefreshToken {
    /// `None` for anything that is not a refresh token of this realm.
    pub(crate) fn read(keys: &Keys, token: &str) -> Option<Self> {
        let claims = keys.verify_refresh_token(token)?;
        let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        let offline = match claims["typ"].as_str()? {
            "Refresh" => false,
            "Offline" => true,
            _ => return None,
        };
        Some(Self {
            session: text("sid"),
            client_id: text("azp"),
            offline,
            reuse_id: text("reuse_id"),
            id: text("jti"),
            scope: text("scope").split(' ').map(str::to_owned).collect(),
            issued_at: claims["iat"].as_u64()?,
            expires_at: claims["exp"].as_u64(),
            issuer: text("iss"),
        })
    }

    /// The checks that need only the token.
    pub(crate) fn check(&self, realm: &Realm, issuer: &str, now: u64) -> Result<(), OAuthError> {
        self.check_issuer(issuer)?;
        if self.issued_at < realm.settings.not_before {
            return Err(OAuthError::invalid_grant("Stale token"));
        }
        if self.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return Err(OAuthError::invalid_grant("Token is not active"));
        }
        Ok(())
    }

    /// A token is only valid at the address where it was issued.
    pub(crate) fn check_issuer(&self, issuer: &str) -> Result<(), OAuthError> {
        if self.issuer == issuer {
            return Ok(());
        }
        Err(OAuthError::invalid_grant(format!("Invalid token issuer. Expected '{issuer}'")))
    }

    pub(crate) fn check_client(&self, client_id: &str) -> Result<(), OAuthError> {
        if self.client_id == client_id {
            return Ok(());
        }
        Err(OAuthError::invalid_grant("Invalid refresh token. Token client and authorized client don't match"))
    }

    /// The checks of the token's session and user, in Keycloak's order.
    pub(crate) fn check_session(&self, realm: &Realm, now: u64) -> Result<(), OAuthError> {
        let (sessions, gone) = if self.offline {
            (&realm.offline_sessions, "Offline user session not found")
        } else {
            (&realm.sessions, "Session not active")
        };
        let session: &UserSession = sessions
            .get(&self.session)
            .filter(|session| !session.is_idle(now, realm.settings.refresh_token_lifespan))
            .ok_or_else(|| OAuthError::invalid_grant(gone))?;
        let user = realm.user(&session.username).ok_or_else(|| OAuthError::invalid_grant("User not found"))?;
        if !user.enabled {
            return Err(OAuthError::invalid_grant("User disabled"));
        }
        if self.offline && !user.offline_access {
            return Err(OAuthError::invalid_grant("Offline session invalid because offline access not granted anymore"));
        }
        if !session.clients.contains_key(&self.client_id) {
            return Err(OAuthError::invalid_grant("Session doesn't have required client"));
        }
        check_consent(realm, &self.client_id, &session.username, &self.scope)
    }
}

/// Since the user was asked, a consent may have been withdrawn or may have become required.
pub(crate) fn check_consent(realm: &Realm, client_id: &str, username: &str, scope: &[String]) -> Result<(), OAuthError> {
    let client = realm.client(client_id).ok_or_else(|| OAuthError::invalid_grant("Unmatching clients"))?;
    if realm.needs_consent(client, username, scope) {
        return Err(OAuthError::invalid_scope("Client no longer has requested consent from user"));
    }
    Ok(())
}

/// Checks an access token as the login server's own endpoints do.
pub(crate) fn check_access_token(site: &Site, realm: &Realm, token: &str, issuer: &str, now: u64) -> Result<Value, &'static str> {
    let claims = site.keys.verify(token).filter(|claims| claims["typ"] == "Bearer").ok_or("Token verification failed")?;
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    if text("iss") != issuer
        || claims["iat"].as_u64().unwrap_or(0) < realm.settings.not_before
        || claims["exp"].as_u64().unwrap_or(0) <= now
        || realm.revoked.contains(text("jti"))
    {
        return Err("Token verification failed");
    }
    let session = [&realm.sessions, &realm.offline_sessions].into_iter().find_map(|sessions| sessions.get(text("sid")));
    let session = session.filter(|session| session.clients.contains_key(text("azp"))).ok_or("user_session_not_found")?;
    if realm.user(&session.username).is_none_or(|user| !user.enabled) {
        return Err("User disabled");
    }
    Ok(claims)
}
