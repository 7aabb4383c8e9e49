/* NULL, invalid UTF-8, empty and huge arguments: every function says which argument is wrong, writes
 * no output and does not crash. */

#include "check.h"

#include <stdlib.h>

#define ENCRYPTION_KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char broken[] = "\xff\xfe";
static char *huge;

/* Text that is not metadata of a server, or lacks a member. */
static void metadata(void)
{
    static const char *const refused[][2] = {
        {"", "metadata: is not a JSON object"},
        {"[]", "metadata: is not a JSON object"},
        {"{\"issuer\": ", "metadata: is not a JSON object"},
        {"{}", "issuer: "},
        {"{\"issuer\": null}", "issuer: "},
        {"{\"issuer\": 1}", "issuer: "},
        {"{\"issuer\": \"i\", \"token_endpoint\": \"t\"}", "issuer: "},
        {"{\"issuer\": \"i\", \"authorization_endpoint\": \"a\"}", "issuer: "},
        {"{" MEMBERS("i") ", \"revocation_endpoint\": [\"r\"]}", "revocation_endpoint: "},
        {"{\"issuer\": \"https://i.example\", \"authorization_endpoint\": \"https://i.example/a\"}", "token_endpoint: "},
        {"{" MEMBERS("i") ", \"authorization_response_iss_parameter_supported\": \"true\"}", "authorization_response_iss_parameter_supported: "},
    };
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    size_t i;

    for (i = 0; i < sizeof refused / sizeof *refused; i++) {
        sipgate_oauth2_error *error = NULL;
        sipgate_oauth2_status status = sipgate_oauth2_client_options_new(refused[i][0], "c", &options, &error);
        /* A missing member is reported when a client is made. */
        if (status == SIPGATE_OK) status = sipgate_oauth2_client_new(options, &client, &error);
        CHECK(status == SIPGATE_INVALID_ARGUMENT && client == NULL);
        CHECK_SAYING(strncmp(sipgate_oauth2_error_message(error).data, refused[i][1], strlen(refused[i][1])) == 0, "%s: %s",
                     refused[i][0], sipgate_oauth2_error_message(error).data);
        sipgate_oauth2_error_free(error);
        sipgate_oauth2_client_options_free(options);
        options = NULL;
    }
    CHECK_OK(sipgate_oauth2_client_options_new("{" MEMBERS("i") ", \"unknown\": {}, \"revocation_endpoint\": null}",
                                               "c", &options, &error));
    sipgate_oauth2_client_options_free(options);
}

