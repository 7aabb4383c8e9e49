//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): tells clients that a session has
//! ended.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Position, Url};

use crate::alteration::Alteration;
use crate::bytes::uuid;
use crate::clock;
use crate::form;
use crate::realm::{Client, Realm};
use crate::session::Ended;
use crate::site::{App, Site};
use crate::unsigned::Unsigned;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const LIFESPAN: u64 = 120;
/// How long a client may take to accept a token.
const PATIENCE: Duration = Duration::from_secs(5);

/// Posts what the clients have not been told yet, and waits until they have responded.
pub(crate) async fn deliver(app: &App) {
    for site in &app.sites {
        for (url, token) in waiting(site) {
            let body = form::encode(&[("logout_token", &token)]);
            let accepted = matches!(timeout(PATIENCE, post(&url, &body)).await, Ok(Ok(200..=299)));
            site.ledger.count(if accepted { "logout_tokens_accepted" } else { "logout_tokens_refused" });
        }
    }
}

/// The tokens and where to post them.
fn waiting(site: &Site) -> Vec<(String, String)> {
    let mut realm = site.lock();
    let ended = std::mem::take(&mut realm.ended);
    let with_token = |ended: &Ended| {
        let url = realm.client(&ended.client_id)?.attributes.get("backchannel.logout.url")?.clone();
        let alteration = site.faults.alteration("logout_token", site.name, "");
        Some((url, logout_token(site, &realm, ended, alteration.as_ref())?))
    };
    ended.iter().filter_map(with_token).collect()
}

/// The status of the response. Only plain HTTP: the clients are on this machine.
async fn post(url: &str, body: &str) -> io::Result<u16> {
    let url = Url::parse(url).map_err(io::Error::other)?;
    let (host, target) = (&url[Position::BeforeHost..Position::AfterPort], &url[Position::BeforePath..Position::AfterQuery]);
    let mut stream = TcpStream::connect((url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80))).await?;
    let length = body.len();
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await?;
    let status = String::from_utf8_lossy(&response).split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::other("no status"))
}

/// `None` if the realm does not know the client or the user.
pub(crate) fn logout_token(site: &Site, realm: &Realm, ended: &Ended, alteration: Option<&Alteration>) -> Option<String> {
    let client = realm.client(&ended.client_id)?;
    let mut events = json!({EVENT: {}});
    if client.is_set("backchannel.logout.revoke.offline.tokens") {
        events["revoke_offline_access"] = true.into();
    }
    let now = clock::of_clients();
    let mut claims = json!({
        "exp": now + LIFESPAN, "iat": now, "jti": uuid(), "iss": ended.issuer, "aud": client.id,
        "sub": realm.user(&ended.username)?.subject, "typ": "Logout", "events": events,
    });
    if let Some(session) = ended.session.as_ref().filter(|_| client.is_set("backchannel.logout.session.required")) {
        claims["sid"] = Value::from(session.as_str());
    }
    Some(signed(site, client, claims, alteration))
}

fn signed(site: &Site, client: &Client, claims: Value, alteration: Option<&Alteration>) -> String {
    let algorithm = alteration.and_then(Alteration::algorithm).unwrap_or_else(|| client.id_token_algorithm());
    Unsigned { typ: "logout+jwt", algorithm, secret: client.secret_text(), claims }.sign(&site.keys, alteration)
}
