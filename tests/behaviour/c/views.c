#include "views.h"

#include <string.h>

void view_text(struct out *out, const char *name, sipgate_oauth2_str text)
{
    out_name(out, name);
    out_string(out, text.data, text.len);
}

void view_secret(struct out *out, const char *name, sipgate_oauth2_secret *secret)
{
    view_text(out, name, sipgate_oauth2_secret_text(secret));
    sipgate_oauth2_secret_free(secret);
}

static void view_flag(struct out *out, const char *name, bool flag)
{
    out_name(out, name);
    out_raw(out, flag ? "true" : "false");
}

void view_name(struct out *out, const char *name, const char *text)
{
    out_name(out, name);
    out_string(out, text, strlen(text));
}

/* A number that is null where it is `absent`. */
static void view_number(struct out *out, const char *name, int64_t number, int64_t absent)
{
    out_name(out, name);
    if (number == absent)
        out_raw(out, "null");
    else
        out_integer(out, number);
}

void view_client(struct out *out, const sipgate_oauth2_client *client)
{
    view_text(out, "issuer", sipgate_oauth2_client_issuer(client));
    view_text(out, "token_endpoint", sipgate_oauth2_client_token_endpoint(client));
    view_text(out, "client_id", sipgate_oauth2_client_client_id(client));
    view_text(out, "redirect_uri", sipgate_oauth2_client_redirect_uri(client));
}

void view_pending(struct out *out, const sipgate_oauth2_authorization_request *pending)
{
    view_text(out, "url", sipgate_oauth2_authorization_request_url(pending));
    view_text(out, "state", sipgate_oauth2_authorization_request_state(pending));
    view_text(out, "nonce", sipgate_oauth2_authorization_request_nonce(pending));
    view_text(out, "redirect_uri", sipgate_oauth2_authorization_request_redirect_uri(pending));
    view_text(out, "scope", sipgate_oauth2_authorization_request_scope(pending));
    view_text(out, "return_to", sipgate_oauth2_authorization_request_return_to(pending));
    view_number(out, "created_at", sipgate_oauth2_authorization_request_created_at(pending), -1);
    view_number(out, "ends_at", sipgate_oauth2_authorization_request_expires_at(pending), -1);
}

void view_tokens(struct out *out, const sipgate_oauth2_token_set *tokens)
{
    sipgate_oauth2_secret *access_token = NULL, *refresh_token = NULL, *id_token = NULL, *header = NULL;

    sipgate_oauth2_token_set_access_token(tokens, &access_token, NULL);
    sipgate_oauth2_token_set_refresh_token(tokens, &refresh_token, NULL);
    sipgate_oauth2_token_set_id_token(tokens, &id_token, NULL);
    sipgate_oauth2_token_set_authorization_header(tokens, &header, NULL);
    view_secret(out, "access_token", access_token);
    view_text(out, "token_type", sipgate_oauth2_token_set_token_type(tokens));
    view_secret(out, "refresh_token", refresh_token);
    view_secret(out, "id_token", id_token);
    view_flag(out, "id_token_kept", sipgate_oauth2_token_set_id_token_kept(tokens));
    view_text(out, "scope", sipgate_oauth2_token_set_scope(tokens));
    view_number(out, "expires_at", sipgate_oauth2_token_set_expires_at(tokens), -1);
    view_number(out, "refresh_expires_at", sipgate_oauth2_token_set_refresh_expires_at(tokens), -1);
    out_name(out, "extra");
    out_raw(out, sipgate_oauth2_token_set_extra_json(tokens).data);
    view_secret(out, "authorization_header", header);
}

void view_status(struct out *out, const sipgate_oauth2_token_status *status)
{
    const sipgate_oauth2_error *last_error = sipgate_oauth2_token_status_last_error(status);

    view_text(out, "state", sipgate_oauth2_token_status_state(status));
    view_number(out, "generation", (int64_t)sipgate_oauth2_token_status_generation(status), -1);
    view_number(out, "expires_at", sipgate_oauth2_token_status_expires_at(status), -1);
    view_number(out, "refresh_expires_at", sipgate_oauth2_token_status_refresh_expires_at(status), -1);
    view_text(out, "scope", sipgate_oauth2_token_status_scope(status));
    view_flag(out, "unsaved", sipgate_oauth2_token_status_unsaved(status));
    out_name(out, "last_error");
    out_raw(out, last_error != NULL ? "{" : "null");
    if (last_error != NULL) {
        view_name(out, "code", sipgate_oauth2_error_name(last_error));
        view_text(out, "remedy", sipgate_oauth2_error_remedy(last_error));
        out_raw(out, "}");
    }
}

void view_error(struct out *out, const sipgate_oauth2_error *error)
{
    int64_t retry_after = sipgate_oauth2_error_retry_after_ms(error);

    view_name(out, "code", sipgate_oauth2_error_name(error));
    view_number(out, "number", sipgate_oauth2_error_status(error), -1);
    view_name(out, "family", sipgate_oauth2_error_family(error));
    view_text(out, "remedy", sipgate_oauth2_error_remedy(error));
    view_flag(out, "retryable", sipgate_oauth2_error_retryable(error));
    view_number(out, "retry_after", retry_after < 0 ? -1 : retry_after / 1000, -1);
    view_number(out, "status", sipgate_oauth2_error_http_status(error), 0);
    view_text(out, "oauth_error", sipgate_oauth2_error_oauth_error(error));
    view_text(out, "oauth_error_description", sipgate_oauth2_error_oauth_error_description(error));
    view_text(out, "oauth_error_uri", sipgate_oauth2_error_oauth_error_uri(error));
    view_text(out, "message", sipgate_oauth2_error_message(error));
}

void view_errors(struct out *out)
{
    size_t i;
    out_name(out, "errors");
    out_raw(out, "[");
    for (i = 0; sipgate_oauth2_status_at(i) != SIPGATE_OK; i++) {
        out_raw(out, i > 0 ? ",{" : "{");
        view_name(out, "code", sipgate_oauth2_status_name(sipgate_oauth2_status_at(i)));
        view_number(out, "number", sipgate_oauth2_status_at(i), -1);
        view_name(out, "family", sipgate_oauth2_status_family(sipgate_oauth2_status_at(i)));
        out_raw(out, "}");
    }
    out_raw(out, "]");
}
