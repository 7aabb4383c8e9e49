/* The arguments of a call. */

#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <sipgate_oauth2.h>

#include <stdbool.h>

#include "json.h"

/* Whether a call makes sense: a case with a misspelt argument must not pass, and one without a needed one must not end the shim. `needed` are texts, `optional` may be anything; both are names separated by spaces. Where false, `problem` says what is wrong. */
bool arguments_make_sense(const struct json *args, const char *needed, const char *optional, struct out *problem);

/* A number of seconds, in milliseconds; 0 where there is none. */
uint64_t arguments_milliseconds(const struct json *args, const char *name);

/* The call that the arguments ask for, to be freed; NULL, the defaults, where they say nothing. */
sipgate_oauth2_call_options *arguments_call(const struct json *args);

#endif
