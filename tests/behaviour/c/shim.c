/*
 * The C shim of the behaviour suite: reads lines {"id", "op", "args"}, runs each call on its own thread, writes a line per call. It uses the public
 * API alone and decides nothing: what it is given goes in, what comes out is written.
 */

#include <sipgate_oauth2.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "json.h"
#include "objects.h"
#include "own_store.h"
#include "sources.h"
#include "views.h"

/* A setting that is not given is not set. */
#define SET_TEXT(set, handle, args, name) (json_string(args, name) == NULL ? SIPGATE_OK : set(handle, json_string(args, name), error))

/* The suite's words for the members of the metadata, as JSON. */
static sipgate_oauth2_status new_of_metadata(const struct json *args, const char *client_id,
                                             sipgate_oauth2_client_options **options, sipgate_oauth2_error **error)
{
    static const char *const members[] = {"issuer", "authorization_endpoint", "token_endpoint", "revocation_endpoint"};
    const struct json *iss_required = json_member(args, "iss_required");
    struct out metadata = {NULL, 0, 0};
    sipgate_oauth2_status status;
    size_t i;

    out_raw(&metadata, "{");
    for (i = 0; i < sizeof members / sizeof *members; i++)
        view_name(&metadata, members[i], json_string(args, members[i]));
    out_name(&metadata, "authorization_response_iss_parameter_supported");
    out_raw(&metadata, iss_required != NULL && iss_required->type == JSON_TRUE ? "true}" : "false}");
    status = sipgate_oauth2_client_options_new(metadata.text, client_id, options, error);
    free(metadata.text);
    return status;
}

static sipgate_oauth2_status new_options(const struct json *args, sipgate_oauth2_client_options **options,
                                         sipgate_oauth2_error **error)
{
    const char *kind = json_string(args, "kind"), *client_id = json_string(args, "client_id");
    const struct json *env = json_member(args, "env");
    size_t i;

    for (i = 0; env != NULL && i < env->count; i++)
        setenv(env->names[i], env->items[i]->text != NULL ? env->items[i]->text : "", 1);
    if (strcmp(kind, "sipgate") == 0)
        return sipgate_oauth2_client_options_new_sipgate(client_id, options, error);
    if (strcmp(kind, "keycloak") == 0)
        return sipgate_oauth2_client_options_new_keycloak(json_string(args, "base"), json_string(args, "realm"),
                                                          client_id, options, error);
    if (strcmp(kind, "env") == 0)
        return sipgate_oauth2_client_options_new_from_env(options, error);
    return new_of_metadata(args, client_id, options, error);
}

static sipgate_oauth2_status set_options(const struct json *args, sipgate_oauth2_client_options *options,
                                         sipgate_oauth2_error **error)
{
    sipgate_oauth2_status status =
        SET_TEXT(sipgate_oauth2_client_options_set_client_secret, options, args, "client_secret");
    if (status == SIPGATE_OK)
        status =
            SET_TEXT(sipgate_oauth2_client_options_set_client_authentication, options, args, "client_authentication");
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_client_options_set_redirect_uri, options, args, "redirect_uri");
    if (status == SIPGATE_OK && strcmp(json_string(args, "kind"), "keycloak") != 0)
        status = SET_TEXT(sipgate_oauth2_client_options_set_realm, options, args, "realm");
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_client_options_set_ca_certificates, options, args, "ca_certificates");
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_client_options_set_proxy, options, args, "proxy");
    if (status == SIPGATE_OK && json_member(args, "connect_timeout") != NULL)
        status = sipgate_oauth2_client_options_set_connect_timeout_ms(
            options, arguments_milliseconds(args, "connect_timeout"), error);
    if (status == SIPGATE_OK && json_member(args, "request_timeout") != NULL)
        status = sipgate_oauth2_client_options_set_request_timeout_ms(
            options, arguments_milliseconds(args, "request_timeout"), error);
    return status == SIPGATE_OK && json_member(args, "store") != NULL ? set_store(options, json_member(args, "store"), error) : status;
}

static sipgate_oauth2_status client_new(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_status status = new_options(args, &options, error);
    if (status == SIPGATE_OK)
        status = set_options(args, options, error);
    if (status == SIPGATE_OK)
        status = sipgate_oauth2_client_new(options, &client, error);
    sipgate_oauth2_client_options_free(options);
    if (status == SIPGATE_OK) {
        view_client(ok, client);
        object_keep(CLIENT, json_string(args, "name"), client);
    }
    return status;
}

