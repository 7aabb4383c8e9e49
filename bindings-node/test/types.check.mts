// Checked by tsc, never run: each line is a use that must compile or, under @ts-expect-error, must not.

import {
  AuthorizationDeniedError,
  AuthorizationRequest,
  type Claims,
  Client,
  type ClientOptions,
  ConfigurationError,
  ERROR_CODES,
  type ErrorCode,
  type Introspection,
  LoginRequiredError,
  type Remedy,
  SecurityCheckError,
  ServerMetadata,
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
  idTokenSignedResponseAlg: ['RS256', 'ES256'],
  trustedAudiences: ['another-client'],
  leeway: 5,
  store: Store.sqlite('logins.db', { encryptionKeys: ['newest', new Uint8Array(32)], recheck: 1 }),
  origins: ['https://api.sipgate.com'],
}
const client: Client = Client.sipgate({ clientId: '1-0-a', realm: 'sipgate-apps', ...common })
Client.keycloak({ base: 'https://k.example/auth', realm: 'r', clientId: 'c', ...common })
const metadata: ServerMetadata = {
  issuer: 'i',
  authorization_endpoint: 'a',
  token_endpoint: 't',
  authorization_response_iss_parameter_supported: true,
  scopes_supported: ['openid'],
}
new Client({ metadata, clientId: 'c', ...common })
new Client({ metadata: '{}', clientId: 'c' })
Client.sipgate({ clientId: 'c', idTokenSignedResponseAlg: 'ES256' })
const revocation: string | undefined = client.metadata.revocation_endpoint
// @ts-expect-error: read only
client.metadata.issuer = ''
// @ts-expect-error: metadata without a token endpoint
new Client({ metadata: { issuer: 'i', authorization_endpoint: 'a' }, clientId: 'c' })
Client.fromEnv()
Client.fromEnv({ realm: 'third-party', ...common })
// @ts-expect-error: there is no client without an id
Client.sipgate(common)
// @ts-expect-error: a misspelt option
Client.sipgate({ clientId: 'c', clientSecrets: 's' })
// @ts-expect-error: not a way of authenticating
Client.sipgate({ clientId: 'c', clientAuthentication: 'basic' })
// @ts-expect-error: there is no client without a server
new Client({ clientId: 'c' })

const texts: string[] = [client.issuer, client.tokenEndpoint, client.clientId]
const clientRedirectUri: string | undefined = client.redirectUri
// @ts-expect-error: read only
client.issuer = ''

const request: AuthorizationRequest = client.authorizationRequest('balance:read')
const names = ['openid', 'balance:read'] as const
client.authorizationRequest(names, {
  redirectUri: 'http://127.0.0.1:1/cb',
  responseMode: 'form_post',
  state: 's',
  returnTo: '/page',
  prompt: 'login',
  loginHint: 'anna@example.com',
  uiLocales: 'de en',
  maxAge: 300,
  acrValues: 'gold silver',
  claims: { id_token: { auth_time: { essential: true } } },
  idTokenHint: 'an ID token',
  extra: { kc_locale: 'de' },
})
client.authorizationRequest('a', { claims: '{}' })
client.authorizationRequest('a', { extra: new URLSearchParams('a=b') })
client.authorizationRequest('a', { extra: new Map([['a', 'b']]) })
// @ts-expect-error: a value that is no text
client.authorizationRequest('a', { extra: { a: 1 } })
texts.push(request.url, request.state, request.nonce, request.redirectUri, request.scope, request.export())
const returnTo: string | undefined = request.returnTo
const life: number = request.expiresAt - request.createdAt
const restored: AuthorizationRequest = AuthorizationRequest.restore(request.export())

const { signal } = new AbortController()
const tokens: TokenSet = await client.exchangeCallback(restored, 'code=c&state=s', { timeout: 5, signal })
const exchanged: Promise<TokenSet> = client.exchangeCode('c', { codeVerifier: 'v', redirectUri: 'r', scope: names, nonce: 'n', timeout: 5, signal })
const refreshed: Promise<TokenSet> = client.refresh(tokens, { scope: 'a', timeout: 5, signal })
client.refresh('a refresh token')
// @ts-expect-error: the export is text, to be restored first
client.exchangeCallback(request.export(), 'code=c&state=s')

texts.push(tokens.accessToken, tokens.tokenType, tokens.authorizationHeader(), tokens.export())
const optional: (string | undefined)[] = [tokens.refreshToken, tokens.idToken, tokens.scope]
const times: (number | undefined)[] = [tokens.expiresAt, tokens.refreshExpiresAt]
const ofIdToken: boolean[] = [tokens.idTokenKept, tokens.idTokenVerified]
const subject: string | undefined = tokens.claims?.sub
const member: unknown = tokens.extra['session_state']
TokenSet.restore('{}')
TokenSet.restore({ access_token: 'a' })
// @ts-expect-error: no text and no object
TokenSet.restore(1)

