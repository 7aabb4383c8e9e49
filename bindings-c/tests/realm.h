/* The local realm, for the tests of calls. */

#ifndef REALM_H
#define REALM_H

#include <stdlib.h>

#include "check.h"

/* A client of the local realm at REALM_HTTP, which the runner starts. */
static sipgate_oauth2_client *make_client(void)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    char base[256];

    snprintf(base, sizeof base, "%s/auth", getenv("REALM_HTTP"));
    CHECK_OK(sipgate_oauth2_client_options_new_keycloak(base, "third-party", "1000001-0-test:third-party", &options,
                                                        &error));
    CHECK_OK(sipgate_oauth2_client_options_set_client_secret(options, "test-secret-with-+-and-:", &error));
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    sipgate_oauth2_client_options_free(options);
    return client;
}

/* One refresh with an invalid token. The server's refusal shows that it received the request. */
static void refused(const sipgate_oauth2_client *client)
{
    sipgate_oauth2_token_set *tokens = NULL;
    sipgate_oauth2_error *error = NULL;

    CHECK(sipgate_oauth2_client_refresh(client, "refresh-canary", NULL, NULL, &tokens, &error)
          == SIPGATE_LOGIN_REQUIRED);
    CHECK(tokens == NULL);
    CHECK(sipgate_oauth2_error_status(error) == SIPGATE_LOGIN_REQUIRED
          && sipgate_oauth2_error_http_status(error) == 400);
    if (error == NULL)
        return;
    CHECK(strcmp(sipgate_oauth2_error_name(error), "SIPGATE_LOGIN_REQUIRED") == 0);
    CHECK(strcmp(sipgate_oauth2_error_family(error), "LoginRequiredError") == 0);
    CHECK(strcmp(sipgate_oauth2_error_remedy(error).data, "log_in_again") == 0);
    CHECK(sipgate_oauth2_error_oauth_error(error).data != NULL
          && strcmp(sipgate_oauth2_error_oauth_error(error).data, "invalid_grant") == 0);
    CHECK(sipgate_oauth2_error_oauth_error_description(error).len > 0);
    CHECK(!sipgate_oauth2_error_retryable(error) && sipgate_oauth2_error_retry_after_ms(error) == -1);
    CHECK(strstr(sipgate_oauth2_error_message(error).data, "canary") == NULL);
    sipgate_oauth2_error_free(error);
}

#endif