static void client_options(void)
{
    sipgate_oauth2_client_options *out = NULL, *options = NULL;

    CHECK_TEXT(sipgate_oauth2_client_options_new_sipgate(text, &out, &error), "client_id");
    CHECK_TEXT(sipgate_oauth2_client_options_new_keycloak(text, "r", "c", &out, &error), "base");
    CHECK_TEXT(sipgate_oauth2_client_options_new_keycloak("https://a.example", text, "c", &out, &error), "realm");
    CHECK_TEXT(sipgate_oauth2_client_options_new_keycloak("https://a.example", "r", text, &out, &error), "client_id");
    CHECK_TEXT(sipgate_oauth2_client_options_new(text, "c", &out, &error), "metadata");
    CHECK_TEXT(sipgate_oauth2_client_options_new(METADATA("https://a.example"), text, &out, &error), "client_id");
    metadata();
    unsetenv("SIPGATE_CLIENT_ID");
    CHECK_REFUSED(sipgate_oauth2_client_options_new_from_env(&out, &error), "SIPGATE_CLIENT_ID");
    CHECK(out == NULL);
    CHECK_REFUSED(sipgate_oauth2_client_options_new_sipgate("c", NULL, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_client_options_new_from_env(NULL, &error), "options");
    CHECK(sipgate_oauth2_client_options_new_sipgate(NULL, NULL, NULL) == SIPGATE_INVALID_ARGUMENT);

    CHECK_OK(sipgate_oauth2_client_options_new_sipgate("c", &options, &error));
    CHECK_TEXT(sipgate_oauth2_client_options_set_client_secret(options, text, &error), "client_secret");
    CHECK_TEXT(sipgate_oauth2_client_options_set_client_authentication(options, text, &error), "client_authentication");
    CHECK_REFUSED(sipgate_oauth2_client_options_set_client_authentication(options, "basic", &error),
                  "client_authentication");
    CHECK_TEXT(sipgate_oauth2_client_options_set_redirect_uri(options, text, &error), "redirect_uri");
    CHECK_TEXT(sipgate_oauth2_client_options_set_realm(options, text, &error), "realm");
    CHECK_TEXT(sipgate_oauth2_client_options_set_ca_certificates(options, text, &error), "ca_certificates");
    CHECK_TEXT(sipgate_oauth2_client_options_set_proxy(options, text, &error), "proxy");
    CHECK_REFUSED(sipgate_oauth2_client_options_set_client_secret(NULL, "s", &error), "options");
    CHECK_REFUSED(sipgate_oauth2_client_options_set_connect_timeout_ms(NULL, 1, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_client_options_set_request_timeout_ms(NULL, 1, &error), "options");
    sipgate_oauth2_client_options_free(options);
    sipgate_oauth2_client_options_free(NULL);
}

/* A value that a setter accepts may be refused when the client is made. */
static void client_new(void)
{
    static const struct {
        sipgate_oauth2_status (*set)(sipgate_oauth2_client_options *, const char *, sipgate_oauth2_error **);
        const char *value, *name;
    } settings[] = {
        {sipgate_oauth2_client_options_set_client_secret, "", "client_secret"},
        {sipgate_oauth2_client_options_set_client_secret, "a\nb", "client_secret"},
        {sipgate_oauth2_client_options_set_redirect_uri, "", "redirect_uri"},
        {sipgate_oauth2_client_options_set_redirect_uri, "/cb", "redirect_uri"},
        {sipgate_oauth2_client_options_set_redirect_uri, "https://", "redirect_uri"},
        {sipgate_oauth2_client_options_set_realm, "", "realm"},
        {sipgate_oauth2_client_options_set_ca_certificates, "rubbish", "ca_certificates"},
        {sipgate_oauth2_client_options_set_proxy, "proxy", "proxy"},
        {sipgate_oauth2_client_options_set_client_authentication, "client_secret_basic", "client_secret"},
    };
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    size_t i;

    for (i = 0; i < sizeof settings / sizeof *settings; i++) {
        sipgate_oauth2_error *error = NULL;
        CHECK(sipgate_oauth2_client_options_new_sipgate("c", &options, NULL) == SIPGATE_OK);
        CHECK(settings[i].set(options, settings[i].value, NULL) == SIPGATE_OK);
        CHECK(sipgate_oauth2_client_new(options, &client, &error) == SIPGATE_INVALID_ARGUMENT);
        CHECK_SAYING(strstr(sipgate_oauth2_error_message(error).data, settings[i].name)
                         == sipgate_oauth2_error_message(error).data,
                     "%s: %s", settings[i].name, sipgate_oauth2_error_message(error).data);
        sipgate_oauth2_error_free(error);
        sipgate_oauth2_client_options_free(options);
    }
    CHECK(client == NULL);
    CHECK_REFUSED(sipgate_oauth2_client_new(NULL, &client, &error), "options");
    CHECK_OK(sipgate_oauth2_client_options_new_sipgate("c", &options, &error));
    CHECK_REFUSED(sipgate_oauth2_client_new(options, NULL, &error), "client");
    CHECK_OK(sipgate_oauth2_client_options_set_connect_timeout_ms(options, 0, &error));
    CHECK_REFUSED(sipgate_oauth2_client_new(options, &client, &error), "connect_timeout");
    CHECK_OK(sipgate_oauth2_client_options_set_connect_timeout_ms(options, 1000, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_request_timeout_ms(options, UINT64_MAX, &error));
    CHECK_REFUSED(sipgate_oauth2_client_new(options, &client, &error), "request_timeout");
    sipgate_oauth2_client_options_free(options);
    CHECK_OK(sipgate_oauth2_client_options_new_sipgate(huge, &options, &error));
    CHECK_REFUSED(sipgate_oauth2_client_new(options, &client, &error), "client_id");
    sipgate_oauth2_client_options_free(options);
}

static void parameters(const sipgate_oauth2_client *client)
{
    sipgate_oauth2_authorization_parameters *parameters = sipgate_oauth2_authorization_parameters_new();
    sipgate_oauth2_authorization_request *request = NULL;

    CHECK_TEXT(sipgate_oauth2_authorization_parameters_set_redirect_uri(parameters, text, &error), "redirect_uri");
    CHECK_TEXT(sipgate_oauth2_authorization_parameters_set_response_mode(parameters, text, &error), "response_mode");
    CHECK_REFUSED(sipgate_oauth2_authorization_parameters_set_response_mode(parameters, "fragment", &error),
                  "response_mode");
    CHECK_TEXT(sipgate_oauth2_authorization_parameters_set_state(parameters, text, &error), "state");
    CHECK_TEXT(sipgate_oauth2_authorization_parameters_set_return_to(parameters, text, &error), "return_to");
    CHECK_TEXT(sipgate_oauth2_authorization_parameters_set_prompt(parameters, text, &error), "prompt");
    CHECK_TEXT(sipgate_oauth2_authorization_parameters_set_login_hint(parameters, text, &error), "login_hint");
    CHECK_TEXT(sipgate_oauth2_authorization_parameters_set_ui_locales(parameters, text, &error), "ui_locales");
    CHECK_TEXT(sipgate_oauth2_authorization_parameters_add_extra(parameters, text, "v", &error), "extra");
    CHECK_TEXT(sipgate_oauth2_authorization_parameters_add_extra(parameters, "n", text, &error), "extra");
    CHECK_REFUSED(sipgate_oauth2_authorization_parameters_set_prompt(NULL, "login", &error), "parameters");
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_state(parameters, huge, &error));
    CHECK_REFUSED(sipgate_oauth2_client_authorization_request(client, "a", parameters, &request, &error), "state");
    sipgate_oauth2_authorization_parameters_free(parameters);
    sipgate_oauth2_authorization_parameters_free(NULL);

    CHECK_TEXT(sipgate_oauth2_client_authorization_request(client, text, NULL, &request, &error), "scope");
    CHECK_REFUSED(sipgate_oauth2_client_authorization_request(client, "", NULL, &request, &error), "scope");
    CHECK_REFUSED(sipgate_oauth2_client_authorization_request(NULL, "a", NULL, &request, &error), "client");
    CHECK_REFUSED(sipgate_oauth2_client_authorization_request(client, "a", NULL, NULL, &error), "request");
    CHECK_TEXT(sipgate_oauth2_authorization_request_restore(text, &request, &error), "exported");
    CHECK(sipgate_oauth2_authorization_request_restore("", &request, NULL) == SIPGATE_LOGIN_EXPIRED);
    CHECK(sipgate_oauth2_authorization_request_restore(huge, &request, NULL) == SIPGATE_LOGIN_EXPIRED);
    CHECK_REFUSED(sipgate_oauth2_authorization_request_restore("x", NULL, &error), "request");
    CHECK_TEXT(sipgate_oauth2_authorization_request_unseal(text, ENCRYPTION_KEY, &request, &error), "sealed");
    CHECK_TEXT(sipgate_oauth2_authorization_request_unseal("x", text, &request, &error), "encryption_keys");
    CHECK_REFUSED(sipgate_oauth2_authorization_request_unseal("x", "", &request, &error), "encryption_keys");
    CHECK(sipgate_oauth2_authorization_request_unseal("", ENCRYPTION_KEY, &request, NULL) == SIPGATE_LOGIN_EXPIRED);
    CHECK(sipgate_oauth2_authorization_request_unseal(huge, ENCRYPTION_KEY, &request, NULL) == SIPGATE_LOGIN_EXPIRED);
    CHECK_REFUSED(sipgate_oauth2_authorization_request_unseal("x", ENCRYPTION_KEY, NULL, &error), "request");
    CHECK(request == NULL);
}

static void requests(const sipgate_oauth2_client *client)
{
    sipgate_oauth2_authorization_request *request = NULL;
    sipgate_oauth2_authorization_code *code = NULL;
    sipgate_oauth2_token_set *tokens = NULL, *saved = NULL;
    sipgate_oauth2_secret *secret = NULL;

    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "a", NULL, &request, &error));
    CHECK_TEXT(sipgate_oauth2_client_exchange_callback(client, request, text, NULL, &tokens, &error), "callback");
    CHECK(sipgate_oauth2_client_exchange_callback(client, request, "", NULL, &tokens, NULL)
          == SIPGATE_CALLBACK_REFUSED);
    CHECK(sipgate_oauth2_client_exchange_callback(client, request, huge, NULL, &tokens, NULL)
          == SIPGATE_CALLBACK_REFUSED);
    CHECK_REFUSED(sipgate_oauth2_client_exchange_callback(NULL, request, "x", NULL, &tokens, &error), "client");
    CHECK_REFUSED(sipgate_oauth2_client_exchange_callback(client, NULL, "x", NULL, &tokens, &error), "request");
    CHECK_REFUSED(sipgate_oauth2_client_exchange_callback(client, request, "x", NULL, NULL, &error), "tokens");
    CHECK_REFUSED(sipgate_oauth2_authorization_request_export(NULL, &secret, &error), "request");
    CHECK_REFUSED(sipgate_oauth2_authorization_request_export(request, NULL, &error), "exported");
    sipgate_oauth2_authorization_request_free(request);
    sipgate_oauth2_authorization_request_free(NULL);

    CHECK_TEXT(sipgate_oauth2_authorization_code_new(text, &code, &error), "code");
    CHECK_REFUSED(sipgate_oauth2_authorization_code_new("c", NULL, &error), "authorization_code");
    CHECK(code == NULL);
    CHECK_OK(sipgate_oauth2_authorization_code_new(huge, &code, &error));
    CHECK_REFUSED(sipgate_oauth2_client_exchange_code(client, code, NULL, &tokens, &error), "code");
    CHECK_TEXT(sipgate_oauth2_authorization_code_set_code_verifier(code, text, &error), "code_verifier");
    CHECK_TEXT(sipgate_oauth2_authorization_code_set_redirect_uri(code, text, &error), "redirect_uri");
    CHECK_TEXT(sipgate_oauth2_authorization_code_set_scope(code, text, &error), "scope");
    CHECK_REFUSED(sipgate_oauth2_authorization_code_set_scope(NULL, "a", &error), "code");
    CHECK_REFUSED(sipgate_oauth2_client_exchange_code(client, NULL, NULL, &tokens, &error), "code");
    CHECK_REFUSED(sipgate_oauth2_client_exchange_code(NULL, code, NULL, &tokens, &error), "client");
    CHECK_REFUSED(sipgate_oauth2_client_exchange_code(client, code, NULL, NULL, &error), "tokens");
    sipgate_oauth2_authorization_code_free(code);
    sipgate_oauth2_authorization_code_free(NULL);

    CHECK_TEXT(sipgate_oauth2_client_refresh(client, text, NULL, NULL, &tokens, &error), "refresh_token");
    CHECK_REFUSED(sipgate_oauth2_client_refresh(client, "", NULL, NULL, &tokens, &error), "refresh_token");
    CHECK_REFUSED(sipgate_oauth2_client_refresh(client, huge, NULL, NULL, &tokens, &error), "refresh_token");
    CHECK_REFUSED(sipgate_oauth2_client_refresh(client, "t", broken, NULL, &tokens, &error), "scope");
    CHECK_REFUSED(sipgate_oauth2_client_refresh(client, "t", "", NULL, &tokens, &error), "scope");
    CHECK_REFUSED(sipgate_oauth2_client_refresh(NULL, "t", NULL, NULL, &tokens, &error), "client");
    CHECK_REFUSED(sipgate_oauth2_client_refresh(client, "t", NULL, NULL, NULL, &error), "tokens");
    CHECK_REFUSED(sipgate_oauth2_client_refresh_tokens(client, NULL, NULL, NULL, &tokens, &error), "old_tokens");
    CHECK_OK(sipgate_oauth2_token_set_restore("{\"access_token\":\"a\"}", &saved, &error));
    CHECK(sipgate_oauth2_client_refresh_tokens(client, saved, NULL, NULL, &tokens, NULL) == SIPGATE_LOGIN_REQUIRED);
    sipgate_oauth2_token_set_free(saved);

    CHECK_TEXT(sipgate_oauth2_token_set_restore(text, &tokens, &error), "tokens");
    CHECK_REFUSED(sipgate_oauth2_token_set_restore("", &tokens, &error), "tokens");
    CHECK_REFUSED(sipgate_oauth2_token_set_restore(huge, &tokens, &error), "tokens");
    CHECK_REFUSED(sipgate_oauth2_token_set_restore("{\"access_token\":1}", &tokens, &error), "tokens");
    CHECK_REFUSED(sipgate_oauth2_token_set_restore("{}", NULL, &error), "tokens");
    CHECK(tokens == NULL && secret == NULL);
}

