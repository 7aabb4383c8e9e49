//! The library's values as JSON.

use serde_json::{Value, json};
use sipgate_oauth2::{
    AuthorizationRequest, Claims, Client, Error, ErrorCode, Introspection, KeepAliveReport, RefreshToken, ServerMetadata, StoredAccount,
    TokenSet, TokenStatus,
};

pub(crate) fn client(client: &Client) -> Value {
    json!({
        "issuer": client.issuer(),
        "token_endpoint": client.token_endpoint(),
        "client_id": client.client_id(),
        "redirect_uri": client.redirect_uri(),
        "metadata": serde_json::from_str::<Value>(&client.metadata().to_json()).unwrap_or_default(),
    })
}

pub(crate) fn request(request: &AuthorizationRequest) -> Value {
    json!({
        "url": request.url(),
        "state": request.state(),
        "nonce": request.nonce(),
        "redirect_uri": request.redirect_uri(),
        "scope": request.scope(),
        "return_to": request.return_to(),
        "created_at": request.created_at(),
        "expires_at": request.expires_at(),
    })
}

pub(crate) fn tokens(tokens: &TokenSet) -> Value {
    json!({
        "access_token": tokens.access_token().reveal(),
        "token_type": tokens.token_type(),
        "refresh_token": tokens.refresh_token().map(|token| token.reveal()),
        "id_token": tokens.id_token().map(|token| token.reveal()),
        "id_token_kept": tokens.id_token_kept(),
        "id_token_verified": tokens.id_token_verified(),
        "claims": tokens.claims().as_ref().map(Claims::as_map),
        "scope": tokens.scope(),
        "expires_at": tokens.expires_at(),
        "refresh_expires_at": tokens.refresh_expires_at(),
        "extra": tokens.extra(),
        "authorization_header": tokens.authorization_header().reveal(),
    })
}

pub(crate) fn metadata(metadata: &ServerMetadata) -> Value {
    json!({"metadata": parsed(&metadata.to_json())})
}

pub(crate) fn introspection(introspection: &Introspection) -> Value {
    json!({"introspection": parsed(&introspection.to_json())})
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

pub(crate) fn status(status: &TokenStatus) -> Value {
    json!({
        "state": status.state.as_str(),
        "generation": status.generation,
        "expires_at": status.expires_at,
        "refresh_expires_at": status.refresh_expires_at,
        "scope": status.scope,
        "unsaved": status.unsaved,
        "last_error": status.last_error.as_ref().map(brief),
    })
}

pub(crate) fn account(account: &StoredAccount) -> Value {
    json!({
        "account": account.account(),
        "account_hash": account.account_hash(),
        "state": account.state().as_str(),
        "last_error": account.last_error().map(brief),
    })
}

pub(crate) fn report(report: KeepAliveReport) -> Value {
    let KeepAliveReport { seen, renewed, failed, login_required, .. } = report;
    json!({"seen": seen, "renewed": renewed, "failed": failed, "login_required": login_required})
}

fn brief(error: &Error) -> Value {
    json!({"code": error.code().as_str(), "remedy": error.remedy().as_str()})
}

pub(crate) fn error(error: &Error) -> Value {
    json!({
        "code": error.code().as_str(),
        "number": error.code().number(),
        "family": error.family().as_str(),
        "remedy": error.remedy().as_str(),
        "retryable": error.retryable(),
        "retry_after": error.retry_after().map(|wait| wait.as_secs_f64()),
        "status": error.status(),
        "oauth_error": error.oauth_error(),
        "oauth_error_description": error.oauth_error_description(),
        "oauth_error_uri": error.oauth_error_uri(),
        "refresh_token": error.refresh_token().map(RefreshToken::reveal),
        "message": error.to_string(),
    })
}

pub(crate) fn errors() -> Value {
    let row = |code: &ErrorCode| json!({"code": code.as_str(), "number": code.number(), "family": code.family().as_str()});
    json!({"errors": ErrorCode::ALL.iter().map(row).collect::<Vec<_>>()})
}
