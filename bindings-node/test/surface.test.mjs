import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  AuthorizationRequest,
  Client,
  SecurityCheckError,
  ServerMetadata,
  SipgateOAuth2Error,
  Store,
  TokenSet,
  TokenSource,
  checkStore,
} from 'sipgate-oauth2'

const sipgate = { clientId: '1-0-a', clientSecret: 'canary-secret', redirectUri: 'https://example.com/auth' }
const keycloak = { ...sipgate, base: 'http://127.0.0.1:9', realm: 'r' }
const metadata = { issuer: 'https://i.example', authorization_endpoint: 'https://i.example/a', token_endpoint: 'https://i.example/t' }
const byMetadata = (members) => new Client({ ...sipgate, metadata: { ...metadata, ...members } })
const client = Client.keycloak({ ...keycloak, store: Store.memory() })
const request = client.authorizationRequest('a')
const source = client.tokenSource('anna')
const customStore = { load: () => undefined, save: () => true }

const KEYS = ['00'.repeat(32)]
const NOT_TEXT = [null, 42, NaN, 10n, true, Symbol('canary'), () => 'canary', new Date(0), Object.create(null), Buffer.from('canary')]
const BROKEN_TEXT = ['canary\ud800', '\udc00canary']
/** Values that a required URL in the metadata cannot have. */
const MEMBER_VALUES = [undefined, null, 42, true, [], {}, new Date(0), Buffer.from('canary'), '', 'canary', '/canary', 'http://canary.example', 'canary\0']
const BAD_TEXT = ['', 'canary\0', `canary${'x'.repeat(2 ** 21)}`]

/**
 * Every argument that is text: its field, whether it must be there, what the core refuses of texts,
 * and how to pass it.
 */
