/* Every setter with every kind of bad text: it says which argument is wrong and does not change its
 * handle. */

#include "check.h"

#include <stdlib.h>

static char *huge;

/* The text may be accepted or refused. A refusal names the argument; otherwise the error is not
 * changed. */
static void check_settled(const char *call, const char *name, sipgate_oauth2_status status, sipgate_oauth2_error *error,
                          const sipgate_oauth2_error *before)
{
    sipgate_oauth2_str message;

    if (status == SIPGATE_OK) {
        CHECK_SAYING(error == before, "%s wrote an error though it worked", call);
        return;
    }
    message = sipgate_oauth2_error_message(error);
    CHECK_SAYING(status == SIPGATE_INVALID_ARGUMENT, "%s: %s", call, sipgate_oauth2_status_name(status));
    CHECK_SAYING(strncmp(message.data, name, strlen(name)) == 0 && message.data[strlen(name)] == ':', "%s: %s", call, message.data);
    sipgate_oauth2_error_free(error);
}

#define CHECK_SETTLED(set, handle, text, name)                                                                         \
    do {                                                                                                               \
        sipgate_oauth2_error *const before = (sipgate_oauth2_error *)&checks_failed, *error = before;                  \
        sipgate_oauth2_status status = set(handle, text, &error);                                                      \
        check_settled(#set, name, status, error, before);                                                              \
    } while (0)

#define CHECK_SETTER(set, handle, handle_name, name)                                                                                       \
    do {                                                                                                                                   \
        CHECK_REFUSED(set(NULL, "text", &error), handle_name);                                                                             \
        CHECK_REFUSED(set(handle, NULL, &error), name);                                                                                    \
        CHECK_REFUSED(set(handle, "\xff\xfe", &error), name);                                                                              \
        CHECK(set(NULL, NULL, NULL) == SIPGATE_INVALID_ARGUMENT);                                                                          \
        CHECK_SETTLED(set, handle, "", name);                                                                                              \
        CHECK_SETTLED(set, handle, huge, name);                                                                                            \
    } while (0)

static void of_options(void)
{
    sipgate_oauth2_client_options *options = NULL;

    CHECK_OK(sipgate_oauth2_client_options_new_sipgate("c", &options, &error));
    CHECK_SETTER(sipgate_oauth2_client_options_set_client_secret, options, "options", "client_secret");
    CHECK_SETTER(sipgate_oauth2_client_options_set_client_authentication, options, "options", "client_authentication");
    CHECK_SETTER(sipgate_oauth2_client_options_set_redirect_uri, options, "options", "redirect_uri");
    CHECK_SETTER(sipgate_oauth2_client_options_set_realm, options, "options", "realm");
    CHECK_SETTER(sipgate_oauth2_client_options_set_ca_certificates, options, "options", "ca_certificates");
    CHECK_SETTER(sipgate_oauth2_client_options_set_proxy, options, "options", "proxy");
    CHECK_SETTER(sipgate_oauth2_client_options_set_id_token_signed_response_alg, options, "options",
                 "id_token_signed_response_alg");
    CHECK_SETTER(sipgate_oauth2_client_options_set_trusted_audiences, options, "options", "trusted_audiences");
    sipgate_oauth2_client_options_free(options);
}

static sipgate_oauth2_status add_extra_name(sipgate_oauth2_authorization_parameters *parameters, const char *name,
                                            sipgate_oauth2_error **error)
{
    return sipgate_oauth2_authorization_parameters_add_extra(parameters, name, "value", error);
}

static sipgate_oauth2_status add_extra_value(sipgate_oauth2_authorization_parameters *parameters, const char *value,
                                             sipgate_oauth2_error **error)
{
    return sipgate_oauth2_authorization_parameters_add_extra(parameters, "name", value, error);
}

static void of_parameters(void)
{
    sipgate_oauth2_authorization_parameters *parameters = sipgate_oauth2_authorization_parameters_new();

    CHECK_SETTER(sipgate_oauth2_authorization_parameters_set_redirect_uri, parameters, "parameters", "redirect_uri");
    CHECK_SETTER(sipgate_oauth2_authorization_parameters_set_response_mode, parameters, "parameters", "response_mode");
    CHECK_SETTER(sipgate_oauth2_authorization_parameters_set_state, parameters, "parameters", "state");
    CHECK_SETTER(sipgate_oauth2_authorization_parameters_set_return_to, parameters, "parameters", "return_to");
    CHECK_SETTER(sipgate_oauth2_authorization_parameters_set_prompt, parameters, "parameters", "prompt");
    CHECK_SETTER(sipgate_oauth2_authorization_parameters_set_login_hint, parameters, "parameters", "login_hint");
    CHECK_SETTER(sipgate_oauth2_authorization_parameters_set_ui_locales, parameters, "parameters", "ui_locales");
    CHECK_SETTER(sipgate_oauth2_authorization_parameters_set_acr_values, parameters, "parameters", "acr_values");
    CHECK_SETTER(sipgate_oauth2_authorization_parameters_set_claims, parameters, "parameters", "claims");
    CHECK_SETTER(sipgate_oauth2_authorization_parameters_set_id_token_hint, parameters, "parameters", "id_token_hint");
    CHECK_SETTER(add_extra_name, parameters, "parameters", "extra");
    CHECK_SETTER(add_extra_value, parameters, "parameters", "extra");
    sipgate_oauth2_authorization_parameters_free(parameters);
}

static void of_codes(void)
{
    sipgate_oauth2_authorization_code *code = NULL;

    CHECK_OK(sipgate_oauth2_authorization_code_new("c", &code, &error));
    CHECK_SETTER(sipgate_oauth2_authorization_code_set_code_verifier, code, "code", "code_verifier");
    CHECK_SETTER(sipgate_oauth2_authorization_code_set_redirect_uri, code, "code", "redirect_uri");
    CHECK_SETTER(sipgate_oauth2_authorization_code_set_scope, code, "code", "scope");
    CHECK_SETTER(sipgate_oauth2_authorization_code_set_nonce, code, "code", "nonce");
    sipgate_oauth2_authorization_code_free(code);
}

static void of_discovery(void)
{
    sipgate_oauth2_discovery_options *options = sipgate_oauth2_discovery_options_new();

    CHECK_SETTER(sipgate_oauth2_discovery_options_set_ca_certificates, options, "options", "ca_certificates");
    CHECK_SETTER(sipgate_oauth2_discovery_options_set_proxy, options, "options", "proxy");
    sipgate_oauth2_discovery_options_free(options);
}

static void of_logouts(void)
{
    sipgate_oauth2_logout_parameters *parameters = sipgate_oauth2_logout_parameters_new();

    CHECK_SETTER(sipgate_oauth2_logout_parameters_set_id_token_hint, parameters, "parameters", "id_token_hint");
    CHECK_SETTER(sipgate_oauth2_logout_parameters_set_post_logout_redirect_uri, parameters, "parameters",
                 "post_logout_redirect_uri");
    CHECK_SETTER(sipgate_oauth2_logout_parameters_set_state, parameters, "parameters", "state");
    CHECK_SETTER(sipgate_oauth2_logout_parameters_set_logout_hint, parameters, "parameters", "logout_hint");
    CHECK_SETTER(sipgate_oauth2_logout_parameters_set_ui_locales, parameters, "parameters", "ui_locales");
    sipgate_oauth2_logout_parameters_free(parameters);
}

/* A value that was set before a failure is still used after it. */
static void a_setter_that_fails_changes_nothing(void)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_authorization_parameters *parameters = sipgate_oauth2_authorization_parameters_new();
    sipgate_oauth2_authorization_request *request = NULL;

    CHECK_OK(sipgate_oauth2_client_options_new_sipgate("c", &options, &error));
    CHECK_OK(sipgate_oauth2_client_options_set_redirect_uri(options, "https://app.example/cb", &error));
    CHECK_REFUSED(sipgate_oauth2_client_options_set_redirect_uri(options, "\xff", &error), "redirect_uri");
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    CHECK(strcmp(sipgate_oauth2_client_redirect_uri(client).data, "https://app.example/cb") == 0);
    CHECK_OK(sipgate_oauth2_authorization_parameters_set_state(parameters, "mine", &error));
    CHECK_REFUSED(sipgate_oauth2_authorization_parameters_set_state(parameters, NULL, &error), "state");
    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "a", parameters, &request, &error));
    CHECK(strcmp(sipgate_oauth2_authorization_request_state(request).data, "mine") == 0);
    sipgate_oauth2_authorization_request_free(request);
    sipgate_oauth2_authorization_parameters_free(parameters);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_client_options_free(options);
}

int main(void)
{
    const size_t size = 1024 * 1024;

    huge = malloc(size + 1);
    memset(huge, 'h', size);
    huge[size] = '\0';
    of_options();
    of_parameters();
    of_codes();
    of_discovery();
    of_logouts();
    a_setter_that_fails_changes_nothing();
    free(huge);
    return checks_failed != 0;
}
