/*
 * What a process does first: an authorization URL, and with the argument `tls` a request, which
 * the server refuses. The environment describes the client; benches/first_call.py measures.
 */

#include <sipgate_oauth2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(sipgate_oauth2_status status, sipgate_oauth2_status expected, sipgate_oauth2_error *error)
{
    if (status != expected) {
        fprintf(stderr, "%s: %s\n", sipgate_oauth2_error_name(error), sipgate_oauth2_error_message(error).data);
        exit(1);
    }
    sipgate_oauth2_error_free(error);
}

int main(int count, char **arguments)
{
    sipgate_oauth2_client_options *options;
    sipgate_oauth2_client *client;
    sipgate_oauth2_authorization_request *request;
    sipgate_oauth2_token_set *tokens;
    sipgate_oauth2_error *error = NULL;

    must(sipgate_oauth2_client_options_new_from_env(&options, &error), SIPGATE_OK, error);
    must(sipgate_oauth2_client_new(options, &client, &error), SIPGATE_OK, error);
    sipgate_oauth2_client_options_free(options);
    must(sipgate_oauth2_client_authorization_request(client, "balance:read", NULL, &request, &error), SIPGATE_OK, error);
    sipgate_oauth2_authorization_request_free(request);
    if (count == 2 && strcmp(arguments[1], "tls") == 0)
        must(sipgate_oauth2_client_refresh(client, "unknown", NULL, NULL, &tokens, &error), SIPGATE_LOGIN_REQUIRED, error);
    sipgate_oauth2_client_free(client);
    return 0;
}
