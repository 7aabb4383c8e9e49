//! Accepts connections, reads requests, and handles each one normally or as a fault requires.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::backchannel;
use crate::control::PREFIX;
use crate::faults::{Fault, Kind, targets};
use crate::router::router;
use crate::site::{App, Encrypted, realm_of};
use crate::wire::{Behaviour, Wire, reset_on_close};

/// How long a silent connection stays open if the client does not close it first.
const SILENCE: Duration = Duration::from_secs(120);

/// How long a connection that is to be reset waits for the client to send something.
const FIRST_BYTES: Duration = Duration::from_secs(1);

static LAST_CONNECTION: AtomicU64 = AtomicU64::new(0);

pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, tls: Option<Arc<ServerConfig>>) {
    let router = router(Arc::clone(&app));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Probably out of file descriptors: wait until other connections have closed.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let connection = Connection {
            app: Arc::clone(&app),
            router: router.clone(),
            number: LAST_CONNECTION.fetch_add(1, Ordering::Relaxed) + 1,
            encrypted: tls.is_some(),
            behaviour: Arc::default(),
            counted: AtomicBool::new(false),
        };
        match app.faults.for_connection() {
            Some(fault) => {
                connection.count();
                app.ledger.count("faults");
                tokio::spawn(break_connection(stream, fault.kind));
            }
            None => {
                tokio::spawn(Arc::new(connection).run(stream, tls.clone()));
            }
        }
    }
}

async fn break_connection(mut stream: TcpStream, kind: Kind) {
    match kind {
        Kind::Reset => {
            // Not before the client has sent something: else it is chance whether it still can.
            let _ = timeout(FIRST_BYTES, stream.peek(&mut [0])).await;
            reset_on_close(&stream);
        }
        Kind::CloseAfterClientHello => {
            let _ = stream.read(&mut [0; 16_384]).await;
            // Closing with unread bytes would send a RST: send the FIN first, then drain the rest.
            let _ = stream.shutdown().await;
            let _ = timeout(Duration::from_secs(1), drain(&mut stream)).await;
        }
        Kind::Silent => {
            let _ = timeout(SILENCE, drain(&mut stream)).await;
        }
        _ => {}
    }
}

async fn drain(stream: &mut TcpStream) {
    while stream.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {}
}

struct Connection {
    app: Arc<App>,
    router: Router,
    number: u64,
    encrypted: bool,
    behaviour: Arc<Behaviour>,
    counted: AtomicBool,
}

/// Closes the connection without a (further) response.
#[derive(Debug)]
struct HangUp;

impl std::fmt::Display for HangUp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("hanging up, as the fault requires")
    }
}

impl std::error::Error for HangUp {}

impl Connection {
    async fn run(self: Arc<Self>, stream: TcpStream, tls: Option<Arc<ServerConfig>>) {
        let wire = match tls {
            None => Wire::plain(stream, Arc::clone(&self.behaviour)),
            Some(config) => match TlsAcceptor::from(config).accept(stream).await {
                Ok(stream) => {
                    self.count_handshake(stream.get_ref().1.handshake_kind());
                    Wire::tls(stream, Arc::clone(&self.behaviour))
                }
                Err(_) => return self.count(),
            },
        };
        let service = service_fn(move |request| Arc::clone(&self).respond(request));
        // Fails if the client disconnects or we hang up; both are expected.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(wire), service).await;
    }

    /// Connections that only use the control API do not count.
    fn count(&self) {
        if !self.counted.swap(true, Ordering::Relaxed) {
            self.app.ledger.count("connections");
        }
    }

    fn count_handshake(&self, kind: Option<HandshakeKind>) {
        self.app.ledger.count("tls_handshakes");
        if kind == Some(HandshakeKind::Resumed) {
            self.app.ledger.count("tls_resumptions");
        }
    }

    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Result<Response, HangUp> {
        self.behaviour.drip(0);
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| HangUp)?.to_bytes();
        parts.extensions.insert(Encrypted(self.encrypted));
        let path = parts.uri.path().to_owned();

