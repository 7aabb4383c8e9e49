/* One login that many threads use, at the local realm with rotation and reuse detection. */

#include "check.h"
#include "logins.h"

#include <pthread.h>

static sipgate_oauth2_store *memory(void)
{
    sipgate_oauth2_store *store = NULL;
    CHECK_OK(sipgate_oauth2_store_memory(NULL, &store, &error));
    return store;
}

static sipgate_oauth2_secret *token_of(const sipgate_oauth2_token_source *source)
{
    sipgate_oauth2_secret *token = NULL;
    CHECK_OK(sipgate_oauth2_token_source_access_token(source, NULL, &token, &error));
    return token;
}

static void a_login_returns_its_token_and_outlives_its_client(void)
{
    sipgate_oauth2_store *store = memory();
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_token_source *source = log_in(client, "anna"), *other = NULL, *nobody = NULL;
    sipgate_oauth2_secret *token = token_of(source), *again = NULL, *peeked = NULL, *header = NULL;

    CHECK_OK(sipgate_oauth2_client_token_source(client, "anna", &other, &error));
    CHECK_OK(sipgate_oauth2_client_token_source(client, "bob", &nobody, &error));
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
    CHECK(strcmp(sipgate_oauth2_token_source_account(source).data, "anna") == 0);
    again = token_of(other);
    CHECK(same_secret(token, again));
    CHECK_OK(sipgate_oauth2_token_source_peek(source, &peeked, &error));
    CHECK(same_secret(token, peeked));
    CHECK_OK(sipgate_oauth2_token_source_authorization_header(source, NULL, &header, &error));
    CHECK(strncmp(sipgate_oauth2_secret_text(header).data, "Bearer ", 7) == 0);
    CHECK(strcmp(sipgate_oauth2_secret_text(header).data + 7, sipgate_oauth2_secret_text(token).data) == 0);
    sipgate_oauth2_token_source_free(other);
    sipgate_oauth2_token_source_free(source);
    CHECK(sipgate_oauth2_secret_text(token).len > 0);
    sipgate_oauth2_secret_free(token);
    token = NULL;
    CHECK(sipgate_oauth2_token_source_access_token(nobody, NULL, &token, NULL) == SIPGATE_LOGIN_REQUIRED
          && token == NULL);
    CHECK_OK(sipgate_oauth2_token_source_peek(nobody, &token, &error));
    CHECK(token == NULL);
    CHECK(realm_counter("token_requests") == 1);
    sipgate_oauth2_token_source_free(nobody);
    sipgate_oauth2_secret_free(header);
    sipgate_oauth2_secret_free(peeked);
    sipgate_oauth2_secret_free(again);
}

struct caller {
    const sipgate_oauth2_token_source *source;
    sipgate_oauth2_secret *token;
};

static void *ask(void *data)
{
    struct caller *caller = data;
    caller->token = token_of(caller->source);
    return NULL;
}

static void sixteen_threads_at_the_moment_of_expiry_cause_one_refresh(void)
{
    sipgate_oauth2_store *store = memory();
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_token_source *source;
    sipgate_oauth2_secret *first;
    struct caller callers[16];
    pthread_t threads[16];
    unsigned long before;
    size_t i;

    realm_post("settings", "{\"access_token_lifespan\":1}");
    source = log_in(client, "anna");
    first = token_of(source);
    wait_milliseconds(1100);
    before = realm_counter("refresh_grants");
    realm_post("settings", "{\"access_token_lifespan\":300}");
    for (i = 0; i < 16; i++) {
        callers[i].source = source;
        CHECK(pthread_create(&threads[i], NULL, ask, &callers[i]) == 0);
    }
    for (i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);
    CHECK(!same_secret(first, callers[0].token));
    for (i = 0; i < 16; i++)
        CHECK(same_secret(callers[i].token, callers[0].token));
    for (i = 0; i < 16; i++)
        sipgate_oauth2_secret_free(callers[i].token);
    CHECK(realm_counter("refresh_grants") == before + 1 && realm_counter("invalid_grant") == 0);
    sipgate_oauth2_secret_free(first);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
}

