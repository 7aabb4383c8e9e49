/** The version of this library, the same in all languages. */
export declare const VERSION: string

/** The options that every kind of client takes. */
export interface ClientOptions {
  /** The secret of a confidential client. Without it, the client is a public one. */
  clientSecret?: string | undefined
  /** How the client authenticates: by default `client_secret_post` with a secret, else `none`. */
  clientAuthentication?: 'client_secret_post' | 'client_secret_basic' | 'none' | undefined
  /** Where the server sends the user back to, byte for byte as registered. */
  redirectUri?: string | undefined
  /**
   * Certificates to trust instead of those of the operating system: the contents of a PEM file.
   * Each certificate in it counts.
   */
  caCertificates?: string | Uint8Array | undefined
  /**
   * `http://host:port`, `socks5://host:port` …, or `direct` for none. By default, `HTTPS_PROXY`,
   * `ALL_PROXY` and `NO_PROXY` are honored. A server on this machine is always reached directly.
   */
  proxy?: string | undefined
  /** Seconds that making a connection may take, TLS included; 5 by default. */
  connectTimeout?: number | undefined
  /** Seconds that a token request may take, until the last byte of its response; 30 by default. */
  requestTimeout?: number | undefined
  /**
   * How ID tokens must be signed: one or more of `RS256`, `PS256`, `ES256` …. By default, it is any
   * algorithm that the metadata names and this library knows, otherwise `RS256`. `HS256` and its
   * kind are accepted only if they are named here.
   */
  idTokenSignedResponseAlg?: string | readonly string[] | undefined
  /** Other client ids that an ID token may be for beside this client; none by default. */
  trustedAudiences?: readonly string[] | undefined
  /** Seconds that the server may be ahead of this machine, or behind: 0 to 300; 60 by default. */
  leeway?: number | undefined
  /**
   * Where logins are kept. {@link Client.completeLogin} and {@link Client.tokenSource} need it; the
   * single steps do not.
   */
  store?: Store | undefined
  /**
   * Where {@link TokenSource.fetch} may send tokens. By default `['https://api.sipgate.com']` for a
   * client of sipgate, and none for a client of another server. `http` is for this machine only.
   */
  origins?: readonly string[] | undefined
}

/** The options of {@link Client.fromEnv}. Each takes precedence over the environment. */
export interface EnvironmentOptions extends ClientOptions {
  /** The sipgate realm: `third-party`, or `sipgate-apps` for older clients. */
  realm?: string | undefined
}

/** The options of {@link Client.sipgate}. */
export interface SipgateOptions extends ClientOptions {
  /** The client id that the sipgate console shows. */
  clientId: string
  /** The realm. By default, the client id's suffix names it (`…:third-party`, `…:sipgate-apps`). */
  realm?: string | undefined
}

/** The options of {@link Client.keycloak}. */
export interface KeycloakOptions extends ClientOptions {
  /** The server's URL up to `/realms`, such as `https://login.example.com/auth`. */
  base: string
  /** The realm's name. */
  realm: string
  clientId: string
}

/** The options of `new Client`, for any server. */
export interface MetadataOptions extends ClientOptions {
  /** The server's metadata: an object, or the JSON text of its document. */
  metadata: ServerMetadata | string
  clientId: string
}

/**
 * Authorization server metadata, with the names of RFC 8414. A document may have more members than
 * these; {@link Client.metadata} keeps them.
 */
export interface ServerMetadata {
  /** The server's name. Authorization responses and ID tokens must repeat it exactly. */
  readonly issuer: string
  /** Where the user logs in. */
  readonly authorization_endpoint: string
  /** Where codes and refresh tokens are exchanged. */
  readonly token_endpoint: string
  /** The server's signature keys. */
  readonly jwks_uri?: string | undefined
  /** Claims about the user. */
  readonly userinfo_endpoint?: string | undefined
  /** Where tokens are revoked. Without it, a logout cannot tell the server. */
  readonly revocation_endpoint?: string | undefined
  /** Whether a token is active. */
  readonly introspection_endpoint?: string | undefined
  /** Where the user's session ends. */
  readonly end_session_endpoint?: string | undefined
  /** Where a device without a browser starts a login. */
  readonly device_authorization_endpoint?: string | undefined
  /** Where authorization requests are pushed to. */
  readonly pushed_authorization_request_endpoint?: string | undefined
  /** Whether each authorization response has an `iss`. One without is then refused (RFC 9207). */
  readonly authorization_response_iss_parameter_supported?: boolean | undefined
  readonly [member: string]: unknown
}

/** How {@link ServerMetadata.discover} reaches the server: as a client does. */
export interface DiscoveryOptions extends CallOptions {
  /** As {@link ClientOptions.caCertificates}. */
  caCertificates?: string | Uint8Array | undefined
  /** As {@link ClientOptions.proxy}. */
  proxy?: string | undefined
  /** As {@link ClientOptions.connectTimeout}. */
  connectTimeout?: number | undefined
  /** As {@link ClientOptions.requestTimeout}. */
  requestTimeout?: number | undefined
}