const texts = [
  ['client_id', 'required', BAD_TEXT, (clientId) => Client.sipgate({ ...sipgate, clientId })],
  ['client_secret', 'optional', BAD_TEXT, (clientSecret) => Client.sipgate({ ...sipgate, clientSecret })],
  ['client_authentication', 'optional', BAD_TEXT, (clientAuthentication) => Client.sipgate({ ...sipgate, clientAuthentication })],
  ['redirect_uri', 'optional', ['', 'canary', '/auth', 'https://', 'https://a/#canary'], (redirectUri) => Client.sipgate({ ...sipgate, redirectUri })],
  ['realm', 'optional', BAD_TEXT, (realm) => Client.sipgate({ ...sipgate, realm })],
  ['proxy', 'optional', BAD_TEXT, (proxy) => Client.sipgate({ ...sipgate, proxy })],
  ['base', 'required', BAD_TEXT, (base) => Client.keycloak({ ...keycloak, base })],
  ['realm', 'required', BAD_TEXT, (realm) => Client.keycloak({ ...keycloak, realm })],
  ['client_id', 'required', BAD_TEXT, (clientId) => Client.keycloak({ ...keycloak, clientId })],
  ['client_id', 'required', BAD_TEXT, (clientId) => new Client({ ...sipgate, metadata, clientId })],
  ['redirect_uri', 'optional', ['', 'canary', 'https://'], (redirectUri) => client.authorizationRequest('a', { redirectUri })],
  ['response_mode', 'optional', BAD_TEXT, (responseMode) => client.authorizationRequest('a', { responseMode })],
  ['state', 'optional', BAD_TEXT, (state) => client.authorizationRequest('a', { state })],
  ['return_to', 'optional', BAD_TEXT, (returnTo) => client.authorizationRequest('a', { returnTo })],
  ['prompt', 'optional', BAD_TEXT, (prompt) => client.authorizationRequest('a', { prompt })],
  ['login_hint', 'optional', BAD_TEXT, (loginHint) => client.authorizationRequest('a', { loginHint })],
  ['ui_locales', 'optional', BAD_TEXT, (uiLocales) => client.authorizationRequest('a', { uiLocales })],
  ['acr_values', 'optional', BAD_TEXT, (acrValues) => client.authorizationRequest('a', { acrValues })],
  ['id_token_hint', 'optional', BAD_TEXT, (idTokenHint) => client.authorizationRequest('a', { idTokenHint })],
  ['extra', 'required', BAD_TEXT, (value) => client.authorizationRequest('a', { extra: { name: value } })],
  ['extra', 'required', BAD_TEXT, (name) => client.authorizationRequest('a', { extra: [[name, 'value']] })],
  ['scope', 'required', ['', 'canary\0', 'ä'], (name) => client.authorizationRequest([name])],
  ['exported', 'required', [], (exported) => AuthorizationRequest.restore(exported)],
  ['sealed', 'required', [], (sealed) => AuthorizationRequest.unseal(sealed, KEYS)],
  ['encryption_keys', 'required', BAD_TEXT, (key) => request.seal([key])],
  ['callback', 'required', [], (callback) => client.exchangeCallback(request, callback)],
  ['url', 'required', BAD_TEXT, (url) => Store.open(url)],
  ['table', 'optional', BAD_TEXT, (table) => Store.open('memory:', { table })],
  ['table', 'optional', BAD_TEXT, (table) => Store.postgresSchema(table)],
  ['prefix', 'optional', BAD_TEXT, (prefix) => Store.open('memory:', { prefix })],
  ['durability', 'optional', ['', 'canary', 'DISK'], (durability) => Store.open('rediss://h', { durability })],
  ['code', 'required', BAD_TEXT, (code) => client.exchangeCode(code)],
  ['code_verifier', 'optional', BAD_TEXT, (codeVerifier) => client.exchangeCode('a', { codeVerifier })],
  ['redirect_uri', 'optional', ['', 'canary'], (redirectUri) => client.exchangeCode('a', { redirectUri })],
  ['nonce', 'optional', [], (nonce) => client.exchangeCode('a', { nonce })],
  ['refresh_token', 'required', BAD_TEXT, (token) => client.refresh(token)],
  ['account', 'required', ['', 'x'.repeat(1025)], (account) => client.tokenSource(account)],
  ['account', 'required', ['', 'x'.repeat(1025)], (account) => client.completeLogin(request, 'a=b', { account })],
  ['account', 'optional', ['', 'x'.repeat(1025)], (account) => client.loginInBrowser('openid', { account, redirectUri: 'https://example.com/' })],
  ['callback', 'required', [], (callback) => client.completeLogin(request, callback, { account: 'anna' })],
  ['id_token_signed_response_alg', 'required', [...BAD_TEXT, 'none', 'RS256 '], (name) => Client.sipgate({ ...sipgate, idTokenSignedResponseAlg: [name] })],
  ['trusted_audiences', 'required', [], (audience) => Client.sipgate({ ...sipgate, trustedAudiences: [audience] })],
  ['logout_token', 'required', [], (token) => client.acceptLogoutToken(token)],
  ['token', 'required', BAD_TEXT, (token) => client.introspect(token)],
  ['token', 'required', BAD_TEXT, (token) => client.revoke(token)],
  ['id_token_hint', 'optional', BAD_TEXT, (idTokenHint) => client.logoutUrl(undefined, { idTokenHint })],
  ['post_logout_redirect_uri', 'optional', ['', 'canary'], (postLogoutRedirectUri) => client.logoutUrl(source, { postLogoutRedirectUri })],
  ['state', 'optional', BAD_TEXT, (state) => client.logoutUrl(undefined, { state })],
  ['logout_hint', 'optional', BAD_TEXT, (logoutHint) => client.logoutUrl(undefined, { logoutHint })],
  ['ui_locales', 'optional', BAD_TEXT, (uiLocales) => client.logoutUrl(source, { uiLocales })],
  ['callback', 'required', [], (callback) => client.checkLogoutResponse(callback, 'a')],
  ['state', 'required', [], (state) => client.checkLogoutResponse('state=a', state)],
  ['issuer', 'required', ['', 'canary', 'http://canary.example', 'https://canary.example/?a', 'canary\0'], (issuer) => ServerMetadata.discover(issuer)],
  ['proxy', 'optional', BAD_TEXT, (proxy) => ServerMetadata.discover('https://i.example', { proxy })],
  ['access_token', 'required', [], (token) => source.invalidate(token)],
  ['path', 'required', [], (path) => Store.sqlite(path)],
]

