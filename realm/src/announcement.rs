//! What the realm says when it is ready: addresses, clients and users.

use serde_json::json;

use crate::fixtures::{CLIENTS, USERS};
use crate::site::REALMS;
use crate::tls::Tls;

const REDIRECT_URI: &str = "http://localhost/callback";

/// The ports of the realm, and the redirect URI of the application.
pub(crate) struct Announcement<'a> {
    pub(crate) http: u16,
    pub(crate) https: u16,
    pub(crate) wrong_name: u16,
    pub(crate) self_signed: u16,
    pub(crate) redirect_uri: Option<&'a str>,
}

impl Announcement<'_> {
    /// The library's variables, and the addresses of the API and for orders. The empty ones count
    /// as unset, and hide those of the developer.
    pub(crate) fn environment(&self) -> [(&'static str, String); 9] {
        let (realm, client) = (REALMS[0], &CLIENTS[0]);
        [
            ("SIPGATE_CLIENT_ID", client.id_in(realm)),
            ("SIPGATE_CLIENT_SECRET", client.secret.unwrap_or_default().to_owned()),
            ("SIPGATE_CLIENT_SECRET_FILE", String::new()),
            ("SIPGATE_ISSUER", format!("http://127.0.0.1:{}/auth/realms/{realm}", self.http)),
            ("SIPGATE_REALM", String::new()),
            ("SIPGATE_REDIRECT_URI", self.redirect_uri.unwrap_or(REDIRECT_URI).to_owned()),
            // As the programs of docs/signing-in.md read it.
            ("SIPGATE_API", format!("http://127.0.0.1:{}", self.http)),
            ("SIPGATE_REALM_CONTROL", format!("http://127.0.0.1:{}/_realm", self.http)),
            ("SIPGATE_STORE", "memory".to_owned()),
        ]
    }

    pub(crate) fn in_json(&self, tls: &Tls) -> String {
        let clients: Vec<_> = REALMS
            .iter()
            .flat_map(|realm| CLIENTS.iter().map(move |client| (realm, client)))
            .map(|(realm, client)| json!({"realm": realm, "client_id": client.id_in(realm), "secret": client.secret, "consent": client.consent}))
            .collect();
        let ready = json!({
            "http": format!("http://127.0.0.1:{}", self.http),
            "https": format!("https://localhost:{}", self.https),
            "https_wrong_name": format!("https://localhost:{}", self.wrong_name),
            "https_self_signed": format!("https://localhost:{}", self.self_signed),
            "https_without_tls": format!("https://localhost:{}", self.http),
            "self_signed_pem": tls.self_signed_pem,
            "ca_pem": tls.ca_pem,
            "ca_pem_unrelated": tls.unrelated_ca_pem,
            "clients": clients,
            "environment": serde_json::Map::from_iter(self.environment().map(|(name, value)| (name.to_owned(), value.into()))),
            "user": {"username": USERS[0].username, "password": USERS[0].password},
        });
        format!("{ready}\n")
    }

    pub(crate) fn in_words(&self) -> String {
        let mut text = format!(
            "A local sipgate login is ready (a test realm; nothing here is real).\n\n\
             Base URL   http://127.0.0.1:{}/auth   or   https://localhost:{}/auth\n\
             API        http://127.0.0.1:{}/v2/balance\n",
            self.http, self.https, self.http
        );
        for realm in REALMS {
            text += &format!("\nRealm {realm}\n");
            for client in &CLIENTS {
                let secret = client.secret.map_or_else(|| "no secret, PKCE required".to_owned(), |secret| format!("secret {secret}"));
                text += &format!("  client {:34} {secret}\n", client.id_in(realm));
            }
        }
        text += "\nUsers\n";
        for user in &USERS {
            text += &format!("  {} / {}\n", user.username, user.password);
        }
        text += "\nSettings of a program\n";
        for (name, value) in self.environment().iter().filter(|(_, value)| !value.is_empty()) {
            // A login by hand is worth keeping.
            let value = if *name == "SIPGATE_STORE" { "logins.db" } else { value };
            text += &format!("  export {name}='{value}'\n");
        }
        text + "\nStop with Ctrl-C.\n"
    }
}
