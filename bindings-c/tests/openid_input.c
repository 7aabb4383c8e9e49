/* OpenID Connect's functions with NULL, invalid and refused text: every function says which argument
 * is wrong, writes no output, and shows no secret. */

#include "check.h"

static const char broken[] = "\xff\xfe";

#define CHECK_JSON(call, name) CHECK_UNTOUCHED(sipgate_oauth2_json, call, name)

/* Fails unless the call is refused, and neither its message nor its cause has "canary". */
#define CHECK_KEPT(call, expected)                                                                                     \
    do {                                                                                                               \
        sipgate_oauth2_error *error = NULL;                                                                            \
        sipgate_oauth2_status status_ = (call);                                                                        \
        sipgate_oauth2_str message_ = sipgate_oauth2_error_message(error), cause_ = sipgate_oauth2_error_cause(error); \
        CHECK_SAYING(status_ == (expected), "%s: %s", #call, sipgate_oauth2_status_name(status_));                     \
        CHECK(message_.data != NULL && strstr(message_.data, "canary") == NULL);                                       \
        CHECK(cause_.data == NULL || strstr(cause_.data, "canary") == NULL);                                           \
        sipgate_oauth2_error_free(error);                                                                              \
    } while (0)

static void of_discovery(void)
{
    static const char *const issuers[] = {"", "login.example.com", "http://login.example.com", "https://a.example/?b"};
    sipgate_oauth2_discovery_options *options = sipgate_oauth2_discovery_options_new();
    size_t i;

    CHECK_JSON(sipgate_oauth2_discover(NULL, NULL, NULL, &out, &error), "issuer");
    CHECK_JSON(sipgate_oauth2_discover(broken, NULL, NULL, &out, &error), "issuer");
    CHECK_REFUSED(sipgate_oauth2_discover("https://a.example", NULL, NULL, NULL, &error), "metadata");
    for (i = 0; i < sizeof issuers / sizeof *issuers; i++)
        CHECK_JSON(sipgate_oauth2_discover(issuers[i], options, NULL, &out, &error), "issuer");

    CHECK_OK(sipgate_oauth2_discovery_options_set_ca_certificates(options, "rubbish", &error));
    CHECK_JSON(sipgate_oauth2_discover("https://a.example", options, NULL, &out, &error), "ca_certificates");
    sipgate_oauth2_discovery_options_free(options);
    options = sipgate_oauth2_discovery_options_new();
    CHECK_OK(sipgate_oauth2_discovery_options_set_proxy(options, "rubbish", &error));
    CHECK_JSON(sipgate_oauth2_discover("https://a.example", options, NULL, &out, &error), "proxy");
    CHECK_OK(sipgate_oauth2_discovery_options_set_proxy(options, "direct", &error));
    CHECK_OK(sipgate_oauth2_discovery_options_set_connect_timeout_ms(options, 0, &error));
    CHECK_JSON(sipgate_oauth2_discover("https://a.example", options, NULL, &out, &error), "connect_timeout");
    CHECK_OK(sipgate_oauth2_discovery_options_set_connect_timeout_ms(options, 1000, &error));
    CHECK_OK(sipgate_oauth2_discovery_options_set_request_timeout_ms(options, UINT64_MAX, &error));
    CHECK_JSON(sipgate_oauth2_discover("https://a.example", options, NULL, &out, &error), "request_timeout");
    CHECK_REFUSED(sipgate_oauth2_discovery_options_set_connect_timeout_ms(NULL, 1, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_discovery_options_set_request_timeout_ms(NULL, 1, &error), "options");
    sipgate_oauth2_discovery_options_free(options);
    sipgate_oauth2_discovery_options_free(NULL);
}

/* A value that a setter accepts may be refused when the client is made. */
static void of_options(void)
{
    static const struct {
        sipgate_oauth2_status (*set)(sipgate_oauth2_client_options *, const char *, sipgate_oauth2_error **);
        const char *value;
    } refused[] = {
        {sipgate_oauth2_client_options_set_id_token_signed_response_alg, " "},
        {sipgate_oauth2_client_options_set_id_token_signed_response_alg, "none"},
        {sipgate_oauth2_client_options_set_id_token_signed_response_alg, "RS256 rs256"},
    };
    sipgate_oauth2_client_options *options = NULL;
    size_t i;

    for (i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK_OK(sipgate_oauth2_client_options_new_sipgate("c", &options, &error));
        CHECK_OK(refused[i].set(options, refused[i].value, &error));
        CHECK_UNTOUCHED(sipgate_oauth2_client, sipgate_oauth2_client_new(options, &out, &error), "id_token_signed_response_alg");
        sipgate_oauth2_client_options_free(options);
    }
    CHECK_OK(sipgate_oauth2_client_options_new_sipgate("c", &options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_leeway_ms(options, 300001, &error));
    CHECK_UNTOUCHED(sipgate_oauth2_client, sipgate_oauth2_client_new(options, &out, &error), "leeway");
    CHECK_REFUSED(sipgate_oauth2_client_options_set_leeway_ms(NULL, 1, &error), "options");
    sipgate_oauth2_client_options_free(options);
}

static void of_requests(const sipgate_oauth2_client *client)
{
    sipgate_oauth2_authorization_parameters *parameters = sipgate_oauth2_authorization_parameters_new();

#define CHECK_REQUEST(name)                                                                                            \
    CHECK_UNTOUCHED(sipgate_oauth2_authorization_request,                                                              \
                    sipgate_oauth2_client_authorization_request(client, "a", parameters, &out, &error), name)
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_max_age(parameters, -1, &error));
    CHECK_REQUEST("max_age");
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_max_age(parameters, INT64_MAX, &error));
    CHECK_REQUEST("max_age");
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_max_age(parameters, 0, &error));
    CHECK_REFUSED(sipgate_oauth2_authorization_parameters_set_max_age(NULL, 0, &error), "parameters");
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_claims(parameters, "[]", &error));
    CHECK_REQUEST("claims");
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_claims(parameters, "{}", &error));
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_acr_values(parameters, "", &error));
    CHECK_REQUEST("acr_values");
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_acr_values(parameters, "gold", &error));
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_id_token_hint(parameters, "a b", &error));
    CHECK_REQUEST("id_token_hint");
    sipgate_oauth2_authorization_parameters_free(parameters);
}

