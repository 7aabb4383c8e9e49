/* No text of an error shows a secret. Every function that takes a secret gets one that it refuses. */

#include "check.h"

/* Checks every text of the error, which must not be NULL. */
static void check_secret_kept(const char *call, sipgate_oauth2_status status, sipgate_oauth2_error *error)
{
    const sipgate_oauth2_str texts[] = {
        sipgate_oauth2_error_message(error),         sipgate_oauth2_error_remedy(error),
        sipgate_oauth2_error_oauth_error(error),     sipgate_oauth2_error_oauth_error_description(error),
        sipgate_oauth2_error_oauth_error_uri(error),
    };
    size_t i;

    CHECK_SAYING(status != SIPGATE_OK && texts[0].len > 0, "%s was not refused", call);
    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK_SAYING(texts[i].data == NULL || strstr(texts[i].data, "canary") == NULL, "%s shows its secret", call);
    sipgate_oauth2_error_free(error);
}

#define CHECK_SECRET_KEPT(call)                                                                                        \
    do {                                                                                                               \
        sipgate_oauth2_error *error = NULL;                                                                            \
        sipgate_oauth2_status status = (call);                                                                         \
        check_secret_kept(#call, status, error);                                                                       \
    } while (0)

static void of_settings(void)
{
    static const struct {
        sipgate_oauth2_status (*set)(sipgate_oauth2_client_options *, const char *, sipgate_oauth2_error **);
        const char *value;
    } settings[] = {
        {sipgate_oauth2_client_options_set_client_secret, "canary\nsecret"},
        {sipgate_oauth2_client_options_set_client_secret, "canary-\x7f"},
        {sipgate_oauth2_client_options_set_proxy, "http://user:canary@"},
        {sipgate_oauth2_client_options_set_proxy, "gopher://user:canary@proxy.example:1"},
        {sipgate_oauth2_client_options_set_proxy, "user:canary"},
    };
    size_t i;

    for (i = 0; i < sizeof settings / sizeof *settings; i++) {
        sipgate_oauth2_client_options *options = NULL;
        sipgate_oauth2_client *client = NULL;
        CHECK_OK(sipgate_oauth2_client_options_new_sipgate("c", &options, &error));
        CHECK_OK(settings[i].set(options, settings[i].value, &error));
        CHECK_SECRET_KEPT(sipgate_oauth2_client_new(options, &client, &error));
        CHECK(client == NULL);
        CHECK_SECRET_KEPT(settings[i].set(options, "canary\xff", &error));
        CHECK_SECRET_KEPT(settings[i].set(NULL, "canary", &error));
        sipgate_oauth2_client_options_free(options);
    }
}

/* No server listens at the client's token endpoint, so a call that sends a request fails there. */
static sipgate_oauth2_client *make_client(void)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;

    CHECK_OK(sipgate_oauth2_client_options_new_keycloak("http://127.0.0.1:1/auth", "r", "c", &options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_client_secret(options, "canary-client-secret", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_proxy(options, "direct", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_redirect_uri(options, "https://app.example/cb", &error));
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    sipgate_oauth2_client_options_free(options);
    return client;
}

static void of_grants(const sipgate_oauth2_client *client)
{
    sipgate_oauth2_authorization_code *code = NULL;
    sipgate_oauth2_token_set *tokens = NULL;

    CHECK_SECRET_KEPT(sipgate_oauth2_client_refresh(client, "canary-token", NULL, NULL, &tokens, &error));
    CHECK_SECRET_KEPT(sipgate_oauth2_client_refresh(client, "canary\ntoken", NULL, NULL, &tokens, &error));
    CHECK_SECRET_KEPT(sipgate_oauth2_client_refresh(client, "canary\xff", NULL, NULL, &tokens, &error));
    CHECK_OK(sipgate_oauth2_authorization_code_new("canary-code", &code, &error));
    CHECK_SECRET_KEPT(sipgate_oauth2_client_exchange_code(client, code, NULL, &tokens, &error));
    CHECK_OK(sipgate_oauth2_authorization_code_set_code_verifier(code, "canary verifier", &error));
    CHECK_SECRET_KEPT(sipgate_oauth2_client_exchange_code(client, code, NULL, &tokens, &error));
    CHECK_SECRET_KEPT(sipgate_oauth2_authorization_code_set_code_verifier(code, "canary\xff", &error));
    sipgate_oauth2_authorization_code_free(code);
    CHECK_SECRET_KEPT(sipgate_oauth2_authorization_code_new("canary\xff", &code, &error));
    CHECK(tokens == NULL);
}

static void of_callbacks(const sipgate_oauth2_client *client)
{
    static const char *const callbacks[] = {
        "code=canary-code", "state=other&code=canary-code", "code=canary-code&code=canary-code", "canary-code", "code=canary\xff",
    };
    sipgate_oauth2_authorization_request *request = NULL;
    sipgate_oauth2_token_set *tokens = NULL;
    char callback[512];
    size_t i;

    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "a", NULL, &request, &error));
    for (i = 0; i < sizeof callbacks / sizeof *callbacks; i++)
        CHECK_SECRET_KEPT(
            sipgate_oauth2_client_exchange_callback(client, request, callbacks[i], NULL, &tokens, &error));
    snprintf(callback, sizeof callback, "state=%s&code=canary-code",
             sipgate_oauth2_authorization_request_state(request).data);
    CHECK_SECRET_KEPT(sipgate_oauth2_client_exchange_callback(client, request, callback, NULL, &tokens, &error));
    sipgate_oauth2_authorization_request_free(request);
}

static void of_saved_texts(void)
{
    static const char *const saved[] = {
        "canary", "{\"access_token\":\"canary", "{\"access_token\":\"canary\\nx\"}", "{\"access_token\":[\"canary\"]}", "canary\xff",
    };
    sipgate_oauth2_authorization_request *request = NULL;
    sipgate_oauth2_token_set *tokens = NULL;
    size_t i;

    for (i = 0; i < sizeof saved / sizeof *saved; i++) {
        CHECK_SECRET_KEPT(sipgate_oauth2_token_set_restore(saved[i], &tokens, &error));
        CHECK_SECRET_KEPT(sipgate_oauth2_authorization_request_restore(saved[i], &request, &error));
    }
    CHECK(tokens == NULL && request == NULL);
}

int main(void)
{
    sipgate_oauth2_client *client = make_client();

    of_settings();
    of_grants(client);
    of_callbacks(client);
    of_saved_texts();
    sipgate_oauth2_client_free(client);
    return checks_failed != 0;
}
