/* What the library gives, written as the suite compares it. */

#ifndef VIEWS_H
#define VIEWS_H

#include <sipgate_oauth2.h>

#include "json.h"

/* "name": text */
void view_text(struct out *out, const char *name, sipgate_oauth2_str text);
/* "name": the secret's text, which is freed */
void view_secret(struct out *out, const char *name, sipgate_oauth2_secret *secret);

/* "name": a plain text */
void view_name(struct out *out, const char *name, const char *text);

void view_client(struct out *out, const sipgate_oauth2_client *client);
void view_pending(struct out *out, const sipgate_oauth2_authorization_request *pending);
void view_tokens(struct out *out, const sipgate_oauth2_token_set *tokens);
void view_status(struct out *out, const sipgate_oauth2_token_status *status);
void view_error(struct out *out, const sipgate_oauth2_error *error);
void view_errors(struct out *out);

#endif