export declare namespace ServerMetadata {
  /**
   * Fetches the metadata of the server with this issuer (OpenID Connect Discovery; RFC 8414). Keep
   * the result: it is plain JSON, and a client that is made from it needs no network for that.
   * sipgate and Keycloak need no discovery.
   *
   * ```js
   * const metadata = await ServerMetadata.discover('https://login.example.com')
   * const client = new Client({ metadata, clientId })
   * ```
   */
  function discover(issuer: string, options?: DiscoveryOptions): Promise<ServerMetadata>
}

/** Claims about a user, from an ID token or from the userinfo endpoint. */
export interface Claims {
  /** The user's id at this server. It never changes, unlike `email`. */
  readonly sub: string
  readonly [claim: string]: unknown
}

/** What the server knows of a token (RFC 7662). */
export interface Introspection {
  /** Whether the token is active. If it is not, there are no other members. */
  readonly active: boolean
  readonly [member: string]: unknown
}

/** One or more scope names: `'balance:read sms:write'` or an array. */
export type Scope = string | readonly string[]

/** What can be requested beside a scope. */
export interface AuthorizationOptions {
  /** A redirect URI in place of the client's own, as with the port of a loopback listener. */
  redirectUri?: string | undefined
  /** How the server sends the authorization response. By default, it uses the query. */
  responseMode?: 'query' | 'form_post' | undefined
  /** Your own `state`: at most 512 printable ASCII characters. By default, 256 random bits. */
  state?: string | undefined
  /**
   * A value that your application gets back after the login, such as the page to return to: at most
   * 2048 bytes. It is not sent to the server.
   */
  returnTo?: string | undefined
  /** `login`, `consent`, `none` … (OpenID Connect Core, section 3.1.2.1). */
  prompt?: string | undefined
  /** The name or address that the login page fills in. */
  loginHint?: string | undefined
  /** Languages for the login page, best first: `de en`. */
  uiLocales?: string | undefined
  /**
   * How many seconds ago the user may have logged in: 0 requires a login now. The ID token must
   * then prove it. Anyone who can change the exported request can take this out. Where it protects
   * something, keep the request on the server, or signed.
   */
  maxAge?: number | undefined
  /** How the user is to log in, best first. The server may do otherwise: see {@link claims}. */
  acrValues?: string | undefined
  /**
   * Single claims to request, as an object or as its JSON text (OpenID Connect Core, section 5.5).
   * With `{ id_token: { acr: { essential: true, values: ['gold'] } } }`, an ID token without this
   * value is refused.
   */
  claims?: string | Readonly<Record<string, unknown>> | undefined
  /** An ID token of the user who is to be logged in, for instance with `prompt: 'none'`. */
  idTokenHint?: string | undefined
  /**
   * Any other parameters: an object, or pairs such as those of a `Map` or `URLSearchParams`. A
   * parameter that this library sets itself is refused.
   */
  extra?: Readonly<Record<string, string>> | Iterable<readonly [string, string]> | undefined
}

/** The options of one call. Both end the wait only: a token request that was sent continues. */
export interface CallOptions {
  /** Seconds to wait, not milliseconds; 30 by default. */
  timeout?: number | undefined
  /**
   * When it is aborted, the promise is rejected with its reason. If it was aborted before the call,
   * the call sends nothing.
   */
  signal?: AbortSignal | undefined
}

/** The options of {@link Client.completeLogin}. */
export interface LoginOptions extends CallOptions {
  /**
   * The user's name in your application: at most 1024 bytes. By default, the account is the user's
   * id at the server, `sub` of the ID token, for which the scope must have `openid`.
   */
  account?: string | undefined
}

/** The options of {@link Client.loginInBrowser}. */
export interface BrowserLoginOptions extends AuthorizationOptions, LoginOptions {
  /**
   * Called once with the URL that the browser opens: show it, for the case that no browser opens.
   * Without it, that is an error.
   */
  onUrl?: ((url: string) => void) | undefined
}

/** The options of {@link Client.logoutUrl}. */
export interface LogoutOptions extends CallOptions {
  /** The user's last ID token, if there is no token source. Without it, servers ask the user. */
  idTokenHint?: string | undefined
  /** Where the server sends the user afterwards, byte for byte as registered. */
  postLogoutRedirectUri?: string | undefined
  /** What the server repeats then. {@link Client.checkLogoutResponse} compares it. */
  state?: string | undefined
  /** Which user is to be logged out, such as a name or a session. */
  logoutHint?: string | undefined
  /** Languages for the server's page, best first: `de en`. */
  uiLocales?: string | undefined
}

/** The options of {@link TokenSource.accessToken}. */
export interface TokenOptions extends CallOptions {
  /**
   * Seconds that the token must still be valid, for instance for an upload. Counts up to 80 % of a
   * token's whole lifetime.
   */
  minValidity?: number | undefined
}

