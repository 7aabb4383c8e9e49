/* Custom stores: the example over files, and others that fail, lie or are incomplete. */

#include "check.h"
#include "logins.h"

#include <pthread.h>

#include "../../examples/c/file_store.h"

static char folder[] = "/tmp/sipgate-oauth2-XXXXXX";

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    CHECK(system(command) == 0);
}

/* A store that does what its members say, and counts how often its user data was freed. */
struct odd_store {
    pthread_mutex_t lock;
    int freed;
    sipgate_oauth2_store_answer load, save;
    const char *message;
    void (*fill)(sipgate_oauth2_store_entry *entry);
};

static sipgate_oauth2_store_answer odd_load(void *user_data, const char *key, sipgate_oauth2_store_entry *entry,
                                            sipgate_oauth2_store_error_message *problem)
{
    const struct odd_store *store = user_data;

    CHECK(strlen(key) == 64 && strspn(key, "0123456789abcdef") == 64);
    if (store->message != NULL)
        CHECK_OK(sipgate_oauth2_store_error_message_set(problem, store->message, &error));
    if (store->fill != NULL)
        store->fill(entry);
    return store->load;
}

static sipgate_oauth2_store_answer odd_save(void *user_data, const char *key, const char *expected,
                                            const sipgate_oauth2_store_entry *entry,
                                            sipgate_oauth2_store_error_message *problem)
{
    const struct odd_store *store = user_data;

    CHECK(strlen(key) == 64 && (expected == NULL || strlen(expected) < 64));
    CHECK(sipgate_oauth2_store_entry_version(entry).len == 22 && sipgate_oauth2_store_entry_expires_at(entry) >= -1);
    CHECK(sipgate_oauth2_store_entry_data(entry).data != NULL || sipgate_oauth2_store_entry_data(entry).len == 0);
    if (store->message != NULL)
        CHECK_OK(sipgate_oauth2_store_error_message_set(problem, store->message, &error));
    return store->save;
}

static void odd_free(void *user_data)
{
    struct odd_store *store = user_data;
    pthread_mutex_lock(&store->lock);
    store->freed++;
    pthread_mutex_unlock(&store->lock);
}

/* When a call has returned, the library may still be about to release the store. */
static void check_freed_once(struct odd_store *store)
{
    int attempts, freed = 0;

    for (attempts = 0; freed == 0 && attempts < 600; attempts++) {
        pthread_mutex_lock(&store->lock);
        freed = store->freed;
        pthread_mutex_unlock(&store->lock);
        if (freed == 0)
            wait_milliseconds(10);
    }
    CHECK_SAYING(freed == 1, "freed %d times", freed);
}

static sipgate_oauth2_store_functions functions_of(struct odd_store *store)
{
    const sipgate_oauth2_store_functions functions = {sizeof functions, store, odd_load, odd_save, odd_free, NULL};
    return functions;
}

static sipgate_oauth2_store *odd(struct odd_store *odd_store)
{
    const sipgate_oauth2_store_functions functions = functions_of(odd_store);
    sipgate_oauth2_store *store = NULL;

    CHECK_OK(sipgate_oauth2_store_new(&functions, NULL, &store, &error));
    return store;
}

/* The status and the error of a token request over this store. */
static sipgate_oauth2_status ask(struct odd_store *odd_store, sipgate_oauth2_error **error)
{
    sipgate_oauth2_store *store = odd(odd_store);
    sipgate_oauth2_client *client = client_with(store);
    sipgate_oauth2_token_source *source = NULL;
    sipgate_oauth2_secret *token = NULL;
    sipgate_oauth2_status status;

    CHECK_OK(sipgate_oauth2_client_token_source(client, "anna", &source, &error));
    status = sipgate_oauth2_token_source_access_token(source, NULL, &token, error);
    CHECK(token == NULL);
    sipgate_oauth2_token_source_free(source);
    sipgate_oauth2_client_free(client);
    sipgate_oauth2_store_free(store);
    check_freed_once(odd_store);
    return status;
}

