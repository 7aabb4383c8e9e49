//! Operations of the Rust library.

use std::hint::black_box;
use std::time::Duration;

use sipgate_oauth2::{AuthorizationRequest, Client, ClientBuilder, Store, TokenSet};
use sipgate_oauth2_protocol::http::{Body, Headers, Response, response};
use sipgate_oauth2_protocol::jose::algorithm::Algorithm;
use sipgate_oauth2_protocol::oauth::authorization_response;
use sipgate_oauth2_protocol::oauth::client_auth::Credentials;
use sipgate_oauth2_protocol::oauth::endpoint_response::ResponseContext;
use sipgate_oauth2_protocol::oauth::grants::{RefreshParameters, TokenRequest};
use sipgate_oauth2_protocol::oauth::token_response;
use sipgate_oauth2_protocol::openid::id_token::{Expected, Judgement, TokenRules, judge};
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, Decision, LocalState, TokenRequirements};
use sipgate_oauth2_protocol::refresh::record::{Account, Record, State, Stored};
use sipgate_oauth2_protocol::secret::IdToken;
use sipgate_oauth2_protocol::time::Moment;

use crate::Operation;
use crate::samples::{
    self, BASE, CLIENT_ID, CLIENT_SECRET, ISSUER, NONCE, NOW, REALM, REDIRECT_URI, TOKEN_ENDPOINT, id_token, saved_tokens, tokens,
};

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        token_at_hand(),
        token_response(),
        error_response(),
        http_response(),
        restore_tokens(),
        export_tokens(),
        authorization_url(),
        restore_request(),
        seal_request(),
        callback(),
        decode_record(),
        encode_record(),
        decision(),
        id_token_judgement(),
    ]
}

fn client() -> Client {
    // The tokens are not loaded again during the measurement.
    let store = Store::memory().recheck(Duration::from_secs(3600));
    let builder = ClientBuilder::keycloak(BASE, REALM, CLIENT_ID).client_secret(CLIENT_SECRET).redirect_uri(REDIRECT_URI);
    builder.store(store).build().unwrap()
}

fn token_at_hand() -> Operation {
    let source = client().token_source("user-42").unwrap();
    source.save(&tokens()).unwrap();
    ("token at hand", Box::new(move || drop(black_box(source.access_token().unwrap()))))
}

fn credentials() -> Credentials {
    Credentials::new(CLIENT_ID.into(), Some(CLIENT_SECRET.into()), None).unwrap()
}

fn whole(status: u16, body: &str) -> Response {
    Response { status, headers: Headers::default(), body: Body::Whole(body.as_bytes().to_vec()) }
}

/// The way of a refresh's response from the body to the token set.
fn token_response() -> Operation {
    let (request, credentials) = (TokenRequest::refresh(RefreshParameters::from(&tokens())).unwrap(), credentials());
    let body = samples::token_response();
    let read = move || {
        let response = token_response::whole(whole(200, &body)).ok().unwrap();
        let context = ResponseContext::new(request.request(), TOKEN_ENDPOINT, &credentials, true, NOW);
        let response = token_response::process(&context, &response).unwrap();
        drop(black_box(request.complete(response, NOW).unwrap()));
    };
    ("token response", Box::new(read))
}