/** The options of {@link Client.exchangeCode}. */
export interface CodeOptions extends CallOptions {
  /** The PKCE verifier whose challenge was in the authorization URL (RFC 7636). */
  codeVerifier?: string | undefined
  /** The redirect URI of the authorization URL, if it is not the client's own. */
  redirectUri?: string | undefined
  /** The requested scope. It counts as granted if the response has no scope. */
  scope?: Scope | undefined
  /** The `nonce` of the authorization URL, which the ID token must repeat. */
  nonce?: string | undefined
}

/** The options of {@link Client.refresh}. */
export interface RefreshOptions extends CallOptions {
  /** Request less than was granted. By default no scope is sent, and it does not change. */
  scope?: Scope | undefined
}

/**
 * A client of a login server. It keeps its connections: make one and use it for all logins.
 *
 * ```js
 * const store = Store.sqlite('logins.db')
 * const redirectUri = 'https://example.com/auth'
 * const client = Client.sipgate({ clientId, clientSecret, redirectUri, store })
 *
 * // The page that logs in: keep request.export() in the user's session, redirect to request.url.
 * const request = client.authorizationRequest('balance:read')
 *
 * // The page at the redirect URI.
 * const restored = AuthorizationRequest.restore(kept)
 * await client.completeLogin(restored, queryString, { account: 'user-42' })
 *
 * // From then on, in any process.
 * const token = await client.tokenSource('user-42').accessToken()
 * ```
 *
 * Messages spell names as the RFCs and the other languages do: `client_id` is `clientId` here.
 */
export declare class Client {
  /** A client of any server, by its metadata. */
  constructor(options: MetadataOptions)

  /** A client of sipgate, in the realm that the client id's suffix names. */
  static sipgate(options: SipgateOptions): Client
  /** A client of a Keycloak. */
  static keycloak(options: KeycloakOptions): Client
  /**
   * A client that the environment describes: `SIPGATE_CLIENT_ID`, `SIPGATE_CLIENT_SECRET`,
   * `SIPGATE_REDIRECT_URI` and, if needed, `SIPGATE_REALM`, or `SIPGATE_ISSUER` for a Keycloak
   * other than that of sipgate. `SIPGATE_STORE` is the path of a SQLite database, or a URL as
   * {@link Store.open} takes it. `SIPGATE_ENCRYPTION_KEYS` is one key or several, separated by
   * commas. The secret and the keys may be in files, whose paths are in
   * `SIPGATE_CLIENT_SECRET_FILE` and `SIPGATE_ENCRYPTION_KEYS_FILE`. A worker thread reads the
   * environment of the process, not its copy.
   */
  static fromEnv(options?: EnvironmentOptions): Client

  /** The server's metadata: what was given, or what a preset knows. */
  readonly metadata: ServerMetadata
  /** The name that authorization responses and ID tokens must give the server. */
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly clientId: string
  /** The redirect URI of new authorization requests, if one was set. */
  readonly redirectUri: string | undefined

  /** A new authorization request for this scope, with the URL to send the user to. No network. */
  authorizationRequest(scope: Scope, options?: AuthorizationOptions): AuthorizationRequest

  /**
   * Checks the authorization response against its request, and exchanges the code in it for tokens.
   * `callback` is best the query string that the redirect URI was called with. Its path and query,
   * the whole URL and a form body are read too. An authorization request can be used once. If the
   * response is refused, or nothing was sent, it can be used again.
   */
  exchangeCallback(
    request: AuthorizationRequest,
    callback: string | URL | URLSearchParams,
    options?: CallOptions,
  ): Promise<TokenSet>

  /**
   * Exchanges a code for tokens, for applications that keep `state` and verifier and check
   * authorization responses themselves.
   */
  exchangeCode(code: string, options?: CodeOptions): Promise<TokenSet>

  /**
   * Exchanges a refresh token for new tokens, once. Nothing is stored: keep what it returns. No two
   * callers may refresh the same login at the same time: a server that rotates refresh tokens ends
   * the login for that. With a token set, its scope and ID token are kept if the response has none.
   */
  refresh(tokens: string | TokenSet, options?: RefreshOptions): Promise<TokenSet>

  /**
   * Checks the authorization response, exchanges its code and stores the login of this account, for
   * all processes that share the store. If the browser loads the callback twice, in the same
   * process or another, one exchange is made, and both calls get the same login. A login that is
   * stored for the account is replaced. Timeout and signal end the wait only: if the code was sent,
   * the login is stored. The account is the user's id at the server, if none is named.
   */
  completeLogin(
    request: AuthorizationRequest,
    callback: string | URL | URLSearchParams,
    options?: LoginOptions,
  ): Promise<TokenSource>

  /**
   * Logs the user of this machine in: opens the browser, waits for its return on a port of this
   * machine, and stores the login as {@link Client.completeLogin} does. For command lines and
   * programs on a desktop. The redirect URI is `http://127.0.0.1/…`, `http://localhost/…` or
   * `http://[::1]/…`, as it is registered. Without a port it is any free one, which a server must
   * allow (RFC 8252, section 7.3). The user has five minutes, unless there is a timeout.
   */
  loginInBrowser(scope: string | readonly string[], options?: BrowserLoginOptions): Promise<TokenSource>

