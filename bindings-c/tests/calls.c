/* Calls to a server that are cancelled from another thread, that time out, and that eight threads make
 * at once. The server is the local realm at REALM_HTTP; run.sh sets its faults. */

#include "check.h"
#include "realm.h"

#include <pthread.h>
#include <time.h>

#include "../../examples/c/http_get.h"

static void *refused_on_a_thread(void *client)
{
    refused(client);
    return NULL;
}

static void eight_threads_share_a_client(const sipgate_oauth2_client *client)
{
    pthread_t threads[8];
    size_t i;

    for (i = 0; i < 8; i++)
        CHECK(pthread_create(&threads[i], NULL, refused_on_a_thread, (void *)client) == 0);
    for (i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

/* How many of its faults have occurred. */
static unsigned long faults_met(void)
{
    static const char name[] = "\"faults\":";
    char url[256], counters[2048] = "";
    const char *found;

    snprintf(url, sizeof url, "%s/_realm/counters", getenv("REALM_HTTP"));
    CHECK(http_get(url, NULL, "none", counters, sizeof counters));
    found = strstr(counters, name);
    CHECK_SAYING(found != NULL, "no %s in %s", name, counters);
    return found != NULL ? strtoul(found + strlen(name), NULL, 10) : 0;
}

/* Cancels once the request has arrived, so that it ends a wait. The number of attempts is limited, in
 * case the request never arrives. */
static void *cancel_when_it_waits(void *cancel)
{
    const struct timespec moment = {0, 50000000L};
    int attempts;

    for (attempts = 0; faults_met() == 0 && attempts < 600; attempts++)
        nanosleep(&moment, NULL);
    CHECK(faults_met() == 1);
    sipgate_oauth2_cancel_token_cancel(cancel);
    return NULL;
}

/* The realm does not respond to these two, so only the cancel token and the timeout end them. */
static void a_wait_ends_when_it_is_cancelled_or_times_out(const sipgate_oauth2_client *client)
{
    sipgate_oauth2_cancel_token *cancel = sipgate_oauth2_cancel_token_new();
    sipgate_oauth2_call_options *call = sipgate_oauth2_call_options_new();
    sipgate_oauth2_token_set *tokens = NULL;
    pthread_t thread;

    CHECK_OK(sipgate_oauth2_call_options_set_cancel_token(call, cancel, &error));
    CHECK_OK(sipgate_oauth2_call_options_set_timeout_ms(call, UINT64_MAX, &error));
    CHECK(pthread_create(&thread, NULL, cancel_when_it_waits, cancel) == 0);
    CHECK(sipgate_oauth2_client_refresh(client, "t", NULL, call, &tokens, NULL) == SIPGATE_CANCELLED);
    pthread_join(thread, NULL);
    sipgate_oauth2_cancel_token_free(cancel);
    CHECK(sipgate_oauth2_client_refresh(client, "t", NULL, call, &tokens, NULL) == SIPGATE_CANCELLED);
    sipgate_oauth2_call_options_free(call);

    call = sipgate_oauth2_call_options_new();
    CHECK_OK(sipgate_oauth2_call_options_set_timeout_ms(call, 2000, &error));
    CHECK(sipgate_oauth2_client_refresh(client, "t", NULL, call, &tokens, NULL) == SIPGATE_OUTCOME_UNKNOWN);
    CHECK(tokens == NULL);
    sipgate_oauth2_call_options_free(call);
}

int main(void)
{
    sipgate_oauth2_client *client = make_client();

    a_wait_ends_when_it_is_cancelled_or_times_out(client);
    refused(client);
    eight_threads_share_a_client(client);
    sipgate_oauth2_client_free(client);
    return checks_failed != 0;
}