/* A scope that may be a list, as one text to be freed. */
static char *scope_of(const struct json *args)
{
    const struct json *scope = json_member(args, "scope");
    const char *text = json_string(args, "scope");
    char *joined = NULL;
    size_t i, length = 1;
    if (text != NULL) {
        joined = calloc(1, strlen(text) + 1);
        strcpy(joined, text);
    } else if (scope != NULL && scope->type == JSON_LIST) {
        for (i = 0; i < scope->count; i++)
            length += strlen(scope->items[i]->text) + 1;
        joined = calloc(1, length);
        for (i = 0; i < scope->count; i++)
            strcat(strcat(joined, i > 0 ? " " : ""), scope->items[i]->text);
    }
    return joined;
}

static sipgate_oauth2_status set_extra(sipgate_oauth2_authorization_parameters *parameters, const struct json *extra,
                                       sipgate_oauth2_error **error)
{
    sipgate_oauth2_status status = SIPGATE_OK;
    size_t i;
    for (i = 0; extra != NULL && i < extra->count && status == SIPGATE_OK; i++) {
        const struct json *item = extra->items[i];
        const char *name = extra->type == JSON_OBJECT ? extra->names[i] : item->items[0]->text;
        const char *value = extra->type == JSON_OBJECT ? item->text : item->items[1]->text;
        status = sipgate_oauth2_authorization_parameters_add_extra(parameters, name, value, error);
    }
    return status;
}

static sipgate_oauth2_status set_parameters(sipgate_oauth2_authorization_parameters *parameters,
                                            const struct json *args, sipgate_oauth2_error **error)
{
    sipgate_oauth2_status status =
        SET_TEXT(sipgate_oauth2_authorization_parameters_set_redirect_uri, parameters, args, "redirect_uri");
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_authorization_parameters_set_response_mode, parameters, args, "response_mode");
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_authorization_parameters_set_state, parameters, args, "state");
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_authorization_parameters_set_return_to, parameters, args, "return_to");
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_authorization_parameters_set_prompt, parameters, args, "prompt");
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_authorization_parameters_set_login_hint, parameters, args, "login_hint");
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_authorization_parameters_set_ui_locales, parameters, args, "ui_locales");
    return status == SIPGATE_OK ? set_extra(parameters, json_member(args, "extra"), error) : status;
}

static sipgate_oauth2_status keep_pending(const struct json *args, sipgate_oauth2_authorization_request *pending,
                                          struct out *ok)
{
    view_pending(ok, pending);
    object_keep(PENDING, json_string(args, "name"), pending);
    return SIPGATE_OK;
}

static sipgate_oauth2_status authorization_request(const struct json *args, struct out *ok,
                                                   sipgate_oauth2_error **error)
{
    sipgate_oauth2_authorization_parameters *parameters = sipgate_oauth2_authorization_parameters_new();
    sipgate_oauth2_authorization_request *pending = NULL;
    char *scope = scope_of(args);
    sipgate_oauth2_status status = set_parameters(parameters, args, error);
    if (status == SIPGATE_OK)
        status = sipgate_oauth2_client_authorization_request(object_find(CLIENT, json_string(args, "client")), scope,
                                                             parameters, &pending, error);
    sipgate_oauth2_authorization_parameters_free(parameters);
    free(scope);
    return status == SIPGATE_OK ? keep_pending(args, pending, ok) : status;
}

static sipgate_oauth2_status pending_export(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_secret *exported = NULL;
    sipgate_oauth2_status status = sipgate_oauth2_authorization_request_export(
        object_find(PENDING, json_string(args, "pending")), &exported, error);
    if (status == SIPGATE_OK)
        view_secret(ok, "exported", exported);
    return status;
}

static sipgate_oauth2_status pending_restore(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_authorization_request *pending = NULL;
    sipgate_oauth2_status status =
        sipgate_oauth2_authorization_request_restore(json_string(args, "exported"), &pending, error);
    return status == SIPGATE_OK ? keep_pending(args, pending, ok) : status;
}

