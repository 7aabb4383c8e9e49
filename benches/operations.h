/* What benchmarks measure of this library, with the client and the login that they have made. */

#include <sipgate_oauth2.h>

#include <stdio.h>
#include <stdlib.h>

static sipgate_oauth2_client *client;
static sipgate_oauth2_token_source *source;
static char refresh_token[8192];

static inline void must(sipgate_oauth2_status status, sipgate_oauth2_error *error)
{
    if (status != SIPGATE_OK) {
        fprintf(stderr, "%s: %s\n", sipgate_oauth2_error_name(error), sipgate_oauth2_error_message(error).data);
        exit(1);
    }
}

static inline void our_url(void)
{
    sipgate_oauth2_authorization_request *request;
    sipgate_oauth2_error *error = NULL;
    must(sipgate_oauth2_client_authorization_request(client, "balance:read", NULL, &request, &error), error);
    if (sipgate_oauth2_authorization_request_url(request).len < 100)
        exit(1);
    sipgate_oauth2_authorization_request_free(request);
}

static inline void our_token(void)
{
    sipgate_oauth2_secret *token;
    sipgate_oauth2_error *error = NULL;
    must(sipgate_oauth2_token_source_access_token(source, NULL, &token, &error), error);
    sipgate_oauth2_secret_free(token);
}

static inline void our_refresh(void)
{
    sipgate_oauth2_token_set *tokens;
    sipgate_oauth2_error *error = NULL;
    must(sipgate_oauth2_client_refresh(client, refresh_token, NULL, NULL, &tokens, &error), error);
    sipgate_oauth2_token_set_free(tokens);
}
