/* The README's lines of C in a minimal application: a session, a browser, a request. */

#include <sipgate_oauth2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char session[4096], request_line[16384];
static const char *query_string = "";

static void session_keep(const char *exported)
{
    snprintf(session, sizeof session, "%s", exported);
}

static const char *session_take(void)
{
    return session;
}

/* Prints the URL for the browser, and reads the query string of the callback. */
static void redirect(const char *url)
{
    puts(url);
    fflush(stdout);
    if (fgets(request_line, sizeof request_line, stdin) != NULL) {
        request_line[strcspn(request_line, "\r\n")] = '\0';
        query_string = strchr(request_line, '?') != NULL ? strchr(request_line, '?') + 1 : "";
    }
}

static int fail(sipgate_oauth2_error *error)
{
    fprintf(stderr, "%s: %s\n", sipgate_oauth2_error_name(error), sipgate_oauth2_error_message(error).data);
    sipgate_oauth2_error_free(error);
    return 1;
}

int main(void)
{
    const char *base = getenv("DEMO_BASE_URL"), *client_id = getenv("SIPGATE_CLIENT_ID");
    const char *client_secret = getenv("SIPGATE_CLIENT_SECRET"), *redirect_uri = getenv("SIPGATE_REDIRECT_URI");
    sipgate_oauth2_secret *newer = NULL, *newer_header = NULL;

#include "readme_block.inc"

    if (sipgate_oauth2_token_source_refresh(source, NULL, &newer, &error)
        || sipgate_oauth2_token_source_authorization_header(source, NULL, &newer_header, &error))
        return fail(error);
    printf("%s\n%s\n", sipgate_oauth2_secret_text(header).data, sipgate_oauth2_secret_text(newer_header).data);
    sipgate_oauth2_secret_free(newer_header);
    sipgate_oauth2_secret_free(header);
    sipgate_oauth2_secret_free(exported);
    sipgate_oauth2_secret_free(newer);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_token_source_free(completed);
    sipgate_oauth2_authorization_request_free(restored);
    sipgate_oauth2_authorization_request_free(request);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_client_options_free(options);
    sipgate_oauth2_store_free(store);
    return 0;
}
