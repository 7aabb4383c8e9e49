/*
 * One GET with an Authorization header: with libcurl if it was available at compile time
 * (-DHAVE_LIBCURL), otherwise with a plain socket, which supports only http to this machine. Stores
 * the response's body in `body` as text, truncated to `size`. Returns 1 if the status is 200.
 */

#ifndef HTTP_GET_H
#define HTTP_GET_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBCURL

#include <curl/curl.h>

struct http_body {
    char *text;
    size_t size, length;
};

static size_t http_keep(char *data, size_t one, size_t count, void *to)
{
    struct http_body *body = to;
    size_t room = body->size - 1 - body->length, taken = one * count < room ? one * count : room;
    memcpy(body->text + body->length, data, taken);
    body->length += taken;
    return one * count;
}

static int http_get(const char *url, const char *ca_file, const char *authorization, char *text, size_t size)
{
    struct http_body body = {text, size, 0};
    char header[8192];
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    long status = 0;

    snprintf(header, sizeof header, "Authorization: %s", authorization);
    headers = curl_slist_append(headers, header);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, http_keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    if (ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    text[body.length] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    return status == 200;
}

#else

#ifdef _WIN32
#include <winsock2.h>
typedef SOCKET http_socket;
#define http_close closesocket
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
typedef int http_socket;
#define http_close close
#define INVALID_SOCKET (-1)
#endif

static int http_get(const char *url, const char *ca_file, const char *authorization, char *text, size_t size)
{
    struct sockaddr_in address;
    char host[64], path[1024], request[8192], response[16384] = "";
    unsigned short port;
    size_t length = 0;
    long got = 1;
    char *body;
    http_socket connection;
#ifdef _WIN32
    WSADATA started;

    if (WSAStartup(MAKEWORD(2, 2), &started) != 0)
        return 0;
#endif

    (void)ca_file;
    connection = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connection == INVALID_SOCKET || sscanf(url, "http://%63[^:/]:%hu%1023s", host, &port, path) != 3)
        return 0;
    address.sin_port = htons(port);
    snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s:%hu\r\nAuthorization: %s\r\n\r\n", path, host, port, authorization);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) == 0 && send(connection, request, (int)strlen(request), 0) > 0)
        while (got > 0 && length < sizeof response - 1) {
            got = (long)recv(connection, response + length, (int)(sizeof response - 1 - length), 0);
            length += got > 0 ? (size_t)got : 0;
        }
    http_close(connection);
    body = strstr(response, "\r\n\r\n");
    if (body == NULL || strstr(response, " 200 ") == NULL)
        return 0;
    snprintf(text, size, "%s", body + 4);
    text[strcspn(text, "\r\n")] = '\0';
    return 1;
}

#endif

#endif