  /** The tokens of this account, whether or not there is a login yet. No I/O, and cheap. */
  tokenSource(account: string): TokenSource

  /**
   * The accounts of this client in the store, read a hundred entries at a time. They are in no
   * particular order, and an account that is stored meanwhile may be missing. The timeout is for
   * each page. An entry that cannot be read is listed without its name: another client may own it.
   * A custom store needs {@link TokenStore.keys}.
   */
  accounts(options?: CallOptions): AsyncIterableIterator<StoredAccount>

  /**
   * Refreshes the logins that nobody has used for a week, so that the server does not end them. Run
   * it every hour, from cron or a timer, on as many machines as you like: they share the work, and
   * look at each login once a day, or seven times within a shorter `idle`. It stops after the
   * timeout, ten minutes by default, and the next call goes on. At most five logins a second are
   * refreshed, on all machines together. After five failures in a row it stops too. A custom store
   * needs {@link TokenStore.keys}.
   */
  keepAlive(options?: KeepAliveOptions): Promise<KeepAliveReport>

  /**
   * Ends the logins that a logout token of the server is about (OpenID Connect Back-Channel
   * Logout), for all processes that share the store. Pass the parameter `logout_token` of the
   * request that the server sent. Returns their accounts, so that their sessions in your
   * application can end too. Respond with 400 if it rejects with a {@link SecurityCheckError}, and
   * with 500 if the error is {@link SipgateOAuth2Error.retryable | retryable}.
   */
  acceptLogoutToken(logoutToken: string, options?: CallOptions): Promise<string[]>

  /**
   * Asks the server whether a token is active, and what it knows of it (RFC 7662). The response
   * holds for this moment only.
   */
  introspect(token: string, options?: CallOptions): Promise<Introspection>

  /**
   * Revokes a token at the server (RFC 7009). With a refresh token, the login ends there.
   * {@link TokenSource.logout} ends it in the store too.
   */
  revoke(token: string, options?: CallOptions): Promise<void>

  /**
   * The URL to send the user's browser to, to end the session at the server (OpenID Connect
   * RP-Initiated Logout). It contains the login's ID token. Reads the store, and not the network.
   * {@link TokenSource.logout} ends the login here: call it afterwards.
   */
  logoutUrl(source?: TokenSource, options?: LogoutOptions): Promise<string>

  /**
   * Throws a {@link SecurityCheckError} unless the server sent the user back after the logout with
   * this `state`. `callback` is as for {@link exchangeCallback}. No network.
   */
  checkLogoutResponse(callback: string | URL | URLSearchParams, state: string): void

  /**
   * Calls `listener` for everything that happens, after it happened. The channel `sipgate-oauth2`
   * of `node:diagnostics_channel` receives the same events. A listener does not keep the process
   * alive.
   */
  on(name: 'event', listener: (event: SipgateEvent) => void): this
  /** {@link on}, for the next event only. */
  once(name: 'event', listener: (event: SipgateEvent) => void): this
  /** Removes `listener`. */
  off(name: 'event', listener: (event: SipgateEvent) => void): this

  /** Contains no secret. */
  toJSON(): { issuer: string; clientId: string; redirectUri: string | undefined }
}

/**
 * An authorization request: the URL to send the user to, and what the authorization response is
 * checked against. It is valid for 30 minutes and can be used once. Keep it in the user's own
 * session, as {@link export}ed text, or {@link seal}ed in a cookie of its own. If you look it up by
 * `state` alone, it is not tied to the browser.
 */
export declare class AuthorizationRequest {
  private constructor()

  /**
   * An authorization request from the text that {@link export} returned, in this or another
   * language of the library.
   */
  static restore(exported: string): AuthorizationRequest
  /**
   * An authorization request from the text that {@link seal} returned, with any of these keys.
   * Throws a {@link LoginRequiredError} if it is not one, was cut or changed, or was sealed with
   * another key: the user logs in again.
   */
  static unseal(sealed: string, encryptionKeys: readonly (string | Uint8Array)[]): AuthorizationRequest

  /** The URL to send the user's browser to. */
  readonly url: string
  /** The `state` in the URL, which the authorization response must repeat. */
  readonly state: string
  /** The `nonce`, which an ID token repeats. It is in the URL if the scope has `openid`. */
  readonly nonce: string
  /** The redirect URI, byte for byte as given. */
  readonly redirectUri: string
  /** The requested scope, as one text. */
  readonly scope: string
  /** The value that was given for it. */
  readonly returnTo: string | undefined
  /** When the request was made, in seconds since 1970. */
  readonly createdAt: number
  /** From when on the authorization response is too late, in seconds since 1970. */
  readonly expiresAt: number

  /** All of it as one text, in characters that a cookie can hold. It contains the code verifier. */
  export(): string
  /**
   * All of it as one text for a cookie, encrypted (AES-256-GCM) with the first of the keys: its
   * holder can neither read nor change it. A key is 32 random bytes, or these as base64 or
   * hexadecimal text. The text is 37 or 38 characters longer than that of {@link export}. Browsers
   * drop a cookie of more than 4096.
   */
  seal(encryptionKeys: readonly (string | Uint8Array)[]): string

