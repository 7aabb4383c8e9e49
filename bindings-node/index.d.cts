/** The version of this library, the same in all languages. */
export declare const VERSION: string

/** Who asks, and how: the options that every kind of client takes. */
export interface ClientOptions {
  /** The secret of a confidential client. Without it the client is a public one. */
  clientSecret?: string | undefined
  /** How the client authenticates: `client_secret_post` where there is a secret, else `none`, unless set. */
  clientAuthentication?: 'client_secret_post' | 'client_secret_basic' | 'none' | undefined
  /** Where the server sends the person back to, byte for byte as registered. */
  redirectUri?: string | undefined
  /** Certificates to believe instead of the operating system's: the contents of a PEM file, of which every certificate counts. */
  caCertificates?: string | Uint8Array | undefined
  /**
   * `http://host:port`, `socks5://host:port` …, or `direct` for none. Without it `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are heeded. A server
   * on this machine is always reached directly.
   */
  proxy?: string | undefined
  /** Seconds that making a connection may take, TLS included; 5 unless set. */
  connectTimeout?: number | undefined
  /** Seconds that a token request may take, from its start to the last byte of its answer; 30 unless set. */
  requestTimeout?: number | undefined
  /** Where logins are kept: for {@link Client.completeLogin} and {@link Client.tokenSource}. The single steps do without. */
  store?: Store | undefined
  /**
   * Where {@link TokenSource.fetch} may send tokens. For a client at sipgate `['https://api.sipgate.com']` unless set; a client at any other server has
   * none unless set. `http` for this machine only.
   */
  origins?: readonly string[] | undefined
}

/** The options of {@link Client.fromEnv}; each goes before what the environment says. */
export interface EnvironmentOptions extends ClientOptions {
  /** The sipgate realm: `third-party`, or `sipgate-apps` for older clients. */
  realm?: string | undefined
}

/** The options of {@link Client.sipgate}. */
export interface SipgateOptions extends ClientOptions {
  /** The client id that the sipgate console shows. */
  clientId: string
  /** The realm, where the client id's suffix (`…:third-party`, `…:sipgate-apps`) does not name it. */
  realm?: string | undefined
}

/** The options of {@link Client.keycloak}. */
export interface KeycloakOptions extends ClientOptions {
  /** What stands before `/realms`, such as `https://login.example.com/auth`. */
  base: string
  /** The realm's name. */
  realm: string
  clientId: string
}

/** The options of {@link Client.endpoints}: the server's addresses as its documentation gives them. */
export interface EndpointsOptions extends ClientOptions {
  issuer: string
  authorizationEndpoint: string
  tokenEndpoint: string
  /** Whether a callback without `iss` is refused: for a server that announces `authorization_response_iss_parameter_supported` (RFC 9207). */
  issRequired?: boolean | undefined
  clientId: string
}

/** One or more scope names: `'balance:read sms:write'` or a list. */
export type Scope = string | readonly string[]

/** What can be asked for beside a scope. */
export interface AuthorizationOptions {
  /** Another redirect URI than the client's, for instance with the port that a loopback listener got. */
  redirectUri?: string | undefined
  /** How the callback is to arrive. Without it the server uses the query. */
  responseMode?: 'query' | 'form_post' | undefined
  /** A `state` of your own, at most 512 printable ASCII characters. Without it one of 256 random bits is drawn. */
  state?: string | undefined
  /** What the application wants to find again after the login, such as the page to return to: at most 2048 bytes, not sent to the server. */
  returnTo?: string | undefined
  /** `login`, `consent`, `none` … (OpenID Connect Core, section 3.1.2.1). */
  prompt?: string | undefined
  /** The name or address to fill in on the login page. */
  loginHint?: string | undefined
  /** Languages for the login page, best first: `de en`. */
  uiLocales?: string | undefined
  /** Any other parameters: an object, or pairs as of a `Map` or `URLSearchParams`. One that this library sets itself is refused. */
  extra?: Readonly<Record<string, string>> | Iterable<readonly [string, string]> | undefined
}

/** What one call may take. Both end the wait only: a token request that has left goes on by itself. */
export interface CallOptions {
  /** Seconds to wait; 30 unless set. */
  timeout?: number | undefined
  /** Aborted, the promise is rejected with its reason. One that was aborted before the call keeps the call from sending anything. */
  signal?: AbortSignal | undefined
}

/** The options of {@link Client.completeLogin}. */
export interface LoginOptions extends CallOptions {
  /** What names the user in your application: at most 1024 bytes. */
  account: string
}