fn error_response() -> Operation {
    let (request, credentials) = (TokenRequest::refresh(RefreshParameters::from(&tokens())).unwrap(), credentials());
    let read = move || {
        let response = whole(400, r#"{"error":"invalid_grant","error_description":"Session not active"}"#);
        let context = ResponseContext::new(request.request(), TOKEN_ENDPOINT, &credentials, true, NOW);
        drop(black_box(token_response::process(&context, &response).err().unwrap()));
    };
    ("error response", Box::new(read))
}

fn http_response() -> Operation {
    let body = samples::token_response();
    let bytes = format!(
        "HTTP/1.1 200 OK\r\ndate: Tue, 14 Nov 2023 22:13:20 GMT\r\ncache-control: no-store\r\npragma: no-cache\r\n\
         content-type: application/json\r\nreferrer-policy: no-referrer\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let read = move || {
        let response = response::read(&mut bytes.as_bytes()).ok().unwrap();
        assert_eq!(response.status, 200);
        drop(black_box(response));
    };
    ("HTTP response", Box::new(read))
}

fn restore_tokens() -> Operation {
    let json = saved_tokens();
    ("token set restored", Box::new(move || drop(black_box(TokenSet::restore(black_box(&json)).unwrap()))))
}

fn export_tokens() -> Operation {
    let tokens = tokens();
    ("token set exported", Box::new(move || drop(black_box(tokens.export()))))
}

fn authorization_url() -> Operation {
    let client = client();
    ("authorization URL", Box::new(move || drop(black_box(client.authorization_request("openid balance:read").unwrap()))))
}

fn restore_request() -> Operation {
    let exported = client().authorization_request("openid balance:read").unwrap().export();
    let restore = move || drop(black_box(AuthorizationRequest::restore(exported.reveal()).unwrap().export()));
    ("authorization request restored and exported", Box::new(restore))
}

fn seal_request() -> Operation {
    let request = client().authorization_request("openid balance:read").unwrap();
    let keys = [sipgate_oauth2::EncryptionKey::from_bytes([7; 32])];
    let seal = move || drop(black_box(AuthorizationRequest::unseal(request.seal(&keys).unwrap().reveal(), &keys).unwrap()));
    ("authorization request sealed and unsealed", Box::new(seal))
}

fn callback() -> Operation {
    let request = client().authorization_request("openid balance:read").unwrap();
    let query = format!(
        "state={}&session_state=4e0e4b22-7c7c-4b0c-9d1e-0e6f2c1b7a55&iss={}&code={}",
        request.state(),
        "https%3A%2F%2Flogin.example.com%2Fauth%2Frealms%2Fthird-party",
        "0f9a3f9e-2a7b-4b5e-8b0e-6a1f0d0c9b8a.4e0e4b22-7c7c-4b0c-9d1e-0e6f2c1b7a55.5b7c1b1e-6a0d-4f5e-9c3a-2d1e0f9a8b7c"
    );
    let now = request.created_at();
    let check = move || drop(black_box(authorization_response::check_shared(&request, black_box(&query), now).unwrap()));
    ("callback checked", Box::new(check))
}

fn record() -> Record {
    let tokens = tokens();
    let account = Account { issuer: ISSUER.into(), client_id: CLIENT_ID.into(), account: "user-42".into() };
    Record {
        grant_id: "Zk9vVQmJbYc4o8oXhYyq0w2pG3r5c1n7u6t8s9a0b1c".into(),
        generation: 7,
        state: State::Active,
        refresh_token: tokens.refresh_token().cloned(),
        tokens: Some(tokens),
        sent_at: NOW * 1000,
        ..Record::empty(account)
    }
}

fn decode_record() -> Operation {
    let bytes = record().encode().unwrap();
    ("record decoded", Box::new(move || drop(black_box(Record::decode(black_box(&bytes)).unwrap()))))
}

fn encode_record() -> Operation {
    let record = record();
    ("record encoded", Box::new(move || drop(black_box(record.encode().unwrap()))))
}

/// A token that an API has refused, in another version, must be told from this one.
fn decision() -> Operation {
    let now = Moment { wall: NOW * 1000, mono: 1_000 };
    let mut local = LocalState::default();
    local.loaded(Some(&Stored::new("1".into(), record())), now);
    local.invalidate(tokens().access_token().reveal(), now);
    let requirements = TokenRequirements { recheck: 1_000, ..TokenRequirements::default() };
    let decide = move || assert!(matches!(black_box(local.decision(requirements, Attempted::Nothing, now)), Decision::Refresh));
    ("decision to refresh", Box::new(decide))
}

fn id_token_judgement() -> Operation {
    let rules = TokenRules {
        issuer: ISSUER.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        trusted_audiences: Vec::new(),
        algorithms: vec![Algorithm::Hs256],
        client_secret: Some(CLIENT_SECRET.into()),
        leeway: 60,
    };
    let token = IdToken::from(id_token());
    let expected = Expected { nonce: Some(NONCE), ..Expected::default() };
    let judge = move || assert!(matches!(black_box(judge(black_box(&token), &rules, expected, None, NOW)), Judgement::Accepted(_)));
    ("ID token judged, HS256", Box::new(judge))
}