struct page {
    const sipgate_oauth2_client *client;
    const sipgate_oauth2_authorization_request *request;
    const char *callback;
    sipgate_oauth2_token_source *source;
};

static void *load_page(void *data)
{
    struct page *page = data;
    CHECK_OK(sipgate_oauth2_client_complete_login(page->client, page->request, page->callback, "anna", NULL,
                                                  &page->source, &error));
    return NULL;
}

static void a_callback_that_is_loaded_twice_at_once_creates_one_login(void)
{
    sipgate_oauth2_store *store = memory();
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_authorization_request *request = NULL;
    struct page pages[2];
    pthread_t threads[2];
    char callback[4096];
    size_t i;

    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "balance:read", NULL, &request, &error));
    browse(request, callback, sizeof callback);
    for (i = 0; i < 2; i++) {
        const struct page page = {client, request, callback, NULL};
        pages[i] = page;
        CHECK(pthread_create(&threads[i], NULL, load_page, &pages[i]) == 0);
    }
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK(pages[0].source != NULL && pages[1].source != NULL);
    CHECK(realm_counter("code_grants") == 1 && realm_counter("token_requests") == 1);
    sipgate_oauth2_token_source_free(pages[0].source);
    sipgate_oauth2_token_source_free(pages[1].source);
    sipgate_oauth2_authorization_request_free(request);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
}

static void late_refusals_of_one_token_cause_one_refresh(void)
{
    sipgate_oauth2_store *store = memory();
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_token_source *source = log_in(client, "anna");
    sipgate_oauth2_secret *first = token_of(source);
    int i;

    for (i = 0; i < 20; i++) {
        sipgate_oauth2_secret *token;
        CHECK_OK(sipgate_oauth2_token_source_invalidate(source, sipgate_oauth2_secret_text(first).data, &error));
        token = token_of(source);
        CHECK(!same_secret(first, token));
        sipgate_oauth2_secret_free(token);
    }
    CHECK(realm_counter("refresh_grants") == 1);
    sipgate_oauth2_secret_free(first);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
}

static void a_token_that_would_expire_too_soon_is_refreshed(void)
{
    sipgate_oauth2_store *store = memory();
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_token_source *source;
    sipgate_oauth2_call_options *call = sipgate_oauth2_call_options_new();
    sipgate_oauth2_secret *first, *longer = NULL;

    realm_post("settings", "{\"access_token_lifespan\":10}");
    source = log_in(client, "anna");
    first = token_of(source);
    wait_milliseconds(2500);
    realm_post("settings", "{\"access_token_lifespan\":3600}");
    CHECK_OK(sipgate_oauth2_call_options_set_min_validity_ms(call, 600000, &error));
    CHECK_OK(sipgate_oauth2_token_source_access_token(source, call, &longer, &error));
    CHECK(!same_secret(first, longer));
    sipgate_oauth2_secret_free(longer);
    sipgate_oauth2_secret_free(first);
    sipgate_oauth2_call_options_free(call);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
}

static sipgate_oauth2_token_status *status_of(const sipgate_oauth2_token_source *source, const char *state)
{
    sipgate_oauth2_token_status *status = NULL;
    CHECK_OK(sipgate_oauth2_token_source_status(source, NULL, &status, &error));
    CHECK_SAYING(strcmp(sipgate_oauth2_token_status_state(status).data, state) == 0, "%s, not %s",
                 sipgate_oauth2_token_status_state(status).data, state);
    return status;
}