static void an_incomplete_table_is_refused_and_its_user_data_is_not_freed(void)
{
    struct odd_store store = {PTHREAD_MUTEX_INITIALIZER, 0, SIPGATE_STORE_DONE, SIPGATE_STORE_DONE, NULL, NULL};
    struct {
        sipgate_oauth2_store_functions known;
        void *unknown;
    } later;
    sipgate_oauth2_store_functions functions;
    sipgate_oauth2_store *good = NULL;

#define CHECK_TABLE(name)                                                                                              \
    CHECK_UNTOUCHED(sipgate_oauth2_store, sipgate_oauth2_store_new(&functions, NULL, &out, &error), name)
    CHECK_UNTOUCHED(sipgate_oauth2_store, sipgate_oauth2_store_new(NULL, NULL, &out, &error), "functions");
    functions = functions_of(&store);
    CHECK_REFUSED(sipgate_oauth2_store_new(&functions, NULL, NULL, &error), "store");
    functions.size = 0;
    CHECK_TABLE("functions");
    functions.size = sizeof functions - 1;
    CHECK_TABLE("functions");
    functions.size = offsetof(sipgate_oauth2_store_functions, keys) - 1;
    CHECK_TABLE("functions");
    functions.size = SIZE_MAX;
    CHECK_TABLE("functions");
    /* A program that was compiled before `keys` was added. */
    functions.size = offsetof(sipgate_oauth2_store_functions, keys);
    CHECK_OK(sipgate_oauth2_store_new(&functions, NULL, &good, &error));
    sipgate_oauth2_store_free(good);
    check_freed_once(&store);
    store.freed = 0;
    functions = functions_of(&store);
    functions.load = NULL;
    CHECK_TABLE("functions");
    functions = functions_of(&store);
    functions.save = NULL;
    CHECK_TABLE("functions");
    later.known = functions_of(&store);
    later.known.size = sizeof later;
    later.unknown = &later;
    CHECK_UNTOUCHED(sipgate_oauth2_store, sipgate_oauth2_store_new(&later.known, NULL, &out, &error), "functions");
    CHECK(store.freed == 0);

    later.unknown = NULL;
    CHECK_OK(sipgate_oauth2_store_new(&later.known, NULL, &good, &error));
    sipgate_oauth2_store_free(good);
    check_freed_once(&store);
    functions = functions_of(NULL);
    functions.free = NULL;
    CHECK_OK(sipgate_oauth2_store_new(&functions, NULL, &good, &error));
    sipgate_oauth2_store_free(good);
}

static void the_message_of_a_store_that_fails_is_the_cause_of_the_error(void)
{
    struct odd_store silent = {PTHREAD_MUTEX_INITIALIZER, 0, SIPGATE_STORE_FAILED, SIPGATE_STORE_DONE, NULL, NULL};
    struct odd_store talking = {PTHREAD_MUTEX_INITIALIZER, 0,   4711, SIPGATE_STORE_DONE,
                                "the database is on fire", NULL};
    sipgate_oauth2_error *error = NULL;

    CHECK(ask(&silent, &error) == SIPGATE_STORE_UNAVAILABLE);
    CHECK(sipgate_oauth2_error_cause(error).len > 0 && sipgate_oauth2_error_retryable(error));
    sipgate_oauth2_error_free(error);
    error = NULL;
    CHECK(ask(&talking, &error) == SIPGATE_STORE_UNAVAILABLE);
    CHECK(sipgate_oauth2_error_cause(error).data != NULL
          && strcmp(sipgate_oauth2_error_cause(error).data, "the database is on fire") == 0);
    sipgate_oauth2_error_free(error);
    CHECK(sipgate_oauth2_error_cause(NULL).data == NULL);
}

static void fill_badly(sipgate_oauth2_store_entry *entry)
{
    const uint8_t data[] = {0, 1, 2};

    CHECK_TEXT(sipgate_oauth2_store_entry_set_version(entry, text, &error), "version");
    CHECK_REFUSED(sipgate_oauth2_store_entry_set_version(NULL, "v", &error), "entry");
    CHECK_REFUSED(sipgate_oauth2_store_entry_set_data(NULL, data, sizeof data, &error), "entry");
    CHECK_REFUSED(sipgate_oauth2_store_entry_set_data(entry, NULL, 1, &error), "data");
    CHECK_REFUSED(sipgate_oauth2_store_entry_set_expires_at(NULL, 1, &error), "entry");
    CHECK_REFUSED(sipgate_oauth2_store_error_message_set(NULL, "m", &error), "message");
    CHECK(sipgate_oauth2_store_entry_version(entry).data == NULL
          && sipgate_oauth2_store_entry_data(entry).data == NULL);
    CHECK(sipgate_oauth2_store_entry_version(NULL).data == NULL && sipgate_oauth2_store_entry_data(NULL).data == NULL);
    CHECK(sipgate_oauth2_store_entry_expires_at(entry) == -1 && sipgate_oauth2_store_entry_expires_at(NULL) == -1);
    CHECK_OK(sipgate_oauth2_store_entry_set_data(entry, data, sizeof data, &error));
    CHECK_OK(sipgate_oauth2_store_entry_set_expires_at(entry, 1, &error));
    CHECK(sipgate_oauth2_store_entry_data(entry).len == 3 && sipgate_oauth2_store_entry_expires_at(entry) == 1);
}