const custom: TokenStore = {
  async load(key) {
    return key === '' ? null : { version: 'v', data: new Uint8Array(), expiresAt: null }
  },
  save(key, expected, version, data, expiresAt) {
    texts.push(key, version)
    return expected === null || data.length > (expiresAt ?? 0)
  },
}
const stores: Store[] = [new Store(custom, { recheck: 5 }), Store.memory(), Store.memory({ recheck: 1 }), Store.sqlite('p', { allowNetworkFileSystem: true })]
const broken: Promise<string[]> = checkStore(custom)
// @ts-expect-error: a store needs both functions
new Store({ load: custom.load })
// @ts-expect-error: a custom store must be made a Store first
Client.sipgate({ clientId: 'c', store: custom })

const source: TokenSource = await client.completeLogin(request, 'code=c&state=s', { account: 'user-42', timeout: 5, signal })
const later: TokenSource = client.tokenSource('user-42')
const bySubject: Promise<TokenSource> = client.completeLogin(request, 'code=c&state=s')
texts.push(source.account, await later.accessToken({ minValidity: 60, timeout: 5, signal }), await later.authorizationHeader(), await later.refresh())
const claims: Claims = await later.claims({ timeout: 5, signal })
const email: unknown = (await later.userinfo({ timeout: 5, signal }))['email']
// @ts-expect-error: read only
claims.sub = ''
const peeked: string | undefined = later.peek()
later.invalidate('an access token')
const done: Promise<void>[] = [later.save(tokens), later.ensureSaved()]
const outcome: 'revoked' | 'local_only' = await later.logout({ timeout: 5 })
const status: TokenStatus = await later.status()
const states: 'absent' | 'active' | 'rejected' | 'logged_out' = status.state
optional.push(status.scope, status.lastError?.code)
times.push(status.expiresAt, status.refreshExpiresAt, status.generation)
const response: Response = await later.fetch('https://api.sipgate.com/v2/balance', { method: 'POST', body: 'a', signal })
later.fetch(new URL('https://api.sipgate.com'))
later.fetch(new Request('https://api.sipgate.com'))

const discovered: ServerMetadata = await ServerMetadata.discover('https://login.example.com', {
  caCertificates: new Uint8Array(),
  proxy: 'direct',
  connectTimeout: 5,
  requestTimeout: 30,
  timeout: 5,
  signal,
})
new Client({ metadata: discovered, clientId: 'c' })
const accounts: string[] = await client.acceptLogoutToken('a logout token', { timeout: 5, signal })
for await (const { account, accountHash, state, lastError } of client.accounts({ timeout: 5, signal })) {
  texts.push(account, accountHash, state, lastError?.code ?? '')
}
const { seen, renewed, failed, loginRequired } = await client.keepAlive({ idle: 604_800, timeout: 60, signal })
texts.push(...loginRequired, String(seen + renewed + failed), await later.forget({ timeout: 5, signal }))
const introspection: Introspection = await client.introspect('a token', { timeout: 5, signal })
const active: boolean = introspection.active
const revoked: Promise<void> = client.revoke('a token', { timeout: 5, signal })
const logout = { idTokenHint: 'i', postLogoutRedirectUri: 'u', state: 's', logoutHint: 'h', uiLocales: 'de', timeout: 5, signal }
texts.push(await client.logoutUrl(later), await client.logoutUrl(undefined, logout), await client.logoutUrl(), ...accounts)
client.checkLogoutResponse(new URL('https://example.com/?state=s'), 's')
// @ts-expect-error: a source is needed, not an account
client.logoutUrl('user-42')

const listener = (event: SipgateEvent) => {
  if (event.type === 'token_request') times.push(event.duration)
  if (event.type === 'refreshed') times.push(event.generation)
}
client.on('event', listener).once('event', listener).off('event', listener)
// @ts-expect-error: there is one kind of event
client.on('events', listener)

function handle(error: unknown): Remedy | undefined {
  if (error instanceof SipgateOAuth2Error) {
    const code: ErrorCode = error.code
    const message: string = error.message
    const known: [number, boolean] = [error.number, error.retryable]
    const details: (string | number | undefined)[] = [error.retryAfter, error.httpStatus, error.oauthError]
    details.push(error.oauthErrorDescription, error.oauthErrorUri, code, message, ...known.map(String))
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

export { active, broken, bySubject, clientRedirectUri, done, email, families, handle, life, made, member, numbers, ofIdToken, optional }
export { peeked, refreshed, response, revocation, revoked, subject, times }
export { returnTo, states, stores, texts, version }
