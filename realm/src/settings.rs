//! Settings that a test may change while the realm is running.

use std::collections::HashMap;

use serde::Deserialize;

use crate::algorithm::Algorithm;

/// The attributes of a client that matter here, by Keycloak's names.
const ATTRIBUTES: [&str; 6] = [
    "backchannel.logout.revoke.offline.tokens",
    "backchannel.logout.session.required",
    "backchannel.logout.url",
    "id.token.signed.response.alg",
    "post.logout.redirect.uris",
    "user.info.response.signature.alg",
];

pub(crate) struct Settings {
    pub(crate) access_token_lifespan: u64,
    pub(crate) refresh_token_lifespan: u64,
    pub(crate) code_lifespan: u64,
    /// Keycloak's *Revoke Refresh Token*, with a *Refresh Token Max Reuse* of 0.
    pub(crate) rotation: bool,
    pub(crate) issuer_in_callback: bool,
    pub(crate) enabled: bool,
    pub(crate) token_type: String,
    pub(crate) not_before: u64,
    /// The `aud` of access tokens; that of the balance API if `None` and the scope is for it.
    pub(crate) audience: Option<String>,
}

impl Settings {
    pub(crate) fn of_realm(name: &str) -> Self {
        Self {
            access_token_lifespan: 300,
            refresh_token_lifespan: 2_592_000,
            code_lifespan: 60,
            rotation: name == "sipgate-apps",
            issuer_in_callback: true,
            enabled: true,
            token_type: "Bearer".to_owned(),
            not_before: 0,
            audience: None,
        }
    }

    pub(crate) fn apply(&mut self, change: &Change) {
        fn set<T: Clone>(field: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                field.clone_from(value);
            }
        }
        set(&mut self.access_token_lifespan, change.access_token_lifespan.as_ref());
        set(&mut self.refresh_token_lifespan, change.refresh_token_lifespan.as_ref());
        set(&mut self.code_lifespan, change.code_lifespan.as_ref());
        set(&mut self.rotation, change.rotation.as_ref());
        set(&mut self.issuer_in_callback, change.issuer_in_callback.as_ref());
        set(&mut self.token_type, change.token_type.as_ref());
        set(&mut self.not_before, change.not_before.as_ref());
        if change.audience.is_some() {
            self.audience.clone_from(&change.audience);
        }
        // With a user or a client, `enabled` applies to that one.
        if change.user.is_none() && change.client.is_none() {
            set(&mut self.enabled, change.enabled.as_ref());
        }
    }
}

/// The body of `POST /_realm/settings`. A misspelt member is an error, not silently ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Both realms if absent.
    pub(crate) realm: Option<String>,
    pub(crate) access_token_lifespan: Option<u64>,
    pub(crate) refresh_token_lifespan: Option<u64>,
    pub(crate) code_lifespan: Option<u64>,
    pub(crate) rotation: Option<bool>,
    pub(crate) issuer_in_callback: Option<bool>,
    pub(crate) enabled: Option<bool>,
    pub(crate) token_type: Option<String>,
    pub(crate) not_before: Option<u64>,
    pub(crate) audience: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) secret: Option<String>,
    /// Null or an empty text removes an attribute of the client.
    #[serde(default)]
    pub(crate) attributes: HashMap<String, Option<String>>,
    /// What the client's ID tokens have in `aud` beside the client.
    pub(crate) id_token_audiences: Option<Vec<String>>,
    /// Whether the user may have offline tokens.
    pub(crate) offline_access: Option<bool>,
    /// `false` forgets the user's consent (for `client`, or for all), as if the login had never
    /// asked for it.
    pub(crate) consent: Option<bool>,
}

impl Change {
    /// Fails if the change can have no effect.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.client.is_none() && (!self.attributes.is_empty() || self.id_token_audiences.is_some()) {
            return Err("attributes and id_token_audiences need a client".to_owned());
        }
        for (name, value) in &self.attributes {
            if !ATTRIBUTES.contains(&name.as_str()) {
                return Err(format!("no such attribute: {name}; there are {}", ATTRIBUTES.join(", ")));
            }
            if let Some(value) = value.as_deref().filter(|value| name.ends_with(".alg") && !value.is_empty()) {
                Algorithm::named(value)?;
            }
        }
        Ok(())
    }
}
