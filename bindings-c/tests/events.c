/* The handler receives events, with their kind and as JSON, on any thread and without secrets. */

#include "check.h"
#include "logins.h"

#include <pthread.h>

struct log {
    pthread_mutex_t lock;
    char lines[65536];
    int warnings, freed;
};

static void keep(void *user_data, const sipgate_oauth2_event *event)
{
    struct log *log = user_data;
    const sipgate_oauth2_str kind = sipgate_oauth2_event_kind(event), json = sipgate_oauth2_event_json(event);
    char begin[96];

    snprintf(begin, sizeof begin, "{\"type\":\"%s\",", kind.data);
    CHECK_SAYING(strncmp(json.data, begin, strlen(begin)) == 0 && strlen(json.data) == json.len, "%s is not a %s", json.data, kind.data);
    pthread_mutex_lock(&log->lock);
    log->warnings += sipgate_oauth2_event_is_warning(event);
    if (strlen(log->lines) + json.len + 2 < sizeof log->lines)
        strcat(strcat(log->lines, json.data), "\n");
    pthread_mutex_unlock(&log->lock);
}

static void forget(void *user_data)
{
    struct log *log = user_data;
    pthread_mutex_lock(&log->lock);
    log->freed++;
    pthread_mutex_unlock(&log->lock);
}

static int has(struct log *log, const char *text)
{
    int found;
    pthread_mutex_lock(&log->lock);
    found = strstr(log->lines, text) != NULL;
    pthread_mutex_unlock(&log->lock);
    return found;
}

/* An event is sent after the call, so the handler may run after the call has returned. */
static void check_told(struct log *log, const char *text)
{
    int attempts;
    for (attempts = 0; !has(log, text) && attempts < 600; attempts++)
        wait_milliseconds(10);
    CHECK_SAYING(has(log, text), "no %s in %s", text, log->lines);
}

static void check_freed_once(struct log *log)
{
    int attempts, freed = 0;

    for (attempts = 0; freed == 0 && attempts < 600; attempts++) {
        pthread_mutex_lock(&log->lock);
        freed = log->freed;
        pthread_mutex_unlock(&log->lock);
        if (freed == 0)
            wait_milliseconds(10);
    }
    CHECK_SAYING(freed == 1, "freed %d times", freed);
}

static struct log *new_log(void)
{
    struct log *log = calloc(1, sizeof *log);
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

static void a_handler_receives_the_events_of_a_complete_login(void)
{
    struct log *log = new_log();
    sipgate_oauth2_store *store = NULL;
    sipgate_oauth2_client_options *options;
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_token_source *source;
    sipgate_oauth2_secret *token = NULL, *refreshed = NULL, *none = NULL;

    CHECK_OK(sipgate_oauth2_store_memory(NULL, &store, &error));
    options = options_with(store);
    CHECK_OK(sipgate_oauth2_client_options_set_event_handler(options, keep, log, forget, &error));
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    sipgate_oauth2_client_options_free(options);
    source = log_in(client, "anna");
    check_told(log, "\"logged_in\"");
    check_told(log, "\"token_request\"");
    CHECK_OK(sipgate_oauth2_token_source_access_token(source, NULL, &token, &error));
    CHECK_OK(sipgate_oauth2_token_source_refresh(source, NULL, &refreshed, &error));
    check_told(log, "\"refreshed\"");
    CHECK(log->warnings == 0);
    realm_post("settings", "{\"user\":\"anna\",\"enabled\":false}");
    CHECK(sipgate_oauth2_token_source_refresh(source, NULL, &none, NULL) == SIPGATE_LOGIN_REQUIRED && none == NULL);
    realm_post("settings", "{\"user\":\"anna\",\"enabled\":true}");
    check_told(log, "\"login_rejected\"");
    CHECK(log->warnings > 0);
    CHECK(!has(log, "anna"));
    CHECK(!has(log, sipgate_oauth2_secret_text(token).data) && !has(log, sipgate_oauth2_secret_text(refreshed).data));
    CHECK(log->freed == 0);
    sipgate_oauth2_secret_free(refreshed);
    sipgate_oauth2_secret_free(token);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
    check_freed_once(log);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

static void a_handler_that_is_refused_or_replaced(void)
{
    struct log *log = new_log(), *other = new_log();
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;

    CHECK_OK(sipgate_oauth2_client_options_new_sipgate("1-0-a:third-party", &options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_realm(options, "sipgate-apps", &error));
    CHECK_REFUSED(sipgate_oauth2_client_options_set_event_handler(options, NULL, log, forget, &error), "handler");
    CHECK_REFUSED(sipgate_oauth2_client_options_set_event_handler(NULL, keep, log, forget, &error), "options");
    CHECK(log->freed == 0);
    CHECK_OK(sipgate_oauth2_client_options_set_event_handler(options, keep, log, forget, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_event_handler(options, keep, other, NULL, &error));
    CHECK(log->freed == 1);
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    CHECK(has(other, "\"realm_mismatch\"") && !has(log, "realm_mismatch"));
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_client_options_free(options);
    CHECK(log->freed == 1);
    free(log);
    free(other);
    CHECK(sipgate_oauth2_event_kind(NULL).data == NULL && sipgate_oauth2_event_json(NULL).data == NULL
          && !sipgate_oauth2_event_is_warning(NULL));
}

int main(void)
{
    strict_realm();
    a_handler_receives_the_events_of_a_complete_login();
    a_handler_that_is_refused_or_replaced();
    return checks_failed != 0;
}
