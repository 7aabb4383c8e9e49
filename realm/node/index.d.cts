/** The realm cannot be started, has ended, or refuses an order. The message says why. */
export declare class RealmError extends Error {}

export interface RealmOptions {
  /**
   * The application's redirect URI. It is registered, beside any at `http://localhost`,
   * `http://127.0.0.1` and `https://example.com`.
   * `http://localhost/callback` unless given.
   */
  redirectUri?: string
  /** Another `sipgate-oauth2-realm` than that of this package: a path. */
  program?: string
}

export interface LoginOptions {
  /** `anna`, who is the default, or `berta`. */
  username?: string
  /** The right one unless given. */
  password?: string
  /** A browser with a name keeps its cookies until {@link Realm.reset}. */
  browser?: string
  /**
   * `false` denies consent. It is an error if the user is not asked: only one of
   * {@link Realm.clients} asks.
   */
  consent?: boolean
}

export interface RealmClient {
  realm: string
  client_id: string
  secret: string | null
  /** Whether the user is asked. */
  consent: boolean
}

/** A request that the server has received. */
export interface ReceivedRequest {
  method: string
  path: string
  query: string
  headers: [name: string, value: string][]
  body: string
  connection: number
  tls: boolean
}

/** What {@link Realm.fault} and {@link Realm.alter} take beside their first arguments. */
export type Details = Readonly<Record<string, unknown>> & { times?: number }

/**
 * A local login server. It listens on 127.0.0.1, at ports that the system chooses, so that any
 * number of realms can run. It ends with the process that started it, however that ends.
 */
export interface Realm {
  /** The variables for `Client.fromEnv()`. Those that are empty count as unset. */
  readonly environment: Record<string, string>
  readonly issuer: string
  /** The application's client id. It has a colon, as at sipgate. */
  readonly clientId: string
  /** The application's secret. It has characters that must be encoded. */
  readonly clientSecret: string
  readonly redirectUri: string
  /** What `Client.keycloak` takes. */
  readonly clientOptions: { base: string; realm: string; clientId: string; clientSecret: string; redirectUri: string }
  readonly clients: RealmClient[]
  /** The address of the server. */
  readonly url: string
  /** An API that needs a token with the scope `balance:read`: 200, or 401, or 403. */
  readonly apiUrl: string
  /** The same server with TLS; {@link caPem} has the certificate to trust. */
  readonly httpsUrl: string
  readonly caPem: string

  /**
   * Logs a user in as a browser does. The result is the callback: the URL that the browser is sent
   * to. With `response_mode=form_post`, it is what the browser posts.
   */
  login(authorizationUrl: string, options?: LoginOptions): Promise<string>
  /** Follows the URL of a logout. The result is the URL that the browser is sent to, if any. */
  logout(logoutUrl: string, options?: { browser?: string }): Promise<string | undefined>
  /**
   * Breaks the next response, or the next `times`. `on` is `token`, `userinfo`, `certs`,
   * `discovery`, `revoke`, `introspect`, `api`, `any` or `connection`. `kind` is `answer` (with
   * `status`, `json` or `body`, `headers`), `silent`, `delay` (with `ms`), `close_before`,
   * `close_after`, `truncate` and more: see the README.
   */
  fault(on: string, kind: string, details?: Details): Promise<void>
  /**
   * Changes what the realm says next: `alter('id_token', { claims: { email: 'a@example.com' } })`.
   * `on` is `id_token`, `userinfo`, `token`, `discovery`, `certs`, `introspect` or `logout_token`.
   */
  alter(on: string, change: Details): Promise<void>
  /**
   * Changes settings, such as `access_token_lifespan` and `refresh_token_lifespan` (seconds), or
   * `rotation: true`: each refresh token works once. With `user: 'anna'`, `enabled: false` disables
   * the user.
   */
  settings(changes: Readonly<Record<string, unknown>>): Promise<void>
  /**
   * Lets time pass at the server: codes, tokens and sessions become older. The clock of the
   * application does not move. A token that it has in memory is refused by the API, as if the
   * server had ended it.
   */
  advance(time: { seconds?: number; minutes?: number; hours?: number; days?: number }): Promise<void>
  /** Ends the sessions of a user, or of all, as an administrator does. */
  endSessions(user?: string): Promise<void>
  /** Withdraws a consent, as a user does in the account settings. */
  withdrawConsent(user: string, clientId: string): Promise<void>
  /** Replaces the keys that tokens are signed with. */
  rotateKeys(options?: { removeOld?: boolean }): Promise<void>
  /** A token that a server posts to log a user out, for a test to post. */
  logoutToken(options?: { user?: string; sid?: string } & Readonly<Record<string, unknown>>): Promise<string>
  /**
   * What the server has received, in order. `on` selects by the names of {@link Realm.fault}:
   * `token`, `api` and so on.
   */
  requests(on?: string): Promise<ReceivedRequest[]>
  /** How often things happened: `logins`, `code_grants`, `refresh_grants` and more. */
  counters(): Promise<Record<string, number>>
  /** Forgets all logins, faults, settings and requests, and sets the clock right. */
  reset(): Promise<void>
  /** Any order of the README, by its name. */
  order(name: string, order: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>
  /** Ends the realm. Once is enough; a second time does nothing. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a realm, and returns it once it is ready. */
export declare function startRealm(options?: RealmOptions): Promise<Realm>
