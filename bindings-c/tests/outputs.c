/* A function writes its output only on success, and its error only on failure. Before the call, both
 * places hold a marker that shows whether they were changed. */

#include "check.h"

/* Fails unless the call succeeds and does not change its error. */
#define CHECK_QUIET(call)                                                                                              \
    do {                                                                                                               \
        sipgate_oauth2_error *error = (sipgate_oauth2_error *)&checks_failed;                                          \
        sipgate_oauth2_status status_ = (call);                                                                        \
        CHECK_SAYING(status_ == SIPGATE_OK, "%s: %s", #call, sipgate_oauth2_status_name(status_));                     \
        CHECK_SAYING((void *)error == (void *)&checks_failed, "%s wrote an error though it worked", #call);            \
    } while (0)

static const char url[] = "https://a.example", metadata[] = METADATA("https://a.example"), broken[] = "\xff";

static void of_options(void)
{
    sipgate_oauth2_client_options *options = NULL;

#define CHECK_OPTIONS(call, name) CHECK_UNTOUCHED(sipgate_oauth2_client_options, call, name)
    CHECK_OPTIONS(sipgate_oauth2_client_options_new_sipgate(broken, &out, &error), "client_id");
    CHECK_OPTIONS(sipgate_oauth2_client_options_new_keycloak(NULL, "r", "c", &out, &error), "base");
    CHECK_OPTIONS(sipgate_oauth2_client_options_new_keycloak(url, NULL, "c", &out, &error), "realm");
    CHECK_OPTIONS(sipgate_oauth2_client_options_new_keycloak(url, "r", broken, &out, &error), "client_id");
    CHECK_OPTIONS(sipgate_oauth2_client_options_new(NULL, "c", &out, &error), "metadata");
    CHECK_OPTIONS(sipgate_oauth2_client_options_new(broken, "c", &out, &error), "metadata");
    CHECK_OPTIONS(sipgate_oauth2_client_options_new("{}", "c", &out, &error), "issuer");
    CHECK_OPTIONS(sipgate_oauth2_client_options_new(metadata, NULL, &out, &error), "client_id");
    CHECK_OPTIONS(sipgate_oauth2_client_options_new(metadata, broken, &out, &error), "client_id");
    CHECK_REFUSED(sipgate_oauth2_client_options_new_keycloak(url, "r", "c", NULL, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_client_options_new(metadata, "c", NULL, &error), "options");
    CHECK_QUIET(sipgate_oauth2_client_options_new_keycloak(url, "r", "c", &options, &error));
    CHECK_QUIET(sipgate_oauth2_client_options_set_connect_timeout_ms(options, 1, &error));
    CHECK_QUIET(sipgate_oauth2_client_options_set_request_timeout_ms(options, 1, &error));
    sipgate_oauth2_client_options_free(options);
}

static sipgate_oauth2_client *of_client(void)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;

    CHECK_UNTOUCHED(sipgate_oauth2_client, sipgate_oauth2_client_new(NULL, &out, &error), "options");
    CHECK_OK(sipgate_oauth2_client_options_new(METADATA(""), "c", &options, &error));
    CHECK_UNTOUCHED(sipgate_oauth2_client, sipgate_oauth2_client_new(options, &out, &error), "issuer");
    sipgate_oauth2_client_options_free(options);

    CHECK_OK(sipgate_oauth2_client_options_new(metadata, "c", &options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_redirect_uri(options, "https://app.example/cb", &error));
    CHECK_QUIET(sipgate_oauth2_client_new(options, &client, &error));
    sipgate_oauth2_client_options_free(options);
    return client;
}

static void of_logins(const sipgate_oauth2_client *client)
{
    static const char KEY[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    sipgate_oauth2_authorization_request *request = NULL, *restored = NULL, *unsealed = NULL;
    sipgate_oauth2_authorization_code *code = NULL;
    sipgate_oauth2_secret *exported = NULL, *sealed = NULL;

#define CHECK_REQUEST(call, name) CHECK_UNTOUCHED(sipgate_oauth2_authorization_request, call, name)
    CHECK_REQUEST(sipgate_oauth2_client_authorization_request(NULL, "a", NULL, &out, &error), "client");
    CHECK_REQUEST(sipgate_oauth2_client_authorization_request(client, "", NULL, &out, &error), "scope");
    CHECK_REQUEST(sipgate_oauth2_authorization_request_restore(NULL, &out, &error), "exported");
    CHECK_UNTOUCHED(sipgate_oauth2_authorization_code, sipgate_oauth2_authorization_code_new(NULL, &out, &error),
                    "code");
    CHECK_UNTOUCHED(sipgate_oauth2_secret, sipgate_oauth2_authorization_request_export(NULL, &out, &error), "request");
    CHECK_QUIET(sipgate_oauth2_client_authorization_request(client, "a", NULL, &request, &error));
    CHECK_QUIET(sipgate_oauth2_authorization_request_export(request, &exported, &error));
    CHECK_QUIET(
        sipgate_oauth2_authorization_request_restore(sipgate_oauth2_secret_text(exported).data, &restored, &error));
    CHECK_UNTOUCHED(sipgate_oauth2_secret, sipgate_oauth2_authorization_request_seal(NULL, KEY, &out, &error), "request");
    CHECK_UNTOUCHED(sipgate_oauth2_secret, sipgate_oauth2_authorization_request_seal(request, "", &out, &error),
                    "encryption_keys");
    CHECK_REQUEST(sipgate_oauth2_authorization_request_unseal("x", NULL, &out, &error), "encryption_keys");
    CHECK_QUIET(sipgate_oauth2_authorization_request_seal(request, KEY, &sealed, &error));
    CHECK_QUIET(sipgate_oauth2_authorization_request_unseal(sipgate_oauth2_secret_text(sealed).data, KEY, &unsealed, &error));
    CHECK_QUIET(sipgate_oauth2_authorization_code_new("c", &code, &error));
    sipgate_oauth2_authorization_code_free(code);
    sipgate_oauth2_secret_free(exported);
    sipgate_oauth2_secret_free(sealed);
    sipgate_oauth2_authorization_request_free(unsealed);
    sipgate_oauth2_authorization_request_free(restored);
    sipgate_oauth2_authorization_request_free(request);
}

static void of_grants(const sipgate_oauth2_client *client)
{
    sipgate_oauth2_authorization_request *request = NULL;
    sipgate_oauth2_authorization_code *code = NULL;

#define CHECK_TOKENS(call, name) CHECK_UNTOUCHED(sipgate_oauth2_token_set, call, name)
    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "a", NULL, &request, &error));
    CHECK_OK(sipgate_oauth2_authorization_code_new("", &code, &error));
    CHECK_TOKENS(sipgate_oauth2_client_exchange_callback(client, request, NULL, NULL, &out, &error), "callback");
    CHECK_TOKENS(sipgate_oauth2_client_exchange_code(client, code, NULL, &out, &error), "code");
    CHECK_TOKENS(sipgate_oauth2_client_refresh(client, "", NULL, NULL, &out, &error), "refresh_token");
    CHECK_TOKENS(sipgate_oauth2_client_refresh_tokens(client, NULL, NULL, NULL, &out, &error), "old_tokens");
    CHECK_TOKENS(sipgate_oauth2_token_set_restore("{}", &out, &error), "tokens");
    sipgate_oauth2_authorization_code_free(code);
    sipgate_oauth2_authorization_request_free(request);
}

/* The functions that return a secret have the same signature. */
static void of_tokens(const sipgate_oauth2_client *client)
{
    static sipgate_oauth2_status (*const secrets[])(const sipgate_oauth2_token_set *, sipgate_oauth2_secret **,
                                                    sipgate_oauth2_error **) = {
        sipgate_oauth2_token_set_access_token, sipgate_oauth2_token_set_refresh_token,
        sipgate_oauth2_token_set_id_token,     sipgate_oauth2_token_set_authorization_header,
        sipgate_oauth2_token_set_export,
    };
    sipgate_oauth2_token_set *tokens = NULL;
    size_t i;

    CHECK_QUIET(sipgate_oauth2_token_set_restore("{\"access_token\":\"a\",\"refresh_token\":\"r\",\"id_token\":\"i\"}",
                                                 &tokens, &error));
    CHECK_REFUSED(sipgate_oauth2_client_refresh_tokens(NULL, tokens, NULL, NULL, &tokens, &error), "client");
    CHECK_REFUSED(sipgate_oauth2_client_refresh_tokens(client, tokens, NULL, NULL, NULL, &error), "tokens");
    CHECK_TOKENS(sipgate_oauth2_client_refresh_tokens(client, tokens, broken, NULL, &out, &error), "scope");
    for (i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        sipgate_oauth2_secret *secret = NULL;
        CHECK_UNTOUCHED(sipgate_oauth2_secret, secrets[i](NULL, &out, &error), "tokens");
        CHECK_REFUSED(secrets[i](tokens, NULL, &error), "secret");
        CHECK_QUIET(secrets[i](tokens, &secret, &error));
        CHECK(sipgate_oauth2_secret_text(secret).len > 0);
        sipgate_oauth2_secret_free(secret);
    }
    sipgate_oauth2_token_set_free(tokens);
}

int main(void)
{
    sipgate_oauth2_client *client;

    of_options();
    client = of_client();
    of_logins(client);
    of_grants(client);
    of_tokens(client);
    sipgate_oauth2_client_free(client);
    return checks_failed != 0;
}
