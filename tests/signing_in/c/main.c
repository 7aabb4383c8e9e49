/* The C code of docs/signing-in.md as a CGI program. Its web server is tests/signing_in/web_server.py. */

#include <sipgate_oauth2.h>

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

static const char *query_string(void)
{
    return variable("QUERY_STRING");
}

static const char *body(void)
{
    return posted;
}

/* The value of a parameter, decoded. Nothing is freed: the process ends after one request. */
static const char *parameter(const char *name)
{
    const char *form = *posted ? posted : query_string();
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
}

/* What the page sets for response_mode=form_post. */
static sipgate_oauth2_authorization_parameters *parameters_of(const char *response_mode)
{
    sipgate_oauth2_authorization_parameters *parameters = sipgate_oauth2_authorization_parameters_new();

    if (sipgate_oauth2_authorization_parameters_set_response_mode(parameters, response_mode, NULL))
        abort();
    return parameters;
}

#define form_post parameters_of("form_post")
#include BLOCK

int main(void)
{
    const char *path = variable("PATH_INFO");

    (void)body;
    (void)parameters_of;
    posted[fread(posted, 1, sizeof posted - 1, stdin)] = '\0';
    if (start())
        return 1;
    if (!strcmp(path, "/login"))
        page_login();
    else if (!strcmp(path, "/auth"))
        page_auth();
    else if (!strcmp(path, "/logout"))
        page_logout();
    else if (!strcmp(path, "/backchannel-logout"))
        page_backchannel_logout();
    else
        page_home();
    return 0;
}