/** The options of {@link TokenSource.accessToken}. */
export interface TokenOptions extends CallOptions {
  /** Seconds that the token must still live, as for an upload. Counts up to 80 % of a token's whole life. */
  minValidity?: number | undefined
}

/** What goes with a code. */
export interface CodeOptions extends CallOptions {
  /** The PKCE verifier whose challenge was in the authorization URL (RFC 7636). */
  codeVerifier?: string | undefined
  /** The redirect URI of the authorization URL, where it was not the client's. */
  redirectUri?: string | undefined
  /** The scope that was asked for: what was granted where the answer does not say. */
  scope?: Scope | undefined
}

/** The options of {@link Client.refresh}. */
export interface RefreshOptions extends CallOptions {
  /** Ask for less than was granted. Without it no scope is sent, and it stays as it is. */
  scope?: Scope | undefined
}

/**
 * A client of a login server. It keeps its connections: make one and use it for all logins.
 *
 * ```js
 * const client = Client.sipgate({ clientId, clientSecret, redirectUri: 'https://example.com/auth', store: Store.sqlite('logins.db') })
 * const pending = client.authorizationRequest('balance:read')
 * // keep pending.export() in the person's session, and redirect to pending.url; then, at the redirect URI:
 * await client.completeLogin(AuthorizationRequest.restore(kept), queryString, { account: 'user-42' })
 * // and from then on, in any process:
 * const token = await client.tokenSource('user-42').accessToken()
 * ```
 *
 * Names in messages are spelt as in the RFCs and in all languages of this library: `client_id` is `clientId` here.
 */
export declare class Client {
  private constructor()

  /** A client at sipgate, in the realm that its id's suffix names. */
  static sipgate(options: SipgateOptions): Client
  /** A client at a Keycloak. */
  static keycloak(options: KeycloakOptions): Client
  /** A client at any server. */
  static endpoints(options: EndpointsOptions): Client
  /**
   * A sipgate client as the environment says: `SIPGATE_CLIENT_ID`, `SIPGATE_CLIENT_SECRET` (or `SIPGATE_CLIENT_SECRET_FILE`, the path of a file
   * that holds it), `SIPGATE_REDIRECT_URI` and, optionally, `SIPGATE_REALM`, or `SIPGATE_ISSUER` for a Keycloak that is not sipgate's; `SIPGATE_STORE`,
   * the path of a SQLite database, `sqlite:///full/path` or `memory`; and `SIPGATE_ENCRYPTION_KEYS` (or `SIPGATE_ENCRYPTION_KEYS_FILE`), one key or more with commas between
   * them. In a worker thread it is the process's environment, not the worker's copy.
   */
  static fromEnv(options?: EnvironmentOptions): Client

  /** The name that callbacks and ID tokens must give the server. */
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly clientId: string
  /** The redirect URI of new pending logins, where one was set. */
  readonly redirectUri: string | undefined

  /** A new pending login for this scope, and the URL to send the person to. No network. */
  authorizationRequest(scope: Scope, options?: AuthorizationOptions): AuthorizationRequest

  /**
   * Checks the callback against the pending login and exchanges its code for tokens. `callback` is best the query string of the request to
   * the redirect URI; its path and query, the whole URL and a form body will do. A pending login can be used once; it stays usable where
   * the callback is refused, and where nothing was sent.
   */
  exchangeCallback(pending: AuthorizationRequest, callback: string | URL | URLSearchParams, options?: CallOptions): Promise<TokenSet>

  /** Exchanges a code for tokens, for applications that keep `state` and verifier and check callbacks themselves. */
  exchangeCode(code: string, options?: CodeOptions): Promise<TokenSet>

  /**
   * Exchanges a refresh token for new tokens, once. Nothing is stored: keep what it returns, and let no two callers refresh the same login at
   * once, as a server that rotates refresh tokens ends the login for that. Given a token set, its scope and ID token stay where the answer has none.
   */
  refresh(tokens: string | TokenSet, options?: RefreshOptions): Promise<TokenSet>

  /**
   * Checks the callback, exchanges its code and stores the login of this account, for all processes that share the store. A callback that is loaded
   * twice, in whatever process, makes one exchange, and both calls get the same login. A login that was there is replaced. Timeout and signal end
   * the wait only: a code that was sent makes a login.
   */
  completeLogin(pending: AuthorizationRequest, callback: string | URL | URLSearchParams, options: LoginOptions): Promise<TokenSource>

