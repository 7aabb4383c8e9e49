/* Handles outlive those that they were made from, in any order of freeing, and a text belongs to its
 * handle. */

#include "check.h"

#include <stdint.h>

static const char saved[] = "{\"access_token\":\"access-canary\",\"refresh_token\":\"refresh-canary\",\"scope\":[\"a\",\"b\"],\"expires_at\":1700000300,\"x\":[1]}";

static void handles_outlive_those_they_were_made_from(void)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_authorization_parameters *parameters = sipgate_oauth2_authorization_parameters_new();
    sipgate_oauth2_authorization_request *request = NULL, *restored = NULL;
    sipgate_oauth2_secret *exported = NULL;

    CHECK_OK(sipgate_oauth2_client_options_new(METADATA("https://a.example"), "c", &options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_client_secret(options, "secret", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_client_authentication(options, "client_secret_basic", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_redirect_uri(options, "https://app.example/cb", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_proxy(options, "direct", &error));
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    sipgate_oauth2_client_options_free(options);
    CHECK(strcmp(sipgate_oauth2_client_token_endpoint(client).data, "https://a.example/token") == 0);
    CHECK(strcmp(sipgate_oauth2_client_redirect_uri(client).data, "https://app.example/cb") == 0);

    CHECK_OK(sipgate_oauth2_authorization_parameters_set_return_to(parameters, "/inbox", &error));
    CHECK_OK(sipgate_oauth2_authorization_parameters_add_extra(parameters, "kc_idp_hint", "x", &error));
    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "a b", parameters, &request, &error));
    sipgate_oauth2_authorization_parameters_free(parameters);
    sipgate_oauth2_client_free(client);
    CHECK(strstr(sipgate_oauth2_authorization_request_url(request).data, "kc_idp_hint=x") != NULL);
    CHECK(strcmp(sipgate_oauth2_authorization_request_return_to(request).data, "/inbox") == 0);
    CHECK(strlen(sipgate_oauth2_authorization_request_state(request).data)
          == sipgate_oauth2_authorization_request_state(request).len);
    CHECK(sipgate_oauth2_authorization_request_expires_at(request)
          == sipgate_oauth2_authorization_request_created_at(request) + 1800);

    CHECK_OK(sipgate_oauth2_authorization_request_export(request, &exported, &error));
    CHECK_OK(
        sipgate_oauth2_authorization_request_restore(sipgate_oauth2_secret_text(exported).data, &restored, &error));
    CHECK(strcmp(sipgate_oauth2_authorization_request_url(request).data,
                 sipgate_oauth2_authorization_request_url(restored).data)
          == 0);
    sipgate_oauth2_authorization_request_free(request);
    sipgate_oauth2_secret_free(exported);
    sipgate_oauth2_authorization_request_free(restored);
}

static void secrets_outlive_their_tokens(void)
{
    sipgate_oauth2_token_set *tokens = NULL;
    sipgate_oauth2_secret *access_token = NULL, *refresh_token = NULL, *header = NULL,
                          *id_token = (sipgate_oauth2_secret *)&tokens;

    CHECK_OK(sipgate_oauth2_token_set_restore(saved, &tokens, &error));
    CHECK_OK(sipgate_oauth2_token_set_access_token(tokens, &access_token, &error));
    CHECK_OK(sipgate_oauth2_token_set_refresh_token(tokens, &refresh_token, &error));
    CHECK_OK(sipgate_oauth2_token_set_authorization_header(tokens, &header, &error));
    CHECK_OK(sipgate_oauth2_token_set_id_token(tokens, &id_token, &error));
    CHECK(id_token == NULL);
    CHECK(strcmp(sipgate_oauth2_token_set_scope(tokens).data, "a b") == 0);
    CHECK(strcmp(sipgate_oauth2_token_set_token_type(tokens).data, "Bearer") == 0);
    CHECK(strcmp(sipgate_oauth2_token_set_extra_json(tokens).data, "{\"x\":[1]}") == 0);
    CHECK(sipgate_oauth2_token_set_expires_at(tokens) == INT64_C(1700000300));
    sipgate_oauth2_token_set_free(tokens);
    CHECK(strcmp(sipgate_oauth2_secret_text(access_token).data, "access-canary") == 0);
    CHECK(strcmp(sipgate_oauth2_secret_text(refresh_token).data, "refresh-canary") == 0);
    CHECK(strcmp(sipgate_oauth2_secret_text(header).data, "Bearer access-canary") == 0);
    sipgate_oauth2_secret_free(header);
    sipgate_oauth2_secret_free(access_token);
    sipgate_oauth2_secret_free(refresh_token);
}

static void an_exported_token_set_is_the_same(void)
{
    sipgate_oauth2_token_set *tokens = NULL, *again = NULL;
    sipgate_oauth2_secret *exported = NULL, *exported_again = NULL;

    CHECK_OK(sipgate_oauth2_token_set_restore(saved, &tokens, &error));
    CHECK_OK(sipgate_oauth2_token_set_export(tokens, &exported, &error));
    CHECK_OK(sipgate_oauth2_token_set_restore(sipgate_oauth2_secret_text(exported).data, &again, &error));
    CHECK_OK(sipgate_oauth2_token_set_export(again, &exported_again, &error));
    CHECK(strcmp(sipgate_oauth2_secret_text(exported).data, sipgate_oauth2_secret_text(exported_again).data) == 0);
    sipgate_oauth2_token_set_free(again);
    sipgate_oauth2_token_set_free(tokens);
    sipgate_oauth2_secret_free(exported_again);
    sipgate_oauth2_secret_free(exported);
}

int main(void)
{
    handles_outlive_those_they_were_made_from();
    secrets_outlive_their_tokens();
    an_exported_token_set_is_the_same();
    return checks_failed != 0;
}
