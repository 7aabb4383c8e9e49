/* Logins with ID tokens, at the local realm: whose they are, what the server knows of them, and how
 * they end. */

#include "check.h"
#include "logins.h"

static const char user[] = "{\"client\":\"" CLIENT_ID "\",\"user\":\"anna\"}";

static sipgate_oauth2_client *client_in_memory(void)
{
    sipgate_oauth2_store *store = NULL;
    sipgate_oauth2_client *client;

    CHECK_OK(sipgate_oauth2_store_memory(NULL, &store, &error));
    client = client_with(store);
    sipgate_oauth2_store_free(store);
    return client;
}

/* A request for an ID token, and its callback. */
static sipgate_oauth2_authorization_request *browsed(const sipgate_oauth2_client *client,
                                                     const sipgate_oauth2_authorization_parameters *parameters,
                                                     char *callback, size_t size)
{
    sipgate_oauth2_authorization_request *request = NULL;

    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "openid balance:read", parameters, &request, &error));
    browse(request, callback, size);
    return request;
}

/* The account is the user's id. */
static sipgate_oauth2_token_source *log_in_by_id(const sipgate_oauth2_client *client)
{
    sipgate_oauth2_token_source *source = NULL;
    char callback[4096];
    sipgate_oauth2_authorization_request *request = browsed(client, NULL, callback, sizeof callback);

    CHECK_OK(sipgate_oauth2_client_complete_login(client, request, callback, NULL, NULL, &source, &error));
    sipgate_oauth2_authorization_request_free(request);
    return source;
}

/* Whether the text has `"name":"value"`. */
static int has_member(sipgate_oauth2_str json, const char *name, const char *value)
{
    char member[512];

    snprintf(member, sizeof member, "\"%s\":\"%s\"", name, value);
    return json.data != NULL && strlen(json.data) == json.len && strstr(json.data, member) != NULL;
}

