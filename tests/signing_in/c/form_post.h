/* What docs/signing-in.md names for response_mode=form_post. */

#include <sipgate_oauth2.h>
#include <stdlib.h>

static inline sipgate_oauth2_authorization_parameters *parameters_with_form_post(void)
{
    sipgate_oauth2_authorization_parameters *parameters = sipgate_oauth2_authorization_parameters_new();

    if (sipgate_oauth2_authorization_parameters_set_response_mode(parameters, "form_post", NULL))
        abort();
    return parameters;
}

#define form_post parameters_with_form_post()
