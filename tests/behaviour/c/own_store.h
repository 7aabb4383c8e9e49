/* Stores of an application's own, as small as they can be: lists in memory, each there from when its name is first used. */

#ifndef OWN_STORE_H
#define OWN_STORE_H

#include <sipgate_oauth2.h>

#include "json.h"

/* The library's view of the store that `settings` names as `own`. */
sipgate_oauth2_status own_store_new(const struct json *settings, const sipgate_oauth2_store_options *options,
                                    sipgate_oauth2_store **store, sipgate_oauth2_error **error);

/* The store `own` can be written `saves` times more; without that, always. */
sipgate_oauth2_status store_limit(const struct json *args, struct out *ok, sipgate_oauth2_error **error);

/* The store `own` answers nothing while it `hangs`. */
sipgate_oauth2_status store_hang(const struct json *args, struct out *ok, sipgate_oauth2_error **error);

/* What the store `own` holds becomes all that is in the store `to`. */
sipgate_oauth2_status store_copy(const struct json *args, struct out *ok, sipgate_oauth2_error **error);

#endif