const others = [
  ['scope', [undefined, ...NOT_TEXT, ...BROKEN_TEXT, {}, [null], [], [['a']]], (scope) => client.authorizationRequest(scope)],
  ['encryption_keys', [undefined, ...NOT_TEXT, 'canary', [], [new Uint8Array(31)]], (keys) => request.seal(keys)],
  ['encryption_keys', [undefined, ...NOT_TEXT, 'canary', [], [null]], (keys) => AuthorizationRequest.unseal('text', keys)],
  ['scope', [...NOT_TEXT, [1]], (scope) => client.exchangeCode('a', { scope })],
  ['scope', [...NOT_TEXT, '', []], (scope) => client.refresh('a', { scope })],
  ['extra', [null, 42, 'canary', Symbol('canary'), [1], ['canary'], [['canary']], [['a', 'b', 'c']], { a: 1 }, { state: 'canary' }], (extra) =>
    client.authorizationRequest('a', { extra })],
  ['id_token_signed_response_alg', [null, 42, {}, [], '', 'canary', 'none', 'canary\ud800', ['RS256', 1]], (idTokenSignedResponseAlg) =>
    Client.sipgate({ ...sipgate, idTokenSignedResponseAlg })],
  ['trusted_audiences', [null, 42, {}, 'canary', new Set(['canary'])], (trustedAudiences) => Client.sipgate({ ...sipgate, trustedAudiences })],
  ['leeway', [null, '5', NaN, -1, 301, 1e9, Infinity, 10n], (leeway) => Client.sipgate({ ...sipgate, leeway })],
  ['max_age', [null, '5', NaN, -1, 0.5, 1e9, Infinity, 10n], (maxAge) => client.authorizationRequest('a', { maxAge })],
  ['claims', [null, 42, [], '', 'canary', '[]', 'canary\ud800', { id_token: 1 }, { a: 10n }], (claims) => client.authorizationRequest('a', { claims })],
  ['source', [null, 1, 'canary', {}, Object.create(TokenSource.prototype)], (value) => client.logoutUrl(value)],
  ['ca_certificates', [null, 42, {}, '', 'canary'], (caCertificates) => ServerMetadata.discover('https://i.example', { caCertificates })],
  ['connect_timeout', [null, '5', NaN, -1, 0, 1e9], (connectTimeout) => ServerMetadata.discover('https://i.example', { connectTimeout })],
  ['request_timeout', [null, '5', NaN, -1, 0, 1e9], (requestTimeout) => ServerMetadata.discover('https://i.example', { requestTimeout })],
  ['options', [null, 1, 'canary', []], (options) => ServerMetadata.discover('https://i.example', options)],
  ['options', [null, 1, 'canary', []], (options) => client.logoutUrl(source, options)],
  ['ca_certificates', [null, 42, {}, [], '', 'canary', new Uint8Array(3), 'canary\ud800'], (caCertificates) =>
    Client.sipgate({ ...sipgate, caCertificates })],
  ['connect_timeout', [null, '5', NaN, -1, 0, 1e9, Infinity, 10n], (connectTimeout) => Client.sipgate({ ...sipgate, connectTimeout })],
  ['request_timeout', [null, '5', NaN, -1, 0, 1e9, Infinity], (requestTimeout) => Client.sipgate({ ...sipgate, requestTimeout })],
  ['metadata', [undefined, null, 42, true, Symbol('canary'), '', 'canary', '[]', [], 'canary\ud800', { issuer: 10n }, { toJSON: () => undefined }], (value) =>
    new Client({ ...sipgate, metadata: value })],
  ['issuer', MEMBER_VALUES, (issuer) => byMetadata({ issuer })],
  ['authorization_endpoint', MEMBER_VALUES, (value) => byMetadata({ authorization_endpoint: value })],
  ['token_endpoint', MEMBER_VALUES, (value) => byMetadata({ token_endpoint: value })],
  ['revocation_endpoint', MEMBER_VALUES.filter((value) => value !== undefined && value !== null), (value) => byMetadata({ revocation_endpoint: value })],
  ['authorization_response_iss_parameter_supported', [1, 'true', {}], (value) =>
    byMetadata({ authorization_response_iss_parameter_supported: value })],
  ['timeout', [null, '5', NaN, -1, 10n, {}], (timeout) => client.refresh('a', { timeout })],
  ['signal', [null, 1, 'canary', {}, { aborted: true }, new EventTarget()], (signal) => client.refresh('a', { signal })],
  ['request', [undefined, null, 1, 'canary', {}, Object.create(AuthorizationRequest.prototype)], (value) => client.exchangeCallback(value, 'a')],
  ['refresh_token', [undefined, null, 1, {}, Object.create(TokenSet.prototype)], (value) => client.refresh(value)],
  ['tokens', [undefined, null, 1, '', 'canary', '[]', [], {}, new Map(), { access_token: 1 }, { a: 10n }, { toJSON: () => undefined }], (value) =>
    TokenSet.restore(value)],
  ['store', [null, 1, 'canary', {}, customStore, Store, Object.create(Store.prototype)], (store) => Client.sipgate({ ...sipgate, store })],
  ['store', [undefined, null, 1, 'canary', {}, { load: customStore.load }, { ...customStore, save: 1 }], (value) => new Store(value)],
  ['store', [undefined, null, 1, 'canary', {}, Store.memory()], (value) => checkStore(value)],
  ['origins', [null, 'https://canary.example', {}, [1], [''], ['canary'], ['https://canary.example/path'], ['ftp://canary.example'], ['https://a@canary.example']], (origins) =>
    Client.sipgate({ ...sipgate, origins })],
  ['encryption_keys', [null, 'canary', [], [1], [''], ['canary'], [new Uint8Array(31)], [new Uint16Array(32)], ['canary\ud800']], (encryptionKeys) =>
    new Store(customStore, { encryptionKeys })],
  ['allow_network_file_system', [null, 1, 'true', {}], (allowNetworkFileSystem) => Store.sqlite('p', { allowNetworkFileSystem })],
  ['allowNetworkFileSystem', [true], (allowNetworkFileSystem) => Store.memory({ allowNetworkFileSystem })],
  ['password', [null, 1, {}, Symbol('canary'), 'canary', 'canary\ud800', () => 'canary'], (password) => Store.open('memory:', { password })],
  ['ca_certificates', [null, 1, {}, 'canary', Buffer.from('canary')], (caCertificates) => Store.open('memory:', { caCertificates })],
  ['timeout', [null, '5', NaN, -1, 10n, {}, 1], (timeout) => Store.open('memory:', { timeout })],
  ['connections', [null, '5', NaN, -1, 1.5, Infinity, 2 ** 32, 10n, {}, 1], (connections) => Store.open('memory:', { connections })],
  ['replicas', [null, '5', NaN, -1, 1.5, Infinity, 2 ** 32, 10n, {}, 0], (replicas) => Store.open('memory:', { replicas })],
  ['create_table', [null, 1, 'true', {}, true, false], (createTable) => Store.open('memory:', { createTable })],
  ['create_table', [true], (create_table) => Store.open('memory:', { create_table })],
  ['options', [null, 1, 'canary', []], (options) => Store.open('memory:', options)],
  ['options', [null, 1, 'canary', []], (options) => Store.memory().check(options)],
  ['timeout', [null, '5', NaN, -1, 10n, {}], (timeout) => Store.memory().check({ timeout })],
  ['recheck', [null, '5', NaN, -1, Infinity, 10n], (recheck) => Store.memory({ recheck })],
  ['recheck', [null, '5', NaN, -1, Infinity, 10n], (recheck) => new Store(customStore, { recheck })],
  ['min_validity', [null, '5', NaN, -1, Infinity, 10n], (minValidity) => source.accessToken({ minValidity })],
  ['timeout', [null, '5', NaN, -1, 10n, {}], (timeout) => source.status({ timeout })],
  ['signal', [null, 1, 'canary', {}], (signal) => source.accessToken({ signal })],
  ['tokens', [undefined, null, 1, 'canary', {}, Object.create(TokenSet.prototype)], (value) => source.save(value)],
  ['event_name', [undefined, null, 1, 'canary', 'events'], (name) => client.on(name, () => {})],
  ['listener', [undefined, null, 1, 'canary', {}], (listener) => client.once('event', listener)],
  ['options', [null, 1, 'canary', []], (options) => Store.memory(options)],
  ['options', [null, 1, 'canary', []], (options) => source.refresh(options)],
  ['options', [null, 1, 'canary', []], (options) => client.completeLogin(request, 'a=b', options)],
  ['options', [null, 1, 'canary', [], Symbol('canary')], (options) => Client.sipgate(options)],
  ['options', [null, 1, 'canary', []], (options) => client.authorizationRequest('a', options)],
  ['options', [null, 1, 'canary', []], (options) => client.refresh('a', options)],
  ['client_id', [undefined, {}], (options) => Client.sipgate(options)],
  ['redirectURI', [''], (redirectURI) => Client.sipgate({ ...sipgate, redirectURI })],
  ['toString', [''], (value) => client.authorizationRequest('a', { toString: value })],
  ['metadata', [undefined, {}, sipgate], (options) => new Client(options)],
  ['options', [null, 1, 'canary', [], Symbol('canary')], (options) => new Client(options)],
  ['TokenSet', [undefined, {}], (handle) => new TokenSet(handle)],
  ['AuthorizationRequest', [undefined, {}], (handle) => new AuthorizationRequest(handle)],
  ['TokenSource', [undefined, {}], (handle) => new TokenSource(handle)],
]

