//! The operations of clients, and the named objects that they create and use.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use sipgate_oauth2::{
    AuthorizationCode, AuthorizationParameters, AuthorizationRequest, CallOptions, CancelToken, Client, ClientBuilder, RefreshParameters,
    ServerMetadata, TokenSet, TokenSource,
};

use crate::args::{Args, Failure};
use crate::custom_store::CustomStore;
use crate::views;

pub(crate) type Members = Result<Value, Failure>;

#[derive(Default)]
pub(crate) struct Shim {
    pub(crate) clients: Named<Client>,
    pub(crate) requests: Named<AuthorizationRequest>,
    pub(crate) tokens: Named<TokenSet>,
    pub(crate) sources: Named<TokenSource>,
    pub(crate) custom_stores: Named<CustomStore>,
    cancels: Named<CancelToken>,
}

impl Shim {
    /// `None` if there is no such operation.
    pub(crate) fn run(&self, op: &str, args: Args) -> Option<Members> {
        let operation = match op {
            "client.new" => Self::client_new,
            "client.authorization_request" => Self::authorization_request,
            "client.exchange_callback" => Self::exchange_callback,
            "client.exchange_code" => Self::exchange_code,
            "client.refresh" => Self::refresh,
            "client.complete_login" => Self::complete_login,
            "client.token_source" => Self::token_source,
            "source.access_token" => Self::access_token,
            "source.authorization_header" => Self::authorization_header,
            "source.peek" => Self::peek,
            "source.invalidate" => Self::invalidate,
            "source.refresh" => Self::source_refresh,
            "source.save" => Self::source_save,
            "source.status" => Self::source_status,
            "source.logout" => Self::source_logout,
            "source.ensure_saved" => Self::source_ensure_saved,
            "store.limit" => Self::store_limit,
            "store.hang" => Self::store_hang,
            "store.copy" => Self::store_copy,
            "request.export" => Self::request_export,
            "request.restore" => Self::request_restore,
            "tokens.export" => Self::tokens_export,
            "tokens.restore" => Self::tokens_restore,
            "cancel" => Self::cancel,
            "debug" => Self::debug,
            "errors" => |_: &Self, args: Args| args.end().map(|()| views::errors()),
            "version" => |_: &Self, args: Args| args.end().map(|()| json!({"version": sipgate_oauth2::VERSION})),
            _ => return None,
        };
        Some(operation(self, args))
    }

    fn client_new(&self, mut args: Args) -> Members {
        let (name, kind) = (args.needed("name")?, args.needed("kind")?);
        for (name, value) in args.pairs("env")? {
            // SAFETY: the runner makes no other call while it creates such a client.
            unsafe { std::env::set_var(name, value) };
        }
        let mut builder = match kind.as_str() {
            "sipgate" => ClientBuilder::sipgate(args.needed("client_id")?),
            "keycloak" => ClientBuilder::keycloak(args.needed("base")?, args.needed("realm")?, args.needed("client_id")?),
            "metadata" => {
                let mut metadata = ServerMetadata::new(args.needed("issuer")?);
                metadata.authorization_endpoint = args.text("authorization_endpoint")?;
                metadata.token_endpoint = args.text("token_endpoint")?;
                metadata.authorization_response_iss_parameter_supported = args.flag("authorization_response_iss_parameter_supported")?;
                Client::builder(metadata, args.needed("client_id")?)
            }
            "env" => ClientBuilder::from_env()?,
            other => return Err(Failure::Call(format!("no such kind of client: {other}"))),
        };
        if let Some(realm) = args.text("realm")? {
            builder = builder.realm(realm);
        }
        if let Some(secret) = args.text("client_secret")? {
            builder = builder.client_secret(secret);
        }
        if let Some(method) = args.text("client_authentication")? {
            builder = builder.client_authentication(method.parse()?);
        }
        if let Some(redirect_uri) = args.text("redirect_uri")? {
            builder = builder.redirect_uri(redirect_uri);
        }
        if let Some(pem) = args.text("ca_certificates")? {
            builder = builder.ca_certificates(pem);
        }
        if let Some(proxy) = args.text("proxy")? {
            builder = builder.proxy(proxy);
        }
        if let Some(timeout) = args.seconds("connect_timeout")? {
            builder = builder.connect_timeout(timeout);
        }
        if let Some(timeout) = args.seconds("request_timeout")? {
            builder = builder.request_timeout(timeout);
        }
        if let Some(store) = args.object("store")? {
            builder = builder.store(self.store(store)?);
        }
        args.end()?;
        let client = builder.build()?;
        let view = views::client(&client);
        self.clients.put(name, client);
        Ok(view)
    }

    fn authorization_request(&self, mut args: Args) -> Members {
        let (client, name) = (self.clients.take_name(&mut args, "client")?, args.needed("name")?);
        let scope = args.scope("scope")?.ok_or_else(|| Failure::Call("scope is missing".to_owned()))?;
        let mut parameters = AuthorizationParameters::new(scope);
        if let Some(redirect_uri) = args.text("redirect_uri")? {
            parameters = parameters.redirect_uri(redirect_uri);
        }
        if let Some(mode) = args.text("response_mode")? {
            parameters = parameters.response_mode(mode.parse()?);
        }
        if let Some(state) = args.text("state")? {
            parameters = parameters.state(state);
        }
        if let Some(return_to) = args.text("return_to")? {
            parameters = parameters.return_to(return_to);
        }
        if let Some(prompt) = args.text("prompt")? {
            parameters = parameters.prompt(prompt);
        }
        if let Some(login_hint) = args.text("login_hint")? {
            parameters = parameters.login_hint(login_hint);
        }
        if let Some(ui_locales) = args.text("ui_locales")? {
            parameters = parameters.ui_locales(ui_locales);
        }
        for (name, value) in args.pairs("extra")? {
            parameters = parameters.extra(name, value);
        }
        args.end()?;
        Ok(self.keep_request(name, client.authorization_request(parameters)?))
    }

