/* Whether a call makes sense: a case with a misspelt argument must not pass, and one without a needed one must not end the shim. */

#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>

#include "json.h"

/* `needed` are texts, `optional` may be anything; both are names separated by spaces. Where false, `problem` says what is wrong. */
bool arguments_make_sense(const struct json *args, const char *needed, const char *optional, struct out *problem);

#endif