  /** Contains no secret. */
  toJSON(): { redirectUri: string; scope: string; createdAt: number; expiresAt: number }
}

/**
 * The tokens of one login, and what the server said about them. Printing it and `JSON.stringify`
 * show no token; {@link export} does.
 */
export declare class TokenSet {
  private constructor()

  /**
   * Tokens from a JSON object with the RFC's names, as text or as an object: from {@link export},
   * or from another library. `expires_at` is in seconds since 1970, or an RFC 3339 text. If there
   * is only `expires_in`, the age is unknown, and the access token counts as expired.
   */
  static restore(tokens: string | Readonly<Record<string, unknown>>): TokenSet

  readonly accessToken: string
  /** The token's type as the server wrote it, or `Bearer` if it did not. */
  readonly tokenType: string
  /** The refresh token. After a refresh whose response had none, it is the one that was used. */
  readonly refreshToken: string | undefined
  /** The ID token as the server sent it. */
  readonly idToken: string | undefined
  /** Whether the ID token is from an earlier response, because the last one had none. */
  readonly idTokenKept: boolean
  /**
   * Whether the ID token was verified: its signature and its claims. It is if the scope has
   * `openid` and the tokens are from an exchange or a refresh of this library.
   */
  readonly idTokenVerified: boolean
  /** What the ID token says about the user, if it was verified. */
  readonly claims: Claims | undefined
  /** The scope that was granted, or the requested one if the server did not say. */
  readonly scope: string | undefined
  /** When the access token expires, in seconds since 1970. */
  readonly expiresAt: number | undefined
  /** When the refresh token expires, in seconds since 1970. It is a hint. */
  readonly refreshExpiresAt: number | undefined
  /** Members of the response that this library does not use, such as `session_state`. */
  readonly extra: Readonly<Record<string, unknown>>

  /** The value of an `Authorization` header: `Bearer …`. */
  authorizationHeader(): string

  /**
   * All of it as the text of a JSON object with the RFC's names, the same in all languages. It
   * contains the tokens.
   */
  export(): string

  /** With `[redacted]` for each token. */
  toJSON(): {
    accessToken: string
    tokenType: string
    refreshToken: string | undefined
    idToken: string | undefined
    scope: string | undefined
    expiresAt: number | undefined
    refreshExpiresAt: number | undefined
  }
}

/**
 * The access token of one account, whenever it is asked for: from memory, from the store, or
 * refreshed, once for all callers, workers and processes that ask. {@link Client.completeLogin} and
 * {@link Client.tokenSource} make one. Printing it and `JSON.stringify` show no token.
 */
export declare class TokenSource {
  private constructor()

  /** The account: the application's name for the user, or the user's id at the server. */
  readonly account: string
  /** What events and logs call the account: 16 hexadecimal digits, the same in all processes. */
  readonly accountHash: string

  /**
   * An access token that an API accepts now. Past 80 % of its lifetime, the current token is
   * returned and refreshed in the background. A caller waits for a new token only if the current
   * one has expired. A {@link LoginRequiredError} says that the user must log in. Timeout and
   * signal end the wait only: a refresh in progress continues.
   */
  accessToken(options?: TokenOptions): Promise<string>

  /** The value of an `Authorization` header: `Bearer …`. Fails like {@link accessToken}. */
  authorizationHeader(options?: TokenOptions): Promise<string>

  /** The current token, if it can be used without asking the store or the server. Never waits. */
  peek(): string | undefined

  /**
   * Tells that an API responded with 401 to this access token. If it is still the current token,
   * the next call refreshes it. Twenty late 401s cause one refresh. A token that is itself the
   * outcome of this, and less than 10 s old, is not refreshed again. Nothing is sent by this call.
   */
  invalidate(accessToken: string): void

  /**
   * Refreshes the tokens now, also if they are fresh, or if the server has rejected the login
   * before. Returns the access token.
   */
  refresh(options?: CallOptions): Promise<string>

  /**
   * Replaces this account's login with tokens from elsewhere: from the single steps, or from
   * another library.
   */
  save(tokens: TokenSet, options?: CallOptions): Promise<void>

  /** The state of the login, from the store, without the network. */
  status(options?: CallOptions): Promise<TokenStatus>

  /**
   * What the ID token says about the user: verified at the login, and at each refresh that brought
   * a new one. Reads the store, and not the network. The scope must have `openid`. `sub` names the
   * user and never changes; an `email` can be another user's tomorrow. A login that has ended has
   * none: `LoginRequiredError`.
   */
  claims(options?: CallOptions): Promise<Claims>

  /**
   * What the server knows about the user now, from its userinfo endpoint (OpenID Connect Core,
   * section 5.3). The claims are of the user of the ID token. Refreshes the access token if need
   * be. The scope must have `openid`.
   */
  userinfo(options?: CallOptions): Promise<Claims>

