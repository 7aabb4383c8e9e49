/*
 * Refreshes over TLS for benches/refreshes.py, as benches/rust/src/bin/refreshes.rs says.
 */

#include "operations.h"

#include <pthread.h>
#include <time.h>

#define MOST_CALLERS 256

static void *refresh(void *times)
{
    unsigned left;
    for (left = *(unsigned *)times; left > 0; left--)
        our_refresh();
    return NULL;
}

static double processor_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(void)
{
    sipgate_oauth2_client_options *options;
    sipgate_oauth2_error *error = NULL;
    unsigned callers, refreshes;

    snprintf(refresh_token, sizeof refresh_token, "%s", getenv("REFRESH_TOKEN"));
    must(sipgate_oauth2_client_options_new_from_env(&options, &error), error);
    must(sipgate_oauth2_client_new(options, &client, &error), error);
    sipgate_oauth2_client_options_free(options);
    while (scanf("%u %u", &callers, &refreshes) == 2 && callers <= MOST_CALLERS) {
        pthread_t threads[MOST_CALLERS];
        double started = processor_time();
        unsigned caller;
        refreshes /= callers;
        for (caller = 0; caller < callers; caller++)
            if (pthread_create(&threads[caller], NULL, refresh, &refreshes) != 0)
                return 1;
        for (caller = 0; caller < callers; caller++)
            pthread_join(threads[caller], NULL);
        printf("%f\n", processor_time() - started);
        fflush(stdout);
    }
    sipgate_oauth2_client_free(client);
    return 0;
}
