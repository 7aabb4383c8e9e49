//! Connections and TLS. Each test has its own server, which does what the local realm cannot.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion, version};
use sipgate_oauth2::{Client, ClientBuilder, Error, ErrorCode, Remedy, ServerMetadata};
use support::Heard;

/// The certificate of all servers here. It is its own authority, as from `openssl req -x509`.
struct Identity {
    pem: String,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Identity {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), certificate: certificate.der().clone(), key }
    }

    fn config(&self, version: &'static SupportedProtocolVersion, wants_certificate: bool) -> ServerConfig {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider())).with_protocol_versions(&[version]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let builder = if wants_certificate {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        builder.with_single_cert(vec![self.certificate.clone()], PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()).unwrap()
    }
}

/// Serves each connection on its own thread. Returns the port.
fn serve(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, serve) = (stream.unwrap(), Arc::clone(&serve));
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Serves over TLS, and passes on the kind of handshake.
fn serve_tls(config: ServerConfig, serve_one: impl Fn(&mut Tls, HandshakeKind) + Send + Sync + 'static) -> u16 {
    let config = Arc::new(config);
    serve(move |mut stream| {
        let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
        while session.is_handshaking() {
            if session.complete_io(&mut stream).is_err() {
                // The client reads the alert, then closes the connection.
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
                return;
            }
        }
        let kind = session.handshake_kind().unwrap();
        serve_one(&mut StreamOwned::new(session, stream), kind);
    })
}

type Tls = StreamOwned<ServerConnection, TcpStream>;

/// The refresh token of the next request, as received.
fn asked(stream: &mut impl Read) -> String {
    let mut input = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        input.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    body.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).unwrap().to_owned()
}

