/* The operations of stores and token sources. */

#ifndef SOURCES_H
#define SOURCES_H

#include <sipgate_oauth2.h>

#include "json.h"

/* What is called for an operation: it writes members to `ok`, or says what went wrong. */
typedef sipgate_oauth2_status operation(const struct json *args, struct out *ok, sipgate_oauth2_error **error);

/* Makes a store of these settings and gives it to the client that is to be. */
sipgate_oauth2_status set_store(sipgate_oauth2_client_options *options, const struct json *settings,
                                sipgate_oauth2_error **error);

operation complete_login, token_source, source_access_token, source_authorization_header, source_peek, source_invalidate, source_refresh, source_save,
    source_status, source_logout, source_ensure_saved;

#endif
