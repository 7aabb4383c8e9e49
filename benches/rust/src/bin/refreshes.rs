//! Refreshes over TLS for `benches/refreshes.py`, by the library or, with the argument `by-hand`,
//! by the least code that rustls allows. Each line of input is a number of callers and of
//! refreshes; the response is the CPU time of this process for them, in seconds.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal, that may fail by panicking")]

use std::env;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use rustix::time::{ClockId, clock_gettime};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sipgate_oauth2::{ClientBuilder, TokenSet};

fn main() {
    let token = env::var("REFRESH_TOKEN").unwrap();
    let refresh: Box<dyn Fn() + Sync> = if env::args().any(|argument| argument == "by-hand") {
        let by_hand = ByHand::new();
        Box::new(move || drop(black_box(by_hand.refresh(&token))))
    } else {
        let client = ClientBuilder::from_env().unwrap().build().unwrap();
        Box::new(move || drop(black_box(client.refresh(token.as_str()).unwrap())))
    };
    for line in io::stdin().lines() {
        let line = line.unwrap();
        let (callers, refreshes) = line.split_once(' ').unwrap();
        let (callers, refreshes): (usize, usize) = (callers.parse().unwrap(), refreshes.parse().unwrap());
        let started = processor_time();
        thread::scope(|scope| {
            for _ in 0..callers {
                scope.spawn(|| (0..refreshes / callers).for_each(|_| refresh()));
            }
        });
        println!("{}", processor_time() - started);
    }
}

/// Of this process, in seconds.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The least: one connection, one request, the response to its end, no deadline.
struct ByHand {
    config: Arc<ClientConfig>,
    address: String,
    head: String,
    client: String,
}

impl ByHand {
    fn new() -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(env::var("SSL_CERT_FILE").unwrap()).unwrap() {
            roots.add_parsable_certificates(certificate);
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(4096);
        let issuer = env::var("SIPGATE_ISSUER").unwrap();
        let (address, path) = issuer.strip_prefix("https://").unwrap().split_once('/').unwrap();
        let head = format!(
            "POST /{path}/protocol/openid-connect/token HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        );
        let percent = |name| env::var(name).unwrap().replace(':', "%3A").replace('+', "%2B");
        let client = format!("client_id={}&client_secret={}", percent("SIPGATE_CLIENT_ID"), percent("SIPGATE_CLIENT_SECRET"));
        Self { config: Arc::new(config), address: address.to_owned(), head, client }
    }

    fn refresh(&self, token: &str) -> TokenSet {
        let body = format!("grant_type=refresh_token&refresh_token={token}&{}", self.client);
        let request = format!("{}{}\r\n\r\n{body}", self.head, body.len());
        let (host, _) = self.address.rsplit_once(':').unwrap();
        let session = ClientConnection::new(Arc::clone(&self.config), host.to_owned().try_into().unwrap()).unwrap();
        let socket = TcpStream::connect(&self.address).unwrap();
        socket.set_nodelay(true).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = Vec::new();
        // A server may end the connection without saying so.
        let _ = stream.read_to_end(&mut response);
        let response = String::from_utf8(response).unwrap();
        TokenSet::restore(response.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}