  /**
   * Ends the login: here at once, and then at the server, where it ends every login of this client
   * in the same browser session. Returns `revoked` if the server was told. Returns `local_only` if
   * it was not: it has no revocation endpoint, or there was no refresh token to revoke, as after an
   * earlier logout. Rejects if the server could not be told: no token is returned any more, and
   * another call finishes the logout.
   */
  logout(options?: CallOptions): Promise<'revoked' | 'local_only'>

  /**
   * Ends the login as {@link TokenSource.logout} does, and then removes what the store knows of the
   * user: for a request to erase it, or an account that was deleted. Afterwards there is no login,
   * and {@link Client.accounts} does not list the account. For an hour, an entry without a name
   * stays in the store, so that no other process restores the login. Rejects if the server could
   * not be told: the account is logged out, and another call finishes the erasure.
   */
  forget(options?: CallOptions): Promise<'revoked' | 'local_only'>

  /**
   * Rejects while new tokens are in memory only, because the store failed: they would be lost if
   * the process exited.
   */
  ensureSaved(): Promise<void>

  /**
   * `fetch` with the token, for the client's {@link ClientOptions.origins | origins} only. After a
   * 401, the request is sent once more with a new token, unless its body is a stream or that of a
   * `Request`. After a 403, it is sent once more only if another process has stored another token.
   * A redirect does not take the token to another origin.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>

  /** Contains no secret. */
  toJSON(): { account: string; clientId: string }
}

/** The options of {@link Client.keepAlive}. */
export interface KeepAliveOptions extends CallOptions {
  /** Seconds since its last refresh after which a login is refreshed; 604800 by default. */
  idle?: number | undefined
}

/** What {@link Client.keepAlive} has done. */
export interface KeepAliveReport {
  /** How many logins of this client it looked at. */
  seen: number
  /** How many of them it refreshed. */
  renewed: number
  /** How many it could not refresh now, and how many entries it could not read. */
  failed: number
  /**
   * The accounts whose logins the server does not accept any more, now or since an earlier refresh.
   */
  loginRequired: string[]
}

/** One account that the store has. Contains no secret. */
export interface StoredAccount {
  /** The account, as the application named it. Empty if the entry cannot be read. */
  account: string
  /** What events and logs call the account, as {@link TokenSource.accountHash}. */
  accountHash: string
  /**
   * `rejected`: the user must log in again. `unreadable`: the entry is damaged, encrypted with a
   * key that the store was not given, or of a newer version.
   */
  state: 'active' | 'rejected' | 'logged_out' | 'unreadable'
  /** Why the last refresh failed, why the login has ended, or why the entry cannot be read. */
  lastError: SipgateOAuth2Error | undefined
}

/** The state of a login. Contains no secret. */
export interface TokenStatus {
  /** `absent`: none is stored. `rejected`: the server has ended it, and the user must log in. */
  state: 'absent' | 'active' | 'rejected' | 'logged_out'
  /** Counts the token sets of this account, across logins. */
  generation: number
  /** When the access token expires, in seconds since 1970. */
  expiresAt: number | undefined
  /** When the refresh token expires, in seconds since 1970. It is a hint. */
  refreshExpiresAt: number | undefined
  /** The scope that was granted. */
  scope: string | undefined
  /** Why the last refresh failed, or why the login has ended. */
  lastError: SipgateOAuth2Error | undefined
  /** Whether new tokens are in memory only, because the store has not accepted them yet. */
  unsaved: boolean
}

/**
 * Something that happened, for logs and metrics. It contains no secret. `account` is a hash, the
 * same in all processes; durations are in seconds.
 */
export type SipgateEvent = Readonly<
  | {
      type: 'token_request'
      grant: string
      duration: number
      sent: boolean
      error: ErrorCode | null
    }
  | { type: 'logged_in'; account: string; generation: number }
  | { type: 'refreshed'; account: string; generation: number; duration: number }
  | { type: 'refresh_failed'; account: string; error: ErrorCode }
  | { type: 'logged_out'; account: string; outcome: 'revoked' | 'local_only' }
  | { type: 'login_ends'; account: string; remaining: number }
  | { type: 'login_rejected' | 'unsaved'; account: string }
  | { type: 'response_member_ignored'; member: string }
  | { type: 'realm_mismatch'; named: string; used: string }
>

/** The options of {@link Store.memory}. */
export interface MemoryStoreOptions {
  /**
   * Seconds until a login or logout of another process is noticed: 1 by default, 5 for a custom
   * store and one on a server.
   */
  recheck?: number | undefined
}

/** The options of every other store. */
export interface StoreOptions extends MemoryStoreOptions {
  /**
   * Encrypts what is stored (AES-256-GCM). A key is 32 random bytes, or these as base64 or
   * hexadecimal text. The first key encrypts. Entries of the other keys, and entries that are not
   * encrypted, can still be read.
   */
  encryptionKeys?: readonly (string | Uint8Array)[] | undefined
}

/** The options of {@link Store.sqlite}. */
export interface SqliteOptions extends StoreOptions {
  /**
   * Allows a path on a network file system, which is refused by default: locks there are known to
   * fail, and then two machines use one refresh token. Set it only if you are sure that the locks
   * are reliable.
   */
  allowNetworkFileSystem?: boolean | undefined
}

