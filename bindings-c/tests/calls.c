/* Calls to a server: cancelled from another thread, timed out, and by eight threads at once. The server is the local realm at
 * REALM_HTTP; the test that starts it orders its faults. */

#include "check.h"
#include "realm.h"

#include <pthread.h>
#include <time.h>

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

static void *cancel_soon(void *cancel)
{
    const struct timespec moment = {1, 0};
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
    CHECK_OK(sipgate_call_set_timeout_ms(call, 2000, &error));
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
    sipgate_client_free(client);
    return checks_failed;
}