const walk = [
  ...texts.map(([field, presence, refused, call]) => {
    const values = [...NOT_TEXT, ...BROKEN_TEXT, ...refused]
    return [field, presence === 'required' ? [undefined, ...values] : values, call]
  }),
  ...others,
]

for (const [field, values, call] of walk) {
  test(`${field} in ${call.toString().replace(/\s+/g, ' ')} is refused by name when it cannot be right`, async () => {
    for (const value of values) {
      const error = await outcomeOf(() => call(value))
      const shown = `${String(typeof value === 'string' ? JSON.stringify(value.slice(0, 20)) : typeof value)}: ${error}`
      assert.ok(error instanceof SipgateOAuth2Error, shown)
      assert.equal(error.code, 'SIPGATE_INVALID_ARGUMENT', shown)
      assert.ok(error.message.startsWith(`${field}: `), shown)
      assert.doesNotMatch(error.stack, /canary/, shown)
    }
  })
}

test('bad input from a browser is not a mistake of the program', async () => {
  for (const exported of [...BAD_TEXT, 'undefined']) {
    const error = await outcomeOf(() => AuthorizationRequest.restore(exported))
    assert.deepEqual([error.code, error.remedy], ['SIPGATE_LOGIN_EXPIRED', 'log_in_again'])
    assert.doesNotMatch(error.stack, /canary/)
  }
  for (const callback of ['', ' \n']) {
    const error = await outcomeOf(() => client.exchangeCallback(request, callback))
    assert.deepEqual([error.code, error.remedy], ['SIPGATE_CALLBACK_REFUSED', 'log_in_again'])
  }
})

