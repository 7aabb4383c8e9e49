/* Stores: what they refuse, what outlives them, and what is encrypted. */

#include "check.h"
#include "logins.h"

#include <sys/stat.h>

#define OLD_KEY "qkFQV6LIHCQMOm6MTHVoTu1u32GeYDmWMMn+rJpGhuo="
#define NEW_KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char folder[] = "/tmp/sipgate-oauth2-XXXXXX", path[64];

static void remove_database(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'*", path);
    CHECK(system(command) == 0);
}

/* A database that is encrypted with those of these keys that are not NULL. */
static sipgate_oauth2_store *database(const char *newest, const char *older)
{
    sipgate_oauth2_store_options *options = sipgate_oauth2_store_options_new();
    sipgate_oauth2_store *store = NULL;

    if (newest != NULL)
        CHECK_OK(sipgate_oauth2_store_options_add_encryption_key(options, newest, &error));
    if (older != NULL)
        CHECK_OK(sipgate_oauth2_store_options_add_encryption_key(options, older, &error));
    CHECK_OK(sipgate_oauth2_store_options_set_recheck_ms(options, 0, &error));
    CHECK_OK(sipgate_oauth2_store_sqlite(path, options, &store, &error));
    sipgate_oauth2_store_options_free(options);
    return store;
}

/* Requests the account's access token over this store. */
static sipgate_oauth2_status ask(sipgate_oauth2_store *store, sipgate_oauth2_secret **token,
                                 sipgate_oauth2_error **error)
{
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_status status;

    CHECK_OK(sipgate_oauth2_client_token_source(client, "anna", &source, &error));
    status = sipgate_oauth2_token_source_access_token(source, NULL, token, error);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
    return status;
}