/** When a Redis or Valkey counts a write as stored: see {@link OpenOptions.durability}. */
export type Durability = 'disk' | 'server' | 'memory'

/** The options of {@link Store.open}. One that the URL's store does not have is an error. */
export interface OpenOptions extends SqliteOptions {
  /**
   * PostgreSQL and Redis: overrides the password in the URL. A function is asked before each new
   * connection, on the event loop, and has 30 s: for tokens of IAM, and passwords that Vault
   * changes. If it throws, the call fails with `SIPGATE_STORE_UNAVAILABLE` and the error as its
   * cause.
   */
  password?: string | (() => string | Promise<string>) | undefined
  /**
   * PostgreSQL and Redis: the certificate authorities of the server, as PEM, instead of those
   * of the operating system.
   */
  caCertificates?: string | Uint8Array | undefined
  /** PostgreSQL and Redis: seconds for an operation, with connecting: 3 by default, 5 at most. */
  timeout?: number | undefined
  /** PostgreSQL and Redis: the most connections of this process at the same time: 4 by default. */
  connections?: number | undefined
  /** PostgreSQL: the table, with or without its schema: `sipgate_oauth2_logins` by default. */
  table?: string | undefined
  /**
   * PostgreSQL: whether a table that does not exist is created: `true` by default. Otherwise, a
   * missing table is an error that contains the SQL script.
   */
  createTable?: boolean | undefined
  /** Redis: what the names of all keys start with: `sipgate-oauth2:` by default. */
  prefix?: string | undefined
  /**
   * Redis: a write counts as stored once it is on the server's disk (`disk`, the default), once the
   * server says so (`server`), or once it is in its memory (`memory`: users may have to log in
   * again when the server stops).
   */
  durability?: Durability | undefined
  /** Redis: how many replicas must have a write too: 0 by default. */
  replicas?: number | undefined
}

/** What a store keeps under a key. */
export interface StoreEntry {
  /** 22 random characters, new with every change. */
  version: string
  /** The login: opaque, secret, rarely more than 10 KB. */
  data: Uint8Array
  /** When the entry may be removed, in seconds since 1970. Without it, never. */
  expiresAt?: number | bigint | null | undefined
}

/**
 * A custom store: any database that can replace a row if nobody else has replaced it meanwhile.
 * The functions may return promises, and have 30 s. If one throws, the call fails with
 * `SIPGATE_STORE_UNAVAILABLE` and the error as its cause. {@link checkStore} tests a custom store.
 */
export interface TokenStore {
  /**
   * The entry of this key as the last successful `save` of any process left it, or nothing. Never a
   * stale copy.
   */
  load(key: string): StoreEntry | null | undefined | Promise<StoreEntry | null | undefined>
  /**
   * Puts `version`, `data` and `expiresAt` under the key if the version there is `expected`, or if
   * nothing is there and `expected` is `null`. Returns `true` once that is durable. Otherwise it
   * changes nothing and returns `false`. It must be atomic, and never part of a transaction of your
   * application.
   */
  save(
    key: string,
    expected: string | null,
    version: string,
    data: Uint8Array,
    expiresAt: number | null,
  ): boolean | Promise<boolean>
  /**
   * May be missing; {@link Client.accounts} and {@link Client.keepAlive} need it. The keys after
   * this one in their order, or the first ones if `after` is `null`: at most `limit`. Keys of
   * expired entries may be among them.
   */
  keys?(after: string | null, limit: number): readonly string[] | Promise<readonly string[]>
}

/**
 * Where logins are kept, for all processes that use it. Clients of one store share what is in
 * memory, and refresh together: make one store per process or worker.
 */
export declare class Store {
  /** Keeps logins in a custom store. */
  constructor(store: TokenStore, options?: StoreOptions)

  /**
   * Keeps logins in memory only; they are lost when the process exits. For tests and short-lived
   * programs.
   */
  static memory(options?: MemoryStoreOptions): Store
  /**
   * Keeps logins in a SQLite database, for any number of processes of one machine. If there is no
   * such file, it is created, and only its owner can read it.
   */
  static sqlite(path: string, options?: SqliteOptions): Store
  /**
   * Keeps logins where this URL says: `postgres://user@host/database`, `rediss://host:6379`,
   * `sqlite:///full/path` or `memory:`. Opening a database on a server does no I/O: an application
   * starts while its database restarts. {@link check} looks.
   */
  static open(url: string, options?: OpenOptions): Store
  /**
   * The SQL script that creates the PostgreSQL table of this name, for migrations: with or without
   * a schema, and `sipgate_oauth2_logins` by default.
   */
  static postgresSchema(table?: string): string

  /**
   * Looks whether the store works and keeps logins as it must: rights, table, durability, eviction,
   * and whether the server is the primary. Returns what is wrong, in words with the remedy: an
   * empty array means that all is well. For start scripts and monitoring. Rejects if the store
   * cannot be asked, or if a SQLite database cannot be written. Nothing is known of a custom store;
   * {@link checkStore} tests one.
   */
  check(options?: CallOptions): Promise<string[]>

