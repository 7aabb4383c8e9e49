/*
 * Speed of the C library compared with the shortest hand-written code, in one run and as ratios:
 *
 *     bench http://127.0.0.1:PORT
 *
 * The address is that of the local realm. The hand-written code uses libcurl, libcrypto for the
 * SHA-256 of PKCE, and getrandom; the program says if they were missing when it was compiled. C has
 * no standard JSON parser to compare with. A token from memory is compared with the minimum of any
 * expiry check, a clock reading. CPU time is that of the whole process with the library's threads.
 * Ours and theirs take turns in short slices, and each figure, including the ratio, is the median
 * of all turns, so that other load on the machine affects both, or only a few turns.
 */

#include "operations.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLIENT_ID "1000001-0-test:third-party"
#define SECRET "test-secret-with-+-and-:"
#define REDIRECT_URI "http://127.0.0.1/callback"
#define MOST_TURNS 1000

static char base[256], authorization_endpoint[512], token_endpoint[512];

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void our_restore(void)
{
    static const char json[] = "{\"access_token\":\"eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl\",\"expires_in\":300,\"refresh_expires_in\":2592000,"
                               "\"refresh_token\":\"eyJhbGciOiJIUzUxMiJ9.e30.c2lnbmF0dXJl\",\"token_type\":\"Bearer\",\"scope\":\"balance:read\"}";
    sipgate_oauth2_token_set *tokens;
    sipgate_oauth2_error *error = NULL;
    must(sipgate_oauth2_token_set_restore(json, &tokens, &error), error);
    sipgate_oauth2_token_set_free(tokens);
}

static void clock_reading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
}

#if defined(HAVE_LIBCURL) && defined(HAVE_LIBCRYPTO)

#include "by_hand.h"

static CURL *curl;

static void their_url(void)
{
    char url[URL_BYTES];
    url_by_hand(curl, authorization_endpoint, CLIENT_ID, REDIRECT_URI, url);
}

struct body {
    char text[16384];
    size_t length;
};

static size_t keep(char *data, size_t one, size_t count, void *to)
{
    struct body *body = to;
    if (body->length + one * count >= sizeof body->text)
        return 0;
    memcpy(body->text + body->length, data, one * count);
    body->length += one * count;
    body->text[body->length] = '\0';
    return one * count;
}

/* Reuses the connection; parses the body only for its access token. */
static void their_refresh(void)
{
    struct body body = {"", 0};
    char form[12288];
    char *id = curl_easy_escape(curl, CLIENT_ID, 0), *secret = curl_easy_escape(curl, SECRET, 0), *token = curl_easy_escape(curl, refresh_token, 0);
    long status = 0;
    snprintf(form, sizeof form, "grant_type=refresh_token&refresh_token=%s&client_id=%s&client_secret=%s", token, id, secret);
    curl_free(id);
    curl_free(secret);
    curl_free(token);
    curl_easy_setopt(curl, CURLOPT_URL, token_endpoint);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (curl_easy_perform(curl) != CURLE_OK || curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status != 200)
        exit(1);
    if (strstr(body.text, "\"access_token\"") == NULL)
        exit(1);
}

#define BY_HAND 1
#else
#define BY_HAND 0
#define their_url NULL
#define their_refresh NULL
#endif

static double slice(void (*work)(void), unsigned times, clockid_t clock)
{
    double started = seconds(clock);
    unsigned i;
    for (i = 0; i < times; i++)
        work();
    return (seconds(clock) - started) / times;
}

