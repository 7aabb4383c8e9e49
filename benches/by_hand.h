/* What a program writes by hand with libcurl and libcrypto for an authorization URL. */

#include <curl/curl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define URL_BYTES 2048

static void base64url(const unsigned char *bytes, char *text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t i;
    unsigned bits = 0, count = 0;
    for (i = 0; i < 32; i++) {
        bits = bits << 8 | bytes[i];
        for (count += 8; count >= 6; count -= 6)
            *text++ = alphabet[bits >> (count - 6) & 63];
    }
    *text++ = alphabet[bits << (6 - count) & 63];
    *text = '\0';
}

/* `url` has URL_BYTES. */
static void url_by_hand(CURL *curl, const char *endpoint, const char *client_id, const char *redirect_uri, char *url)
{
    unsigned char random[3][32], digest[32];
    char state[44], nonce[44], verifier[44], challenge[44];
    char *id = curl_easy_escape(curl, client_id, 0), *redirect = curl_easy_escape(curl, redirect_uri, 0), *scope = curl_easy_escape(curl, "balance:read", 0);
    if (getrandom(random, sizeof random, 0) != sizeof random)
        exit(1);
    base64url(random[0], state);
    base64url(random[1], nonce);
    base64url(random[2], verifier);
    SHA256((unsigned char *)verifier, 43, digest);
    base64url(digest, challenge);
    if (snprintf(url, URL_BYTES,
                 "%s?client_id=%s&redirect_uri=%s&scope=%s&response_type=code&state=%s&nonce=%s&code_challenge=%s&code_challenge_method=S256", endpoint,
                 id, redirect, scope, state, nonce, challenge) < 100)
        exit(1);
    curl_free(id);
    curl_free(redirect);
    curl_free(scope);
}
