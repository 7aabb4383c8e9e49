/* A minimal test library: checks that report a failure and continue, and a count of failures at the
 * end of the program. */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <string.h>

#include <sipgate_oauth2.h>

static int checks_failed;

/* The metadata of a server whose issuer is this literal, and its required members. */
#define METADATA(issuer) "{" MEMBERS(issuer) "}"
#define MEMBERS(issuer)                                                                                                \
    "\"issuer\": \"" issuer                                                                                            \
    "\", \"authorization_endpoint\": \"https://a.example/auth\", \"token_endpoint\": \"https://a.example/token\""

#define CHECK(condition) CHECK_SAYING(condition, "%s", #condition)
#define CHECK_SAYING(condition, ...)                                                                                                       \
    do {                                                                                                                                   \
        if (!(condition)) {                                                                                                                \
            checks_failed++;                                                                                                               \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                                \
            fprintf(stderr, __VA_ARGS__);                                                                                                  \
            fprintf(stderr, "\n");                                                                                                         \
        }                                                                                                                                  \
    } while (0)

/* Fails unless the call succeeds. Shows and frees the error. */
#define CHECK_OK(call)                                                                                                 \
    do {                                                                                                               \
        sipgate_oauth2_error *error = NULL;                                                                            \
        sipgate_oauth2_status status_ = (call);                                                                        \
        CHECK_SAYING(status_ == SIPGATE_OK, "%s: %s: %s", #call, sipgate_oauth2_status_name(status_),                  \
                     sipgate_oauth2_error_message(error).data);                                                        \
        sipgate_oauth2_error_free(error);                                                                              \
    } while (0)

/* Fails unless the call is refused for an argument whose name begins the message. */
#define CHECK_REFUSED(call, name)                                                                                      \
    do {                                                                                                               \
        sipgate_oauth2_error *error = NULL;                                                                            \
        sipgate_oauth2_status status_ = (call);                                                                        \
        sipgate_oauth2_str message_ = sipgate_oauth2_error_message(error);                                             \
        CHECK_SAYING(status_ == SIPGATE_INVALID_ARGUMENT, "%s: %s", #call, sipgate_oauth2_status_name(status_));       \
        CHECK_SAYING(message_.data != NULL && strncmp(message_.data, name ": ", strlen(name ": ")) == 0, "%s: %s",     \
                     #call, message_.data);                                                                            \
        sipgate_oauth2_error_free(error);                                                                              \
    } while (0)

/* Fails unless the call, which passes `text`, refuses NULL and invalid text. */
#define CHECK_TEXT(call, name)                                                                                                             \
    do {                                                                                                                                   \
        const char *text = NULL;                                                                                                           \
        CHECK_REFUSED(call, name);                                                                                                         \
        text = "\xff\xfe";                                                                                                                 \
        CHECK_REFUSED(call, name);                                                                                                         \
    } while (0)

/* Fails unless the call is refused and does not change its output, which is &out. */
#define CHECK_UNTOUCHED(type, call, name)                                                                                                  \
    do {                                                                                                                                   \
        type *out = (type *)&checks_failed;                                                                                                \
        CHECK_REFUSED(call, name);                                                                                                         \
        CHECK_SAYING((void *)out == (void *)&checks_failed, "%s wrote its output", #call);                                                 \
    } while (0)

#endif