static int by_size(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

/* The length of a measurement: `turns` slices, at most MOST_TURNS, of `times` calls each. */
struct effort {
    unsigned turns, times;
    clockid_t clock;
};

/* `goal` describes `at_least` (times faster) or `at_most` (share of the time). */
static int row(const char *name, void (*ours)(void), void (*theirs)(void), struct effort effort, const char *goal, double at_least, double at_most)
{
    static double our_times[MOST_TURNS], their_times[MOST_TURNS], ratios[MOST_TURNS];
    double ratio;
    unsigned turn;
    int met;
    for (turn = 0; turn < effort.turns; turn++) {
        our_times[turn] = slice(ours, effort.times, effort.clock);
        if (theirs != NULL) {
            their_times[turn] = slice(theirs, effort.times, effort.clock);
            ratios[turn] = our_times[turn] / their_times[turn];
        }
    }
    if (theirs == NULL) {
        printf("%-28s %9.3f us   with nothing to compare\n", name, median(our_times, effort.turns) * 1e6);
        return 0;
    }
    ratio = median(ratios, effort.turns);
    met = (at_least == 0 || 1 / ratio >= at_least) && (at_most == 0 || ratio <= at_most);
    printf("%-28s %9.3f us %9.3f us   %5.2f x the time, %5.2f x faster   %s%s\n", name, median(our_times, effort.turns) * 1e6,
           median(their_times, effort.turns) * 1e6, ratio, 1 / ratio, goal, met ? "" : "   MISSED");
    return !met;
}

/* The caller frees the request. */
static sipgate_oauth2_authorization_request *log_in(char *callback, int size)
{
    sipgate_oauth2_authorization_request *request;
    sipgate_oauth2_error *error = NULL;
    char command[8192], *end;
    FILE *login;
    must(sipgate_oauth2_client_authorization_request(client, "balance:read", NULL, &request, &error), error);
    snprintf(command, sizeof command,
             "python3 -c \"import json, sys, urllib.request as u; "
             "print(json.load(u.build_opener(u.ProxyHandler({})).open(u.Request('%.*s/_realm/login', "
             "json.dumps({'authorization_url': sys.argv[1], 'username': 'anna', 'password': 'anna-pw'}).encode(), "
             "{'content-type': 'application/json'})))['callback'])\" '%s'",
             (int)(strlen(base) - strlen("/auth")), base, sipgate_oauth2_authorization_request_url(request).data);
    login = popen(command, "r");
    if (login == NULL || fgets(callback, size, login) == NULL || pclose(login) != 0)
        exit(1);
    if ((end = strchr(callback, '\n')) != NULL)
        *end = '\0';
    return request;
}

static void find_refresh_token(void)
{
    char callback[8192];
    sipgate_oauth2_authorization_request *request = log_in(callback, sizeof callback);
    sipgate_oauth2_token_set *tokens;
    sipgate_oauth2_secret *token;
    sipgate_oauth2_error *error = NULL;
    must(sipgate_oauth2_client_exchange_callback(client, request, callback, NULL, &tokens, &error), error);
    must(sipgate_oauth2_token_set_refresh_token(tokens, &token, &error), error);
    snprintf(refresh_token, sizeof refresh_token, "%s", sipgate_oauth2_secret_text(token).data);
    sipgate_oauth2_secret_free(token);
    sipgate_oauth2_token_set_free(tokens);
    sipgate_oauth2_authorization_request_free(request);
}

static void find_source(void)
{
    char callback[8192];
    sipgate_oauth2_authorization_request *request = log_in(callback, sizeof callback);
    sipgate_oauth2_error *error = NULL;
    must(sipgate_oauth2_client_complete_login(client, request, callback, "user-42", NULL, &source, &error), error);
    sipgate_oauth2_authorization_request_free(request);
}

int main(int count, char **arguments)
{
    sipgate_oauth2_client_options *options;
    sipgate_oauth2_store *store;
    sipgate_oauth2_error *error = NULL;
    const struct effort url = {350, 100, CLOCK_MONOTONIC}, refresh_cpu = {70, 10, CLOCK_PROCESS_CPUTIME_ID}, refresh = {70, 10, CLOCK_MONOTONIC};
    const struct effort memory = {1000, 2000, CLOCK_MONOTONIC}, json = {70, 100, CLOCK_MONOTONIC};
    int missed;

    if (count != 2) {
        fprintf(stderr, "usage: bench http://127.0.0.1:PORT\n");
        return 2;
    }
    snprintf(base, sizeof base, "%s/auth", arguments[1]);
    snprintf(token_endpoint, sizeof token_endpoint, "%s/realms/third-party/protocol/openid-connect/token", base);
    snprintf(authorization_endpoint, sizeof authorization_endpoint, "%s/realms/third-party/protocol/openid-connect/auth", base);
    must(sipgate_oauth2_client_options_new_keycloak(base, "third-party", CLIENT_ID, &options, &error), error);
    must(sipgate_oauth2_client_options_set_client_secret(options, SECRET, &error), error);
    must(sipgate_oauth2_client_options_set_redirect_uri(options, REDIRECT_URI, &error), error);
    must(sipgate_oauth2_store_memory(NULL, &store, &error), error);
    must(sipgate_oauth2_client_options_set_store(options, store, &error), error);
    sipgate_oauth2_store_free(store);
    must(sipgate_oauth2_client_new(options, &client, &error), error);
    sipgate_oauth2_client_options_free(options);
    find_refresh_token();
    find_source();
#if BY_HAND
    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init();
#endif
    if (!BY_HAND)
        printf("libcurl or libcrypto was missing, so there is nothing to compare with\n");
    printf("%-28s %12s %12s\n", "", "ours", "by hand");
    missed = row("authorization URL", our_url, their_url, url, "goal: 2 x faster", 2, 0);
    missed += row("refresh, CPU time", our_refresh, their_refresh, refresh_cpu, "goal: 0.6 x the time", 0, 0.6);
    missed += row("refresh, elapsed", our_refresh, their_refresh, refresh, "", 0, 0);
    missed += row("token from memory", our_token, clock_reading, memory, "goal: 1.6 x the time", 0, 1.6);
    row("token JSON to object", our_restore, NULL, json, "", 0, 0);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    return missed > 0;
}
