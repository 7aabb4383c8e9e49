#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at;
    bool failed;
};

static struct json *read_value(struct reader *in);

static void *grown(void *memory, size_t size)
{
    void *more = realloc(memory, size);
    if (more == NULL)
        abort();
    return more;
}

static void skip_space(struct reader *in)
{
    in->at += strspn(in->at, " \t\r\n");
}

static bool take(struct reader *in, const char *word)
{
    size_t length = strlen(word);
    skip_space(in);
    if (strncmp(in->at, word, length) != 0)
        return false;
    in->at += length;
    return true;
}

static unsigned read_hex(struct reader *in)
{
    char digits[5] = "", *end;
    unsigned long value;
    strncpy(digits, in->at, 4);
    value = strtoul(digits, &end, 16);
    if (end != digits + 4)
        in->failed = true;
    else
        in->at += 4;
    return (unsigned)value;
}

/* A lone surrogate comes out as the three bytes it would have: broken UTF-8, which is for the library to refuse. */
static size_t put_character(char *to, unsigned long character)
{
    if (character < 0x80) {
        to[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        to[0] = (char)(0xC0 | character >> 6);
        to[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        to[0] = (char)(0xE0 | character >> 12);
        to[1] = (char)(0x80 | (character >> 6 & 0x3F));
        to[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | character >> 18);
    to[1] = (char)(0x80 | (character >> 12 & 0x3F));
    to[2] = (char)(0x80 | (character >> 6 & 0x3F));
    to[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

static size_t read_escape(struct reader *in, char *to)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter = *in->at != '\0' ? strchr(letters, *in->at) : NULL;
    unsigned long character;
    if (letter != NULL) {
        in->at++;
        to[0] = meanings[letter - letters];
        return 1;
    }
    if (*in->at++ != 'u') {
        in->failed = true;
        return 0;
    }
    character = read_hex(in);
    if (character >= 0xD800 && character < 0xDC00 && in->at[0] == '\\' && in->at[1] == 'u') {
        const char *before = in->at;
        unsigned long low;
        in->at += 2;
        low = read_hex(in);
        if (low >= 0xDC00 && low < 0xE000)
            character = 0x10000 + ((character - 0xD800) << 10) + (low - 0xDC00);
        else
            in->at = before;
    }
    return put_character(to, character);
}

static char *read_string(struct reader *in)
{
    char *text = grown(NULL, strlen(in->at) + 5);
    size_t length = 0;
    while (*in->at != '"' && *in->at != '\0' && !in->failed) {
        if (*in->at != '\\')
            text[length++] = *in->at++;
        else {
            in->at++;
            length += read_escape(in, text + length);
        }
    }
    if (*in->at == '"')
        in->at++;
    else
        in->failed = true;
    text[length] = '\0';
    return grown(text, length + 1);
}

static void append(struct json *value, char *name, struct json *item)
{
    value->items = grown(value->items, (value->count + 1) * sizeof *value->items);
    value->names = grown(value->names, (value->count + 1) * sizeof *value->names);
    value->items[value->count] = item;
    value->names[value->count++] = name;
}

static void read_members(struct reader *in, struct json *value, const char *end)
{
    if (take(in, end))
        return;
    do {
        char *name = NULL;
        if (value->type == JSON_OBJECT) {
            if (!take(in, "\"")) {
                in->failed = true;
                return;
            }
            name = read_string(in);
            in->failed |= !take(in, ":");
        }
        append(value, name, read_value(in));
    } while (!in->failed && take(in, ","));
    in->failed |= !take(in, end);
}

static void read_number(struct reader *in, struct json *value)
{
    size_t length = strspn(in->at, "+-.0123456789eE");
    value->type = JSON_NUMBER;
    value->text = grown(NULL, length + 1);
    memcpy(value->text, in->at, length);
    value->text[length] = '\0';
    in->at += length;
    in->failed |= length == 0;
}

static struct json *read_value(struct reader *in)
{
    struct json *value = calloc(1, sizeof *value);
    if (value == NULL)
        abort();
    if (take(in, "{")) {
        value->type = JSON_OBJECT;
        read_members(in, value, "}");
    } else if (take(in, "[")) {
        value->type = JSON_LIST;
        read_members(in, value, "]");
    } else if (take(in, "\"")) {
        value->type = JSON_STRING;
        value->text = read_string(in);
    } else if (take(in, "true"))
        value->type = JSON_TRUE;
    else if (take(in, "false"))
        value->type = JSON_FALSE;
    else if (!take(in, "null"))
        read_number(in, value);
    return value;
}

struct json *json_parse(const char *text)
{
    struct reader in = {text, false};
    struct json *value = read_value(&in);
    skip_space(&in);
    if (!in.failed && *in.at == '\0')
        return value;
    json_free(value);
    return NULL;
}

void json_free(struct json *value)
{
    size_t i;
    if (value == NULL)
        return;
    for (i = 0; i < value->count; i++) {
        json_free(value->items[i]);
        free(value->names[i]);
    }
    free(value->items);
    free(value->names);
    free(value->text);
    free(value);
}

const struct json *json_member(const struct json *object, const char *name)
{
    size_t i;
    for (i = 0; object != NULL && object->type == JSON_OBJECT && i < object->count; i++)
        if (strcmp(object->names[i], name) == 0 && object->items[i]->type != JSON_NULL)
            return object->items[i];
    return NULL;
}

const char *json_string(const struct json *object, const char *name)
{
    const struct json *member = json_member(object, name);
    return member != NULL && member->type == JSON_STRING ? member->text : NULL;
}

static void out_bytes(struct out *out, const char *bytes, size_t length)
{
    if (out->length + length + 1 > out->room) {
        out->room = 2 * (out->length + length + 1);
        out->text = grown(out->text, out->room);
    }
    memcpy(out->text + out->length, bytes, length);
    out->length += length;
    out->text[out->length] = '\0';
}

void out_raw(struct out *out, const char *text)
{
    out_bytes(out, text, strlen(text));
}

void out_string(struct out *out, const char *text, size_t length)
{
    size_t i;
    if (text == NULL) {
        out_raw(out, "null");
        return;
    }
    out_raw(out, "\"");
    for (i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        char escaped[8];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            out_bytes(out, text + i, 1);
        else {
            snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            out_raw(out, escaped);
        }
    }
    out_raw(out, "\"");
}

void out_name(struct out *out, const char *name)
{
    if (out->length > 0 && strchr("{[:", out->text[out->length - 1]) == NULL)
        out_raw(out, ",");
    out_string(out, name, strlen(name));
    out_raw(out, ":");
}

void out_integer(struct out *out, int64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, number);
    out_raw(out, text);
}
