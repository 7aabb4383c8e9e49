/* As much JSON as the shim needs: a tree to read from, a growing text to write to. */

#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_type { JSON_NULL, JSON_TRUE, JSON_FALSE, JSON_NUMBER, JSON_STRING, JSON_LIST, JSON_OBJECT };

/* `text` is a string's contents, or a number as it stood there. A list has items, an object has names too. */
struct json {
    enum json_type type;
    char *text;
    struct json **items;
    char **names;
    size_t count;
};

/* The value of a whole text, to be freed; NULL where it is none. */
struct json *json_parse(const char *text);
void json_free(struct json *value);

/* A member of an object; NULL where there is none, or where it is null. */
const struct json *json_member(const struct json *object, const char *name);

/* A string member; NULL where there is none. */
const char *json_string(const struct json *object, const char *name);

/* A text that grows while JSON is written to it. */
struct out {
    char *text;
    size_t length, room;
};

void out_raw(struct out *out, const char *text);
/* A string in quotes; null for NULL. */
void out_string(struct out *out, const char *text, size_t length);
/* "name": and the value, with a comma where one is needed. */
void out_name(struct out *out, const char *name);
void out_integer(struct out *out, int64_t number);

#endif
