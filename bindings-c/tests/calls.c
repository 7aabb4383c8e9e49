/* Calls to a server: cancelled from another thread, timed out, by eight threads at once, and in a forked child. The server is the local realm at
 * REALM_HTTP; the test that starts it orders its faults. */

#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static sipgate_client *make_client(void)
{
    sipgate_client_options *options = NULL;
    sipgate_client *client = NULL;
    char base[256];

    snprintf(base, sizeof base, "%s/auth", getenv("REALM_HTTP"));
    CHECK_OK(sipgate_client_options_new_keycloak(base, "third-party", "1000001-0-test:third-party", &options, &error));
    CHECK_OK(sipgate_client_options_set_client_secret(options, "test-secret-with-+-and-:", &error));
    CHECK_OK(sipgate_client_new(options, &client, &error));
    sipgate_client_options_free(options);
    return client;
}

/* One refresh with a token that is none: the server's refusal shows that the request made its way. */
static void refused(const sipgate_client *client)
{
    sipgate_token_set *tokens = NULL;
    sipgate_error *error = NULL;

    CHECK(sipgate_client_refresh(client, "refresh-canary", NULL, NULL, &tokens, &error) == SIPGATE_LOGIN_REQUIRED);
    CHECK(tokens == NULL);
    CHECK(sipgate_error_status(error) == SIPGATE_LOGIN_REQUIRED && sipgate_error_http_status(error) == 400);
    CHECK(strcmp(sipgate_error_name(error), "SIPGATE_LOGIN_REQUIRED") == 0);
    CHECK(strcmp(sipgate_error_family(error), "LoginRequiredError") == 0);
    CHECK(strcmp(sipgate_error_remedy(error).data, "log_in_again") == 0);
    CHECK(strcmp(sipgate_error_oauth_error(error).data, "invalid_grant") == 0);
    CHECK(sipgate_error_oauth_error_description(error).len > 0);
    CHECK(!sipgate_error_retryable(error) && sipgate_error_retry_after_ms(error) == -1);
    CHECK(strstr(sipgate_error_message(error).data, "canary") == NULL);
    sipgate_error_free(error);
}

static void *refused_on_a_thread(void *client)
{
    refused(client);
    return NULL;
}

static void eight_threads_share_a_client(const sipgate_client *client)
{
    pthread_t threads[8];
    size_t i;

    for (i = 0; i < 8; i++)
        CHECK(pthread_create(&threads[i], NULL, refused_on_a_thread, (void *)client) == 0);
    for (i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

static void a_forked_child_uses_its_parents_client(const sipgate_client *client)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        checks_failed = 0;
        refused(client);
        _exit(checks_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    refused(client);
}

static void *cancel_soon(void *cancel)
{
    const struct timespec moment = {0, 200000000L};
    nanosleep(&moment, NULL);
    sipgate_cancel_trigger(cancel);
    return NULL;
}

/* The realm is silent to these two: nothing but the cancel and the timeout ends them. */
static void a_wait_ends_when_it_is_cancelled_or_out_of_time(const sipgate_client *client)
{
    sipgate_cancel *cancel = sipgate_cancel_new();
    sipgate_call *call = sipgate_call_new();
    sipgate_token_set *tokens = NULL;
    pthread_t thread;

    CHECK_OK(sipgate_call_set_cancel(call, cancel, &error));
    CHECK_OK(sipgate_call_set_timeout_ms(call, UINT64_MAX, &error));
    CHECK(pthread_create(&thread, NULL, cancel_soon, cancel) == 0);
    CHECK(sipgate_client_refresh(client, "t", NULL, call, &tokens, NULL) == SIPGATE_CANCELLED);
    pthread_join(thread, NULL);
    sipgate_cancel_free(cancel);
    CHECK(sipgate_client_refresh(client, "t", NULL, call, &tokens, NULL) == SIPGATE_CANCELLED);
    sipgate_call_free(call);

    call = sipgate_call_new();
    CHECK_OK(sipgate_call_set_timeout_ms(call, 300, &error));
    CHECK(sipgate_client_refresh(client, "t", NULL, call, &tokens, NULL) == SIPGATE_OUTCOME_UNKNOWN);
    CHECK(tokens == NULL);
    sipgate_call_free(call);
}

int main(void)
{
    sipgate_client *client = make_client();

    a_wait_ends_when_it_is_cancelled_or_out_of_time(client);
    refused(client);
    eight_threads_share_a_client(client);
    a_forked_child_uses_its_parents_client(client);
    sipgate_client_free(client);
    return checks_failed;
}