  /** The tokens of this account, whether or not there is a login yet. No I/O: make one whenever it is needed. */
  tokenSource(account: string): TokenSource

  /**
   * Has `listener` called for everything that happens, after it happened. The same events go to the channel `sipgate-oauth2` of
   * `node:diagnostics_channel`. They do not keep the process alive.
   */
  on(name: 'event', listener: (event: SipgateEvent) => void): this
  /** {@link on}, for the next event only. */
  once(name: 'event', listener: (event: SipgateEvent) => void): this
  /** Has `listener` called no more. */
  off(name: 'event', listener: (event: SipgateEvent) => void): this

  /** What may show: no secret. */
  toJSON(): { issuer: string; clientId: string; redirectUri: string | undefined }
}

/**
 * A pending login: the URL to send the person to, and what must be there again when the callback comes. It lives for 30 minutes and can be used
 * once. Keep it in the person's own session as {@link export}ed text: looked up by `state` alone it would not be tied to the browser.
 */
export declare class AuthorizationRequest {
  private constructor()

  /** A pending login from the text that {@link export} gave, in this or any other language of the library. */
  static restore(exported: string): AuthorizationRequest

  /** The URL to send the person's browser to. */
  readonly url: string
  /** The `state` in the URL, which must come back with the callback. */
  readonly state: string
  /** The `nonce`, which an ID token repeats; in the URL where the scope has `openid`. */
  readonly nonce: string
  /** The redirect URI, byte for byte as given. */
  readonly redirectUri: string
  /** The scope that is asked for, as one text. */
  readonly scope: string
  /** What the application wanted to find again. */
  readonly returnTo: string | undefined
  /** When the pending login was made, in seconds since 1970. */
  readonly createdAt: number
  /** From when on the callback is too late, in seconds since 1970. */
  readonly endsAt: number

  /** One text that holds all of it, of characters that a cookie can hold. It contains the code verifier. */
  export(): string

  /** What may show: no secret. */
  toJSON(): { redirectUri: string; scope: string; createdAt: number; endsAt: number }
}

/** The tokens of one login, and what the server said about them. Printing it or `JSON.stringify` shows no token; {@link export} does. */
export declare class TokenSet {
  private constructor()

  /**
   * Tokens from a JSON object with the RFC's names, as text or as an object: one that {@link export} gave, or another library saved. `expires_at` may be
   * seconds since 1970 or an RFC 3339 text; with `expires_in` alone the age is unknown, and the access token counts as expired.
   */
  static restore(tokens: string | Readonly<Record<string, unknown>>): TokenSet

  readonly accessToken: string
  /** The token's type as the server wrote it, `Bearer` where it did not. */
  readonly tokenType: string
  /** The refresh token; after a refresh whose answer had none, the one that was used. */
  readonly refreshToken: string | undefined
  /** The ID token as the server sent it. This version does not judge its contents. */
  readonly idToken: string | undefined
  /** Whether the ID token is from an earlier answer, as the last refresh brought none. */
  readonly idTokenKept: boolean
  /** The scope that was granted; what was asked for where the server did not say. */
  readonly scope: string | undefined
  /** When the access token runs out, in seconds since 1970. */
  readonly expiresAt: number | undefined
  /** When the refresh token runs out, in seconds since 1970; a hint. */
  readonly refreshExpiresAt: number | undefined
  /** Members of the answer that have no meaning here, such as `session_state`. */
  readonly extra: Readonly<Record<string, unknown>>

  /** The value of an `Authorization` header: `Bearer …`. */
  authorizationHeader(): string

  /** A JSON object with all of it, as text in the RFC's names; the same in all languages. It contains the tokens. */
  export(): string

  /** What may show: `[redacted]` for each token. */
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
 * The access token of one account, whenever it is asked for: from memory, from the store, or renewed, once for all callers, workers and processes
 * that ask. Made by {@link Client.completeLogin} or {@link Client.tokenSource}. Printing it or `JSON.stringify` shows no token.
 */
export declare class TokenSource {
  private constructor()

  /** The account, as the application named it. */
  readonly account: string
  /** What events and logs call the account: 16 hexadecimal digits, the same in all processes. */
  readonly accountHash: string

  /**
   * An access token that an API takes now. Past most of its life the current one is given at once and refreshed in the background;
   * only where it has ended does a caller wait for the new one. A
   * {@link LoginRequiredError} says that somebody must log in. Timeout and signal end the wait only: a refresh that is under way goes on by itself.
   */
  accessToken(options?: TokenOptions): Promise<string>