static void fill_with_rubbish(sipgate_oauth2_store_entry *entry)
{
    fill_badly(entry);
    CHECK_OK(sipgate_oauth2_store_entry_set_version(entry, "v", &error));
    CHECK(strcmp(sipgate_oauth2_store_entry_version(entry).data, "v") == 0);
}

static void an_incomplete_entry_is_a_failure_and_an_unreadable_one_is_corrupt(void)
{
    struct odd_store half = {PTHREAD_MUTEX_INITIALIZER, 0, SIPGATE_STORE_DONE, SIPGATE_STORE_DONE, NULL, fill_badly};
    struct odd_store rubbish = {PTHREAD_MUTEX_INITIALIZER, 0,    SIPGATE_STORE_DONE,
                                SIPGATE_STORE_DONE,        NULL, fill_with_rubbish};
    sipgate_oauth2_error *error = NULL;

    CHECK(ask(&half, &error) == SIPGATE_STORE_UNAVAILABLE);
    CHECK(sipgate_oauth2_error_cause(error).data != NULL
          && strstr(sipgate_oauth2_error_cause(error).data, "version") != NULL);
    sipgate_oauth2_error_free(error);
    CHECK(ask(&rubbish, NULL) == SIPGATE_STORE_CORRUPT);
}

static void a_store_that_lies_is_detected(void)
{
    struct odd_store liar = {PTHREAD_MUTEX_INITIALIZER, 0, SIPGATE_STORE_DONE, SIPGATE_STORE_DONE, NULL, NULL};
    sipgate_oauth2_store_violations *violations = NULL;
    sipgate_oauth2_store *store = odd(&liar), *memory = NULL;
    size_t count;

    CHECK_OK(sipgate_oauth2_store_check(store, &violations, &error));
    sipgate_oauth2_store_free(store);
    check_freed_once(&liar);
    count = sipgate_oauth2_store_violations_count(violations);
    CHECK(count > 0);
    CHECK(strncmp(sipgate_oauth2_store_violations_at(violations, 0).data, "broken: ", 8) == 0);
    CHECK(sipgate_oauth2_store_violations_at(violations, count).data == NULL);
    sipgate_oauth2_store_violations_free(violations);
    sipgate_oauth2_store_violations_free(NULL);
    CHECK(sipgate_oauth2_store_violations_count(NULL) == 0 && sipgate_oauth2_store_violations_at(NULL, 0).data == NULL);

    CHECK_OK(sipgate_oauth2_store_memory(NULL, &memory, &error));
    CHECK_UNTOUCHED(sipgate_oauth2_store_violations, sipgate_oauth2_store_check(NULL, &out, &error), "store");
    CHECK_UNTOUCHED(sipgate_oauth2_store_violations, sipgate_oauth2_store_check(memory, &out, &error), "store");
    CHECK_REFUSED(sipgate_oauth2_store_check(memory, NULL, &error), "violations");
    sipgate_oauth2_store_free(memory);
}

static sipgate_oauth2_store *over_files(void)
{
    sipgate_oauth2_store *store = NULL;
    CHECK_OK(file_store_new(folder, NULL, &store, &error));
    return store;
}

static void the_example_passes_the_store_check(void)
{
    sipgate_oauth2_store_violations *violations = NULL;
    sipgate_oauth2_store *store = over_files();
    size_t i;

    CHECK_OK(sipgate_oauth2_store_check(store, &violations, &error));
    for (i = 0; i < sipgate_oauth2_store_violations_count(violations); i++)
        CHECK_SAYING(0, "%s", sipgate_oauth2_store_violations_at(violations, i).data);
    sipgate_oauth2_store_violations_free(violations);
    sipgate_oauth2_store_free(store);
}

struct caller {
    sipgate_oauth2_token_source *source;
    sipgate_oauth2_secret *token;
};

static void *refresh(void *data)
{
    struct caller *caller = data;
    CHECK_OK(sipgate_oauth2_token_source_access_token(caller->source, NULL, &caller->token, &error));
    return NULL;
}

