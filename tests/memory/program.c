/* Logs in, refreshes, frees everything, and waits to be inspected. */

#include <sipgate_oauth2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char marker[] = "a marker of the program";

static void check(sipgate_oauth2_status status, sipgate_oauth2_error *error)
{
    if (status == SIPGATE_OK)
        return;
    fprintf(stderr, "error: %s\n", sipgate_oauth2_error_message(error).data);
    exit(1);
}

static void get_access_token(const sipgate_oauth2_token_source *source, int invalidate)
{
    sipgate_oauth2_secret *token = NULL;
    sipgate_oauth2_error *error = NULL;

    check(sipgate_oauth2_token_source_access_token(source, NULL, &token, &error), error);
    if (invalidate)
        check(sipgate_oauth2_token_source_invalidate(source, sipgate_oauth2_secret_text(token).data, &error), error);
    sipgate_oauth2_secret_free(token);
}

int main(void)
{
    const char *base = getenv("BASE");
    char metadata[1024], callback[1024];
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_store *store = NULL;
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_authorization_request *request = NULL, *restored = NULL;
    sipgate_oauth2_secret *exported = NULL, *header = NULL;
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_error *error = NULL;

    snprintf(metadata, sizeof metadata,
             "{\"issuer\": \"%s\", \"authorization_endpoint\": \"%s/auth\", \"token_endpoint\": \"%s/token\"}", base,
             base, base);
    if (*getenv("STORE") != '\0')
        check(sipgate_oauth2_store_sqlite(getenv("STORE"), NULL, &store, &error), error);
    else
        check(sipgate_oauth2_store_memory(NULL, &store, &error), error);
    check(sipgate_oauth2_client_options_new(metadata, "a-client", &options, &error), error);
    check(sipgate_oauth2_client_options_set_redirect_uri(options, "http://127.0.0.1/callback", &error), error);
    check(sipgate_oauth2_client_options_set_store(options, store, &error), error);
    check(sipgate_oauth2_client_new(options, &client, &error), error);

    check(sipgate_oauth2_client_authorization_request(client, "balance:read", NULL, &request, &error), error);
    check(sipgate_oauth2_authorization_request_export(request, &exported, &error), error);
    check(sipgate_oauth2_authorization_request_restore(sipgate_oauth2_secret_text(exported).data, &restored, &error),
          error);
    printf("%s\n", sipgate_oauth2_authorization_request_url(request).data);
    fflush(stdout);
    if (fgets(callback, sizeof callback, stdin) == NULL)
        return 1;
    callback[strcspn(callback, "\n")] = '\0';
    check(sipgate_oauth2_client_complete_login(client, restored, callback, "user-42", NULL, &source, &error), error);

    get_access_token(source, 1);
    get_access_token(source, 0);
    check(sipgate_oauth2_token_source_authorization_header(source, NULL, &header, &error), error);

    sipgate_oauth2_secret_free(header);
    sipgate_oauth2_secret_free(exported);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_authorization_request_free(request);
    sipgate_oauth2_authorization_request_free(restored);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_client_options_free(options);
    sipgate_oauth2_store_free(store);
    printf("freed\n");
    fflush(stdout);
    return fgets(marker, sizeof marker, stdin) == NULL;
}