static void of_options(void)
{
    sipgate_oauth2_store_options *options = sipgate_oauth2_store_options_new();
    const uint8_t bytes[33] = {0};

    CHECK_TEXT(sipgate_oauth2_store_options_add_encryption_key(options, text, &error), "encryption_keys");
    CHECK_REFUSED(sipgate_oauth2_store_options_add_encryption_key(options, "password", &error), "encryption_keys");
    CHECK_REFUSED(sipgate_oauth2_store_options_add_encryption_key(NULL, OLD_KEY, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_add_encryption_key_bytes(options, bytes, 31, &error), "encryption_keys");
    CHECK_REFUSED(sipgate_oauth2_store_options_add_encryption_key_bytes(options, bytes, 33, &error), "encryption_keys");
    CHECK_REFUSED(sipgate_oauth2_store_options_add_encryption_key_bytes(options, bytes, SIZE_MAX, &error),
                  "encryption_keys");
    CHECK_REFUSED(sipgate_oauth2_store_options_add_encryption_key_bytes(options, NULL, 32, &error), "encryption_keys");
    CHECK_REFUSED(sipgate_oauth2_store_options_add_encryption_key_bytes(options, NULL, 0, &error), "encryption_keys");
    CHECK_REFUSED(sipgate_oauth2_store_options_add_encryption_key_bytes(NULL, bytes, 32, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_recheck_ms(NULL, 1, &error), "options");
    CHECK_OK(sipgate_oauth2_store_options_set_recheck_ms(options, UINT64_MAX, &error));
    CHECK_OK(sipgate_oauth2_store_options_add_encryption_key_bytes(options, bytes, 32, &error));
    CHECK_UNTOUCHED(sipgate_oauth2_store, sipgate_oauth2_store_sqlite(NULL, options, &out, &error), "path");
    CHECK_UNTOUCHED(sipgate_oauth2_store, sipgate_oauth2_store_sqlite("\xff", options, &out, &error), "path");
    CHECK_REFUSED(sipgate_oauth2_store_sqlite(path, options, NULL, &error), "store");
    CHECK_REFUSED(sipgate_oauth2_store_options_allow_network_file_system(NULL, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_memory(options, NULL, &error), "store");
    CHECK(access(path, F_OK) != 0);
    sipgate_oauth2_store_options_free(options);
    sipgate_oauth2_store_options_free(NULL);
    sipgate_oauth2_store_free(NULL);
}

static void of_clients(void)
{
    sipgate_oauth2_client_options *options = NULL;
    sipgate_oauth2_client *client = NULL;
    sipgate_oauth2_authorization_request *request = NULL;
    sipgate_oauth2_store *store = NULL;

    CHECK_OK(sipgate_oauth2_store_memory(NULL, &store, &error));
    CHECK_OK(sipgate_oauth2_client_options_new_sipgate("c", &options, &error));
    CHECK_REFUSED(sipgate_oauth2_client_options_set_store(NULL, store, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_client_options_set_store(options, NULL, &error), "store");
    CHECK_OK(sipgate_oauth2_client_options_set_redirect_uri(options, "https://app.example/cb", &error));
    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    CHECK_UNTOUCHED(sipgate_oauth2_token_source, sipgate_oauth2_client_token_source(client, "anna", &out, &error),
                    "store");
    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "a", NULL, &request, &error));
    CHECK_UNTOUCHED(sipgate_oauth2_token_source,
                    sipgate_oauth2_client_complete_login(client, request, "code=c", "anna", NULL, &out, &error),
                    "store");
    sipgate_oauth2_authorization_request_free(request);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_client_options_free(options);
    sipgate_oauth2_store_free(store);
}

static void a_database_is_accessible_only_to_its_owner(void)
{
    struct stat stat_of_it;
    sipgate_oauth2_store *store = NULL;
    sipgate_oauth2_error *error = NULL;

    sipgate_oauth2_store_free(database(NULL, NULL));
    CHECK(stat(path, &stat_of_it) == 0 && (stat_of_it.st_mode & 0777) == 0600);
    CHECK(chmod(path, 0644) == 0);
    CHECK(sipgate_oauth2_store_sqlite(path, NULL, &store, &error) == SIPGATE_STORE_PERMISSIONS && store == NULL);
    CHECK(strstr(sipgate_oauth2_error_message(error).data, path) != NULL);
    CHECK(strcmp(sipgate_oauth2_error_remedy(error).data, "fix_configuration") == 0);
    sipgate_oauth2_error_free(error);
    CHECK(chmod(path, 0600) == 0);
    sipgate_oauth2_store_options *options = sipgate_oauth2_store_options_new();
    CHECK_OK(sipgate_oauth2_store_options_allow_network_file_system(options, &error));
    CHECK_OK(sipgate_oauth2_store_sqlite(path, options, &store, &error));
    sipgate_oauth2_store_free(store);
    sipgate_oauth2_store_options_free(options);
}

static void the_next_program_that_opens_the_database_has_the_login(void)
{
    sipgate_oauth2_store *store = database(NULL, NULL);
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_token_source *source = log_in(client, "anna");
    sipgate_oauth2_secret *token = NULL, *again = NULL;

    CHECK_OK(sipgate_oauth2_token_source_access_token(source, NULL, &token, &error));
    CHECK_OK(ask(database(NULL, NULL), &again, &error));
    CHECK(same_secret(token, again));
    sipgate_oauth2_secret_free(again);
    sipgate_oauth2_secret_free(token);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
}

static void an_encrypted_login_is_read_only_with_its_key(void)
{
    sipgate_oauth2_store *store = database(OLD_KEY, NULL);
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_secret *token = NULL;
    sipgate_oauth2_error *error = NULL;

    sipgate_oauth2_token_source_free(log_in(client, "anna"));
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
    CHECK(ask(database(NEW_KEY, NULL), &token, &error) == SIPGATE_STORE_CORRUPT && token == NULL);
    CHECK(strcmp(sipgate_oauth2_error_family(error), "StoreError") == 0);
    CHECK(strstr(sipgate_oauth2_error_message(error).data, "encryption_keys") != NULL);
    sipgate_oauth2_error_free(error);
    CHECK_OK(ask(database(NEW_KEY, OLD_KEY), &token, &error));
    sipgate_oauth2_secret_free(token);
}

int main(void)
{
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/logins.db", folder);
    strict_realm();
    of_options();
    of_clients();
    a_database_is_accessible_only_to_its_owner();
    remove_database();
    the_next_program_that_opens_the_database_has_the_login();
    remove_database();
    an_encrypted_login_is_read_only_with_its_key();
    remove_database();
    CHECK(rmdir(folder) == 0);
    return checks_failed != 0;
}
