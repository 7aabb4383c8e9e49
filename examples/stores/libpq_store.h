/*
 * A custom store: logins in PostgreSQL through libpq.
 *
 *     libpq_store_new("postgresql://app@db/app", NULL, &store, &error);
 *
 * Each call has its own connection and commits by itself: any number of threads and forked children
 * may use the store. With pgbouncer between, connecting is quick. `synchronous_commit` must be on
 * for the role, as it is by default. Once expired, entries may be deleted:
 * `DELETE FROM logins WHERE expires_at < extract(epoch FROM now())`.
 */

#ifndef LIBPQ_STORE_H
#define LIBPQ_STORE_H

#include <libpq-fe.h>
#include <sipgate_oauth2.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBPQ_STORE_TABLE                                                                                              \
    "SET LOCAL client_min_messages = warning;"                                                                         \
    "SELECT pg_advisory_xact_lock(hashtext('sipgate-oauth2 logins'));"                                                 \
    "CREATE TABLE IF NOT EXISTS logins (key text COLLATE \"C\" PRIMARY KEY, version text NOT NULL, data bytea NOT NULL, expires_at bigint)"

/* Runs one statement without a name. The caller clears the result and finishes the connection. */
static PGresult *libpq_store_run(const char *url, PGconn **connection, const char *statement, int count,
                                 const char *const *values, const int *lengths, const int *formats)
{
    *connection = PQconnectdb(url);
    if (PQstatus(*connection) != CONNECTION_OK)
        return NULL;
    if (count == 0)
        return PQexec(*connection, statement);
    return PQexecParams(*connection, statement, count, NULL, values, lengths, formats, 0);
}

/* Clears up, and returns what the store function returns. */
static sipgate_oauth2_store_answer libpq_store_done(PGconn *connection, PGresult *result, sipgate_oauth2_store_answer answer,
                                                    sipgate_oauth2_store_error_message *message)
{
    if (answer == SIPGATE_STORE_FAILED && message != NULL)
        sipgate_oauth2_store_error_message_set(message, PQerrorMessage(connection), NULL);
    PQclear(result);
    PQfinish(connection);
    return answer;
}

static sipgate_oauth2_store_answer libpq_store_load(void *url, const char *key, sipgate_oauth2_store_entry *entry,
                                                    sipgate_oauth2_store_error_message *message)
{
    PGconn *connection = NULL;
    PGresult *row = libpq_store_run(url, &connection, "SELECT version, data, expires_at FROM logins WHERE key = $1", 1, &key,
                                    NULL, NULL);
    sipgate_oauth2_store_answer answer = PQresultStatus(row) == PGRES_TUPLES_OK ? SIPGATE_STORE_DONE : SIPGATE_STORE_FAILED;

    if (answer == SIPGATE_STORE_DONE && PQntuples(row) == 1) {
        size_t length = 0;
        unsigned char *data = PQunescapeBytea((unsigned char *)PQgetvalue(row, 0, 1), &length);
        if (data == NULL || sipgate_oauth2_store_entry_set_version(entry, PQgetvalue(row, 0, 0), NULL)
            || sipgate_oauth2_store_entry_set_data(entry, data, length, NULL)
            || (!PQgetisnull(row, 0, 2)
                && sipgate_oauth2_store_entry_set_expires_at(entry, strtoll(PQgetvalue(row, 0, 2), NULL, 10), NULL)))
            answer = SIPGATE_STORE_FAILED;
        PQfreemem(data);
    }
    return libpq_store_done(connection, row, answer, message);
}

static sipgate_oauth2_store_answer libpq_store_save(void *url, const char *key, const char *expected_version,
                                                    const sipgate_oauth2_store_entry *entry,
                                                    sipgate_oauth2_store_error_message *message)
{
    const char *insert = "INSERT INTO logins (key, version, data, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    const char *update = "UPDATE logins SET version = $2, data = $3, expires_at = $4 WHERE key = $1 AND version = $5";
    const sipgate_oauth2_bytes data = sipgate_oauth2_store_entry_data(entry);
    const int64_t expires_at = sipgate_oauth2_store_entry_expires_at(entry);
    char expires[32];
    /* The data are binary, the rest is text. */
    const char *values[5] = {key, sipgate_oauth2_store_entry_version(entry).data, data.len > 0 ? (const char *)data.data : "",
                             expires_at == -1 ? NULL : expires, expected_version};
    const int lengths[5] = {0, 0, (int)data.len, 0, 0}, formats[5] = {0, 0, 1, 0, 0};
    PGconn *connection = NULL;
    PGresult *result;

    snprintf(expires, sizeof expires, "%" PRId64, expires_at);
    result = libpq_store_run(url, &connection, expected_version == NULL ? insert : update, expected_version == NULL ? 4 : 5, values,
                             lengths, formats);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return libpq_store_done(connection, result, SIPGATE_STORE_FAILED, message);
    return libpq_store_done(connection, result, strcmp(PQcmdTuples(result), "1") == 0 ? SIPGATE_STORE_DONE : SIPGATE_STORE_CONFLICT,
                            message);
}

static sipgate_oauth2_store_answer libpq_store_keys(void *url, const char *after, size_t limit, sipgate_oauth2_store_keys *keys,
                                                    sipgate_oauth2_store_error_message *message)
{
    char most[32];
    const char *values[2] = {after == NULL ? "" : after, most};
    PGconn *connection = NULL;
    PGresult *rows;
    sipgate_oauth2_store_answer answer;
    int i;

    snprintf(most, sizeof most, "%zu", limit);
    rows = libpq_store_run(url, &connection, "SELECT key FROM logins WHERE key > $1 ORDER BY key LIMIT $2::bigint", 2, values, NULL,
                           NULL);
    answer = PQresultStatus(rows) == PGRES_TUPLES_OK ? SIPGATE_STORE_DONE : SIPGATE_STORE_FAILED;
    for (i = 0; answer == SIPGATE_STORE_DONE && i < PQntuples(rows); i++)
        if (sipgate_oauth2_store_keys_add(keys, PQgetvalue(rows, i, 0), NULL))
            answer = SIPGATE_STORE_FAILED;
    return libpq_store_done(connection, rows, answer, message);
}

/* The store, which the caller owns. Makes the table if there is none. */
static inline sipgate_oauth2_status libpq_store_new(const char *url, const sipgate_oauth2_store_options *options,
                                                    sipgate_oauth2_store **store, sipgate_oauth2_error **error)
{
    sipgate_oauth2_store_functions functions;
    PGconn *connection = NULL;
    PGresult *made = libpq_store_run(url, &connection, LIBPQ_STORE_TABLE, 0, NULL, NULL, NULL);
    sipgate_oauth2_status status = PQresultStatus(made) == PGRES_COMMAND_OK ? SIPGATE_OK : SIPGATE_STORE_UNAVAILABLE;

    if (status != SIPGATE_OK)
        fprintf(stderr, "%s", PQerrorMessage(connection));
    libpq_store_done(connection, made, SIPGATE_STORE_DONE, NULL);
    if (status != SIPGATE_OK)
        return status;
    memset(&functions, 0, sizeof functions);
    functions.size = sizeof functions;
    functions.user_data = strdup(url);
    functions.load = libpq_store_load;
    functions.save = libpq_store_save;
    functions.free = free;
    functions.keys = libpq_store_keys;
    status = sipgate_oauth2_store_new(&functions, options, store, error);
    if (status != SIPGATE_OK)
        free(functions.user_data);
    return status;
}

#endif