/* Four stores over the same files are as independent of each other as four processes. */
static void stores_over_the_same_files_share_a_login_and_its_refresh(void)
{
    sipgate_oauth2_store *stores[4];
    sipgate_oauth2_client *clients[4];
    sipgate_oauth2_secret *first = NULL;
    struct caller callers[4];
    pthread_t threads[4];
    unsigned long before;
    size_t i;

    for (i = 0; i < 4; i++) {
        stores[i] = over_files();
        clients[i] = client_with(stores[i]);
    }
    realm_post("settings", "{\"access_token_lifespan\":1}");
    callers[0].source = log_in(clients[0], "anna");
    CHECK_OK(sipgate_oauth2_token_source_access_token(callers[0].source, NULL, &first, &error));
    wait_milliseconds(1100);
    before = realm_counter("refresh_grants");
    realm_post("settings", "{\"access_token_lifespan\":300}");
    for (i = 0; i < 4; i++) {
        callers[i].token = NULL;
        if (i > 0)
            CHECK_OK(sipgate_oauth2_client_token_source(clients[i], "anna", &callers[i].source, &error));
        CHECK(pthread_create(&threads[i], NULL, refresh, &callers[i]) == 0);
    }
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < 4; i++) {
        CHECK(!same_secret(first, callers[i].token));
        sipgate_oauth2_secret_free(callers[i].token);
        sipgate_oauth2_token_source_free(callers[i].source);
        sipgate_oauth2_client_free(clients[i]);
        sipgate_oauth2_store_free(stores[i]);
    }
    CHECK(realm_counter("refresh_grants") == before + 1 && realm_counter("invalid_grant") == 0);
    sipgate_oauth2_secret_free(first);
}

static sipgate_oauth2_store_answer list(void *user_data, const char *after, size_t limit, sipgate_oauth2_store_keys *keys,
                                        sipgate_oauth2_store_error_message *problem)
{
    static const char first[] = "0000000000000000000000000000000000000000000000000000000000000000";

    CHECK(user_data != NULL && limit > 0 && problem != NULL);
    CHECK_REFUSED(sipgate_oauth2_store_keys_add(NULL, first, &error), "keys");
    CHECK_REFUSED(sipgate_oauth2_store_keys_add(keys, NULL, &error), "key");
    CHECK_REFUSED(sipgate_oauth2_store_keys_add(keys, "0", &error), "key");
    if (after == NULL)
        CHECK_OK(sipgate_oauth2_store_keys_add(keys, first, &error));
    return SIPGATE_STORE_DONE;
}

static void a_store_lists_its_keys_if_it_can(void)
{
    struct odd_store store = {PTHREAD_MUTEX_INITIALIZER, 0, SIPGATE_STORE_DONE, SIPGATE_STORE_DONE, NULL, NULL};
    int i;

    for (i = 0; i < 2; i++) {
        sipgate_oauth2_store_functions functions = functions_of(&store);
        sipgate_oauth2_store *made = NULL;
        sipgate_oauth2_client *client;
        sipgate_oauth2_json *accounts = NULL;

        functions.keys = i == 0 ? list : NULL;
        CHECK_OK(sipgate_oauth2_store_new(&functions, NULL, &made, &error));
        client = client_with(made);
        CHECK_UNTOUCHED(sipgate_oauth2_json, sipgate_oauth2_client_accounts(NULL, NULL, NULL, &out, &error), "client");
        CHECK_UNTOUCHED(sipgate_oauth2_json, sipgate_oauth2_client_accounts(client, "anna", NULL, &out, &error), "after");
        CHECK_REFUSED(sipgate_oauth2_client_accounts(client, NULL, NULL, NULL, &error), "accounts");
        CHECK_UNTOUCHED(sipgate_oauth2_json, sipgate_oauth2_client_keep_alive(NULL, 60, NULL, &out, &error), "client");
        CHECK_REFUSED(sipgate_oauth2_client_keep_alive(client, 60, NULL, NULL, &error), "report");
        if (i == 0) {
            CHECK_OK(sipgate_oauth2_client_accounts(client, NULL, NULL, &accounts, &error));
            CHECK(strcmp(sipgate_oauth2_json_text(accounts).data, "{\"accounts\":[],\"next\":null}") == 0);
        } else
            CHECK(sipgate_oauth2_client_accounts(client, NULL, NULL, &accounts, NULL) == SIPGATE_UNSUPPORTED);
        sipgate_oauth2_json_free(accounts);
        sipgate_oauth2_client_free(client);
        sipgate_oauth2_store_free(made);
        check_freed_once(&store);
        store.freed = 0;
    }
}

int main(void)
{
    CHECK(mkdtemp(folder) != NULL);
    strict_realm();
    an_incomplete_table_is_refused_and_its_user_data_is_not_freed();
    the_message_of_a_store_that_fails_is_the_cause_of_the_error();
    an_incomplete_entry_is_a_failure_and_an_unreadable_one_is_corrupt();
    a_store_that_lies_is_detected();
    a_store_lists_its_keys_if_it_can();
    the_example_passes_the_store_check();
    stores_over_the_same_files_share_a_login_and_its_refresh();
    remove_folder();
    return checks_failed != 0;
}
