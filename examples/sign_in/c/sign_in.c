/* Sign in with sipgate, in C, and an API call with libcurl: `cmake -B build && cmake --build build`. */

#include <curl/curl.h>
#include <sipgate_oauth2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web.h"

static const char SIGN_IN[] = "<a href=\"/login\">Sign in with sipgate</a>";
static sipgate_oauth2_client *client;

/* A page for each kind of error. */
static void failed(sipgate_oauth2_error *error)
{
    const char *remedy = sipgate_oauth2_error_remedy(error).data;

    fprintf(stderr, "%s: %s\n", sipgate_oauth2_error_name(error), sipgate_oauth2_error_message(error).data);
    if (!strcmp(remedy, "log_in_again") || !strcmp(remedy, "discard_input"))
        respond(400, SIGN_IN);
    else if (!strcmp(remedy, "show_denied"))
        respond(403, SIGN_IN);
    else if (!strcmp(remedy, "try_later"))
        respond(503, "sipgate does not respond. Please reload this page in a minute.");
    else
        respond(500, "This is our mistake, and it is in our log.");
    sipgate_oauth2_error_free(error);
}

void page_login(void)
{
    sipgate_oauth2_authorization_request *request = NULL;
    sipgate_oauth2_secret *exported = NULL;
    sipgate_oauth2_error *error;

    if (sipgate_oauth2_client_authorization_request(client, "openid balance:read", NULL, &request, &error)
        || sipgate_oauth2_authorization_request_export(request, &exported, &error)) {
        failed(error);
    } else {
        session_set(sipgate_oauth2_authorization_request_state(request).data, sipgate_oauth2_secret_text(exported).data);
        redirect(sipgate_oauth2_authorization_request_url(request).data);
    }
    sipgate_oauth2_secret_free(exported);
    sipgate_oauth2_authorization_request_free(request);
}

void page_auth(void)
{
    const char *callback = query_string(), *kept = session_get(parameter("state"));
    sipgate_oauth2_authorization_request *request = NULL;
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_error *error;

    if (sipgate_oauth2_authorization_request_restore(kept, &request, &error)
        || sipgate_oauth2_client_complete_login(client, request, callback, NULL, NULL, &source, &error)) {
        failed(error);
    } else {
        session_set("account", sipgate_oauth2_token_source_account(source).data);
        redirect("/");
    }
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_authorization_request_free(request);
}

void page_home(void)
{
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_json *claims = NULL;
    sipgate_oauth2_error *error;

    if (*session_get("account") == '\0')
        respond(200, SIGN_IN);
    else if (sipgate_oauth2_client_token_source(client, session_get("account"), &source, &error)
             || sipgate_oauth2_token_source_claims(source, NULL, &claims, &error))
        failed(error);
    else
        respond(200, sipgate_oauth2_json_text(claims).data); /* with `email` in it */
    sipgate_oauth2_json_free(claims);
    sipgate_oauth2_token_source_free(source);
}

/* An API call, with libcurl. */
static size_t print(char *data, size_t size, size_t count, void *ignored)
{
    (void)ignored;
    return fwrite(data, size, count, stdout);
}

static int request_balance(const char *header)
{
    const char *api = getenv("SIPGATE_API");
    char url[256], field[8192];
    struct curl_slist *headers;
    CURL *curl = curl_easy_init();
    CURLcode outcome;

    snprintf(url, sizeof url, "%s/v2/balance", api ? api : "https://api.sipgate.com");
    snprintf(field, sizeof field, "Authorization: %s", header);
    headers = curl_slist_append(NULL, field);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, print);
    respond(200, "");
    outcome = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return outcome;
}

void page_balance(void)
{
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_secret *header = NULL;
    sipgate_oauth2_error *error;

    if (*session_get("account") == '\0')
        redirect("/login");
    else if (sipgate_oauth2_client_token_source(client, session_get("account"), &source, &error)
             || sipgate_oauth2_token_source_authorization_header(source, NULL, &header, &error))
        failed(error);
    else if (request_balance(sipgate_oauth2_secret_text(header).data))
        fprintf(stderr, "no balance\n");
    sipgate_oauth2_secret_free(header);
    sipgate_oauth2_token_source_free(source);
}

/* Where users find this application: the redirect URI without its path. */
static const char *home_address(void)
{
    static char address[256];
    const char *redirect_uri = sipgate_oauth2_client_redirect_uri(client).data;
    int length = 0;

    sscanf(redirect_uri, "%*[^:]://%*[^/]%n", &length);
    snprintf(address, sizeof address, "%.*s/", length, redirect_uri);
    return address;
}

void page_logout(void)
{
    sipgate_oauth2_logout_parameters *parameters = sipgate_oauth2_logout_parameters_new();
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_secret *url = NULL;
    sipgate_oauth2_error *error;
    bool revoked;

    if (*session_get("account") == '\0')
        redirect("/");
    else if (sipgate_oauth2_client_token_source(client, session_get("account"), &source, &error)
             || sipgate_oauth2_logout_parameters_set_post_logout_redirect_uri(parameters, home_address(), &error)
             || sipgate_oauth2_client_logout_url(client, source, parameters, NULL, &url, &error)
             || sipgate_oauth2_token_source_logout(source, NULL, &revoked, &error))
        failed(error);
    else {
        session_set("account", "");
        redirect(sipgate_oauth2_secret_text(url).data);
    }
    sipgate_oauth2_secret_free(url);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_logout_parameters_free(parameters);
}

void page_backchannel_logout(void)
{
    sipgate_oauth2_json *accounts = NULL;
    sipgate_oauth2_error *error;

    if (sipgate_oauth2_client_accept_logout_token(client, parameter("logout_token"), NULL, &accounts, &error))
        failed(error);
    else
        respond(200, "");
    sipgate_oauth2_json_free(accounts);
}

int start(void)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_error *error = NULL;

    if (sipgate_oauth2_client_options_new_from_env(&options, &error)
        || sipgate_oauth2_client_new(options, &client, &error))
        fprintf(stderr, "%s\n", sipgate_oauth2_error_message(error).data);
    sipgate_oauth2_client_options_free(options);
    sipgate_oauth2_error_free(error);
    return client == NULL;
}

int main(void)
{
    const char *path = variable("PATH_INFO");
    bool is_post = !strcmp(variable("REQUEST_METHOD"), "POST");

    posted[fread(posted, 1, sizeof posted - 1, stdin)] = '\0';
    if (start())
        return 1;
    if (!strcmp(path, "/login"))
        page_login();
    else if (!strcmp(path, "/auth"))
        page_auth();
    else if (!strcmp(path, "/balance"))
        page_balance();
    else if (!strcmp(path, "/logout") && is_post)
        page_logout();
    else if (!strcmp(path, "/backchannel-logout"))
        page_backchannel_logout();
    else
        page_home();
    return 0;
}