fn response(access_token: &str, padding: usize) -> Vec<u8> {
    let body = format!(r#"{{"access_token":"{access_token}","token_type":"Bearer","expires_in":300,"x":"{}"}}"#, "y".repeat(padding));
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn builder(endpoint: &str) -> ClientBuilder {
    let mut metadata = ServerMetadata::new("https://issuer.example");
    metadata.authorization_endpoint = Some("https://issuer.example/auth".into());
    metadata.token_endpoint = Some(endpoint.into());
    Client::builder(metadata, "id").redirect_uri("https://example.com/auth")
}

fn client(endpoint: &str, identity: &Identity) -> Client {
    builder(endpoint).ca_certificates(identity.pem.as_str()).build().unwrap()
}

/// How a refresh fails and whether it was sent. Asserts that an authorization request stays usable.
fn failure(client: ClientBuilder) -> (Error, bool) {
    let heard = Heard::default();
    let client = heard.listen(client).build().unwrap();
    let error = client.refresh("a-token").unwrap_err();
    let sent = heard.sent(1)[0];
    let request = client.authorization_request("a").unwrap();
    let callback = format!("state={}&code=a-code", request.state());
    for _ in 0..2 {
        assert_eq!(client.exchange_callback(&request, &callback).unwrap_err().code(), error.code());
    }
    (error, sent)
}

#[test]
fn sessions_are_resumed_for_64_callers_at_once() {
    const CALLERS: usize = 64;
    const ROUNDS: usize = 6;
    let identity = Identity::new();
    let mut stateless = identity.config(&version::TLS13, false);
    stateless.ticketer = Ticketer::new().unwrap();
    for (name, config) in [
        ("TLS 1.3", identity.config(&version::TLS13, false)),
        ("TLS 1.3, stateless", stateless),
        ("TLS 1.2", identity.config(&version::TLS12, false)),
    ] {
        let (resumed, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, counted_all) = (Arc::clone(&resumed), Arc::clone(&all));
        let port = serve_tls(config, move |stream, kind| {
            counted.fetch_add(usize::from(kind == HandshakeKind::Resumed), Ordering::SeqCst);
            counted_all.fetch_add(1, Ordering::SeqCst);
            let token = asked(stream);
            stream.write_all(&response(&token, 0)).unwrap();
        });
        let client = client(&format!("https://localhost:{port}/token"), &identity);
        let start = Arc::new(Barrier::new(CALLERS));
        let mut before = (0, 0);
        for round in 0..ROUNDS {
            let callers: Vec<_> = (0..CALLERS)
                .map(|number| {
                    let (client, start) = (client.clone(), Arc::clone(&start));
                    thread::spawn(move || {
                        start.wait();
                        client.refresh(format!("token-{number}").as_str()).unwrap();
                    })
                })
                .collect();
            callers.into_iter().for_each(|caller| caller.join().unwrap());
            if round == 0 {
                before = (resumed.load(Ordering::SeqCst), all.load(Ordering::SeqCst));
            }
        }
        let (resumed, all) = (resumed.load(Ordering::SeqCst) - before.0, all.load(Ordering::SeqCst) - before.1);
        assert_eq!(all, (ROUNDS - 1) * CALLERS, "{name}");
        println!("{name}: {resumed} of {all} handshakes resumed");
        assert!(resumed * 100 >= all * 98, "{name}: {resumed} of {all}");
    }
}

#[test]
fn a_new_client_resumes_the_session_of_an_earlier_one() {
    let identity = Identity::new();
    let (sender, kinds) = mpsc::channel();
    let port = serve_tls(identity.config(&version::TLS13, false), move |stream, kind| {
        let token = asked(stream);
        stream.write_all(&response(&token, 0)).unwrap();
        sender.send(kind).unwrap();
    });
    for _ in 0..3 {
        client(&format!("https://localhost:{port}/token"), &identity).refresh("a-token").unwrap();
    }
    assert_eq!(Vec::from_iter(kinds.iter().take(3)), [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed]);
}

/// Each write of the client is a packet, which wakes the server.
#[test]
fn the_end_of_the_handshake_is_sent_with_the_request() {
    let identity = Identity::new();
    let config = Arc::new(identity.config(&version::TLS13, false));
    let (sender, reads) = mpsc::channel();
    let port = serve(move |mut stream| {
        let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
        let (mut reads, mut request) = (0, Vec::new());
        while !String::from_utf8_lossy(&request).contains("refresh_token=a-token") {
            session.read_tls(&mut stream).unwrap();
            reads += 1;
            session.process_new_packets().unwrap();
            let _ = session.reader().read_to_end(&mut request);
            while session.wants_write() {
                session.write_tls(&mut stream).unwrap();
            }
        }
        sender.send(reads).unwrap();
        StreamOwned::new(session, stream).write_all(&response("a", 0)).unwrap();
    });
    let client = client(&format!("https://localhost:{port}/token"), &identity);
    for _ in 0..20 {
        client.refresh("a-token").unwrap();
    }
    assert_eq!(Vec::from_iter(reads.iter().take(20)), [2; 20]);
}

#[test]
fn a_second_response_is_never_anothers_token() {
    const TRIALS: u64 = 1000;
    let identity = Identity::new();
    let misbehave = |stream: &mut dyn Write, token: &str, number: u64| {
        let mut random = Random(number + 1);
        let (padding, more) = (random.below(9000), random.below(9000));
        let first = response(token, padding);
        let second = response("of-another", more);
        match random.below(4) {
            0 => drop(stream.write_all(&[first, second].concat())),
            1 => {
                // Some bytes of the second response are sent in the same segment as the first.
                let split = random.below(second.len());
                drop(stream.write_all(&[first.as_slice(), &second[..split]].concat()));
                drop(stream.write_all(&second[split..]));
            }
            _ => {
                drop(stream.write_all(&first));
                thread::sleep(Duration::from_micros(random.below(3000) as u64));
                drop(stream.write_all(&second));
            }
        }
    };
    let number = |token: &str| token.trim_start_matches("token-").parse().unwrap();
    let plain = serve(move |mut stream| {
        let token = asked(&mut stream);
        misbehave(&mut stream, &token, number(&token));
        let _ = stream.read(&mut [0]);
    });
    let encrypted = serve_tls(identity.config(&version::TLS13, false), move |stream, _| {
        let token = asked(stream);
        misbehave(stream, &token, number(&token));
        let _ = stream.read(&mut [0]);
    });
    for endpoint in [format!("http://127.0.0.1:{plain}/token"), format!("https://localhost:{encrypted}/token")] {
        let client = client(&endpoint, &identity);
        for trial in 0..TRIALS {
            let token = format!("token-{trial}");
            assert_eq!(client.refresh(token.as_str()).unwrap().access_token().reveal(), token, "{endpoint}");
        }
    }
}

/// A random number generator (xorshift) with the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        for _ in 0..8 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
        }
        usize::try_from(self.0 >> 16).unwrap() % bound
    }
}

