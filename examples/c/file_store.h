/*
 * A custom store that uses files: a folder with a file for each login, for any number of threads
 * and processes on one machine. A file's first line is the entry's version and expiry, the rest is
 * its data. It shows what a custom store needs; sipgate_oauth2_store_sqlite is the better store.
 */

#ifndef FILE_STORE_H
#define FILE_STORE_H

#include <sipgate_oauth2.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_store {
    int folder;
};

struct file_entry {
    char version[64];
    int64_t expires_at;
    char *contents;
    size_t data, size;
};

static sipgate_oauth2_store_answer file_store_failed(const char *what, sipgate_oauth2_store_error_message *message)
{
    char text[256];
    snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
    sipgate_oauth2_store_error_message_set(message, text, NULL);
    return SIPGATE_STORE_FAILED;
}

/* The contents of a file, NUL-terminated, to be freed; NULL on failure, with errno set. */
static char *file_store_contents(int file, size_t *size)
{
    struct stat stat;
    char *contents = fstat(file, &stat) == 0 ? malloc((size_t)stat.st_size + 1) : NULL;
    ssize_t got = 1;
    for (*size = 0; contents != NULL && *size < (size_t)stat.st_size && got > 0; *size += got > 0 ? (size_t)got : 0)
        got = read(file, contents + *size, (size_t)stat.st_size - *size);
    if (contents != NULL && got >= 0) {
        contents[*size] = '\0';
        return contents;
    }
    free(contents);
    return NULL;
}

/* The entry of a key; free its contents, which are NULL if there is no entry. */
static sipgate_oauth2_store_answer file_store_read(int folder, const char *key, struct file_entry *entry,
                                                   sipgate_oauth2_store_error_message *message)
{
    const int file = openat(folder, key, O_RDONLY | O_CLOEXEC);
    char *line_end;

    memset(entry, 0, sizeof *entry);
    if (file < 0)
        return errno == ENOENT ? SIPGATE_STORE_DONE : file_store_failed("opening an entry", message);
    entry->contents = file_store_contents(file, &entry->size);
    close(file);
    if (entry->contents == NULL)
        return file_store_failed("reading an entry", message);
    line_end = strchr(entry->contents, '\n');
    if (line_end == NULL || sscanf(entry->contents, "%63s %" SCNd64, entry->version, &entry->expires_at) != 2) {
        free(entry->contents);
        errno = EINVAL;
        return file_store_failed("reading an entry", message);
    }
    entry->data = (size_t)(line_end + 1 - entry->contents);
    return SIPGATE_STORE_DONE;
}

static sipgate_oauth2_store_answer file_store_load(void *user_data, const char *key, sipgate_oauth2_store_entry *entry,
                                                   sipgate_oauth2_store_error_message *message)
{
    const struct file_store *store = user_data;
    struct file_entry found;
    const sipgate_oauth2_store_answer outcome = file_store_read(store->folder, key, &found, message);

    if (outcome == SIPGATE_STORE_DONE && found.contents != NULL) {
        sipgate_oauth2_store_entry_set_version(entry, found.version, NULL);
        sipgate_oauth2_store_entry_set_expires_at(entry, found.expires_at, NULL);
        sipgate_oauth2_store_entry_set_data(entry, (const uint8_t *)found.contents + found.data,
                                            found.size - found.data, NULL);
        free(found.contents);
    }
    return outcome;
}

static int file_store_write_all(int file, const void *bytes, size_t length)
{
    const char *at = bytes;
    ssize_t written = 0;
    for (; length > 0 && written >= 0; at += written, length -= (size_t)written)
        if ((written = write(file, at, length)) < 0)
            return -1;
    return 0;
}

/* Writes a new file and renames it in one step, so that a reader sees the old file or the new one.
 * Once this returns, the entry survives a power failure. */
static int file_store_write(int folder, const char *key, const sipgate_oauth2_store_entry *entry)
{
    const sipgate_oauth2_bytes data = sipgate_oauth2_store_entry_data(entry);
    char line[128];
    int file = openat(folder, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), written = -1;

    if (file < 0)
        return -1;
    snprintf(line, sizeof line, "%s %" PRId64 "\n", sipgate_oauth2_store_entry_version(entry).data,
             sipgate_oauth2_store_entry_expires_at(entry));
    if (file_store_write_all(file, line, strlen(line)) == 0 && file_store_write_all(file, data.data, data.len) == 0)
        written = fsync(file);
    close(file);
    if (written == 0 && renameat(folder, "new", folder, key) == 0)
        return fsync(folder);
    return -1;
}

static sipgate_oauth2_store_answer file_store_replace(int folder, const char *key, const char *expected,
                                                      const sipgate_oauth2_store_entry *entry,
                                                      sipgate_oauth2_store_error_message *message)
{
    struct file_entry found;
    const sipgate_oauth2_store_answer outcome = file_store_read(folder, key, &found, message);
    const int is_there = outcome == SIPGATE_STORE_DONE && found.contents != NULL;

    if (outcome != SIPGATE_STORE_DONE)
        return outcome;
    free(found.contents);
    if (expected == NULL ? is_there : !is_there || strcmp(found.version, expected) != 0)
        return SIPGATE_STORE_CONFLICT;
    return file_store_write(folder, key, entry) == 0 ? SIPGATE_STORE_DONE : file_store_failed("writing an entry", message);
}

/* Holds a lock, because no other caller may change the entry between the comparison and the
 * replacement. Each call opens the lock file itself, so that the lock excludes other threads as
 * well as other processes. */
static sipgate_oauth2_store_answer file_store_save(void *user_data, const char *key, const char *expected,
                                                   const sipgate_oauth2_store_entry *entry,
                                                   sipgate_oauth2_store_error_message *message)
{
    const struct file_store *store = user_data;
    const int lock = openat(store->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    sipgate_oauth2_store_answer outcome;

    if (lock < 0)
        return file_store_failed("opening the lock", message);
    if (flock(lock, LOCK_EX) == 0) {
        outcome = file_store_replace(store->folder, key, expected, entry, message);
        flock(lock, LOCK_UN);
    } else
        outcome = file_store_failed("locking", message);
    close(lock);
    return outcome;
}

static void file_store_free(void *user_data)
{
    struct file_store *store = user_data;
    close(store->folder);
    free(store);
}

/* A store in this folder, which is created if it does not exist. Free it with
 * sipgate_oauth2_store_free. Returns SIPGATE_STORE_UNAVAILABLE, without an error, if the folder
 * cannot be opened. */
static sipgate_oauth2_status file_store_new(const char *folder, const sipgate_oauth2_store_options *options,
                                            sipgate_oauth2_store **store, sipgate_oauth2_error **error)
{
    sipgate_oauth2_store_functions functions = {sizeof functions, NULL, file_store_load, file_store_save,
                                                file_store_free, NULL};
    struct file_store *user_data = malloc(sizeof *user_data);
    sipgate_oauth2_status status = SIPGATE_STORE_UNAVAILABLE;

    if (user_data == NULL)
        return status;
    mkdir(folder, 0700);
    user_data->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (user_data->folder >= 0) {
        functions.user_data = user_data;
        status = sipgate_oauth2_store_new(&functions, options, store, error);
        if (status == SIPGATE_OK)
            return status;
        close(user_data->folder);
    }
    free(user_data);
    return status;
}

#endif