  /** The value of an `Authorization` header: `Bearer …`. */
  authorizationHeader(options?: TokenOptions): Promise<string>

  /** The current token, if it can be handed out without asking the store or the server. */
  peek(): string | undefined

  /**
   * An API answered 401 to this access token: the next call renews it, if it still is the current one. Twenty late 401s cause one refresh. A token
   * that is itself the outcome of this, and less than 10 s old, is not renewed again. Nothing is sent by this.
   */
  invalidate(accessToken: string): void

  /** Renews the tokens now, also when they are fresh, or when the server has refused the login before; gives the access token. */
  refresh(options?: CallOptions): Promise<string>

  /** Puts tokens that were got elsewhere in the place of this account's login: from the single steps, or from another library. */
  save(tokens: TokenSet, options?: CallOptions): Promise<void>

  /** How the login stands, by the store and without the network. */
  status(options?: CallOptions): Promise<TokenStatus>

  /**
   * Ends the login: here at once, and then at the server, where it ends every login of this client in that browser's session. Gives `revoked` where
   * the server was told, and `local_only` where it was not: the client has no revocation endpoint, or there was no refresh token to revoke, as after
   * an earlier logout. Rejected where the server could not be told: nothing is handed out any more, and another call finishes it.
   */
  logout(options?: CallOptions): Promise<'revoked' | 'local_only'>

  /** Rejected while new tokens are only in memory, as the store failed: they would be lost with the process. */
  ensureSaved(): Promise<void>

  /**
   * `fetch` with the token, for the {@link ClientOptions.origins | origins} of the client alone. A request that is answered with 401 is sent once more with
   * a new token, if its body can be sent twice: not so a stream, or the body of a `Request`. A 403 renews nothing, but where another process has stored
   * another token, the request is sent once more with that. A redirect takes the token to no other origin.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>

  /** What may show: no secret. */
  toJSON(): { account: string; clientId: string }
}

/** How a login stands. Holds no secret. */
export interface TokenStatus {
  /** `absent`: none is stored. `refused`: the server has ended it, and somebody must log in. */
  state: 'absent' | 'active' | 'refused' | 'logged_out'
  /** Counts the token sets of this account, across logins. */
  generation: number
  /** When the access token runs out, in seconds since 1970. */
  expiresAt: number | undefined
  /** When the refresh token runs out, in seconds since 1970; a hint. */
  refreshExpiresAt: number | undefined
  /** The scope that was granted. */
  scope: string | undefined
  /** Why the last refresh failed, or why the login is over. */
  lastError: SipgateOAuth2Error | undefined
  /** Whether new tokens are only in memory, as the store could not be made to keep them yet. */
  unsaved: boolean
}

/** Something that happened, for logs and metrics: never with a secret. `account` is a hash, the same in all processes; durations are in seconds. */
export type SipgateEvent = Readonly<
  | { event: 'token_request'; grant: string; duration: number; sent: boolean; error: ErrorCode | null }
  | { event: 'logged_in'; account: string; generation: number }
  | { event: 'renewed'; account: string; generation: number; duration: number }
  | { event: 'renewal_failed'; account: string; error: ErrorCode }
  | { event: 'logged_out'; account: string; outcome: 'revoked' | 'local_only' }
  | { event: 'login_ended' | 'unsaved'; account: string }
  | { event: 'odd_answer'; member: string }
  | { event: 'realm_mismatch'; named: string; used: string }
>

/** The options of {@link Store.memory}. */
export interface MemoryStoreOptions {
  /** Seconds in which a login or logout of another process shows: 1 unless set, 5 for a store of your own. */
  recheck?: number | undefined
}

/** The options of every other store. */
export interface StoreOptions extends MemoryStoreOptions {
  /**
   * Encrypts what is stored (AES-256-GCM). A key is 32 random bytes, or these as base64 or hexadecimal text. The first one is written with; the others, and
   * entries that are not encrypted, are still read.
   */
  encryptionKeys?: readonly (string | Uint8Array)[] | undefined
}

/** What a store keeps under a key. */
export interface StoreEntry {
  /** 22 characters, drawn anew with every change. */
  version: string
  /** The login: opaque, secret, seldom more than 10 KB. */
  data: Uint8Array
  /** When the entry may be dropped, in seconds since 1970; without it, never. */
  ends?: number | bigint | null | undefined
}

/**
 * A store of the application's own: any database that can replace a row if nobody else has replaced it meanwhile. Both functions may return promises, for
 * at most 30 s. What they throw makes the call fail with `SIPGATE_STORE_UNAVAILABLE`, as its cause. {@link checkStore} tests one.
 */
export interface TokenStore {
  /** The entry of this key as the last successful `save` of any process left it, or nothing. Never a stale copy. */
  load(key: string): StoreEntry | null | undefined | Promise<StoreEntry | null | undefined>
  /**
   * Puts `version`, `data` and `ends` under the key if the version there is `expected`, or if nothing is there and `expected` is `null`: `true`, once it is
   * durable. Otherwise it changes nothing: `false`. One step that nobody comes in between, and never inside a transaction of the application's.
   */
  save(key: string, expected: string | null, version: string, data: Uint8Array, ends: number | null): boolean | Promise<boolean>
}

/**
 * Where logins are kept, for all processes that use it. Clients of one store share what is held in memory, and refresh together: make one per process or
 * worker.
 */
export declare class Store {
  /** Logins wherever `own` keeps them. */
  constructor(own: TokenStore, options?: StoreOptions)