static void of_tokens(const sipgate_oauth2_client *client)
{
    sipgate_oauth2_json *json = NULL;

    CHECK_JSON(sipgate_oauth2_client_accept_logout_token(NULL, "a", NULL, &out, &error), "client");
    CHECK_JSON(sipgate_oauth2_client_accept_logout_token(client, NULL, NULL, &out, &error), "logout_token");
    CHECK_JSON(sipgate_oauth2_client_accept_logout_token(client, broken, NULL, &out, &error), "logout_token");
    CHECK_REFUSED(sipgate_oauth2_client_accept_logout_token(client, "a", NULL, NULL, &error), "accounts");
    CHECK_JSON(sipgate_oauth2_client_introspect(NULL, "a", NULL, &out, &error), "client");
    CHECK_JSON(sipgate_oauth2_client_introspect(client, NULL, NULL, &out, &error), "token");
    CHECK_JSON(sipgate_oauth2_client_introspect(client, broken, NULL, &out, &error), "token");
    CHECK_JSON(sipgate_oauth2_client_introspect(client, "", NULL, &out, &error), "token");
    CHECK_REFUSED(sipgate_oauth2_client_introspect(client, "a", NULL, NULL, &error), "introspection");
    CHECK_REFUSED(sipgate_oauth2_client_revoke(NULL, "a", NULL, &error), "client");
    CHECK_TEXT(sipgate_oauth2_client_revoke(client, text, NULL, &error), "token");
    CHECK_REFUSED(sipgate_oauth2_client_revoke(client, "", NULL, &error), "token");

    CHECK_KEPT(sipgate_oauth2_client_accept_logout_token(client, "canary.canary.canary", NULL, &json, &error), SIPGATE_ID_TOKEN);
    CHECK_KEPT(sipgate_oauth2_client_introspect(client, "canary\n", NULL, &json, &error), SIPGATE_INVALID_ARGUMENT);
    CHECK_KEPT(sipgate_oauth2_client_introspect(client, "canary", NULL, &json, &error), SIPGATE_TRANSPORT);
    CHECK_KEPT(sipgate_oauth2_client_revoke(client, "canary\xff", NULL, &error), SIPGATE_INVALID_ARGUMENT);
    CHECK_KEPT(sipgate_oauth2_client_revoke(client, "canary", NULL, &error), SIPGATE_TRANSPORT);
    CHECK(json == NULL);
}