    fn request_export(&self, mut args: Args) -> Members {
        let request = self.requests.take_name(&mut args, "request")?;
        args.end()?;
        Ok(json!({"exported": request.export().reveal()}))
    }

    fn request_restore(&self, mut args: Args) -> Members {
        let (name, exported) = (args.needed("name")?, args.needed("exported")?);
        args.end()?;
        Ok(self.keep_request(name, AuthorizationRequest::restore(&exported)?))
    }

    fn exchange_callback(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let request = self.requests.take_name(&mut args, "request")?;
        let (callback, name, call) = (args.needed("callback")?, args.needed("tokens")?, self.call(&mut args)?);
        args.end()?;
        Ok(self.keep_tokens(name, client.start_exchange_callback(&request, &callback, &call).wait()?))
    }

    fn exchange_code(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let mut code = AuthorizationCode::new(args.needed("code")?);
        if let Some(code_verifier) = args.text("code_verifier")? {
            code = code.code_verifier(code_verifier);
        }
        if let Some(redirect_uri) = args.text("redirect_uri")? {
            code = code.redirect_uri(redirect_uri);
        }
        if let Some(scope) = args.text("scope")? {
            code = code.scope(scope);
        }
        let (name, call) = (args.needed("tokens")?, self.call(&mut args)?);
        args.end()?;
        Ok(self.keep_tokens(name, client.start_exchange_code(code, &call).wait()?))
    }

    fn refresh(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let (token, from, scope) = (args.text("refresh_token")?, args.text("from")?, args.scope("scope")?);
        let (name, call) = (args.needed("tokens")?, self.call(&mut args)?);
        args.end()?;
        let mut parameters = match (token, from) {
            (Some(token), None) => RefreshParameters::new(token),
            (None, Some(from)) => RefreshParameters::from(&self.tokens.get(&from)?),
            _ => return Err(Failure::Call("one of refresh_token and from is needed".to_owned())),
        };
        if let Some(scope) = scope {
            parameters = parameters.scope(scope);
        }
        Ok(self.keep_tokens(name, client.start_refresh(parameters, &call).wait()?))
    }

    fn tokens_export(&self, mut args: Args) -> Members {
        let tokens = self.tokens.take_name(&mut args, "tokens")?;
        args.end()?;
        Ok(json!({"exported": tokens.export().reveal()}))
    }

    fn tokens_restore(&self, mut args: Args) -> Members {
        let (name, json) = (args.needed("name")?, args.needed("json")?);
        args.end()?;
        Ok(self.keep_tokens(name, TokenSet::restore(&json)?))
    }

    fn cancel(&self, mut args: Args) -> Members {
        let name = args.needed("name")?;
        args.end()?;
        self.cancels.get_or_make(&name).cancel();
        Ok(json!({}))
    }

    fn debug(&self, mut args: Args) -> Members {
        let name = args.needed("object")?;
        args.end()?;
        let found = [self.clients.printed(&name), self.requests.printed(&name), self.tokens.printed(&name), self.sources.printed(&name)];
        let text = found.into_iter().flatten().next().ok_or_else(|| unknown(&name))?;
        Ok(json!({"text": text}))
    }

    pub(crate) fn call(&self, args: &mut Args) -> Result<CallOptions, Failure> {
        let mut call = CallOptions::new();
        if let Some(timeout) = args.seconds("timeout")? {
            call = call.timeout(timeout);
        }
        if let Some(cancel) = args.text("cancel")? {
            call = call.cancel_token(&self.cancels.get_or_make(&cancel));
        }
        Ok(call)
    }

    fn keep_request(&self, name: String, request: AuthorizationRequest) -> Value {
        let view = views::request(&request);
        self.requests.put(name, request);
        view
    }

    fn keep_tokens(&self, name: String, tokens: TokenSet) -> Value {
        let view = views::tokens(&tokens);
        self.tokens.put(name, tokens);
        view
    }
}

/// Objects by the names that the cases give them.
pub(crate) struct Named<T>(Mutex<HashMap<String, T>>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Named<T> {
    pub(crate) fn put(&self, name: String, object: T) {
        self.lock().insert(name, object);
    }

    fn get(&self, name: &str) -> Result<T, Failure> {
        self.lock().get(name).cloned().ok_or_else(|| unknown(name))
    }

    /// The object that an argument names.
    pub(crate) fn take_name(&self, args: &mut Args, argument: &str) -> Result<T, Failure> {
        self.get(&args.needed(argument)?)
    }

    pub(crate) fn get_or_make(&self, name: &str) -> T
    where
        T: Default,
    {
        self.lock().entry(name.to_owned()).or_default().clone()
    }

    fn printed(&self, name: &str) -> Option<String>
    where
        T: std::fmt::Debug,
    {
        self.lock().get(name).map(|object| format!("{object:?}\n{object:#?}"))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(name: &str) -> Failure {
    Failure::Call(format!("no object is called {name}"))
}
