// Checked by tsc, never run: each line is a use that must compile, or, under @ts-expect-error, one that must not.

import {
  AuthorizationDeniedError,
  AuthorizationRequest,
  Client,
  type ClientOptions,
  ConfigurationError,
  ERROR_CODES,
  type ErrorCode,
  LoginRequiredError,
  type Remedy,
  SecurityCheckError,
  type SipgateEvent,
  SipgateOAuth2Error,
  Store,
  StoreError,
  TemporaryError,
  TokenSet,
  TokenSource,
  type TokenStatus,
  type TokenStore,
  VERSION,
  checkStore,
} from 'sipgate-oauth2'

const version: string = VERSION
const numbers: number[] = ERROR_CODES.map(({ number }) => number)

const common: ClientOptions = {
  clientSecret: process.env['SIPGATE_CLIENT_SECRET'],
  clientAuthentication: 'client_secret_basic',
  redirectUri: 'https://example.com/auth',
  caCertificates: new Uint8Array(),
  proxy: 'direct',
  connectTimeout: 5,
  requestTimeout: 30,
  store: Store.sqlite('logins.db', { encryptionKeys: ['newest', new Uint8Array(32)], recheck: 1 }),
  origins: ['https://api.sipgate.com'],
}
const client: Client = Client.sipgate({ clientId: '1-0-a', realm: 'sipgate-apps', ...common })
Client.keycloak({ base: 'https://k.example/auth', realm: 'r', clientId: 'c', ...common })
Client.endpoints({ issuer: 'i', authorizationEndpoint: 'a', tokenEndpoint: 't', issRequired: true, clientId: 'c', ...common })
Client.fromEnv()
Client.fromEnv({ realm: 'third-party', ...common })
// @ts-expect-error: there is no client without an id
Client.sipgate(common)
// @ts-expect-error: a misspelt option
Client.sipgate({ clientId: 'c', clientSecrets: 's' })
// @ts-expect-error: not a way of authenticating
Client.sipgate({ clientId: 'c', clientAuthentication: 'basic' })
// @ts-expect-error: made by its functions alone
new Client()

const texts: string[] = [client.issuer, client.tokenEndpoint, client.clientId]
const clientRedirectUri: string | undefined = client.redirectUri
// @ts-expect-error: read only
client.issuer = ''

const pending: AuthorizationRequest = client.authorizationRequest('balance:read')
const names = ['openid', 'balance:read'] as const
client.authorizationRequest(names, {
  redirectUri: 'http://127.0.0.1:1/cb',
  responseMode: 'form_post',
  state: 's',
  returnTo: '/page',
  prompt: 'login',
  loginHint: 'anna@example.com',
  uiLocales: 'de en',
  extra: { kc_locale: 'de' },
})
client.authorizationRequest('a', { extra: new URLSearchParams('a=b') })
client.authorizationRequest('a', { extra: new Map([['a', 'b']]) })
// @ts-expect-error: a value that is no text
client.authorizationRequest('a', { extra: { a: 1 } })
texts.push(pending.url, pending.state, pending.nonce, pending.redirectUri, pending.scope, pending.export())
const returnTo: string | undefined = pending.returnTo
const life: number = pending.endsAt - pending.createdAt
const restored: AuthorizationRequest = AuthorizationRequest.restore(pending.export())

const { signal } = new AbortController()
const tokens: TokenSet = await client.exchangeCallback(restored, 'code=c&state=s', { timeout: 5, signal })
const exchanged: Promise<TokenSet> = client.exchangeCode('c', { codeVerifier: 'v', redirectUri: 'r', scope: names, timeout: 5, signal })
const refreshed: Promise<TokenSet> = client.refresh(tokens, { scope: 'a', timeout: 5, signal })
client.refresh('a refresh token')
// @ts-expect-error: the export is text, to be restored first
client.exchangeCallback(pending.export(), 'code=c&state=s')

texts.push(tokens.accessToken, tokens.tokenType, tokens.authorizationHeader(), tokens.export())
const optional: (string | undefined)[] = [tokens.refreshToken, tokens.idToken, tokens.scope]
const ends: (number | undefined)[] = [tokens.expiresAt, tokens.refreshExpiresAt]
const kept: boolean = tokens.idTokenKept
const member: unknown = tokens.extra['session_state']
TokenSet.restore('{}')
TokenSet.restore({ access_token: 'a' })
// @ts-expect-error: no text and no object
TokenSet.restore(1)

const own: TokenStore = {
  async load(key) {
    return key === '' ? null : { version: 'v', data: new Uint8Array(), ends: null }
  },
  save(key, expected, version, data, ends) {
    texts.push(key, version)
    return expected === null || data.length > (ends ?? 0)
  },
}
const stores: Store[] = [new Store(own, { recheck: 5 }), Store.memory(), Store.memory({ recheck: 1 }), Store.sqliteOnNetworkFileSystem('p')]
const broken: Promise<string[]> = checkStore(own)
// @ts-expect-error: a store needs both functions
new Store({ load: own.load })
// @ts-expect-error: a store of one's own is made a Store first
Client.sipgate({ clientId: 'c', store: own })

const source: TokenSource = await client.completeLogin(pending, 'code=c&state=s', { account: 'user-42', timeout: 5, signal })
const later: TokenSource = client.tokenSource('user-42')
// @ts-expect-error: an account must be named
client.completeLogin(pending, 'code=c&state=s')
texts.push(source.account, await later.accessToken({ minValidity: 60, timeout: 5, signal }), await later.authorizationHeader(), await later.refresh())
const peeked: string | undefined = later.peek()
later.invalidate('an access token')
const done: Promise<void>[] = [later.save(tokens), later.ensureSaved()]
const outcome: 'revoked' | 'local_only' = await later.logout({ timeout: 5 })
const status: TokenStatus = await later.status()
const states: 'absent' | 'active' | 'refused' | 'logged_out' = status.state
optional.push(status.scope, status.lastError?.code)
ends.push(status.expiresAt, status.refreshExpiresAt, status.generation)
const answer: Response = await later.fetch('https://api.sipgate.com/v2/balance', { method: 'POST', body: 'a', signal })
later.fetch(new URL('https://api.sipgate.com'))
later.fetch(new Request('https://api.sipgate.com'))

const listener = (event: SipgateEvent) => {
  if (event.event === 'token_request') ends.push(event.duration)
  if (event.event === 'renewed') ends.push(event.generation)
}
client.on('event', listener).once('event', listener).off('event', listener)
// @ts-expect-error: there is one kind of event
client.on('events', listener)

function handle(error: unknown): Remedy | undefined {
  if (error instanceof SipgateOAuth2Error) {
    const code: ErrorCode = error.code
    const message: string = error.message
    const known: [number, boolean] = [error.number, error.retryable]
    const answer: (string | number | undefined)[] = [error.retryAfter, error.httpStatus, error.oauthError]
    answer.push(error.oauthErrorDescription, error.oauthErrorUri, code, message, ...known.map(String))
    return error.remedy
  }
  return undefined
}

const made: SipgateOAuth2Error = new LoginRequiredError('gone', { code: 'SIPGATE_LOGIN_FAILED' })

const families = [
  AuthorizationDeniedError,
  ConfigurationError,
  LoginRequiredError,
  SecurityCheckError,
  StoreError,
  TemporaryError,
].some((family) => exchanged instanceof family)

export { answer, broken, clientRedirectUri, done, ends, families, handle, kept, life, made, member, numbers, optional, peeked, refreshed }
export { returnTo, states, stores, texts, version }
