//! Which algorithms a client accepts (OpenID Connect Core, section 3.1.3.7, step 7).

use crate::error::{Error, Result};
use crate::jose::algorithm::Algorithm;
use crate::oauth::metadata::{self, ServerMetadata};
use crate::secret::ClientSecret;

/// The algorithms that tokens may be signed with: the configured ones, and else what the server
/// offers, without those that need the client's secret. A server that says nothing signs with
/// RS256.
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) for an algorithm that
/// needs a longer secret than the client has (RFC 7518, section 3.2).
pub fn accepted(metadata: &ServerMetadata, configured: &[Algorithm], secret: Option<&ClientSecret>) -> Result<Vec<Algorithm>> {
    let bytes = secret.map_or(0, |secret| secret.reveal().len());
    for algorithm in configured.iter().filter(|algorithm| algorithm.is_symmetric()) {
        let least = algorithm.digest().output_len();
        if bytes < least {
            let problem = format_args!("has {}, which needs a client_secret of at least {least} bytes", algorithm.as_str());
            return Err(Error::invalid_argument("id_token_signed_response_alg", problem));
        }
    }
    if !configured.is_empty() {
        return Ok(configured.to_vec());
    }
    let offered = metadata::list(metadata, "id_token_signing_alg_values_supported").unwrap_or_default();
    let usable = |algorithm: &Algorithm| !algorithm.is_symmetric() && offered.contains(&algorithm.as_str());
    let accepted: Vec<_> = Algorithm::ALL.iter().copied().filter(usable).collect();
    Ok(if accepted.is_empty() { vec![Algorithm::Rs256] } else { accepted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(offered: &str) -> ServerMetadata {
        let json = format!(r#"{{"issuer":"https://i.example","id_token_signing_alg_values_supported":{offered}}}"#);
        ServerMetadata::from_json(&json).unwrap()
    }

    #[test]
    fn the_default_is_what_the_server_offers_out_of_ours() {
        use Algorithm::{EdDsa, Es256, Ps384, Rs256};
        for (offered, expected) in [
            ("null", &[Rs256][..]),
            ("[]", &[Rs256]),
            (r#"["RS256"]"#, &[Rs256]),
            (r#"["EdDSA","ES256","PS384","ES256K","none"]"#, &[Ps384, Es256, EdDsa]),
            (r#"["HS256","none"]"#, &[Rs256]),
            (r#"["HS256","ES256"]"#, &[Es256]),
        ] {
            assert_eq!(accepted(&of(offered), &[], Some(&"s".repeat(64).into())).unwrap(), expected, "{offered}");
        }
    }

    #[test]
    fn what_is_configured_replaces_the_default() {
        assert_eq!(accepted(&of(r#"["RS256"]"#), &[Algorithm::Es256], None).unwrap(), [Algorithm::Es256]);
    }

    #[test]
    fn the_secret_must_be_as_long_as_the_hash() {
        for (algorithm, least) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
            let accepted = |bytes: usize| accepted(&of("null"), &[Algorithm::Rs256, algorithm], Some(&"s".repeat(bytes).into()));
            assert_eq!(accepted(least).unwrap(), [Algorithm::Rs256, algorithm]);
            let error = accepted(least - 1).unwrap_err().to_string();
            assert!(error.starts_with("id_token_signed_response_alg: ") && error.contains(&least.to_string()), "{error}");
        }
        assert!(accepted(&of("null"), &[Algorithm::Hs256], None).is_err());
    }
}
