//! A realm in a separate process, and an HTTP client that shows every byte.

pub(crate) mod token;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::support::token::Token;

pub(crate) const CLIENT: &str = "1000001-0-test:third-party";
pub(crate) const SECRET: &str = "test-secret-with-+-and-:";
pub(crate) const CODE_VERIFIER: &str = "a-code-verifier-that-is-forty-three-letters";
const CODE_CHALLENGE: &str = "jm8MNFPVoF-CC-w-R9RZAvIxntXQwNmyWg924H1LDyI";
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:1/callback?keep=%2F";

pub(crate) struct Realm {
    process: Child,
    pub(crate) port: u16,
}

/// How a connection ended, and what was received until then.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed(String),
    Reset,
    /// Nothing more was received within the time limit.
    Open(String),
}

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(": ")).find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// `400 invalid_grant Code not valid`
    pub(crate) fn refusal(&self) -> String {
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", self.status, text("error"), text("error_description"))
    }
}

impl Realm {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sipgate-oauth2-realm"));
        let mut process = command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the realm starts");
        let mut ready = String::new();
        let output = process.stdout.take().expect("standard output is piped");
        BufReader::new(output).read_line(&mut ready).expect("the realm says that it is ready");
        let ready: Value = serde_json::from_str(&ready).expect("it says so in JSON");
        let url = Url::parse(ready["http"].as_str().expect("an address")).expect("a URL");
        Self { process, port: url.port().expect("a port") }
    }

    /// Sends bytes and reads for at most `patience`.
    pub(crate) fn exchange(&self, request: &str, patience: Duration) -> End {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the realm listens");
        stream.set_read_timeout(Some(patience)).expect("a time limit can be set");
        // If the connection was broken at once, the write may already fail.
        let _ = stream.write_all(request.as_bytes());
        let mut response = Vec::new();
        let mut buffer = [0; 65_536];
        loop {
            let so_far = || String::from_utf8_lossy(&response).into_owned();
            match stream.read(&mut buffer) {
                Ok(0) => return End::Closed(so_far()),
                Ok(length) => response.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return End::Reset,
                Err(_) => return End::Open(so_far()),
            }
        }
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n", self.port);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let End::Closed(response) = self.exchange(&request, Duration::from_secs(20)) else {
            panic!("{method} {path} has no complete response");
        };
        let (head, body) = response.split_once("\r\n\r\n").expect("a response has a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a response has a status");
        Response { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn order(&self, what: &str, order: &Value) -> Value {
        let response = self.send("POST", &format!("/_realm/{what}"), &[("Content-Type", "application/json")], &order.to_string());
        assert_eq!(response.status, 200, "{what}: {}", response.body);
        response.json()
    }

    pub(crate) fn authorization_url(&self, realm: &str, client: &str, scope: &str) -> String {
        let client_id = format!("{client}:{realm}");
        let query = encode(&[
            ("response_type", "code"),
            ("client_id", &client_id),
            ("redirect_uri", REDIRECT_URI),
            ("scope", scope),
            ("state", "the state"),
            ("code_challenge", CODE_CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        format!("http://127.0.0.1:{}{}?{query}", self.port, path(realm, "auth"))
    }

    /// Logs in and returns the callback.
    pub(crate) fn log_in(&self, realm: &str, browser: &str) -> Url {
        let url = self.authorization_url(realm, "1000001-0-test", "openid balance:read");
        let order = json!({"authorization_url": url, "username": "anna", "password": "anna-pw", "browser": browser});
        callback(&self.order("login", &order))
    }

    pub(crate) fn token(&self, realm: &str, parameters: &[(&str, &str)]) -> Response {
        let client_id = format!("1000001-0-test:{realm}");
        let mut form = vec![("client_id", client_id.as_str()), ("client_secret", SECRET)];
        form.extend(parameters);
        self.send("POST", &path(realm, "token"), &[("Content-Type", "application/x-www-form-urlencoded")], &encode(&form))
    }

    pub(crate) fn redeem(&self, realm: &str, code: &str) -> Response {
        let grant =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI), ("code_verifier", CODE_VERIFIER)];
        self.token(realm, &grant)
    }

    pub(crate) fn refresh(&self, realm: &str, tokens: &Value) -> Response {
        let refresh_token = tokens["refresh_token"].as_str().expect("there is a refresh token");
        self.token(realm, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
    }

    /// Sets an attribute of `CLIENT`.
    pub(crate) fn set_attribute(&self, name: &str, value: &str) {
        self.order("settings", &json!({"client": CLIENT, "attributes": {name: value}}));
    }

    pub(crate) fn certs(&self) -> Vec<Value> {
        self.send("GET", &path("third-party", "certs"), &[], "").json()["keys"].as_array().expect("a list").clone()
    }

    /// The listed key that the token names.
    pub(crate) fn key_of(&self, token: &Token) -> Value {
        let key = self.certs().into_iter().find(|key| key["kid"] == token.header["kid"]).expect("the key is listed");
        assert_eq!(key["alg"], token.header["alg"]);
        key
    }

    /// Logs in and redeems the code.
    pub(crate) fn tokens(&self, realm: &str, browser: &str) -> Value {
        let response = self.redeem(realm, &parameter(&self.log_in(realm, browser), "code"));
        assert_eq!(response.status, 200, "{}", response.body);
        response.json()
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        // The realm exits when its standard input closes.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

pub(crate) fn path(realm: &str, endpoint: &str) -> String {
    format!("/auth/realms/{realm}/protocol/openid-connect/{endpoint}")
}

pub(crate) fn callback(login: &Value) -> Url {
    Url::parse(login["callback"].as_str().expect("a callback")).expect("a URL")
}

pub(crate) fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

pub(crate) fn encode(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}
