#include "objects.h"

#include <sipgate_oauth2.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct object {
    char *name;
    void *handle;
    struct object *next;
};

static struct object *objects[KINDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void release(enum kind kind, void *handle)
{
    switch (kind) {
    case CLIENT:
        sipgate_oauth2_client_free(handle);
        break;
    case PENDING:
        sipgate_oauth2_authorization_request_free(handle);
        break;
    case TOKENS:
        sipgate_oauth2_token_set_free(handle);
        break;
    case SOURCE:
        sipgate_oauth2_token_source_free(handle);
        break;
    default:
        sipgate_oauth2_cancel_token_free(handle);
    }
}

static struct object *find(enum kind kind, const char *name)
{
    struct object *object = objects[kind];
    while (object != NULL && name != NULL && strcmp(object->name, name) != 0)
        object = object->next;
    return name != NULL ? object : NULL;
}

static void keep(enum kind kind, const char *name, void *handle)
{
    struct object *object = find(kind, name);
    if (object != NULL)
        release(kind, object->handle);
    else {
        object = calloc(1, sizeof *object);
        object->name = calloc(1, strlen(name) + 1);
        strcpy(object->name, name);
        object->next = objects[kind];
        objects[kind] = object;
    }
    object->handle = handle;
}

void *object_find(enum kind kind, const char *name)
{
    struct object *object;
    pthread_mutex_lock(&lock);
    object = find(kind, name);
    pthread_mutex_unlock(&lock);
    return object != NULL ? object->handle : NULL;
}

void object_keep(enum kind kind, const char *name, void *handle)
{
    pthread_mutex_lock(&lock);
    keep(kind, name != NULL ? name : "", handle);
    pthread_mutex_unlock(&lock);
}

void *object_cancel(const char *name)
{
    struct object *object;
    pthread_mutex_lock(&lock);
    object = find(CANCEL, name);
    if (object == NULL) {
        keep(CANCEL, name, sipgate_oauth2_cancel_token_new());
        object = find(CANCEL, name);
    }
    pthread_mutex_unlock(&lock);
    return object->handle;
}
