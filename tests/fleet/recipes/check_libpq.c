/* Checks examples/stores/libpq_store.h against a real server, whose URL is the only argument. Prints
 * the promises that it breaks. */

#define _POSIX_C_SOURCE 200809L

#include "../../../examples/stores/libpq_store.h"

int main(int count, char **arguments)
{
    sipgate_oauth2_store *store = NULL;
    sipgate_oauth2_store_violations *violations = NULL;
    size_t broken = 1, i;

    if (count == 2 && libpq_store_new(arguments[1], NULL, &store, NULL) == SIPGATE_OK
        && sipgate_oauth2_store_check(store, &violations, NULL) == SIPGATE_OK)
        broken = sipgate_oauth2_store_violations_count(violations);
    for (i = 0; i < broken; i++)
        printf("%s\n", violations != NULL ? sipgate_oauth2_store_violations_at(violations, i).data : "it was not checked");
    sipgate_oauth2_store_violations_free(violations);
    sipgate_oauth2_store_free(store);
    return broken != 0;
}
