//! The operations of token sources.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use sipgate_oauth2::{AccessToken, BrowserLogin, TokenSource};

use crate::args::Args;
use crate::operations::{Members, Shim, authorization_parameters};
use crate::views;

impl Shim {
    pub(crate) fn complete_login(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let request = self.requests.take_name(&mut args, "request")?;
        let (callback, account, name) = (args.needed("callback")?, args.text("account")?, args.needed("source")?);
        let call = self.call(&mut args)?;
        args.end()?;
        Ok(self.keep_source(name, client.start_complete_login(&request, &callback, account.as_deref(), &call).wait()?))
    }

    pub(crate) fn login_in_browser(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let (account, name) = (args.text("account")?, args.needed("source")?);
        let told = Arc::new(OnceLock::new());
        let url = Arc::clone(&told);
        let mut login =
            BrowserLogin::new(authorization_parameters(&mut args)?).on_url(move |told| url.set(told.to_owned()).unwrap_or_default());
        if let Some(account) = account {
            login = login.account(account);
        }
        let call = self.call(&mut args)?;
        args.end()?;
        let mut view = self.keep_source(name, client.start_login_in_browser(login, &call).wait()?);
        view["url"] = told.get().cloned().into();
        Ok(view)
    }

    pub(crate) fn token_source(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let (account, name) = (args.needed("account")?, args.needed("source")?);
        args.end()?;
        Ok(self.keep_source(name, client.token_source(account)?))
    }

    pub(crate) fn access_token(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        let (min_validity, call) = (args.seconds("min_validity")?.unwrap_or_default(), self.call(&mut args)?);
        args.end()?;
        Ok(json!({"access_token": source.start_access_token(min_validity, &call).wait()?.reveal()}))
    }

    pub(crate) fn authorization_header(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        let (min_validity, call) = (args.seconds("min_validity")?.unwrap_or_default(), self.call(&mut args)?);
        args.end()?;
        let token = source.start_access_token(min_validity, &call).wait()?;
        Ok(json!({"authorization_header": token.authorization_header().reveal()}))
    }

    pub(crate) fn peek(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        args.end()?;
        Ok(json!({"access_token": source.peek().as_ref().map(AccessToken::reveal)}))
    }

    pub(crate) fn invalidate(&self, mut args: Args) -> Members {
        let (source, token) = (self.sources.take_name(&mut args, "source")?, args.needed("token")?);
        args.end()?;
        source.invalidate(&AccessToken::from(token));
        Ok(json!({}))
    }

    pub(crate) fn source_refresh(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        let call = self.call(&mut args)?;
        args.end()?;
        Ok(json!({"access_token": source.start_refresh(&call).wait()?.reveal()}))
    }

    pub(crate) fn source_save(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        let (tokens, call) = (self.tokens.take_name(&mut args, "tokens")?, self.call(&mut args)?);
        args.end()?;
        source.start_save(&tokens, &call).wait()?;
        Ok(json!({}))
    }

    pub(crate) fn source_status(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        let call = self.call(&mut args)?;
        args.end()?;
        Ok(views::status(&source.start_status(&call).wait()?))
    }

    pub(crate) fn source_logout(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        let call = self.call(&mut args)?;
        args.end()?;
        Ok(json!({"outcome": source.start_logout(&call).wait()?.as_str()}))
    }

    pub(crate) fn source_forget(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        let call = self.call(&mut args)?;
        args.end()?;
        Ok(json!({"outcome": source.start_forget(&call).wait()?.as_str()}))
    }

    pub(crate) fn source_claims(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        let call = self.call(&mut args)?;
        args.end()?;
        Ok(json!({"claims": source.start_claims(&call).wait()?.as_map()}))
    }

    pub(crate) fn source_userinfo(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        let call = self.call(&mut args)?;
        args.end()?;
        Ok(json!({"claims": source.start_userinfo(&call).wait()?.as_map()}))
    }

    pub(crate) fn source_ensure_saved(&self, mut args: Args) -> Members {
        let source = self.sources.take_name(&mut args, "source")?;
        args.end()?;
        source.ensure_saved()?;
        Ok(json!({}))
    }

    fn keep_source(&self, name: String, source: TokenSource) -> Value {
        let view = json!({"account": source.account(), "account_hash": source.account_hash()});
        self.sources.put(name, source);
        view
    }
}
