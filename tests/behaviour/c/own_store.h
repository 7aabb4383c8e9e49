/* An application's own store, as small as one can be: a list in memory. */

#ifndef OWN_STORE_H
#define OWN_STORE_H

#include <sipgate_oauth2.h>

sipgate_status own_store_new(const sipgate_store_options *options, sipgate_store **store, sipgate_error **error);

#endif