#[test]
fn https_to_an_http_port_is_a_configuration_error() {
    for words in ["HTTP/1.1 400 Bad Request\r\n\r\n", "<html>", "SSH-2.0-server\r\n", "220 mail.example ESMTP\r\n"] {
        let port = serve(move |mut stream| {
            let _ = stream.write_all(words.as_bytes());
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let (error, sent) = failure(builder(&format!("https://localhost:{port}/token")));
        assert_eq!((error.code(), error.remedy(), sent), (ErrorCode::WrongEndpoint, Remedy::FixConfiguration, false), "{words}");
        assert!(error.to_string().contains("does not speak TLS"), "{error}");
    }
}

#[test]
fn http_to_an_https_port_is_a_configuration_error() {
    let identity = Identity::new();
    let port = serve_tls(identity.config(&version::TLS13, false), |_, _| panic!("the handshake was completed"));
    let (error, _) = failure(builder(&format!("http://127.0.0.1:{port}/token")));
    assert_eq!((error.code(), error.remedy()), (ErrorCode::InvalidArgument, Remedy::FixConfiguration));
}

#[test]
fn an_alert_about_the_configuration_is_a_configuration_error_and_others_may_be_retried() {
    for (alert, code, words) in [
        (40, ErrorCode::Unsupported, "cipher"),
        (70, ErrorCode::Unsupported, "TLS 1.2"),
        (71, ErrorCode::Unsupported, "cipher"),
        (112, ErrorCode::Unsupported, "host name"),
        (116, ErrorCode::Unsupported, "client certificate"),
        (80, ErrorCode::Transport, "try again later"),
        (90, ErrorCode::Transport, "try again later"),
    ] {
        let port = serve(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&[0x15, 3, 3, 0, 2, 2, alert]);
        });
        let (error, sent) = failure(builder(&format!("https://localhost:{port}/token")));
        let remedy = if code == ErrorCode::Transport { Remedy::TryLater } else { Remedy::FixConfiguration };
        assert_eq!((error.code(), error.remedy(), sent), (code, remedy, false), "{alert}");
        assert!(error.to_string().contains(words), "{alert}: {error}");
    }
}

/// In TLS 1.3, the server notices only after the client has sent its request.
#[test]
fn if_a_server_requires_a_client_certificate_the_error_says_so_and_the_outcome_is_known() {
    let identity = Identity::new();
    for version in [&version::TLS12, &version::TLS13] {
        let port = serve_tls(identity.config(version, true), |_, _| panic!("the handshake was completed"));
        for _ in 0..20 {
            let (error, _) = failure(builder(&format!("https://localhost:{port}/token")).ca_certificates(identity.pem.as_str()));
            assert_eq!((error.code(), error.remedy()), (ErrorCode::Unsupported, Remedy::FixConfiguration), "{version:?}: {error}");
            assert!(error.to_string().contains("client certificate"), "{error}");
        }
    }
}

#[test]
fn a_self_signed_certificate_is_trusted_if_it_was_configured() {
    let (identity, another) = (Identity::new(), Identity::new());
    let port = serve_tls(identity.config(&version::TLS13, false), |stream, _| {
        let token = asked(stream);
        stream.write_all(&response(&token, 0)).unwrap();
    });
    let endpoint = format!("https://localhost:{port}/token");
    assert_eq!(client(&endpoint, &identity).refresh("own").unwrap().access_token().reveal(), "own");
    let (error, sent) = failure(builder(&endpoint).ca_certificates(another.pem));
    assert_eq!((error.code(), sent), (ErrorCode::Certificate, false));
    let (error, _) = failure(builder(&format!("https://127.0.0.1:{port}/token")).ca_certificates(identity.pem.as_str()));
    assert_eq!(error.code(), ErrorCode::Certificate);
}

/// The test runs itself again with the variable.
#[test]
fn an_unusable_proxy_variable_is_named_and_nothing_is_sent() {
    const AGAIN: &str = "SIPGATE_OAUTH2_TEST_PROXY";
    if std::env::var_os(AGAIN).is_some() {
        let (error, sent) = failure(builder("https://login.example.test/token"));
        assert_eq!((error.code(), error.remedy(), sent), (ErrorCode::InvalidArgument, Remedy::FixConfiguration, false));
        assert!(error.to_string().starts_with("HTTPS_PROXY: ") && !error.to_string().contains("canary"), "{error}");
        return;
    }
    let name = "an_unusable_proxy_variable_is_named_and_nothing_is_sent";
    let mut again = Command::new(std::env::current_exe().unwrap());
    for variable in ["https_proxy", "no_proxy", "NO_PROXY"] {
        again.env_remove(variable);
    }
    let output = again.args(["--exact", name]).envs([(AGAIN, "1"), ("HTTPS_PROXY", "canary host:99")]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