        let mut fault = None;
        if !path.starts_with(PREFIX) {
            self.count();
            self.app.ledger.count("requests");
            if path.ends_with("/protocol/openid-connect/token") {
                self.app.ledger.count("token_requests");
            }
            self.app.ledger.record(&parts, &body, self.number, self.encrypted);
            fault = self.app.faults.for_request(&path);
        }
        let request = Request::from_parts(parts, Body::from(body));
        match fault {
            None => self.process(request, Duration::ZERO).await,
            Some(fault) => {
                self.app.ledger.count("faults");
                self.misbehave(&fault, request).await
            }
        }
    }

    async fn misbehave(&self, fault: &Fault, request: Request<Body>) -> Result<Response, HangUp> {
        match fault.kind {
            Kind::Silent => {
                sleep(SILENCE).await;
                Err(HangUp)
            }
            Kind::Delay => self.process(request, Duration::from_millis(fault.ms.unwrap_or(1000))).await,
            Kind::Late => {
                let response = self.process(request, Duration::ZERO).await?;
                sleep(Duration::from_millis(fault.ms.unwrap_or(1000))).await;
                Ok(response)
            }
            Kind::CloseBefore => Err(HangUp),
            Kind::CloseAfter => self.process(request, Duration::ZERO).await.and(Err(HangUp)),
            Kind::ResetBefore => {
                self.behaviour.reset_at_end();
                Err(HangUp)
            }
            Kind::ResetAfter => {
                self.behaviour.reset_at_end();
                self.process(request, Duration::ZERO).await.and(Err(HangUp))
            }
            Kind::Truncate => closed_early(self.process(request, Duration::ZERO).await?, |length| (length, length / 2)).await,
            Kind::Overpromise => closed_early(self.process(request, Duration::ZERO).await?, |length| (length + 100, length)).await,
            Kind::Gzip => compressed(self.process(request, Duration::ZERO).await?).await,
            Kind::OddHead => {
                let response = self.process(request, Duration::ZERO).await;
                self.behaviour.odd_head();
                response
            }
            Kind::Drip => {
                let response = self.process(request, Duration::ZERO).await;
                self.behaviour.drip(fault.ms.unwrap_or(200));
                response
            }
            Kind::Answer | Kind::Redirect | Kind::Oversize | Kind::HugeHeader => {
                let real = if fault.process { Some(self.process(request, Duration::ZERO).await?) } else { None };
                scripted(fault, real).await
            }
            Kind::Close | Kind::Reset | Kind::CloseAfterClientHello => Err(HangUp),
        }
    }

    /// Runs the real handler to completion, as servers do, even if the client disconnects.
    async fn process(&self, request: Request<Body>, delay: Duration) -> Result<Response, HangUp> {
        let path = request.uri().path().to_owned();
        let (router, app) = (self.router.clone(), Arc::clone(&self.app));
        let handler = async move {
            sleep(delay).await;
            let response = router.oneshot(request).await;
            backchannel::deliver(&app).await;
            response
        };
        match tokio::spawn(handler).await {
            Ok(Ok(response)) => altered(&self.app, &path, response).await,
            Ok(Err(never)) => match never {},
            Err(_) => Err(HangUp),
        }
    }
}

/// The response, changed as a test asked for. Only successful JSON responses change.
async fn altered(app: &App, path: &str, response: Response) -> Result<Response, HangUp> {
    let is_json = response.headers().get("content-type").is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if !is_json || path.starts_with(PREFIX) || response.status() != StatusCode::OK {
        return Ok(response);
    }
    let alteration = targets(path).into_iter().find_map(|target| app.faults.alteration(target, realm_of(path), ""));
    let Some(alteration) = alteration else { return Ok(response) };
    let (mut parts, body) = response.into_parts();
    let body = serde_json::from_slice(&whole(body).await?).map_err(|_| HangUp)?;
    parts.headers.remove("content-length");
    Ok(Response::from_parts(parts, Body::from(alteration.altered(body))))
}

/// Promises more than it sends, then closes. `lengths` maps the body's length to (promised, sent).
async fn closed_early(response: Response, lengths: impl Fn(usize) -> (usize, usize)) -> Result<Response, HangUp> {
    let (mut parts, body) = response.into_parts();
    let body = whole(body).await?;
    let (promised, sent) = lengths(body.len());
    parts.headers.insert("content-length", HeaderValue::from(promised));
    let half = body.slice(..sent);
    let halves = stream::unfold(Some(half), |half| async move {
        match half {
            Some(half) => Some((Ok(half), None)),
            None => {
                // An immediate error would also discard data that has not been sent yet.
                sleep(Duration::from_millis(20)).await;
                Some((Err(HangUp), None))
            }
        }
    });
    Ok(Response::from_parts(parts, Body::from_stream(halves)))
}

async fn compressed(response: Response) -> Result<Response, HangUp> {
    let (mut parts, body) = response.into_parts();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&whole(body).await?).map_err(|_| HangUp)?;
    let body = encoder.finish().map_err(|_| HangUp)?;
    parts.headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    parts.headers.insert("content-length", HeaderValue::from(body.len()));
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// The fault's own response, or the real one as modified by the fault.
async fn scripted(fault: &Fault, real: Option<Response>) -> Result<Response, HangUp> {
    // Already checked when the fault was added.
    let script = fault.script().map_err(|_| HangUp)?;
    let mut response = Response::new(Body::from(script.body));
    *response.status_mut() = script.status;
    *response.headers_mut() = script.headers;
    match fault.kind {
        Kind::Oversize => {
            let mut body = match real {
                Some(real) => whole(real.into_body()).await?.to_vec(),
                None => br#"{"access_token":"oversize","token_type":"Bearer","expires_in":300}"#.to_vec(),
            };
            // Before the last brace, so that half of it is not valid JSON.
            let padding = fault.bytes.unwrap_or(2 << 20).saturating_sub(body.len());
            let end = body.len().saturating_sub(1);
            body.splice(end..end, std::iter::repeat_n(b' ', padding));
            *response.body_mut() = Body::from(body);
        }
        Kind::HugeHeader => {
            if let Some(real) = real {
                response = real;
            } else {
                *response.body_mut() = Body::from(r#"{"access_token":"huge-header","token_type":"Bearer","expires_in":300}"#);
            }
            let value = "a".repeat(fault.bytes.unwrap_or(512 << 10));
            let value = HeaderValue::from_str(&value).map_err(|_| HangUp)?;
            response.headers_mut().insert(HeaderName::from_static("x-huge"), value);
        }
        _ => {}
    }
    Ok(response)
}

async fn whole(body: Body) -> Result<Bytes, HangUp> {
    body.collect().await.map(|body| body.to_bytes()).map_err(|_| HangUp)
}
