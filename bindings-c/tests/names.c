/* Each constant has the name and the number that the core gives it. */

#include "check.h"

#include <stdio.h>

static const struct {
    sipgate_oauth2_status number;
    const char *name;
} constants[] = {
#define CONSTANT(name) {name, #name}
    CONSTANT(SIPGATE_INVALID_ARGUMENT), CONSTANT(SIPGATE_INVALID_CLIENT), CONSTANT(SIPGATE_WRONG_ENDPOINT), CONSTANT(SIPGATE_CERTIFICATE),
    CONSTANT(SIPGATE_UNSUPPORTED), CONSTANT(SIPGATE_OAUTH), CONSTANT(SIPGATE_TRANSPORT), CONSTANT(SIPGATE_TIMEOUT),
    CONSTANT(SIPGATE_OUTCOME_UNKNOWN), CONSTANT(SIPGATE_SERVER_UNAVAILABLE), CONSTANT(SIPGATE_BAD_RESPONSE), CONSTANT(SIPGATE_BUSY),
    CONSTANT(SIPGATE_LOGIN_REQUIRED), CONSTANT(SIPGATE_LOGIN_FAILED), CONSTANT(SIPGATE_LOGIN_EXPIRED),
    CONSTANT(SIPGATE_LOGIN_ALREADY_USED), CONSTANT(SIPGATE_AUTHORIZATION_DENIED), CONSTANT(SIPGATE_STATE_MISMATCH),
    CONSTANT(SIPGATE_ISSUER_MISMATCH), CONSTANT(SIPGATE_CALLBACK_REFUSED), CONSTANT(SIPGATE_NONCE_MISMATCH), CONSTANT(SIPGATE_ID_TOKEN),
    CONSTANT(SIPGATE_QUARANTINED), CONSTANT(SIPGATE_STORE_UNAVAILABLE), CONSTANT(SIPGATE_STORE_CORRUPT), CONSTANT(SIPGATE_STORE_FORMAT),
    CONSTANT(SIPGATE_STORE_PERMISSIONS), CONSTANT(SIPGATE_UNSAVED), CONSTANT(SIPGATE_CANCELLED), CONSTANT(SIPGATE_INTERNAL),
};

#if SIPGATE_OAUTH2_VERSION_NUMBER < 256
#error "the preprocessor can compare versions"
#endif

int main(void)
{
    const size_t count = sizeof constants / sizeof *constants;
    char version[32];
    size_t i;

    for (i = 0; i < count; i++) {
        CHECK_SAYING(sipgate_oauth2_status_at(i) == constants[i].number, "%s is not number %u of the registry",
                     constants[i].name, (unsigned)i);
        CHECK_SAYING(strcmp(sipgate_oauth2_status_name(constants[i].number), constants[i].name) == 0, "%s is called %s",
                     constants[i].name, sipgate_oauth2_status_name(constants[i].number));
        CHECK(strstr(sipgate_oauth2_status_family(constants[i].number), "Error") != NULL);
    }
    CHECK(sipgate_oauth2_status_at(count) == SIPGATE_OK);
    CHECK(strcmp(sipgate_oauth2_status_name(SIPGATE_OK), "SIPGATE_OK") == 0);
    CHECK(strcmp(sipgate_oauth2_status_family(SIPGATE_OK), "") == 0);
    CHECK(strcmp(sipgate_oauth2_status_name(4711), "SIPGATE_UNKNOWN") == 0);
    CHECK(strcmp(sipgate_oauth2_status_family(4711), "") == 0);
    snprintf(version, sizeof version, "%d.%d.%d", SIPGATE_OAUTH2_VERSION_MAJOR, SIPGATE_OAUTH2_VERSION_MINOR,
             SIPGATE_OAUTH2_VERSION_PATCH);
    CHECK_SAYING(strncmp(sipgate_oauth2_version(), version, strlen(version)) == 0, "%s is not %s", version,
                 sipgate_oauth2_version());
    CHECK(SIPGATE_OAUTH2_VERSION_NUMBER > 0 && SIPGATE_OAUTH2_VERSION_NUMBER % 256 == SIPGATE_OAUTH2_VERSION_PATCH);
    return checks_failed != 0;
}
