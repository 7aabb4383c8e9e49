//! Starts the local realm and talks to its control interface.

pub(crate) mod drawer;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sipgate_oauth2::{Client, ClientBuilder, Event, ServerMetadata, Store, TokenSource};

pub(crate) struct Realm {
    child: Child,
    ready: Value,
}

impl Realm {
    pub(crate) fn start() -> Self {
        let program = std::env::var_os("SIPGATE_TEST_REALM")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/debug/sipgate-oauth2-realm"), PathBuf::from);
        let mut child = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; build it with `cargo build -p sipgate-oauth2-realm`", program.display()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, ready: serde_json::from_str(&line).unwrap() }
    }

    pub(crate) fn address(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    /// The endpoints of realm `third-party` at one of the realm's addresses.
    pub(crate) fn metadata(&self, address: &str) -> ServerMetadata {
        let mut metadata = ServerMetadata::keycloak(&format!("{address}/auth"), "third-party").unwrap();
        metadata.revocation_endpoint = None;
        metadata
    }

    pub(crate) fn client(&self, address: &str) -> ClientBuilder {
        Client::builder(self.metadata(address), "1000001-0-test:third-party")
            .client_secret("test-secret-with-+-and-:")
            .redirect_uri("https://example.com/auth")
    }

    /// A client with a store.
    pub(crate) fn client_with(&self, store: Store) -> ClientBuilder {
        ClientBuilder::keycloak(format!("{}/auth", self.address("http")), "third-party", "1000001-0-test:third-party")
            .client_secret("test-secret-with-+-and-:")
            .redirect_uri("https://example.com/auth")
            .store(store)
    }

    pub(crate) fn log_in(&self, client: &Client, account: &str) -> TokenSource {
        let request = client.authorization_request("balance:read").unwrap();
        client.complete_login(&request, &self.callback(request.url()), account).unwrap()
    }

    pub(crate) fn fault(&self, fault: &Value) {
        self.post("faults", fault);
    }

    /// The requests that the token endpoint saw.
    pub(crate) fn token_requests(&self) -> Vec<Value> {
        let url = format!("{}/_realm/requests?on=token", self.address("http"));
        let text = ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str::<Value>(&text).unwrap().as_array().unwrap().clone()
    }

    /// A refresh token that works at one of the realm's addresses.
    pub(crate) fn refresh_token(&self, address: &str) -> String {
        let client = self.client(self.address(address)).ca_certificates(self.address("ca_pem")).build().unwrap();
        let request = client.authorization_request("balance:read").unwrap();
        let callback = self.callback(request.url());
        client.exchange_callback(&request, &callback).unwrap().refresh_token().unwrap().reveal().to_owned()
    }

    pub(crate) fn settings(&self, change: &Value) {
        self.post("settings", change);
    }

    pub(crate) fn counter(&self, name: &str) -> u64 {
        let text = ureq::get(format!("{}/_realm/counters", self.address("http"))).call().unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str::<Value>(&text).unwrap()[name].as_u64().unwrap()
    }

    /// The callback after the user has logged in.
    pub(crate) fn callback(&self, authorization_url: &str) -> String {
        let login = json!({"authorization_url": authorization_url, "username": "anna", "password": "anna-pw"});
        self.post("login", &login)["callback"].as_str().unwrap().to_owned()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/_realm/{path}", self.address("http"));
        let text = ureq::post(&url)
            .header("content-type", "application/json")
            .send(body.to_string())
            .unwrap_or_else(|error| panic!("{path}: {error}"))
            .body_mut()
            .read_to_string()
            .unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Events in the order in which they were received.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    pub(crate) fn listen(&self, builder: ClientBuilder) -> ClientBuilder {
        let heard = Arc::clone(&self.0);
        builder.on_event(move |event| heard.lock().unwrap().push(event.clone()))
    }

    /// Whether each token request was sent, once `count` of them have ended.
    pub(crate) fn sent(&self, count: usize) -> Vec<bool> {
        loop {
            let sent: Vec<bool> = self
                .0
                .lock()
                .unwrap()
                .iter()
                .filter_map(|event| if let Event::TokenRequest { sent, .. } = event { Some(*sent) } else { None })
                .collect();
            if sent.len() >= count {
                return sent;
            }
            std::thread::yield_now();
        }
    }
}

/// Metadata with an authorization endpoint that is not used.
pub(crate) fn metadata(issuer: &str, token_endpoint: &str) -> ServerMetadata {
    let mut metadata = ServerMetadata::new(issuer);
    metadata.authorization_endpoint = Some(format!("{issuer}/auth"));
    metadata.token_endpoint = Some(token_endpoint.to_owned());
    metadata
}