static sipgate_oauth2_status keep_tokens(const struct json *args, const char *name, sipgate_oauth2_token_set *tokens,
                                         struct out *ok)
{
    view_tokens(ok, tokens);
    object_keep(TOKENS, json_string(args, name), tokens);
    return SIPGATE_OK;
}

static sipgate_oauth2_status exchange_callback(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_token_set *tokens = NULL;
    sipgate_oauth2_call_options *call = arguments_call(args);
    sipgate_oauth2_status status = sipgate_oauth2_client_exchange_callback(
        object_find(CLIENT, json_string(args, "client")), object_find(PENDING, json_string(args, "pending")),
        json_string(args, "callback"), call, &tokens, error);
    sipgate_oauth2_call_options_free(call);
    return status == SIPGATE_OK ? keep_tokens(args, "tokens", tokens, ok) : status;
}

static sipgate_oauth2_status exchange_code(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_authorization_code *code = NULL;
    sipgate_oauth2_token_set *tokens = NULL;
    sipgate_oauth2_call_options *call = arguments_call(args);
    char *scope = scope_of(args);
    sipgate_oauth2_status status = sipgate_oauth2_authorization_code_new(json_string(args, "code"), &code, error);
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_authorization_code_set_code_verifier, code, args, "code_verifier");
    if (status == SIPGATE_OK)
        status = SET_TEXT(sipgate_oauth2_authorization_code_set_redirect_uri, code, args, "redirect_uri");
    if (status == SIPGATE_OK && scope != NULL)
        status = sipgate_oauth2_authorization_code_set_scope(code, scope, error);
    if (status == SIPGATE_OK)
        status = sipgate_oauth2_client_exchange_code(object_find(CLIENT, json_string(args, "client")), code, call,
                                                     &tokens, error);
    sipgate_oauth2_authorization_code_free(code);
    sipgate_oauth2_call_options_free(call);
    free(scope);
    return status == SIPGATE_OK ? keep_tokens(args, "tokens", tokens, ok) : status;
}

static sipgate_oauth2_status refresh(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    const sipgate_oauth2_client *client = object_find(CLIENT, json_string(args, "client"));
    const char *from = json_string(args, "from");
    sipgate_oauth2_token_set *tokens = NULL;
    sipgate_oauth2_call_options *call = arguments_call(args);
    char *scope = scope_of(args);
    sipgate_oauth2_status status =
        from != NULL
            ? sipgate_oauth2_client_refresh_tokens(client, object_find(TOKENS, from), scope, call, &tokens, error)
            : sipgate_oauth2_client_refresh(client, json_string(args, "refresh_token"), scope, call, &tokens, error);
    sipgate_oauth2_call_options_free(call);
    free(scope);
    return status == SIPGATE_OK ? keep_tokens(args, "tokens", tokens, ok) : status;
}

static sipgate_oauth2_status tokens_restore(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_token_set *tokens = NULL;
    sipgate_oauth2_status status = sipgate_oauth2_token_set_restore(json_string(args, "json"), &tokens, error);
    return status == SIPGATE_OK ? keep_tokens(args, "name", tokens, ok) : status;
}

static sipgate_oauth2_status tokens_export(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    sipgate_oauth2_secret *exported = NULL;
    sipgate_oauth2_status status =
        sipgate_oauth2_token_set_export(object_find(TOKENS, json_string(args, "tokens")), &exported, error);
    if (status == SIPGATE_OK)
        view_secret(ok, "exported", exported);
    return status;
}

static sipgate_oauth2_status cancel(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    (void)ok;
    (void)error;
    sipgate_oauth2_cancel_token_cancel(object_cancel(json_string(args, "name")));
    return SIPGATE_OK;
}

static sipgate_oauth2_status errors(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    (void)args;
    (void)error;
    view_errors(ok);
    return SIPGATE_OK;
}

static sipgate_oauth2_status version(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    (void)args;
    (void)error;
    out_name(ok, "version");
    out_string(ok, sipgate_oauth2_version(), strlen(sipgate_oauth2_version()));
    return SIPGATE_OK;
}