static void a_status_describes_the_login(void)
{
    sipgate_oauth2_store *store = memory();
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_token_status *status;
    sipgate_oauth2_secret *token = NULL;

    CHECK_OK(sipgate_oauth2_client_token_source(client, "anna", &source, &error));
    status = status_of(source, "absent");
    CHECK(sipgate_oauth2_token_status_generation(status) == 0 && sipgate_oauth2_token_status_expires_at(status) == -1);
    CHECK(sipgate_oauth2_token_status_refresh_expires_at(status) == -1
          && sipgate_oauth2_token_status_scope(status).data == NULL);
    CHECK(sipgate_oauth2_token_status_last_error(status) == NULL && !sipgate_oauth2_token_status_unsaved(status));
    sipgate_oauth2_token_status_free(status);
    sipgate_oauth2_token_source_free(source);

    source = log_in(client, "anna");
    status = status_of(source, "active");
    CHECK(sipgate_oauth2_token_status_generation(status) == 1);
    CHECK(sipgate_oauth2_token_status_expires_at(status) > 0
          && sipgate_oauth2_token_status_refresh_expires_at(status) > 0);
    CHECK(strstr(sipgate_oauth2_token_status_scope(status).data, "balance:read") != NULL);
    sipgate_oauth2_token_status_free(status);

    realm_post("settings", "{\"user\":\"anna\",\"enabled\":false}");
    CHECK(sipgate_oauth2_token_source_refresh(source, NULL, &token, NULL) == SIPGATE_LOGIN_REQUIRED && token == NULL);
    realm_post("settings", "{\"user\":\"anna\",\"enabled\":true}");
    status = status_of(source, "rejected");
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
    CHECK(sipgate_oauth2_error_status(sipgate_oauth2_token_status_last_error(status)) == SIPGATE_LOGIN_REQUIRED);
    CHECK(strcmp(sipgate_oauth2_error_remedy(sipgate_oauth2_token_status_last_error(status)).data, "log_in_again")
          == 0);
    sipgate_oauth2_token_status_free(status);
}

static void a_logout_ends_the_login_locally_and_at_the_server(void)
{
    sipgate_oauth2_store *store = memory();
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_token_source *source = log_in(client, "anna");
    sipgate_oauth2_secret *token = NULL;
    bool revoked = false;

    CHECK_OK(sipgate_oauth2_token_source_ensure_saved(source, &error));
    CHECK_OK(sipgate_oauth2_token_source_logout(source, NULL, &revoked, &error));
    CHECK(revoked);
    CHECK_OK(sipgate_oauth2_token_source_logout(source, NULL, &revoked, &error));
    CHECK(!revoked);
    CHECK_OK(sipgate_oauth2_token_source_logout(source, NULL, NULL, &error));
    CHECK(sipgate_oauth2_token_source_access_token(source, NULL, &token, NULL) == SIPGATE_LOGIN_REQUIRED
          && token == NULL);
    sipgate_oauth2_token_status_free(status_of(source, "logged_out"));
    CHECK(realm_counter("sessions_ended") == 1);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
}

/* With a server's metadata, a logout is sent only if they name a revocation endpoint. */
static void a_logout_is_sent_to_the_endpoint_of_the_metadata(bool is_there)
{
    sipgate_oauth2_store *store = memory();
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_token_source *source;
    const unsigned long ended_before = realm_counter("sessions_ended");
    char realm[256], metadata[2048], revocation[512] = "";
    bool revoked = !is_there;

    snprintf(realm, sizeof realm, "%s/auth/realms/third-party", getenv("REALM_HTTP"));
    if (is_there)
        snprintf(revocation, sizeof revocation, "\"revocation_endpoint\": \"%s/protocol/openid-connect/revoke\", ",
                 realm);
    snprintf(metadata, sizeof metadata,
             "{%s\"authorization_response_iss_parameter_supported\": true, \"issuer\": \"%s\", "
             "\"authorization_endpoint\": \"%s/protocol/openid-connect/auth\", "
             "\"token_endpoint\": \"%s/protocol/openid-connect/token\"}",
             revocation, realm, realm, realm);
    CHECK_OK(sipgate_oauth2_client_options_new(metadata, CLIENT_ID, &options, &error));
    set_options(options, store);
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    sipgate_oauth2_client_options_free(options);
    source = log_in(client, "anna");
    CHECK_OK(sipgate_oauth2_token_source_logout(source, NULL, &revoked, &error));
    CHECK(revoked == is_there);
    CHECK(realm_counter("sessions_ended") == ended_before + (is_there ? 1 : 0));
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
}

static void a_logout_is_sent_if_the_metadata_have_an_endpoint(void)
{
    a_logout_is_sent_to_the_endpoint_of_the_metadata(true);
    a_logout_is_sent_to_the_endpoint_of_the_metadata(false);
}