  /** Contains no secret. */
  toJSON(): { kind: 'memory' | 'sqlite' | 'postgres' | 'redis' | 'custom' }
}

/**
 * Tests whether a custom store keeps the promises that the library relies on. Returns those that it
 * broke, in words: an empty array is good. If a function throws, the promise is rejected with a
 * {@link StoreError} that has the error as its cause. What the test stores expires within seconds,
 * so the store need not be empty.
 */
export declare function checkStore(store: TokenStore): Promise<string[]>

/**
 * What to do about an error. It belongs to the occurrence: the same code can have different
 * remedies.
 */
export type Remedy =
  | 'log_in_again'
  | 'fix_configuration'
  | 'try_later'
  | 'discard_input'
  | 'show_denied'
  | 'report_bug'

/** What went wrong, as one word that is the same in all languages of this library. */
export type ErrorCode =
  | 'SIPGATE_INVALID_ARGUMENT'
  | 'SIPGATE_INVALID_CLIENT'
  | 'SIPGATE_WRONG_ENDPOINT'
  | 'SIPGATE_CERTIFICATE'
  | 'SIPGATE_UNSUPPORTED'
  | 'SIPGATE_OAUTH'
  | 'SIPGATE_TRANSPORT'
  | 'SIPGATE_TIMEOUT'
  | 'SIPGATE_OUTCOME_UNKNOWN'
  | 'SIPGATE_SERVER_UNAVAILABLE'
  | 'SIPGATE_BAD_RESPONSE'
  | 'SIPGATE_BUSY'
  | 'SIPGATE_LOGIN_REQUIRED'
  | 'SIPGATE_LOGIN_FAILED'
  | 'SIPGATE_LOGIN_EXPIRED'
  | 'SIPGATE_LOGIN_ALREADY_USED'
  | 'SIPGATE_AUTHORIZATION_DENIED'
  | 'SIPGATE_STATE_MISMATCH'
  | 'SIPGATE_ISSUER_MISMATCH'
  | 'SIPGATE_CALLBACK_REFUSED'
  | 'SIPGATE_NONCE_MISMATCH'
  | 'SIPGATE_ID_TOKEN'
  | 'SIPGATE_QUARANTINED'
  | 'SIPGATE_STORE_UNAVAILABLE'
  | 'SIPGATE_STORE_CORRUPT'
  | 'SIPGATE_STORE_FORMAT'
  | 'SIPGATE_STORE_PERMISSIONS'
  | 'SIPGATE_UNSAVED'
  | 'SIPGATE_CANCELLED'
  | 'SIPGATE_INTERNAL'

/** Every error code, with its number in C and the class of its errors. */
export declare const ERROR_CODES: readonly {
  readonly code: ErrorCode
  readonly number: number
  readonly family: string
}[]

/** The fields that an error can be made with. */
export interface ErrorFields {
  cause?: unknown
  code?: ErrorCode
  remedy?: Remedy
  retryAfter?: number
  httpStatus?: number
  oauthError?: string
  oauthErrorDescription?: string
  oauthErrorUri?: string
  refreshToken?: string
}

/**
 * The class of all errors of this library. The message is one line that names what to change, and
 * contains no secret.
 */
export declare class SipgateOAuth2Error extends Error {
  /** For your application's tests. Without a code, it has that of its class. */
  constructor(message?: string, fields?: ErrorFields)

  readonly code: ErrorCode
  readonly number: number
  readonly remedy: Remedy
  /** Whether the same call may work later: the remedy is `try_later`. */
  readonly retryable: boolean
  /** Seconds to wait, if the server said so. */
  readonly retryAfter: number | undefined
  /**
   * The HTTP status of the login server's response, if there was one. It is not called `status`,
   * because web frameworks would send that to the browser.
   */
  readonly httpStatus: number | undefined
  /** The `error` member of an OAuth response. Match on this. */
  readonly oauthError: string | undefined
  /** The server's description, for logs and people. No decision needs it. */
  readonly oauthErrorDescription: string | undefined
  /** The server's page about the error. */
  readonly oauthErrorUri: string | undefined
  /**
   * The refresh token to go on with, if `client.refresh` has received one in a response of which
   * nothing else can be used. Keep it in place of the old one, which the server may not accept any
   * more. It does not show where an error is printed.
   */
  readonly refreshToken: string | undefined
}

/** The configuration or the calling code is wrong. */
export declare class ConfigurationError extends SipgateOAuth2Error {}
/** The same call may work later. */
export declare class TemporaryError extends SipgateOAuth2Error {}
/** The user must log in (again). */
export declare class LoginRequiredError extends SipgateOAuth2Error {}
/** The user denied access. Show that; sending them to the login page again would loop. */
export declare class AuthorizationDeniedError extends SipgateOAuth2Error {}
/** The input may be from an attack or a mix-up. Discard it. */
export declare class SecurityCheckError extends SipgateOAuth2Error {}
/** The store failed. */
export declare class StoreError extends SipgateOAuth2Error {}
