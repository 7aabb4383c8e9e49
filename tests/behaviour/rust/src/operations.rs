//! The operations of clients, and the named objects that they create and use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use sipgate_oauth2::{
    AuthorizationCode, AuthorizationParameters, AuthorizationRequest, CallOptions, CancelToken, Client, ClientBuilder, Discovery,
    KeepAlive, LogoutParameters, RefreshParameters, ServerMetadata, Store, TokenSet, TokenSource,
};

use crate::args::{Args, Failure};
use crate::custom_store::CustomStore;
use crate::views;

pub(crate) type Members = Result<Value, Failure>;

#[derive(Default)]
pub(crate) struct Shim {
    metadata: Named<ServerMetadata>,
    pub(crate) clients: Named<Client>,
    pub(crate) requests: Named<AuthorizationRequest>,
    pub(crate) tokens: Named<TokenSet>,
    pub(crate) sources: Named<TokenSource>,
    pub(crate) custom_stores: Named<CustomStore>,
    pub(crate) stores: Named<Store>,
    cancels: Named<CancelToken>,
    events: Named<Events>,
}

/// As JSON.
type Events = Arc<Mutex<Vec<String>>>;

impl Shim {
    /// `None` if there is no such operation.
    pub(crate) fn run(&self, op: &str, args: Args) -> Option<Members> {
        let operation = match op {
            "metadata.discover" => Self::discover,
            "client.new" => Self::client_new,
            "client.events" => Self::client_events,
            "client.authorization_request" => Self::authorization_request,
            "client.exchange_callback" => Self::exchange_callback,
            "client.exchange_code" => Self::exchange_code,
            "client.refresh" => Self::refresh,
            "client.complete_login" => Self::complete_login,
            "client.login_in_browser" => Self::login_in_browser,
            "client.token_source" => Self::token_source,
            "client.accounts" => Self::accounts,
            "client.keep_alive" => Self::keep_alive,
            "client.accept_logout_token" => Self::accept_logout_token,
            "client.introspect" => Self::introspect,
            "client.revoke" => Self::revoke,
            "client.logout_url" => Self::logout_url,
            "client.check_logout_response" => Self::check_logout_response,
            "source.access_token" => Self::access_token,
            "source.authorization_header" => Self::authorization_header,
            "source.peek" => Self::peek,
            "source.invalidate" => Self::invalidate,
            "source.refresh" => Self::source_refresh,
            "source.save" => Self::source_save,
            "source.status" => Self::source_status,
            "source.logout" => Self::source_logout,
            "source.forget" => Self::source_forget,
            "source.claims" => Self::source_claims,
            "source.userinfo" => Self::source_userinfo,
            "source.ensure_saved" => Self::source_ensure_saved,
            "store.open" => Self::store_open,
            "store.check" => Self::store_check,
            "store.limit" => Self::store_limit,
            "store.hang" => Self::store_hang,
            "store.break" => Self::store_break,
            "store.copy" => Self::store_copy,
            "request.export" => Self::request_export,
            "request.restore" => Self::request_restore,
            "request.seal" => Self::request_seal,
            "request.unseal" => Self::request_unseal,
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

    fn discover(&self, mut args: Args) -> Members {
        let name = args.needed("name")?;
        let mut discovery = Discovery::new(args.needed("issuer")?);
        if let Some(pem) = args.text("ca_certificates")? {
            discovery = discovery.ca_certificates(pem);
        }
        let call = self.call(&mut args)?;
        args.end()?;
        let metadata = discovery.start_discover(&call).wait()?;
        let view = views::metadata(&metadata);
        self.metadata.put(name, metadata);
        Ok(view)
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
                let metadata = match args.text("metadata")? {
                    Some(discovered) => self.metadata.get(&discovered)?,
                    None => metadata(&mut args)?,
                };
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
        if let Some(algorithms) = args.names("id_token_signed_response_alg")? {
            builder = builder.id_token_signed_response_alg(algorithms);
        }
        if let Some(audiences) = args.texts("trusted_audiences")? {
            builder = builder.trusted_audiences(audiences);
        }
        if let Some(leeway) = args.seconds("leeway")? {
            builder = builder.leeway(leeway);
        }
        if let Some(store) = args.object("store")? {
            builder = builder.store(self.store(store)?);
        }
        if let Some(name) = args.text("events")? {
            let events = self.events.get_or_make(&name);
            builder = builder.on_event(move |event| events.lock().unwrap_or_else(PoisonError::into_inner).push(event.to_json()));
        }
        args.end()?;
        let client = builder.build()?;
        let view = views::client(&client);
        self.clients.put(name, client);
        Ok(view)
    }

    fn client_events(&self, mut args: Args) -> Members {
        let events = self.events.take_name(&mut args, "events")?;
        let kind = args.needed("type")?;
        args.end()?;
        let events = events.lock().unwrap_or_else(PoisonError::into_inner);
        let events = events.iter().filter_map(|event| serde_json::from_str::<Value>(event).ok()).filter(|event| event["type"] == *kind);
        Ok(json!({"events": events.collect::<Vec<_>>()}))
    }

    fn authorization_request(&self, mut args: Args) -> Members {
        let (client, name) = (self.clients.take_name(&mut args, "client")?, args.needed("name")?);
        let parameters = authorization_parameters(&mut args)?;
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

    fn request_seal(&self, mut args: Args) -> Members {
        let (request, keys) = (self.requests.take_name(&mut args, "request")?, args.encryption_keys()?.unwrap_or_default());
        args.end()?;
        Ok(json!({"sealed": request.seal(&keys)?.reveal()}))
    }

    fn request_unseal(&self, mut args: Args) -> Members {
        let (name, sealed, keys) = (args.needed("name")?, args.needed("sealed")?, args.encryption_keys()?.unwrap_or_default());
        args.end()?;
        Ok(self.keep_request(name, AuthorizationRequest::unseal(&sealed, &keys)?))
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
        if let Some(nonce) = args.text("nonce")? {
            code = code.nonce(nonce);
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

    /// The pages one by one, as [`Client::accounts`] does with a timeout of its own.
    fn accounts(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let call = self.call(&mut args)?;
        args.end()?;
        let (mut accounts, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = client.start_accounts(after.as_deref(), &call).wait()?;
            accounts.extend(page.accounts.iter().map(views::account));
            after = page.next;
            if after.is_none() {
                return Ok(json!({"accounts": accounts}));
            }
        }
    }

    fn keep_alive(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let (idle, call) = (args.seconds("idle")?, self.call(&mut args)?);
        args.end()?;
        let settings = idle.map_or_else(KeepAlive::new, |idle| KeepAlive::new().idle(idle));
        Ok(views::report(client.start_keep_alive(&settings, &call).wait()?))
    }

    fn accept_logout_token(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let (logout_token, call) = (args.needed("logout_token")?, self.call(&mut args)?);
        args.end()?;
        Ok(json!({"accounts": client.start_accept_logout_token(&logout_token, &call).wait()?}))
    }

    fn introspect(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let (token, call) = (args.needed("token")?, self.call(&mut args)?);
        args.end()?;
        Ok(views::introspection(&client.start_introspect(token.as_str(), &call).wait()?))
    }

    fn revoke(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let (token, call) = (args.needed("token")?, self.call(&mut args)?);
        args.end()?;
        client.start_revoke(token.as_str(), &call).wait()?;
        Ok(json!({}))
    }

    fn logout_url(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let source = args.text("source")?.map(|name| self.sources.get(&name)).transpose()?;
        let mut parameters = LogoutParameters::new();
        if let Some(id_token_hint) = args.text("id_token_hint")? {
            parameters = parameters.id_token_hint(id_token_hint);
        }
        if let Some(redirect_uri) = args.text("post_logout_redirect_uri")? {
            parameters = parameters.post_logout_redirect_uri(redirect_uri);
        }
        if let Some(state) = args.text("state")? {
            parameters = parameters.state(state);
        }
        if let Some(logout_hint) = args.text("logout_hint")? {
            parameters = parameters.logout_hint(logout_hint);
        }
        if let Some(ui_locales) = args.text("ui_locales")? {
            parameters = parameters.ui_locales(ui_locales);
        }
        let call = self.call(&mut args)?;
        args.end()?;
        Ok(json!({"url": client.start_logout_url(source.as_ref(), parameters, &call).wait()?}))
    }

    fn check_logout_response(&self, mut args: Args) -> Members {
        let client = self.clients.take_name(&mut args, "client")?;
        let (callback, state) = (args.needed("callback")?, args.needed("state")?);
        args.end()?;
        client.check_logout_response(&callback, &state)?;
        Ok(json!({}))
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
        let found = [
            self.clients.printed(&name),
            self.stores.printed(&name),
            self.requests.printed(&name),
            self.tokens.printed(&name),
            self.sources.printed(&name),
        ];
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

/// The metadata that the arguments of a client name one by one.
fn metadata(args: &mut Args) -> Result<ServerMetadata, Failure> {
    let mut metadata = ServerMetadata::new(args.needed("issuer")?);
    metadata.authorization_endpoint = args.text("authorization_endpoint")?;
    metadata.token_endpoint = args.text("token_endpoint")?;
    metadata.jwks_uri = args.text("jwks_uri")?;
    metadata.authorization_response_iss_parameter_supported = args.flag("authorization_response_iss_parameter_supported")?;
    Ok(metadata)
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

    pub(crate) fn get(&self, name: &str) -> Result<T, Failure> {
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

pub(crate) fn authorization_parameters(args: &mut Args) -> Result<AuthorizationParameters, Failure> {
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
    if let Some(max_age) = args.integer("max_age")? {
        parameters = parameters.max_age(max_age);
    }
    if let Some(acr_values) = args.text("acr_values")? {
        parameters = parameters.acr_values(acr_values);
    }
    if let Some(claims) = args.json("claims")? {
        parameters = parameters.claims(claims);
    }
    if let Some(id_token_hint) = args.text("id_token_hint")? {
        parameters = parameters.id_token_hint(id_token_hint);
    }
    for (name, value) in args.pairs("extra")? {
        parameters = parameters.extra(name, value);
    }
    Ok(parameters)
}