static void a_client_is_made_from_what_discovery_gives(void)
{
    sipgate_oauth2_discovery_options *options = sipgate_oauth2_discovery_options_new();
    sipgate_oauth2_call_options *call = sipgate_oauth2_call_options_new();
    sipgate_oauth2_client_options *client_options = NULL;
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_json *metadata = NULL, *again = NULL;
    char issuer[256];

    snprintf(issuer, sizeof issuer, "%s/auth/realms/third-party", getenv("REALM_HTTP"));
    CHECK_OK(sipgate_oauth2_discovery_options_set_proxy(options, "direct", &error));
    CHECK_OK(sipgate_oauth2_discovery_options_set_connect_timeout_ms(options, 5000, &error));
    CHECK_OK(sipgate_oauth2_discovery_options_set_request_timeout_ms(options, 30000, &error));
    CHECK_OK(sipgate_oauth2_discover(issuer, options, NULL, &metadata, &error));
    CHECK_OK(sipgate_oauth2_discover(issuer, NULL, call, &again, &error));
    sipgate_oauth2_discovery_options_free(options);
    CHECK(has_member(sipgate_oauth2_json_text(metadata), "issuer", issuer));
    CHECK(strcmp(sipgate_oauth2_json_text(metadata).data, sipgate_oauth2_json_text(again).data) == 0);
    CHECK_OK(sipgate_oauth2_client_options_new(sipgate_oauth2_json_text(metadata).data, CLIENT_ID, &client_options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_id_token_signed_response_alg(client_options, "RS256 ES256", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_trusted_audiences(client_options, "one another", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_leeway_ms(client_options, 0, &error));
    CHECK_OK(sipgate_oauth2_client_new(client_options, &client, &error));
    CHECK(has_member(sipgate_oauth2_client_metadata(client), "issuer", issuer));
    CHECK_OK(sipgate_oauth2_call_options_set_timeout_ms(call, 0, &error));
    sipgate_oauth2_json_free(again);
    again = NULL;
    CHECK(sipgate_oauth2_discover(issuer, NULL, call, &again, NULL) == SIPGATE_TIMEOUT && again == NULL);
    sipgate_oauth2_json_free(metadata);
    sipgate_oauth2_client_options_free(client_options);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_call_options_free(call);
}

static void the_account_is_the_users_id_if_none_is_named(void)
{
    sipgate_oauth2_client *client = client_in_memory();
    sipgate_oauth2_token_source *source = log_in_by_id(client);
    sipgate_oauth2_json *claims = NULL, *userinfo = NULL;
    char subject[256];

    snprintf(subject, sizeof subject, "%s", sipgate_oauth2_token_source_account(source).data);
    CHECK_OK(sipgate_oauth2_token_source_claims(source, NULL, &claims, &error));
    CHECK_OK(sipgate_oauth2_token_source_userinfo(source, NULL, &userinfo, &error));
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    CHECK(has_member(sipgate_oauth2_json_text(claims), "sub", subject));
    CHECK(has_member(sipgate_oauth2_json_text(claims), "aud", CLIENT_ID));
    CHECK(has_member(sipgate_oauth2_json_text(userinfo), "sub", subject));
    sipgate_oauth2_json_free(userinfo);
    sipgate_oauth2_json_free(claims);
}

static void tokens_have_the_claims_of_an_id_token_that_was_verified(void)
{
    sipgate_oauth2_client *client = client_in_memory();
    sipgate_oauth2_authorization_parameters *parameters = sipgate_oauth2_authorization_parameters_new();
    sipgate_oauth2_authorization_request *request;
    sipgate_oauth2_token_set *tokens = NULL, *unverified = NULL;
    char callback[4096];

    CHECK_OK(sipgate_oauth2_authorization_parameters_set_max_age(parameters, 300, &error));
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_acr_values(parameters, "1", &error));
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_claims(
        parameters, "{\"id_token\":{\"auth_time\":{\"essential\":true}}}", &error));
    request = browsed(client, parameters, callback, sizeof callback);
    sipgate_oauth2_authorization_parameters_free(parameters);
    CHECK(strstr(sipgate_oauth2_authorization_request_url(request).data, "&max_age=300&acr_values=1&claims=%7B") != NULL);
    CHECK_OK(sipgate_oauth2_client_exchange_callback(client, request, callback, NULL, &tokens, &error));
    CHECK(sipgate_oauth2_token_set_id_token_verified(tokens));
    CHECK(has_member(sipgate_oauth2_token_set_claims_json(tokens), "aud", CLIENT_ID));
    CHECK(strstr(sipgate_oauth2_token_set_claims_json(tokens).data, "\"auth_time\":") != NULL);
    CHECK_OK(sipgate_oauth2_token_set_restore("{\"access_token\":\"a\",\"id_token\":\"e30.e30.e30\"}", &unverified, &error));
    CHECK(!sipgate_oauth2_token_set_id_token_verified(unverified));
    CHECK(sipgate_oauth2_token_set_claims_json(unverified).data == NULL);
    sipgate_oauth2_token_set_free(unverified);
    sipgate_oauth2_token_set_free(tokens);
    sipgate_oauth2_authorization_request_free(request);
    sipgate_oauth2_client_free(client);
}

/* The API that the tokens are for: its client may introspect them. */
static sipgate_oauth2_client *api(void)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    char base[256];

    snprintf(base, sizeof base, "%s/auth", getenv("REALM_HTTP"));
    CHECK_OK(sipgate_oauth2_client_options_new_keycloak(base, "third-party", "balance-api:third-party", &options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_client_secret(options, "balance-api-secret", &error));
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    sipgate_oauth2_client_options_free(options);
    return client;
}

static void check_active(const sipgate_oauth2_client *client, const sipgate_oauth2_secret *token, const char *expected)
{
    sipgate_oauth2_json *introspection = NULL;

    CHECK_OK(sipgate_oauth2_client_introspect(client, sipgate_oauth2_secret_text(token).data, NULL, &introspection, &error));
    CHECK_SAYING(strstr(sipgate_oauth2_json_text(introspection).data, expected) != NULL, "no %s in %s", expected,
                 sipgate_oauth2_json_text(introspection).data);
    sipgate_oauth2_json_free(introspection);
}

static void a_token_that_was_revoked_is_not_active(void)
{
    sipgate_oauth2_client *client = client_in_memory(), *asking = api();
    sipgate_oauth2_token_source *source = log_in_by_id(client);
    sipgate_oauth2_secret *token = NULL;

    CHECK_OK(sipgate_oauth2_token_source_access_token(source, NULL, &token, &error));
    check_active(asking, token, "\"active\":true");
    CHECK_OK(sipgate_oauth2_client_revoke(client, sipgate_oauth2_secret_text(token).data, NULL, &error));
    check_active(asking, token, "\"active\":false");
    sipgate_oauth2_client_free(asking);
    sipgate_oauth2_secret_free(token);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
}

static void the_logout_url_has_the_id_token_of_the_login(void)
{
    sipgate_oauth2_client *client = client_in_memory();
    sipgate_oauth2_token_source *source = log_in_by_id(client);
    sipgate_oauth2_logout_parameters *parameters = sipgate_oauth2_logout_parameters_new();
    sipgate_oauth2_secret *url = NULL;
    const char *text;

    CHECK_OK(sipgate_oauth2_logout_parameters_set_state(parameters, "mine", &error));
    CHECK_OK(sipgate_oauth2_client_logout_url(client, source, parameters, NULL, &url, &error));
    sipgate_oauth2_logout_parameters_free(parameters);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    text = sipgate_oauth2_secret_text(url).data;
    CHECK(strstr(text, "/logout?client_id=") != NULL && strstr(text, "&id_token_hint=ey") != NULL);
    CHECK(strstr(text, "&state=mine") != NULL);
    sipgate_oauth2_secret_free(url);
}

static void a_logout_token_ends_the_login_of_its_user_once(void)
{
    sipgate_oauth2_client *client = client_in_memory();
    sipgate_oauth2_token_source *source = log_in_by_id(client);
    sipgate_oauth2_json *accounts = NULL;
    sipgate_oauth2_secret *token = NULL;
    char body[4096], expected[256];
    char *logout_token;

    realm_call("POST", "logout_token", user, body, sizeof body);
    logout_token = strstr(body, "ey");
    CHECK(logout_token != NULL);
    logout_token[strcspn(logout_token, "\"")] = '\0';
    CHECK_OK(sipgate_oauth2_client_accept_logout_token(client, logout_token, NULL, &accounts, &error));
    snprintf(expected, sizeof expected, "[\"%s\"]", sipgate_oauth2_token_source_account(source).data);
    CHECK_SAYING(strcmp(sipgate_oauth2_json_text(accounts).data, expected) == 0, "%s is not %s",
                 sipgate_oauth2_json_text(accounts).data, expected);
    CHECK(sipgate_oauth2_token_source_access_token(source, NULL, &token, NULL) == SIPGATE_LOGIN_REQUIRED);
    sipgate_oauth2_json_free(accounts);
    accounts = NULL;
    CHECK(sipgate_oauth2_client_accept_logout_token(client, logout_token, NULL, &accounts, NULL) == SIPGATE_ID_TOKEN);
    CHECK(accounts == NULL && token == NULL);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
}

int main(void)
{
    static void (*const tests[])(void) = {
        a_client_is_made_from_what_discovery_gives,
        the_account_is_the_users_id_if_none_is_named,
        tokens_have_the_claims_of_an_id_token_that_was_verified,
        a_token_that_was_revoked_is_not_active,
        the_logout_url_has_the_id_token_of_the_login,
        a_logout_token_ends_the_login_of_its_user_once,
    };
    size_t i;

    for (i = 0; i < sizeof tests / sizeof *tests; i++) {
        strict_realm();
        tests[i]();
    }
    return checks_failed != 0;
}
