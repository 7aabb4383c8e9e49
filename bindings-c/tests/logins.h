/* Logins at the local realm at REALM_HTTP, and its counters. */

#ifndef LOGINS_H
#define LOGINS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* Sends one request to the realm's control interface. Writes the response's body as text, truncated
 * to `size`. */
static inline void realm_call(const char *method, const char *path, const char *json, char *body, size_t size)
{
    struct sockaddr_in address;
    char request[8192], response[16384] = "";
    const char *found;
    size_t length = 0;
    ssize_t got = 1;
    unsigned short port = 0;
    const int connection = socket(AF_INET, SOCK_STREAM, 0);

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(sscanf(getenv("REALM_HTTP"), "http://127.0.0.1:%hu", &port) == 1);
    address.sin_port = htons(port);
    snprintf(request, sizeof request, "%s /_realm/%s HTTP/1.0\r\nHost: 127.0.0.1:%hu\r\nContent-Type: application/json\r\nContent-Length: %u\r\n\r\n%s",
             method, path, port, (unsigned)strlen(json), json);
    CHECK(connect(connection, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(write(connection, request, strlen(request)) == (ssize_t)strlen(request));
    while (got > 0 && length < sizeof response - 1) {
        got = read(connection, response + length, sizeof response - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    close(connection);
    CHECK_SAYING(strstr(response, " 200 ") != NULL, "%s %s: %s", path, json, response);
    found = strstr(response, "\r\n\r\n");
    snprintf(body, size, "%s", found != NULL ? found + 4 : "");
}

static inline void realm_post(const char *path, const char *json)
{
    char body[64];
    realm_call("POST", path, json, body, sizeof body);
}

/* The counter of the realm with this name. */
static inline unsigned long realm_counter(const char *name)
{
    char body[4096], member[64];
    const char *found;

    realm_call("GET", "counters", "", body, sizeof body);
    snprintf(member, sizeof member, "\"%s\":", name);
    found = strstr(body, member);
    CHECK_SAYING(found != NULL, "no %s in %s", member, body);
    return found != NULL ? strtoul(found + strlen(member), NULL, 10) : 0;
}

static inline void wait_milliseconds(long milliseconds)
{
    const struct timespec moment = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    nanosleep(&moment, NULL);
}

/* Resets the realm, and makes it rotate refresh tokens with reuse detection. */
static inline void strict_realm(void)
{
    realm_post("reset", "{}");
    realm_post("settings", "{\"rotation\":true}");
}

#define CLIENT_ID "1000001-0-test:third-party"

static inline void set_options(sipgate_oauth2_client_options *options, const sipgate_oauth2_store *store)
{
    CHECK_OK(sipgate_oauth2_client_options_set_client_secret(options, "test-secret-with-+-and-:", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_redirect_uri(options, "https://example.com/auth", &error));
    CHECK_OK(sipgate_oauth2_client_options_set_store(options, store, &error));
}

static inline sipgate_oauth2_client_options *options_with(const sipgate_oauth2_store *store)
{
    sipgate_oauth2_client_options *options = NULL;
    char base[256];

    snprintf(base, sizeof base, "%s/auth", getenv("REALM_HTTP"));
    CHECK_OK(sipgate_oauth2_client_options_new_keycloak(base, "third-party", CLIENT_ID, &options, &error));
    set_options(options, store);
    return options;
}

static inline sipgate_oauth2_client *client_with(const sipgate_oauth2_store *store)
{
    sipgate_oauth2_client_options *options = options_with(store);
    sipgate_oauth2_client *client = NULL;

    CHECK_OK(sipgate_oauth2_client_new(options, &client, &error));
    sipgate_oauth2_client_options_free(options);
    return client;
}

/* The callback after anna has logged in. */
static inline void browse(const sipgate_oauth2_authorization_request *request, char *callback, size_t size)
{
    char json[4096], body[8192];
    const char *found;

    snprintf(json, sizeof json, "{\"authorization_url\":\"%s\",\"username\":\"anna\",\"password\":\"anna-pw\"}",
             sipgate_oauth2_authorization_request_url(request).data);
    realm_call("POST", "login", json, body, sizeof body);
    found = strstr(body, "http");
    snprintf(callback, size, "%.*s", found != NULL ? (int)strcspn(found, "\"") : 0, found != NULL ? found : "");
}

static inline sipgate_oauth2_token_source *log_in(const sipgate_oauth2_client *client, const char *account)
{
    sipgate_oauth2_authorization_request *request = NULL;
    sipgate_oauth2_token_source *source = NULL;
    char callback[4096];

    CHECK_OK(sipgate_oauth2_client_authorization_request(client, "balance:read", NULL, &request, &error));
    browse(request, callback, sizeof callback);
    CHECK_OK(sipgate_oauth2_client_complete_login(client, request, callback, account, NULL, &source, &error));
    sipgate_oauth2_authorization_request_free(request);
    return source;
}

static inline int same_secret(const sipgate_oauth2_secret *one, const sipgate_oauth2_secret *other)
{
    const sipgate_oauth2_str a = sipgate_oauth2_secret_text(one), b = sipgate_oauth2_secret_text(other);
    return a.data != NULL && b.data != NULL && a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

#endif