/* What the operations are called, and their arguments. */
static const struct operation_entry {
    const char *name;
    operation *run;
    const char *needed, *optional;
} operations[] = {
    {"client.new", client_new, "name kind",
     "client_id base realm issuer authorization_endpoint token_endpoint iss_required client_secret client_authentication redirect_uri "
     "ca_certificates proxy connect_timeout request_timeout store env"},
    {"client.authorization_request", authorization_request, "client name",
     "scope redirect_uri response_mode state return_to prompt login_hint ui_locales extra"},
    {"client.exchange_callback", exchange_callback, "client pending tokens", "callback timeout cancel"},
    {"client.exchange_code", exchange_code, "client tokens", "code code_verifier redirect_uri scope timeout cancel"},
    {"client.refresh", refresh, "client tokens", "refresh_token from scope timeout cancel"},
    {"client.complete_login", complete_login, "client pending account source", "callback timeout cancel"},
    {"client.token_source", token_source, "client source", "account"},
    {"source.access_token", source_access_token, "source", "timeout cancel min_validity"},
    {"source.authorization_header", source_authorization_header, "source", "timeout cancel min_validity"},
    {"source.peek", source_peek, "source", ""},
    {"source.invalidate", source_invalidate, "source token", ""},
    {"source.refresh", source_refresh, "source", "timeout cancel"},
    {"source.save", source_save, "source tokens", "timeout cancel"},
    {"source.status", source_status, "source", "timeout cancel"},
    {"source.logout", source_logout, "source", "timeout cancel"},
    {"source.ensure_saved", source_ensure_saved, "source", ""},
    {"store.limit", store_limit, "own", "saves"},
    {"store.hang", store_hang, "own", "hangs"},
    {"store.copy", store_copy, "own to", ""},
    {"pending.export", pending_export, "pending", ""},
    {"pending.restore", pending_restore, "name", "exported"},
    {"tokens.restore", tokens_restore, "name", "json"},
    {"tokens.export", tokens_export, "tokens", ""},
    {"cancel", cancel, "name", ""},
    {"errors", errors, "", ""},
    {"version", version, "", ""},
};

static const struct operation_entry *find_operation(const char *name)
{
    size_t i;
    for (i = 0; name != NULL && i < sizeof operations / sizeof *operations; i++)
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    return NULL;
}

/* Runs the call and writes its members; an error without a code is no error of the library's, and no case can take it for one. */
static void run_call(const struct operation_entry *entry, const struct json *args, struct out *out)
{
    const size_t before = out->length;
    struct out problem = {NULL, 0, 0};
    sipgate_oauth2_error *error = NULL;

    if (!arguments_make_sense(args, entry->needed, entry->optional, &problem)) {
        out_raw(out, ",\"error\":{\"code\":null,\"message\":");
        out_string(out, problem.text, problem.length);
        free(problem.text);
    } else {
        out_raw(out, ",\"ok\":{");
        if (entry->run(args, out, &error) != SIPGATE_OK) {
            out->length = before;
            out_raw(out, ",\"error\":{");
            view_error(out, error);
            sipgate_oauth2_error_free(error);
        }
    }
    out_raw(out, "}");
}

static void *answer(void *line)
{
    static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
    struct json *call = json_parse(line);
    const struct json *id = json_member(call, "id");
    const char *op = json_string(call, "op");
    const struct operation_entry *entry = find_operation(op);
    struct out out = {NULL, 0, 0};

    out_raw(&out, "{\"id\":");
    out_raw(&out, id != NULL && id->type == JSON_NUMBER ? id->text : "null");
    if (entry != NULL)
        run_call(entry, json_member(call, "args"), &out);
    else {
        out_name(&out, "unsupported");
        out_string(&out, op, op != NULL ? strlen(op) : 0);
    }
    out_raw(&out, "}\n");
    pthread_mutex_lock(&writing);
    fputs(out.text, stdout);
    fflush(stdout);
    pthread_mutex_unlock(&writing);
    free(out.text);
    json_free(call);
    free(line);
    return NULL;
}

/* A line of any length, to be freed; NULL at the end. */
static char *read_line(void)
{
    size_t length = 0, room = 4096;
    char *line = malloc(room);
    while (line != NULL && fgets(line + length, (int)(room - length), stdin) != NULL) {
        length += strlen(line + length);
        if (line[length - 1] == '\n')
            return line;
        room *= 2;
        line = realloc(line, room);
    }
    free(line);
    return NULL;
}

int main(void)
{
    char *line;
    while ((line = read_line()) != NULL) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, answer, line) != 0)
            return 1;
        pthread_detach(thread);
    }
    return 0;
}