/** What a call threw or was rejected with. An asynchronous function must not throw. */
async function outcomeOf(call) {
  let promise
  try {
    promise = call()
  } catch (error) {
    return error
  }
  assert.ok(promise instanceof Promise, 'nothing was refused')
  return promise.then(() => assert.fail('nothing was refused'), (error) => error)
}

test('asynchronous functions reject, and do not throw, whatever they are given', async () => {
  for (const name of ['exchangeCallback', 'exchangeCode', 'refresh', 'completeLogin', 'loginInBrowser', 'acceptLogoutToken', 'introspect', 'revoke', 'logoutUrl', 'keepAlive']) {
    await assert.rejects(client[name](Symbol('canary')), { code: 'SIPGATE_INVALID_ARGUMENT' })
  }
  for (const name of ['accessToken', 'authorizationHeader', 'refresh', 'save', 'status', 'claims', 'userinfo', 'logout', 'forget']) {
    await assert.rejects(source[name](Symbol('canary')), { code: 'SIPGATE_INVALID_ARGUMENT' })
  }
  await assert.rejects(ServerMetadata.discover(Symbol('canary')), { code: 'SIPGATE_INVALID_ARGUMENT' })
  await assert.rejects(source.fetch(Symbol('canary')), TypeError)
})

test('an input that is no callback is discarded', async () => {
  for (const callback of ['?', 'canary\0', '%', '#', 'https://elsewhere.example/?code=canary', 'a'.repeat(2 ** 21)]) {
    const error = await outcomeOf(() => client.exchangeCallback(request, callback))
    assert.ok(error instanceof SecurityCheckError, `${callback.slice(0, 20)}: ${error}`)
    assert.doesNotMatch(error.stack, /canary/)
  }
})

test('the error of a getter comes through', async () => {
  const own = new Error('from the getter')
  const options = {
    get signal() {
      throw own
    },
  }
  await assert.rejects(client.refresh('a', options), own)
})

test('members refuse to be called on another object, as a method without its object is', async () => {
  for (const Class of [Client, AuthorizationRequest, TokenSet, TokenSource]) {
    for (const name of Object.getOwnPropertyNames(Class.prototype).filter((member) => !['constructor', 'toJSON'].includes(member))) {
      const { get, value } = Object.getOwnPropertyDescriptor(Class.prototype, name)
      const error = await outcomeOf(() => (get ?? value).apply({}, name === 'exchangeCallback' ? [request, 'a=b'] : ['a']))
      assert.ok(error instanceof TypeError, `${name}: ${error}`)
    }
  }
})
