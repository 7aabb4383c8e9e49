/*
 * A custom store: a folder of files, whose path is the only argument. Checks that it fulfills the
 * promises that the library relies on, as the tests of a custom store should, and creates a client
 * with it.
 */

#define _POSIX_C_SOURCE 200809L

#include <sipgate_oauth2.h>

#include <stdio.h>

#include "file_store.h"

static int keeps_its_promises(const sipgate_oauth2_store *store)
{
    sipgate_oauth2_store_violations *violations = NULL;
    size_t i, count = 1;

    if (sipgate_oauth2_store_check(store, &violations, NULL) == SIPGATE_OK)
        count = sipgate_oauth2_store_violations_count(violations);
    for (i = 0; i < count; i++)
        printf("%s\n", sipgate_oauth2_store_violations_at(violations, i).data);
    sipgate_oauth2_store_violations_free(violations);
    return count == 0;
}

static sipgate_oauth2_status make_client(const sipgate_oauth2_store *store, sipgate_oauth2_client **client)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_status status = sipgate_oauth2_client_options_new_sipgate(
        "2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e:third-party", &options, NULL);

    if (status == SIPGATE_OK)
        status = sipgate_oauth2_client_options_set_store(options, store, NULL);
    if (status == SIPGATE_OK)
        status = sipgate_oauth2_client_new(options, client, NULL);
    sipgate_oauth2_client_options_free(options);
    return status;
}

int main(int count, char **arguments)
{
    sipgate_oauth2_store *store = NULL;
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_secret *token = NULL;
    sipgate_oauth2_status status = file_store_new(count > 1 ? arguments[1] : "logins", NULL, &store, NULL);
    int good;

    if (status != SIPGATE_OK) {
        fprintf(stderr, "the folder cannot be used: %s\n", sipgate_oauth2_status_name(status));
        return 1;
    }
    good = keeps_its_promises(store);
    if (make_client(store, &client) == SIPGATE_OK
        && sipgate_oauth2_client_token_source(client, "user-42", &source, NULL) == SIPGATE_OK) {
        status = sipgate_oauth2_token_source_access_token(source, NULL, &token, NULL);
        printf("the store is %s; user-42: %s\n", good ? "good" : "not good", sipgate_oauth2_status_name(status));
    }
    sipgate_oauth2_secret_free(token);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
    return good ? 0 : 1;
}
