/* Token sources, their calls and statuses with NULL and invalid text: every function says which
 * argument is wrong, and writes no output. */

#include "check.h"

#include <stdlib.h>

static void of_the_client(const sipgate_oauth2_client *client)
{
    sipgate_oauth2_authorization_request *request = NULL;
    sipgate_oauth2_token_source *out = NULL;
    char *huge = calloc(1, 4096);

    memset(huge, 'a', 4095);
    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "a", NULL, &request, &error));
    CHECK_TEXT(sipgate_oauth2_client_token_source(client, text, &out, &error), "account");
    CHECK_REFUSED(sipgate_oauth2_client_token_source(client, "", &out, &error), "account");
    CHECK_REFUSED(sipgate_oauth2_client_token_source(client, huge, &out, &error), "account");
    CHECK_REFUSED(sipgate_oauth2_client_token_source(NULL, "anna", &out, &error), "client");
    CHECK_REFUSED(sipgate_oauth2_client_token_source(client, "anna", NULL, &error), "source");
    CHECK_TEXT(sipgate_oauth2_client_complete_login(client, request, text, "anna", NULL, &out, &error), "callback");
    CHECK_REFUSED(sipgate_oauth2_client_complete_login(client, request, "code=c", "\xff", NULL, &out, &error), "account");
    /* Without an account, the ID token names it, and this scope gets none. */
    CHECK_REFUSED(sipgate_oauth2_client_complete_login(client, request, "code=c", NULL, NULL, &out, &error), "account");
    CHECK_REFUSED(sipgate_oauth2_client_complete_login(client, request, "code=c", "", NULL, &out, &error), "account");
    CHECK_REFUSED(sipgate_oauth2_client_complete_login(client, NULL, "code=c", "anna", NULL, &out, &error), "request");
    CHECK_REFUSED(sipgate_oauth2_client_complete_login(NULL, request, "code=c", "anna", NULL, &out, &error), "client");
    CHECK_REFUSED(sipgate_oauth2_client_complete_login(client, request, "code=c", "anna", NULL, NULL, &error),
                  "source");
    CHECK_TEXT(sipgate_oauth2_client_login_in_browser(client, text, NULL, "anna", NULL, NULL, NULL, &out, &error),
               "scope");
    CHECK_REFUSED(sipgate_oauth2_client_login_in_browser(client, "a", NULL, "\xff", NULL, NULL, NULL, &out, &error),
                  "account");
    CHECK_REFUSED(sipgate_oauth2_client_login_in_browser(client, "a", NULL, NULL, NULL, NULL, NULL, &out, &error),
                  "account");
    CHECK_REFUSED(sipgate_oauth2_client_login_in_browser(NULL, "a", NULL, "anna", NULL, NULL, NULL, &out, &error),
                  "client");
    CHECK_REFUSED(sipgate_oauth2_client_login_in_browser(client, "a", NULL, "anna", NULL, NULL, NULL, NULL, &error),
                  "source");
    CHECK(sipgate_oauth2_client_complete_login(client, request, "code=c", "anna", NULL, &out, NULL)
          == SIPGATE_STATE_MISMATCH);
    CHECK(out == NULL);
    sipgate_oauth2_authorization_request_free(request);
    free(huge);
}

