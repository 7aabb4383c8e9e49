#include "own_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char key[65], version[64];
    uint8_t *data;
    size_t len;
    int64_t ends;
    struct entry *next;
};

struct own_store {
    char *name;
    /* How often it can still be written; less than 0: always. */
    long saves_left;
    /* As a database that was stopped: nothing is answered until this ends. */
    int hangs;
    struct entry *entries;
    struct own_store *next;
};

static struct own_store *stores;
/* Of all stores and what they hold. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answers = PTHREAD_COND_INITIALIZER;

static struct own_store *store_called(const char *name)
{
    struct own_store *store = stores;
    while (store != NULL && strcmp(store->name, name) != 0)
        store = store->next;
    if (store == NULL) {
        store = calloc(1, sizeof *store);
        store->name = calloc(1, strlen(name) + 1);
        strcpy(store->name, name);
        store->saves_left = -1;
        store->next = stores;
        stores = store;
    }
    return store;
}

static struct entry *find(const struct own_store *store, const char *key)
{
    struct entry *entry = store->entries;
    while (entry != NULL && strcmp(entry->key, key) != 0)
        entry = entry->next;
    return entry;
}

static void put(struct own_store *store, const char *key, const char *version, const uint8_t *data, size_t len, int64_t ends)
{
    struct entry *entry = find(store, key);

    if (entry == NULL) {
        entry = calloc(1, sizeof *entry);
        strcpy(entry->key, key);
        entry->next = store->entries;
        store->entries = entry;
    }
    strcpy(entry->version, version);
    free(entry->data);
    entry->data = malloc(len + 1);
    memcpy(entry->data, data, len);
    entry->len = len;
    entry->ends = ends;
}

static void empty(struct own_store *store)
{
    struct entry *entry, *next;

    for (entry = store->entries; entry != NULL; entry = next) {
        next = entry->next;
        free(entry->data);
        free(entry);
    }
    store->entries = NULL;
}

/* Under the lock, until the store does not hang. */
static void wait_for(const struct own_store *store)
{
    while (store->hangs)
        pthread_cond_wait(&answers, &lock);
}

static sipgate_oauth2_store_answer load(void *user_data, const char *key, sipgate_oauth2_store_entry *entry,
                                        sipgate_oauth2_store_error_message *problem)
{
    const struct own_store *store = user_data;
    const struct entry *found;

    (void)problem;
    pthread_mutex_lock(&lock);
    wait_for(store);
    found = find(store, key);
    if (found != NULL) {
        sipgate_oauth2_store_entry_set_version(entry, found->version, NULL);
        sipgate_oauth2_store_entry_set_data(entry, found->data, found->len, NULL);
        sipgate_oauth2_store_entry_set_expires_at(entry, found->ends, NULL);
    }
    pthread_mutex_unlock(&lock);
    return SIPGATE_STORE_DONE;
}

static sipgate_oauth2_store_answer swap(struct own_store *store, const char *key, const char *expected,
                                        const sipgate_oauth2_store_entry *entry)
{
    const sipgate_oauth2_bytes data = sipgate_oauth2_store_entry_data(entry);
    const struct entry *found = find(store, key);

    if (store->saves_left == 0)
        return SIPGATE_STORE_FAILED;
    if (store->saves_left > 0)
        store->saves_left--;
    if (expected == NULL ? found != NULL : found == NULL || strcmp(found->version, expected) != 0)
        return SIPGATE_STORE_CONFLICT;
    put(store, key, sipgate_oauth2_store_entry_version(entry).data, data.data, data.len,
        sipgate_oauth2_store_entry_expires_at(entry));
    return SIPGATE_STORE_DONE;
}

static sipgate_oauth2_store_answer save(void *user_data, const char *key, const char *expected,
                                        const sipgate_oauth2_store_entry *entry,
                                        sipgate_oauth2_store_error_message *problem)
{
    sipgate_oauth2_store_answer answer;

    pthread_mutex_lock(&lock);
    wait_for(user_data);
    answer = swap(user_data, key, expected, entry);
    pthread_mutex_unlock(&lock);
    if (answer == SIPGATE_STORE_FAILED)
        sipgate_oauth2_store_error_message_set(problem, "the disk is full", NULL);
    return answer;
}

sipgate_oauth2_status own_store_new(const struct json *settings, const sipgate_oauth2_store_options *options,
                                    sipgate_oauth2_store **store, sipgate_oauth2_error **error)
{
    const char *name = json_string(settings, "own");
    sipgate_oauth2_store_functions functions = {sizeof functions, NULL, load, save, NULL};

    pthread_mutex_lock(&lock);
    functions.user_data = store_called(name != NULL ? name : "");
    pthread_mutex_unlock(&lock);
    return sipgate_oauth2_store_new(&functions, options, store, error);
}

sipgate_oauth2_status store_limit(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    const struct json *saves = json_member(args, "saves");

    (void)ok;
    (void)error;
    pthread_mutex_lock(&lock);
    store_called(json_string(args, "own"))->saves_left = saves != NULL && saves->text != NULL ? strtol(saves->text, NULL, 10) : -1;
    pthread_mutex_unlock(&lock);
    return SIPGATE_OK;
}

sipgate_oauth2_status store_hang(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    const struct json *hangs = json_member(args, "hangs");

    (void)ok;
    (void)error;
    pthread_mutex_lock(&lock);
    store_called(json_string(args, "own"))->hangs = hangs != NULL && hangs->type == JSON_TRUE;
    pthread_cond_broadcast(&answers);
    pthread_mutex_unlock(&lock);
    return SIPGATE_OK;
}

sipgate_oauth2_status store_copy(const struct json *args, struct out *ok, sipgate_oauth2_error **error)
{
    const struct entry *entry;
    struct own_store *to;

    (void)ok;
    (void)error;
    pthread_mutex_lock(&lock);
    to = store_called(json_string(args, "to"));
    empty(to);
    for (entry = store_called(json_string(args, "own"))->entries; entry != NULL; entry = entry->next)
        put(to, entry->key, entry->version, entry->data, entry->len, entry->ends);
    pthread_mutex_unlock(&lock);
    return SIPGATE_OK;
}