  /** Logins that end with the process. For tests and programs for one run. */
  static memory(options?: MemoryStoreOptions): Store
  /** Logins in a SQLite database, for any number of processes of one machine. The file is made when it is not there, readable by its owner alone. */
  static sqlite(path: string, options?: StoreOptions): Store
  /** {@link sqlite} on a network file system, which it refuses: their locks are known to fail, and then two machines spend one refresh token. */
  static sqliteOnNetworkFileSystem(path: string, options?: StoreOptions): Store

  /** What may show: no secret. */
  toJSON(): { kind: 'memory' | 'sqlite' | 'own' }
}

/**
 * Tests whether a store of the application's own keeps the promises that the library builds on, and gives those that it broke, in words: an empty list is
 * good. What a function throws ends it: the promise is rejected with a {@link StoreError} that has it as its cause. What is stored for it ends within
 * seconds, so that the store need not be empty.
 */
export declare function checkStore(own: TokenStore): Promise<string[]>

/** What to do about an error. It belongs to the occurrence: the same code can call for different things. */
export type Remedy = 'log_in_again' | 'fix_configuration' | 'try_later' | 'refused_for_safety' | 'tell_the_person' | 'report_bug'

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
export declare const ERROR_CODES: readonly { readonly code: ErrorCode; readonly number: number; readonly family: string }[]

/** What an error can be made with. */
export interface ErrorFields {
  cause?: unknown
  code?: ErrorCode
  remedy?: Remedy
  retryAfter?: number
  httpStatus?: number
  oauthError?: string
  oauthErrorDescription?: string
  oauthErrorUri?: string
}

/** Every error of this library. The message is one line that names what to change, and holds no secret. */
export declare class SipgateOAuth2Error extends Error {
  /** For tests of an application: without a code, that of the class. */
  constructor(message?: string, fields?: ErrorFields)

  readonly code: ErrorCode
  readonly number: number
  readonly remedy: Remedy
  /** Whether the same call may work later: the remedy is `try_later`. */
  readonly retryable: boolean
  /** Seconds to wait, where the server said so. */
  readonly retryAfter: number | undefined
  /** The HTTP status of the login server's response, where there was one. Not `status`: that is what web frameworks answer their visitor with. */
  readonly httpStatus: number | undefined
  /** The `error` member of an OAuth answer or callback: match on this. */
  readonly oauthError: string | undefined
  /** The server's own words: for logs and people, never needed to decide. */
  readonly oauthErrorDescription: string | undefined
  /** A page of the server's about the error. */
  readonly oauthErrorUri: string | undefined
}

/** Something must be set right by whoever runs the application. */
export declare class ConfigurationError extends SipgateOAuth2Error {}
/** It may work later without anybody doing anything. */
export declare class TemporaryError extends SipgateOAuth2Error {}
/** The person must log in (again). */
export declare class LoginRequiredError extends SipgateOAuth2Error {}
/** The person refused. Show it; sending them round again would loop. */
export declare class AuthorizationDeniedError extends SipgateOAuth2Error {}
/** Refused because it may be an attack or a mix-up. */
export declare class SecurityCheckError extends SipgateOAuth2Error {}
/** The store failed. */
export declare class StoreError extends SipgateOAuth2Error {}
