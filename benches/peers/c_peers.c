/*
 * Measures one operation of this library, or the same written by hand with libcurl:
 *
 *     c_peers sipgate-oauth2|libcurl|nothing url|response|token|refresh CALLS CALLERS
 *
 * Prints the CPU seconds of one call. run.py sets the environment. By hand, a response is received
 * and not read, because C has no parser of its own.
 */

#include "../by_hand.h"
#include "../operations.h"

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#define MOST_CALLERS 64

typedef void operation(void);

static const char *response, *client_id, *client_secret, *redirect_uri;
static char endpoint[512], authorization_endpoint[512];
static operation *measured;
static long calls_of_each;

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "no variable %s\n", name);
        exit(1);
    }
    return value;
}

static void our_response(void)
{
    sipgate_oauth2_token_set *tokens;
    sipgate_oauth2_secret *token;
    sipgate_oauth2_error *error = NULL;
    must(sipgate_oauth2_token_set_restore(response, &tokens, &error), error);
    must(sipgate_oauth2_token_set_access_token(tokens, &token, &error), error);
    sipgate_oauth2_secret_free(token);
    sipgate_oauth2_token_set_free(tokens);
}

static void start(int saves)
{
    sipgate_oauth2_client_options *options;
    sipgate_oauth2_token_set *tokens;
    sipgate_oauth2_error *error = NULL;
    must(sipgate_oauth2_client_options_new_from_env(&options, &error), error);
    must(sipgate_oauth2_client_new(options, &client, &error), error);
    sipgate_oauth2_client_options_free(options);
    if (!saves)
        return;
    must(sipgate_oauth2_client_token_source(client, "user-42", &source, &error), error);
    must(sipgate_oauth2_token_set_restore(response, &tokens, &error), error);
    must(sipgate_oauth2_token_source_save(source, tokens, NULL, &error), error);
    sipgate_oauth2_token_set_free(tokens);
}

static void url_with_libcurl(void)
{
    char url[URL_BYTES];
    CURL *curl = curl_easy_init();
    url_by_hand(curl, authorization_endpoint, client_id, redirect_uri, url);
    curl_easy_cleanup(curl);
}

static size_t receive(char *data, size_t one, size_t count, void *length)
{
    (void)data;
    *(size_t *)length += one * count;
    return one * count;
}

/* A connection for each request, as there is one user for each. */
static void refresh_with_libcurl(void)
{
    char form[12288];
    CURL *curl = curl_easy_init();
    char *id = curl_easy_escape(curl, client_id, 0), *secret = curl_easy_escape(curl, client_secret, 0), *token = curl_easy_escape(curl, refresh_token, 0);
    long status = 0;
    size_t length = 0;
    snprintf(form, sizeof form, "grant_type=refresh_token&refresh_token=%s&client_id=%s&client_secret=%s", token, id, secret);
    curl_free(id);
    curl_free(secret);
    curl_free(token);
    curl_easy_setopt(curl, CURLOPT_URL, endpoint);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &length);
    curl_easy_setopt(curl, CURLOPT_CAINFO, variable("CURL_CA_BUNDLE"));
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    if (curl_easy_perform(curl) != CURLE_OK || curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status != 200 || length == 0)
        exit(1);
    curl_easy_cleanup(curl);
}

static void nothing(void) {}

static operation *chosen(const char *library, const char *name)
{
    static const struct {
        const char *library, *name;
        operation *operation;
    } operations[] = {
        {"sipgate-oauth2", "url", our_url},         {"sipgate-oauth2", "response", our_response}, {"sipgate-oauth2", "token", our_token},
        {"sipgate-oauth2", "refresh", our_refresh}, {"libcurl", "url", url_with_libcurl},                 {"libcurl", "refresh", refresh_with_libcurl},
        {"nothing", "url", nothing},
    };
    size_t i;
    for (i = 0; i < sizeof operations / sizeof *operations; i++)
        if (strcmp(operations[i].library, library) == 0 && strcmp(operations[i].name, name) == 0)
            return operations[i].operation;
    fprintf(stderr, "%s has no %s\n", library, name);
    exit(1);
}

static void *repeat(void *unused)
{
    long call;
    for (call = 0; call < calls_of_each; call++)
        measured();
    return unused;
}

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int count, char **arguments)
{
    pthread_t threads[MOST_CALLERS];
    long calls, callers, i;
    double started;
    if (count != 5)
        return 2;
    calls = strtol(arguments[3], NULL, 10);
    callers = strtol(arguments[4], NULL, 10);
    if (calls < 1 || callers < 1 || callers > MOST_CALLERS)
        return 2;
    measured = chosen(arguments[1], arguments[2]);
    calls_of_each = calls / callers;
    response = variable("RESPONSE");
    snprintf(refresh_token, sizeof refresh_token, "%s", variable("REFRESH_TOKEN"));
    client_id = variable("SIPGATE_CLIENT_ID");
    client_secret = variable("SIPGATE_CLIENT_SECRET");
    redirect_uri = variable("SIPGATE_REDIRECT_URI");
    snprintf(endpoint, sizeof endpoint, "%s/protocol/openid-connect/token", variable("SIPGATE_ISSUER"));
    snprintf(authorization_endpoint, sizeof authorization_endpoint, "%s/protocol/openid-connect/auth", variable("SIPGATE_ISSUER"));
    if (strcmp(arguments[1], "sipgate-oauth2") == 0)
        start(measured == our_token);
    started = cpu_seconds();
    if (callers == 1)
        repeat(NULL);
    else {
        for (i = 0; i < callers; i++)
            if (pthread_create(&threads[i], NULL, repeat, NULL) != 0)
                return 1;
        for (i = 0; i < callers; i++)
            pthread_join(threads[i], NULL);
    }
    printf("%g\n", (cpu_seconds() - started) / (double)calls);
    return 0;
}