static void of_logouts(const sipgate_oauth2_client *client, const sipgate_oauth2_token_source *source)
{
    sipgate_oauth2_logout_parameters *parameters = sipgate_oauth2_logout_parameters_new();
    sipgate_oauth2_secret *url = NULL;

#define CHECK_URL(name)                                                                                                \
    CHECK_UNTOUCHED(sipgate_oauth2_secret,                                                                             \
                    sipgate_oauth2_client_logout_url(client, source, parameters, NULL, &out, &error), name)
    CHECK_UNTOUCHED(sipgate_oauth2_secret, sipgate_oauth2_client_logout_url(NULL, source, NULL, NULL, &out, &error), "client");
    CHECK_REFUSED(sipgate_oauth2_client_logout_url(client, source, NULL, NULL, NULL, &error), "url");
    CHECK_OK(sipgate_oauth2_client_logout_url(client, NULL, NULL, NULL, &url, &error));
    CHECK(strstr(sipgate_oauth2_secret_text(url).data, "/logout?client_id=c") != NULL);
    sipgate_oauth2_secret_free(url);
    url = NULL;
    CHECK_OK(sipgate_oauth2_logout_parameters_set_state(parameters, "", &error));
    CHECK_URL("state");
    CHECK_OK(sipgate_oauth2_logout_parameters_set_state(parameters, "s", &error));
    CHECK_OK(sipgate_oauth2_logout_parameters_set_post_logout_redirect_uri(parameters, "/bye", &error));
    CHECK_URL("post_logout_redirect_uri");
    CHECK_OK(sipgate_oauth2_logout_parameters_set_post_logout_redirect_uri(parameters, "https://app.example/bye", &error));
    CHECK_OK(sipgate_oauth2_logout_parameters_set_logout_hint(parameters, "", &error));
    CHECK_URL("logout_hint");
    CHECK_OK(sipgate_oauth2_logout_parameters_set_logout_hint(parameters, "anna", &error));
    CHECK_OK(sipgate_oauth2_logout_parameters_set_ui_locales(parameters, "", &error));
    CHECK_URL("ui_locales");
    CHECK_OK(sipgate_oauth2_logout_parameters_set_ui_locales(parameters, "de", &error));
    CHECK_OK(sipgate_oauth2_logout_parameters_set_id_token_hint(parameters, "canary canary", &error));
    CHECK_URL("id_token_hint");
    CHECK_KEPT(sipgate_oauth2_client_logout_url(client, NULL, parameters, NULL, &url, &error), SIPGATE_INVALID_ARGUMENT);
    CHECK_OK(sipgate_oauth2_logout_parameters_set_id_token_hint(parameters, "an-id-token", &error));
    CHECK_OK(sipgate_oauth2_client_logout_url(client, source, parameters, NULL, &url, &error));
    sipgate_oauth2_logout_parameters_free(parameters);
    sipgate_oauth2_logout_parameters_free(NULL);
    CHECK(strstr(sipgate_oauth2_secret_text(url).data, "&id_token_hint=an-id-token&") != NULL);
    sipgate_oauth2_secret_free(url);

    CHECK_REFUSED(sipgate_oauth2_client_check_logout_response(NULL, "state=s", "s", &error), "client");
    CHECK_TEXT(sipgate_oauth2_client_check_logout_response(client, text, "s", &error), "callback");
    CHECK_TEXT(sipgate_oauth2_client_check_logout_response(client, "state=s", text, &error), "state");
    CHECK_OK(sipgate_oauth2_client_check_logout_response(client, "state=s", "s", &error));
    CHECK_KEPT(sipgate_oauth2_client_check_logout_response(client, "state=canary", "canary2", &error), SIPGATE_STATE_MISMATCH);
}

static void of_the_source(const sipgate_oauth2_token_source *source)
{
    static sipgate_oauth2_status (*const claims[])(const sipgate_oauth2_token_source *,
                                                   const sipgate_oauth2_call_options *, sipgate_oauth2_json **,
                                                   sipgate_oauth2_error **) = {
        sipgate_oauth2_token_source_claims,
        sipgate_oauth2_token_source_userinfo,
    };
    size_t i;

    for (i = 0; i < sizeof claims / sizeof *claims; i++) {
        sipgate_oauth2_json *out = (sipgate_oauth2_json *)&checks_failed;
        CHECK_JSON(claims[i](NULL, NULL, &out, &error), "source");
        CHECK_REFUSED(claims[i](source, NULL, NULL, &error), "claims");
        CHECK(claims[i](source, NULL, &out, NULL) != SIPGATE_OK && (void *)out == (void *)&checks_failed);
    }
}

static void nothing(void)
{
    CHECK(sipgate_oauth2_json_text(NULL).data == NULL && sipgate_oauth2_json_text(NULL).len == 0);
    CHECK(sipgate_oauth2_token_set_claims_json(NULL).data == NULL && !sipgate_oauth2_token_set_id_token_verified(NULL));
    sipgate_oauth2_json_free(NULL);
}

/* No server listens at the client's endpoints, so a call that sends a request fails there. */
int main(void)
{
    sipgate_oauth2_store *store = NULL;
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_token_source *source = NULL;

    CHECK_OK(sipgate_oauth2_store_memory(NULL, &store, &error));
    CHECK_OK(sipgate_oauth2_client_options_new_keycloak("http://127.0.0.1:1/auth", "r", "c", &options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_proxy(options, "direct", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_redirect_uri(options, "https://app.example/cb", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_store(options, store, &error));
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    CHECK_OK(sipgate_oauth2_client_token_source(client, "anna", &source, &error));
    sipgate_oauth2_client_options_free(options);
    sipgate_oauth2_store_free(store);
    of_discovery();
    of_options();
    of_requests(client);
    of_tokens(client);
    of_logouts(client, source);
    of_the_source(source);
    nothing();
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    return checks_failed != 0;
}
