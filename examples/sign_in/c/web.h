/*
 * A web server's part of sign_in.c: one process for each request, as with CGI. It prints the
 * status, the address of a redirect, and the body. A value of the session is a file in the
 * session's folder, SESSION_FOLDER; yours are where your web server keeps them.
 */

#ifndef WEB_H
#define WEB_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char posted[65536];

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? "" : value;
}

static inline const char *query_string(void)
{
    return variable("QUERY_STRING");
}

/* The value of a parameter, decoded. Nothing is freed: the process ends after one request. */
static const char *parameter(const char *name)
{
    const char *form = *posted ? posted : variable("QUERY_STRING");
    size_t length = strlen(name);
    char *value, *end;

    while (strncmp(form, name, length) != 0 || form[length] != '=') {
        form = strchr(form, '&');
        if (form == NULL)
            return "";
        form++;
    }
    form += length + 1;
    value = end = calloc(strcspn(form, "&") + 1, 1);
    if (value == NULL)
        abort();
    for (; *form != '\0' && *form != '&'; form++) {
        unsigned int byte = (unsigned char)*form;
        if (*form == '+')
            byte = ' ';
        else if (*form == '%' && sscanf(form + 1, "%2x", &byte) == 1)
            form += 2;
        *end++ = (char)byte;
    }
    return value;
}

/* A value of the session is a file in the session's folder. NULL if it can have none. */
static FILE *session_file(const char *name, const char *mode)
{
    char path[4096];
    const char *character;

    for (character = name; *character != '\0'; character++)
        if (!isalnum((unsigned char)*character) && strchr("-_", *character) == NULL)
            return NULL;
    snprintf(path, sizeof path, "%s/%s", variable("SESSION_FOLDER"), name);
    return *name == '\0' ? NULL : fopen(path, mode);
}

static const char *session_get(const char *name)
{
    char *value = calloc(4096, 1);
    FILE *file = session_file(name, "r");

    if (value == NULL)
        abort();
    if (file != NULL && fgets(value, 4096, file) == NULL)
        *value = '\0';
    if (file != NULL)
        fclose(file);
    return value;
}

static void session_set(const char *name, const char *value)
{
    FILE *file = session_file(name, "w");

    if (file == NULL || fputs(value, file) < 0 || fclose(file) != 0)
        abort();
}

static void redirect(const char *url)
{
    printf("303\n%s\n", url);
}

static void respond(int status, const char *text)
{
    printf("%d\n\n%s", status, text);
    fflush(stdout);
}

#endif