/* Functions that cannot fail accept NULL. */
static void nothing(void)
{
    sipgate_oauth2_secret *secret = NULL;
    sipgate_oauth2_call_options *call = sipgate_oauth2_call_options_new();

#define CHECK_NO_TEXT(call) CHECK((call).data == NULL && (call).len == 0)
    CHECK_NO_TEXT(sipgate_oauth2_client_metadata(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_client_issuer(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_client_token_endpoint(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_client_client_id(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_client_redirect_uri(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_authorization_request_url(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_authorization_request_state(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_authorization_request_nonce(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_authorization_request_redirect_uri(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_authorization_request_scope(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_authorization_request_return_to(NULL));
    CHECK(sipgate_oauth2_authorization_request_created_at(NULL) == -1
          && sipgate_oauth2_authorization_request_expires_at(NULL) == -1);
    CHECK_NO_TEXT(sipgate_oauth2_token_set_token_type(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_token_set_scope(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_token_set_extra_json(NULL));
    CHECK(!sipgate_oauth2_token_set_id_token_kept(NULL));
    CHECK(sipgate_oauth2_token_set_expires_at(NULL) == -1 && sipgate_oauth2_token_set_refresh_expires_at(NULL) == -1);
    CHECK_REFUSED(sipgate_oauth2_token_set_access_token(NULL, &secret, &error), "tokens");
    CHECK_REFUSED(sipgate_oauth2_token_set_refresh_token(NULL, &secret, &error), "tokens");
    CHECK_REFUSED(sipgate_oauth2_token_set_id_token(NULL, &secret, &error), "tokens");
    CHECK_REFUSED(sipgate_oauth2_token_set_authorization_header(NULL, &secret, &error), "tokens");
    CHECK_REFUSED(sipgate_oauth2_token_set_export(NULL, &secret, &error), "tokens");
    CHECK(secret == NULL);
    CHECK_NO_TEXT(sipgate_oauth2_secret_text(NULL));
    CHECK(sipgate_oauth2_error_status(NULL) == SIPGATE_OK
          && strcmp(sipgate_oauth2_error_name(NULL), "SIPGATE_OK") == 0);
    CHECK(strcmp(sipgate_oauth2_error_family(NULL), "") == 0);
    CHECK_NO_TEXT(sipgate_oauth2_error_message(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_error_remedy(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_error_oauth_error(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_error_oauth_error_description(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_error_oauth_error_uri(NULL));
    CHECK_NO_TEXT(sipgate_oauth2_error_refresh_token(NULL));
    CHECK(!sipgate_oauth2_error_retryable(NULL) && sipgate_oauth2_error_retry_after_ms(NULL) == -1
          && sipgate_oauth2_error_http_status(NULL) == 0);
    CHECK_REFUSED(sipgate_oauth2_call_options_set_timeout_ms(NULL, 1, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_call_options_set_cancel_token(NULL, NULL, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_call_options_set_cancel_token(call, NULL, &error), "cancel_token");
    sipgate_oauth2_call_options_free(call);
    sipgate_oauth2_cancel_token_cancel(NULL);
    sipgate_oauth2_cancel_token_free(NULL);
    sipgate_oauth2_call_options_free(NULL);
    sipgate_oauth2_secret_free(NULL);
    sipgate_oauth2_error_free(NULL);
    sipgate_oauth2_token_set_free(NULL);
    sipgate_oauth2_client_free(NULL);
}

int main(void)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    const size_t size = 2 * 1024 * 1024;

    huge = malloc(size + 1);
    memset(huge, 'h', size);
    huge[size] = '\0';
    CHECK_OK(sipgate_oauth2_client_options_new_keycloak("http://127.0.0.1:1/auth", "r", "c", &options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_redirect_uri(options, "https://a.example/cb", &error));
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    sipgate_oauth2_client_options_free(options);
    client_options();
    client_new();
    parameters(client);
    requests(client);
    nothing();
    sipgate_oauth2_client_free(client);
    free(huge);
    return checks_failed != 0;
}
