/*
 * The main job: a complete login, an API call, a refresh, and the API call again. The configuration
 * is in the environment; the callback URL is read from standard input.
 */

#define _POSIX_C_SOURCE 200809L

#include <sipgate_oauth2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_get.h"

static const char *env(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "";
}

static void say(const char *step, const char *text)
{
    printf("%s: %s\n", step, text);
    fflush(stdout);
}

/* Prints an error and frees it. */
static int fail(sipgate_oauth2_error *error)
{
    fprintf(stderr, "error: %s: %s (remedy: %s)\n", sipgate_oauth2_error_name(error),
            sipgate_oauth2_error_message(error).data, sipgate_oauth2_error_remedy(error).data);
    sipgate_oauth2_error_free(error);
    return 1;
}

/* The contents of a small text file, to be freed; NULL if it cannot be read. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 65536);
    if (file != NULL && text != NULL)
        text[fread(text, 1, 65535, file)] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

static sipgate_oauth2_status make_client(sipgate_oauth2_client **client, sipgate_oauth2_error **error)
{
    sipgate_oauth2_client_options *options = NULL;
    char *certificates = getenv("DEMO_CA_FILE") != NULL ? read_file(env("DEMO_CA_FILE")) : NULL;
    sipgate_oauth2_status status = sipgate_oauth2_client_options_new_keycloak(
        env("DEMO_BASE_URL"), env("DEMO_REALM"), env("SIPGATE_CLIENT_ID"), &options, error);

    if (status == SIPGATE_OK)
        status = sipgate_oauth2_client_options_set_client_secret(options, env("SIPGATE_CLIENT_SECRET"), error);
    if (status == SIPGATE_OK)
        status = sipgate_oauth2_client_options_set_redirect_uri(options, env("SIPGATE_REDIRECT_URI"), error);
    if (status == SIPGATE_OK && certificates != NULL)
        status = sipgate_oauth2_client_options_set_ca_certificates(options, certificates, error);
    if (status == SIPGATE_OK)
        status = sipgate_oauth2_client_new(options, client, error);
    sipgate_oauth2_client_options_free(options);
    free(certificates);
    return status;
}

/* Sends the user to the login page, and waits for the callback. */
static sipgate_oauth2_status log_in(const sipgate_oauth2_client *client, sipgate_oauth2_token_set **tokens,
                                    sipgate_oauth2_error **error)
{
    sipgate_oauth2_authorization_request *request = NULL;
    char callback[16384] = "";
    sipgate_oauth2_status status =
        sipgate_oauth2_client_authorization_request(client, "balance:read", NULL, &request, error);

    if (status == SIPGATE_OK) {
        say("authorize", sipgate_oauth2_authorization_request_url(request).data);
        if (fgets(callback, sizeof callback, stdin) != NULL)
            callback[strcspn(callback, "\r\n")] = '\0';
        status = sipgate_oauth2_client_exchange_callback(client, request, callback, NULL, tokens, error);
    }
    sipgate_oauth2_authorization_request_free(request);
    return status;
}

static int show_balance(const sipgate_oauth2_token_set *tokens)
{
    sipgate_oauth2_secret *header = NULL;
    sipgate_oauth2_error *error = NULL;
    char body[4096];
    int ok;

    if (sipgate_oauth2_token_set_authorization_header(tokens, &header, &error) != SIPGATE_OK)
        return fail(error);
    ok = http_get(env("DEMO_API_URL"), getenv("DEMO_CA_FILE"), sipgate_oauth2_secret_text(header).data, body,
                  sizeof body);
    sipgate_oauth2_secret_free(header);
    if (!ok) {
        fprintf(stderr, "error: the API call failed\n");
        return 1;
    }
    say("api", body);
    return 0;
}

static long life(const sipgate_oauth2_token_set *tokens)
{
    return (long)(sipgate_oauth2_token_set_expires_at(tokens) - (int64_t)time(NULL));
}

static void wait_a_moment(void)
{
#ifdef _WIN32
    Sleep(200);
#else
    const struct timespec moment = {0, 200000000L};
    nanosleep(&moment, NULL);
#endif
}

static int run(const sipgate_oauth2_client *client, sipgate_oauth2_token_set **tokens, sipgate_oauth2_token_set **newer)
{
    sipgate_oauth2_error *error = NULL;
    char line[512];
    long lived;

    if (log_in(client, tokens, &error) != SIPGATE_OK)
        return fail(error);
    say("callback", "state and issuer match");
    if (sipgate_oauth2_token_set_refresh_expires_at(*tokens) < 0)
        snprintf(line, sizeof line, "access token for %ld s, refresh token for an unknown time, scope %s",
                 life(*tokens), sipgate_oauth2_token_set_scope(*tokens).data);
    else
        snprintf(line, sizeof line, "access token for %ld s, refresh token for %ld s, scope %s", life(*tokens),
                 (long)(sipgate_oauth2_token_set_refresh_expires_at(*tokens) - (int64_t)time(NULL)),
                 sipgate_oauth2_token_set_scope(*tokens).data);
    say("tokens", line);
    if (show_balance(*tokens) != 0)
        return 1;

    lived = life(*tokens);
    while (life(*tokens) >= 0)
        wait_a_moment();
    snprintf(line, sizeof line, "the access token expired after %ld s", lived);
    say("expired", line);

    if (sipgate_oauth2_client_refresh_tokens(client, *tokens, NULL, NULL, newer, &error) != SIPGATE_OK)
        return fail(error);
    snprintf(line, sizeof line, "new access token for %ld s", life(*newer));
    say("refresh", line);
    return show_balance(*newer);
}

int main(void)
{
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_token_set *tokens = NULL, *newer = NULL;
    sipgate_oauth2_error *error = NULL;
    int status = make_client(&client, &error) == SIPGATE_OK ? run(client, &tokens, &newer) : fail(error);

    if (status == 0)
        printf("done: c %s\n", sipgate_oauth2_version());
    sipgate_oauth2_token_set_free(newer);
    sipgate_oauth2_token_set_free(tokens);
    sipgate_oauth2_client_free(client);
    return status;
}
