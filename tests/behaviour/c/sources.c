#include "sources.h"

#include <string.h>

#include "arguments.h"
#include "objects.h"
#include "own_store.h"
#include "views.h"

static sipgate_oauth2_status add_keys(sipgate_oauth2_store_options *options, const struct json *keys,
                                      sipgate_oauth2_error **error)
{
    sipgate_oauth2_status status = SIPGATE_OK;
    size_t i;
    for (i = 0; keys != NULL && i < keys->count && status == SIPGATE_OK; i++)
        status = sipgate_oauth2_store_options_add_encryption_key(options, keys->items[i]->text, error);
    return status;
}

static sipgate_oauth2_status new_store(const struct json *settings, sipgate_oauth2_store_options *options,
                                       sipgate_oauth2_store **store, sipgate_oauth2_error **error)
{
    const char *kind = json_string(settings, "kind");

    if (strcmp(kind, "memory") == 0)
        return sipgate_oauth2_store_memory(options, store, error);
    if (strcmp(kind, "own") == 0)
        return own_store_new(settings, options, store, error);
    return sipgate_oauth2_store_sqlite(json_string(settings, "path"), options, store, error);
}

sipgate_oauth2_status set_store(sipgate_oauth2_client_options *options, const struct json *settings,
                                sipgate_oauth2_error **error)
{
    sipgate_oauth2_store_options *store_options = sipgate_oauth2_store_options_new();
    sipgate_oauth2_store *store = NULL;
    sipgate_oauth2_status status = add_keys(store_options, json_member(settings, "encryption_keys"), error);

    if (status == SIPGATE_OK && json_member(settings, "recheck") != NULL)
        status = sipgate_oauth2_store_options_set_recheck_ms(store_options, arguments_milliseconds(settings, "recheck"),
                                                             error);
    if (status == SIPGATE_OK)
        status = new_store(settings, store_options, &store, error);
    if (status == SIPGATE_OK)
        status = sipgate_oauth2_client_options_set_store(options, store, error);
    sipgate_oauth2_store_free(store);
    sipgate_oauth2_store_options_free(store_options);
    return status;
}

static sipgate_oauth2_status keep_source(const struct json *args, sipgate_oauth2_token_source *source, struct out *ok)
{
    view_text(ok, "account", sipgate_oauth2_token_source_account(source));
    view_text(ok, "account_hash", sipgate_oauth2_token_source_account_hash(source));
    object_keep(SOURCE, json_string(args, "source"), source);
    return SIPGATE_OK;
}

sipgate_oauth2_status complete_login(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_call_options *call = arguments_call(args);
    sipgate_oauth2_status status = sipgate_oauth2_client_complete_login(
        object_find(CLIENT, json_string(args, "client")), object_find(PENDING, json_string(args, "pending")),
        json_string(args, "callback"), json_string(args, "account"), call, &source, error);
    sipgate_oauth2_call_options_free(call);
    return status == SIPGATE_OK ? keep_source(args, source, ok) : status;
}

sipgate_oauth2_status token_source(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_status status = sipgate_oauth2_client_token_source(object_find(CLIENT, json_string(args, "client")),
                                                                      json_string(args, "account"), &source, error);
    return status == SIPGATE_OK ? keep_source(args, source, ok) : status;
}

static const sipgate_oauth2_token_source *source_of(const struct json *args)
{
    return object_find(SOURCE, json_string(args, "source"));
}

typedef sipgate_oauth2_status secret_function(const sipgate_oauth2_token_source *, const sipgate_oauth2_call_options *,
                                              sipgate_oauth2_secret **, sipgate_oauth2_error **);

static sipgate_oauth2_status give(secret_function *secret_of, const char *name, const struct json *args, struct out *ok,
                                  sipgate_oauth2_error **error)
{
    sipgate_oauth2_secret *secret = NULL;
    sipgate_oauth2_call_options *call = arguments_call(args);
    sipgate_oauth2_status status = secret_of(source_of(args), call, &secret, error);
    sipgate_oauth2_call_options_free(call);
    if (status == SIPGATE_OK)
        view_secret(ok, name, secret);
    return status;
}

sipgate_oauth2_status source_access_token(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    return give(sipgate_oauth2_token_source_access_token, "access_token", args, ok, error);
}

sipgate_oauth2_status source_authorization_header(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    return give(sipgate_oauth2_token_source_authorization_header, "authorization_header", args, ok, error);
}

sipgate_oauth2_status source_refresh(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    return give(sipgate_oauth2_token_source_refresh, "access_token", args, ok, error);
}

sipgate_oauth2_status source_peek(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_secret *token = NULL;
    sipgate_oauth2_status status = sipgate_oauth2_token_source_peek(source_of(args), &token, error);
    if (status == SIPGATE_OK)
        view_secret(ok, "access_token", token);
    return status;
}

sipgate_oauth2_status source_invalidate(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    (void)ok;
    return sipgate_oauth2_token_source_invalidate(source_of(args), json_string(args, "token"), error);
}

sipgate_oauth2_status source_save(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_call_options *call = arguments_call(args);
    sipgate_oauth2_status status = sipgate_oauth2_token_source_save(
        source_of(args), object_find(TOKENS, json_string(args, "tokens")), call, error);
    (void)ok;
    sipgate_oauth2_call_options_free(call);
    return status;
}

sipgate_oauth2_status source_status(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_token_status *found = NULL;
    sipgate_oauth2_call_options *call = arguments_call(args);
    sipgate_oauth2_status status = sipgate_oauth2_token_source_status(source_of(args), call, &found, error);
    sipgate_oauth2_call_options_free(call);
    if (status == SIPGATE_OK)
        view_status(ok, found);
    sipgate_oauth2_token_status_free(found);
    return status;
}

sipgate_oauth2_status source_logout(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_call_options *call = arguments_call(args);
    bool revoked = false;
    sipgate_oauth2_status status = sipgate_oauth2_token_source_logout(source_of(args), call, &revoked, error);
    if (status == SIPGATE_OK)
        view_name(ok, "outcome", revoked ? "revoked" : "local_only");
    sipgate_oauth2_call_options_free(call);
    return status;
}

sipgate_oauth2_status source_ensure_saved(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    (void)ok;
    return sipgate_oauth2_token_source_ensure_saved(source_of(args), error);
}
