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
    pthread_mutex_t lock;
    struct entry *entries;
};

static struct entry *find(const struct own_store *store, const char *key)
{
    struct entry *entry = store->entries;
    while (entry != NULL && strcmp(entry->key, key) != 0)
        entry = entry->next;
    return entry;
}

static sipgate_store_answer load(void *user_data, const char *key, sipgate_store_entry *entry, sipgate_store_problem *problem)
{
    struct own_store *store = user_data;
    const struct entry *found;

    (void)problem;
    pthread_mutex_lock(&store->lock);
    found = find(store, key);
    if (found != NULL) {
        sipgate_store_entry_set_version(entry, found->version, NULL);
        sipgate_store_entry_set_data(entry, found->data, found->len, NULL);
        sipgate_store_entry_set_ends(entry, found->ends, NULL);
    }
    pthread_mutex_unlock(&store->lock);
    return SIPGATE_STORE_DONE;
}

static void put(struct own_store *store, const char *key, const sipgate_store_entry *from)
{
    const sipgate_bytes data = sipgate_store_entry_data(from);
    struct entry *entry = find(store, key);

    if (entry == NULL) {
        entry = calloc(1, sizeof *entry);
        strcpy(entry->key, key);
        entry->next = store->entries;
        store->entries = entry;
    }
    strcpy(entry->version, sipgate_store_entry_version(from).data);
    free(entry->data);
    entry->data = malloc(data.len + 1);
    memcpy(entry->data, data.data, data.len);
    entry->len = data.len;
    entry->ends = sipgate_store_entry_ends(from);
}

static sipgate_store_answer save(void *user_data, const char *key, const char *expected, const sipgate_store_entry *entry,
                                 sipgate_store_problem *problem)
{
    struct own_store *store = user_data;
    const struct entry *found;
    int as_expected;

    (void)problem;
    pthread_mutex_lock(&store->lock);
    found = find(store, key);
    as_expected = expected == NULL ? found == NULL : found != NULL && strcmp(found->version, expected) == 0;
    if (as_expected)
        put(store, key, entry);
    pthread_mutex_unlock(&store->lock);
    return as_expected ? SIPGATE_STORE_DONE : SIPGATE_STORE_CONFLICT;
}

static void release(void *user_data)
{
    struct own_store *store = user_data;
    struct entry *entry, *next;

    for (entry = store->entries; entry != NULL; entry = next) {
        next = entry->next;
        free(entry->data);
        free(entry);
    }
    pthread_mutex_destroy(&store->lock);
    free(store);
}

sipgate_status own_store_new(const sipgate_store_options *options, sipgate_store **store, sipgate_error **error)
{
    struct own_store *own = calloc(1, sizeof *own);
    const sipgate_store_functions functions = {sizeof functions, own, load, save, release};
    sipgate_status status;

    pthread_mutex_init(&own->lock, NULL);
    status = sipgate_store_new(&functions, options, store, error);
    if (status != SIPGATE_OK)
        release(own);
    return status;
}
