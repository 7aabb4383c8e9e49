//! What a logout at the server asks for.

use sipgate_oauth2::LogoutParameters;

use crate::argument::{self, Setter};

/// What may be set, by Python's keyword.
pub(crate) fn setter(name: &str) -> Option<Setter<LogoutParameters>> {
    Some(match name {
        "id_token_hint" => |parameters, value| Ok(parameters.id_token_hint(argument::text("id_token_hint", value)?)),
        "post_logout_redirect_uri" => {
            |parameters, value| Ok(parameters.post_logout_redirect_uri(argument::text("post_logout_redirect_uri", value)?))
        }
        "state" => |parameters, value| Ok(parameters.state(argument::text("state", value)?)),
        "logout_hint" => |parameters, value| Ok(parameters.logout_hint(argument::text("logout_hint", value)?)),
        "ui_locales" => |parameters, value| Ok(parameters.ui_locales(argument::text("ui_locales", value)?)),
        _ => return None,
    })
}
