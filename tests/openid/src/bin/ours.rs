//! The library's verdicts on the corpus.

use openid_tests::{Case, judge_corpus};
use sipgate_oauth2_protocol::jose::algorithm::Algorithm;
use sipgate_oauth2_protocol::jose::jwks::KeySet;
use sipgate_oauth2_protocol::openid::id_token::{Expected, Judgement, TokenRules, judge};
use sipgate_oauth2_protocol::secret::{AccessToken, ClientSecret, IdToken};

fn main() -> std::io::Result<()> {
    judge_corpus(verdict)
}

fn verdict(case: &Case) -> Result<(), String> {
    let algorithm = |name: &String| Algorithm::ALL.iter().copied().find(|one| one.as_str() == name);
    let rules = TokenRules {
        issuer: case.issuer.clone(),
        client_id: case.client_id.clone(),
        trusted_audiences: case.trusted_audiences.clone(),
        algorithms: case.algorithms.iter().map(|name| algorithm(name).ok_or(format!("no {name}"))).collect::<Result<_, _>>()?,
        client_secret: case.client_secret.as_deref().map(ClientSecret::from),
        leeway: case.leeway.into(),
    };
    let access_token = case.access_token.as_deref().map(AccessToken::from);
    let expected = Expected { nonce: case.nonce.as_deref(), access_token: access_token.as_ref(), ..Expected::default() };
    let keys = KeySet::parse(case.keys.as_bytes()).map_err(|problem| format!("key set: {problem}"));
    // Symmetric signatures need no keys of the server.
    match judge(&IdToken::from(case.token.as_str()), &rules, expected, keys.as_ref().ok(), case.now) {
        Judgement::Accepted(_) => Ok(()),
        Judgement::Refused(error) => Err(error.to_string()),
        Judgement::NoKey => Err(keys.err().unwrap_or_else(|| "no key: none that is known verifies it".to_owned())),
    }
}