static void saved_tokens_are_a_login(void)
{
    sipgate_oauth2_store *store = memory();
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_authorization_request *request = NULL;
    sipgate_oauth2_token_set *tokens = NULL;
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_secret *given = NULL, *token, *refreshed = NULL;
    char callback[4096];

    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "balance:read", NULL, &request, &error));
    browse(request, callback, sizeof callback);
    CHECK_OK(sipgate_oauth2_client_exchange_callback(client, request, callback, NULL, &tokens, &error));
    CHECK_OK(sipgate_oauth2_client_token_source(client, "anna", &source, &error));
    CHECK_OK(sipgate_oauth2_token_source_save(source, tokens, NULL, &error));
    CHECK_OK(sipgate_oauth2_token_set_access_token(tokens, &given, &error));
    token = token_of(source);
    CHECK(same_secret(given, token));
    CHECK_OK(sipgate_oauth2_token_source_refresh(source, NULL, &refreshed, &error));
    CHECK(!same_secret(given, refreshed));
    sipgate_oauth2_secret_free(refreshed);
    sipgate_oauth2_secret_free(token);
    sipgate_oauth2_secret_free(given);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_token_set_free(tokens);
    sipgate_oauth2_authorization_request_free(request);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
}

/* Cancels once the request has arrived, so that it ends a wait. The number of attempts is limited, in
 * case the request never arrives. */
static void *cancel_when_it_waits(void *cancel)
{
    int attempts;

    for (attempts = 0; realm_counter("faults") == 0 && attempts < 600; attempts++)
        wait_milliseconds(50);
    CHECK(realm_counter("faults") == 1);
    sipgate_oauth2_cancel_token_cancel(cancel);
    return NULL;
}

static void a_wait_is_cancelled_from_another_thread_and_the_refresh_continues(void)
{
    sipgate_oauth2_store *store = memory();
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_token_source *source = log_in(client, "anna");
    sipgate_oauth2_cancel_token *cancel = sipgate_oauth2_cancel_token_new();
    sipgate_oauth2_call_options *call = sipgate_oauth2_call_options_new();
    sipgate_oauth2_secret *first = token_of(source), *refreshed = NULL, *token;
    pthread_t thread;

    CHECK_OK(sipgate_oauth2_call_options_set_cancel_token(call, cancel, &error));
    CHECK_OK(sipgate_oauth2_call_options_set_timeout_ms(call, UINT64_MAX, &error));
    realm_post("faults", "{\"on\":\"token\",\"kind\":\"delay\",\"ms\":3000}");
    CHECK(pthread_create(&thread, NULL, cancel_when_it_waits, cancel) == 0);
    CHECK(sipgate_oauth2_token_source_refresh(source, call, &refreshed, NULL) == SIPGATE_CANCELLED && refreshed == NULL);
    pthread_join(thread, NULL);
    CHECK_OK(sipgate_oauth2_token_source_invalidate(source, sipgate_oauth2_secret_text(first).data, &error));
    token = token_of(source);
    CHECK(!same_secret(first, token));
    CHECK(realm_counter("refresh_grants") == 1 && realm_counter("invalid_grant") == 0);
    sipgate_oauth2_secret_free(token);
    sipgate_oauth2_secret_free(first);
    sipgate_oauth2_call_options_free(call);
    sipgate_oauth2_cancel_token_free(cancel);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
}

int main(void)
{
    static void (*const tests[])(void) = {
        a_login_returns_its_token_and_outlives_its_client,
        sixteen_threads_at_the_moment_of_expiry_cause_one_refresh,
        a_callback_that_is_loaded_twice_at_once_creates_one_login,
        late_refusals_of_one_token_cause_one_refresh,
        a_token_that_would_expire_too_soon_is_refreshed,
        a_status_describes_the_login,
        a_logout_ends_the_login_locally_and_at_the_server,
        a_logout_is_sent_if_the_metadata_have_an_endpoint,
        saved_tokens_are_a_login,
        a_wait_is_cancelled_from_another_thread_and_the_refresh_continues,
    };
    size_t i;

    for (i = 0; i < sizeof tests / sizeof *tests; i++) {
        strict_realm();
        tests[i]();
    }
    return checks_failed != 0;
}