static void of_the_source(const sipgate_oauth2_client *client)
{
    static sipgate_oauth2_status (*const secrets[])(const sipgate_oauth2_token_source *,
                                                    const sipgate_oauth2_call_options *, sipgate_oauth2_secret **,
                                                    sipgate_oauth2_error **) = {
        sipgate_oauth2_token_source_access_token,
        sipgate_oauth2_token_source_authorization_header,
        sipgate_oauth2_token_source_refresh,
    };
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_token_set *tokens = NULL;
    size_t i;

    CHECK_OK(sipgate_oauth2_client_token_source(client, "anna", &source, &error));
    CHECK_OK(sipgate_oauth2_token_set_restore("{\"access_token\":\"a\"}", &tokens, &error));
    for (i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        sipgate_oauth2_secret *out = (sipgate_oauth2_secret *)&checks_failed;
        CHECK_UNTOUCHED(sipgate_oauth2_secret, secrets[i](NULL, NULL, &out, &error), "source");
        CHECK_REFUSED(secrets[i](source, NULL, NULL, &error), "secret");
        CHECK(secrets[i](source, NULL, &out, NULL) == SIPGATE_LOGIN_REQUIRED && (void *)out == (void *)&checks_failed);
    }
    CHECK_UNTOUCHED(sipgate_oauth2_secret, sipgate_oauth2_token_source_peek(NULL, &out, &error), "source");
    CHECK_REFUSED(sipgate_oauth2_token_source_peek(source, NULL, &error), "secret");
    CHECK_TEXT(sipgate_oauth2_token_source_invalidate(source, text, &error), "access_token");
    CHECK_REFUSED(sipgate_oauth2_token_source_invalidate(NULL, "a", &error), "source");
    CHECK_OK(sipgate_oauth2_token_source_invalidate(source, "", &error));
    CHECK_REFUSED(sipgate_oauth2_token_source_save(NULL, tokens, NULL, &error), "source");
    CHECK_REFUSED(sipgate_oauth2_token_source_save(source, NULL, NULL, &error), "tokens");
    CHECK_UNTOUCHED(sipgate_oauth2_token_status, sipgate_oauth2_token_source_status(NULL, NULL, &out, &error),
                    "source");
    CHECK_REFUSED(sipgate_oauth2_token_source_status(source, NULL, NULL, &error), "status");
    CHECK_REFUSED(sipgate_oauth2_token_source_logout(NULL, NULL, NULL, &error), "source");
    CHECK_REFUSED(sipgate_oauth2_token_source_forget(NULL, NULL, NULL, &error), "source");
    CHECK_REFUSED(sipgate_oauth2_token_source_ensure_saved(NULL, &error), "source");
    CHECK(sipgate_oauth2_token_source_account(NULL).data == NULL);
    CHECK(sipgate_oauth2_token_source_account_hash(NULL).data == NULL);
    sipgate_oauth2_token_set_free(tokens);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_token_source_free(NULL);
}

static void of_the_rest(void)
{
    sipgate_oauth2_call_options *call = sipgate_oauth2_call_options_new();

    CHECK_OK(sipgate_oauth2_call_options_set_min_validity_ms(call, UINT64_MAX, &error));
    CHECK_REFUSED(sipgate_oauth2_call_options_set_min_validity_ms(NULL, 0, &error), "options");
    sipgate_oauth2_call_options_free(call);
    CHECK(sipgate_oauth2_token_status_state(NULL).data == NULL && sipgate_oauth2_token_status_generation(NULL) == 0);
    CHECK(sipgate_oauth2_token_status_expires_at(NULL) == -1
          && sipgate_oauth2_token_status_refresh_expires_at(NULL) == -1);
    CHECK(sipgate_oauth2_token_status_scope(NULL).data == NULL && sipgate_oauth2_token_status_last_error(NULL) == NULL);
    CHECK(!sipgate_oauth2_token_status_unsaved(NULL));
    sipgate_oauth2_token_status_free(NULL);
}

int main(void)
{
    sipgate_oauth2_store *store = NULL;
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;

    CHECK_OK(sipgate_oauth2_store_memory(NULL, &store, &error));
    CHECK_OK(sipgate_oauth2_client_options_new_sipgate("c", &options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_redirect_uri(options, "https://app.example/cb", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_store(options, store, &error));
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    sipgate_oauth2_client_options_free(options);
    sipgate_oauth2_store_free(store);
    of_the_client(client);
    of_the_source(client);
    of_the_rest();
    sipgate_oauth2_client_free(client);
    return checks_failed != 0;
}
