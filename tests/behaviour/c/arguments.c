#include "arguments.h"

#include <stdlib.h>
#include <string.h>

#include "objects.h"

/* Whether `name` is one of these names, which are separated by spaces. */
static bool is_among(const char *names, const char *name)
{
    const size_t length = strlen(name);
    const char *at = length > 0 ? strstr(names, name) : NULL;
    for (; at != NULL; at = strstr(at + length, name))
        if ((at == names || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static bool is_text(const struct json *value)
{
    return value->type == JSON_STRING;
}

static bool is_pair(const struct json *value)
{
    return value->type == JSON_LIST && value->count == 2 && is_text(value->items[0]) && is_text(value->items[1]);
}

static bool all(const struct json *value, bool (*good)(const struct json *))
{
    size_t i;
    for (i = 0; i < value->count; i++)
        if (!good(value->items[i]))
            return false;
    return true;
}

/* A text, or a list of texts. */
static bool is_scope(const struct json *value)
{
    return is_text(value) || (value->type == JSON_LIST && all(value, is_text));
}

/* An object of texts, or a list of pairs of texts. */
static bool is_pairs(const struct json *value)
{
    return (value->type == JSON_OBJECT && all(value, is_text)) || (value->type == JSON_LIST && all(value, is_pair));
}

static bool refuse(struct out *problem, const char *name, const char *what)
{
    out_raw(problem, name);
    out_raw(problem, what);
    return false;
}

static bool has_needed(const struct json *args, const char *needed, struct out *problem)
{
    char name[64];
    size_t length;
    for (; *needed != '\0'; needed += length + (needed[length] == ' ')) {
        length = strcspn(needed, " ");
        memcpy(name, needed, length);
        name[length] = '\0';
        if (json_string(args, name) == NULL)
            return refuse(problem, name, " is missing, or no text");
    }
    return true;
}

/* A store's settings: they are looked at where they are used, but for the keys. */
static bool is_store(const struct json *value)
{
    const struct json *keys = json_member(value, "encryption_keys");
    return value->type == JSON_OBJECT && (keys == NULL || (keys->type == JSON_LIST && all(keys, is_text)));
}

bool arguments_make_sense(const struct json *args, const char *needed, const char *optional, struct out *problem)
{
    const struct json *scope = json_member(args, "scope"), *extra = json_member(args, "extra"), *env = json_member(args, "env");
    const struct json *store = json_member(args, "store");
    size_t i;

    for (i = 0; args != NULL && i < args->count; i++)
        if (args->names == NULL || args->names[i] == NULL)
            return refuse(problem, "args", " is no object");
        else if (args->items[i]->type != JSON_NULL && !is_among(needed, args->names[i]) && !is_among(optional, args->names[i]))
            return refuse(problem, args->names[i], " is unexpected");
    if (scope != NULL && !is_scope(scope))
        return refuse(problem, "scope", " is neither a text nor a list of texts");
    if (extra != NULL && !is_pairs(extra))
        return refuse(problem, "extra", " is neither an object nor a list of pairs of texts");
    if (env != NULL && !(env->type == JSON_OBJECT && all(env, is_text)))
        return refuse(problem, "env", " is no object of texts");
    if (store != NULL && !is_store(store))
        return refuse(problem, "store", " is no object, or its encryption_keys are no list of texts");
    if (store != NULL && !arguments_make_sense(store, "kind", "path own encryption_keys recheck", problem))
        return false;
    return has_needed(args, needed, problem);
}

uint64_t arguments_milliseconds(const struct json *args, const char *name)
{
    const struct json *seconds = json_member(args, name);
    return seconds != NULL && seconds->text != NULL ? (uint64_t)(strtod(seconds->text, NULL) * 1000) : 0;
}

sipgate_oauth2_call_options *arguments_call(const struct json *args)
{
    const char *cancel = json_string(args, "cancel");
    sipgate_oauth2_call_options *call = NULL;

    if (json_member(args, "timeout") != NULL || json_member(args, "min_validity") != NULL || cancel != NULL)
        call = sipgate_oauth2_call_options_new();
    if (json_member(args, "timeout") != NULL)
        sipgate_oauth2_call_options_set_timeout_ms(call, arguments_milliseconds(args, "timeout"), NULL);
    if (json_member(args, "min_validity") != NULL)
        sipgate_oauth2_call_options_set_min_validity_ms(call, arguments_milliseconds(args, "min_validity"), NULL);
    if (cancel != NULL)
        sipgate_oauth2_call_options_set_cancel_token(call, object_cancel(cancel), NULL);
    return call;
}
