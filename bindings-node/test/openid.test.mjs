import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { inspect } from 'node:util'

import { Client, LoginRequiredError, SecurityCheckError, ServerMetadata, Store, TemporaryError, TokenSet } from 'sipgate-oauth2'

import { startRealm } from './realm.mjs'

let realm
let client
let issuer

before(async () => {
  realm = await startRealm()
  const { base, realm: name } = realm.clientOptions
  issuer = `${base}/realms/${name}`
})
beforeEach(async () => {
  await realm.reset()
  client = Client.keycloak({ ...realm.clientOptions, store: Store.memory() })
})
after(() => realm.close())

async function logIn(of = client) {
  const request = of.authorizationRequest('openid balance:read')
  return of.completeLogin(request, await realm.callback(request))
}

async function exchanged(given) {
  const request = client.authorizationRequest('openid balance:read', given)
  return client.exchangeCallback(request, await realm.callback(request))
}

test('discovery gives metadata that can be kept, and that a client is made from', async () => {
  const metadata = await ServerMetadata.discover(issuer)
  const { clientId, clientSecret, redirectUri } = realm.clientOptions
  const kept = JSON.parse(JSON.stringify(metadata))
  const discovered = new Client({ metadata: kept, clientId, clientSecret, redirectUri, store: Store.memory() })

  assert.equal(metadata.issuer, issuer)
  assert.ok(Object.isFrozen(metadata) && Object.isFrozen(metadata.scopes_supported))
  assert.deepEqual(discovered.metadata, metadata)
  assert.ok(await (await logIn(discovered)).accessToken())
})

test('discovery ends with its signal and its timeout', async () => {
  const reason = new Error('mine')
  await assert.rejects(ServerMetadata.discover(issuer, { signal: AbortSignal.abort(reason) }), reason)
  await realm.faults({ on: 'discovery', kind: 'silent' })
  await assert.rejects(ServerMetadata.discover(issuer, { timeout: 0.1 }), { code: 'SIPGATE_TIMEOUT', name: 'TemporaryError' })
  await assert.rejects(ServerMetadata.discover('http://127.0.0.1:1', { proxy: 'direct', connectTimeout: 1 }), TemporaryError)
})

test("without an account, the login is that of the user's id", async () => {
  const source = await logIn()
  const claims = await source.claims()
  const userinfo = await source.userinfo({ timeout: 20 })

  assert.equal(source.account, claims.sub)
  assert.equal(userinfo.sub, claims.sub)
  assert.equal(claims.aud, realm.clientOptions.clientId)
  assert.ok(Object.isFrozen(claims) && Object.isFrozen(userinfo))
  assert.equal(await client.tokenSource(claims.sub).accessToken(), source.peek())
})

test('without an account and without openid, nothing is sent', async () => {
  const request = client.authorizationRequest('balance:read')
  const callback = await realm.callback(request)

  await assert.rejects(client.completeLogin(request, callback), { code: 'SIPGATE_INVALID_ARGUMENT', message: /^account: / })
  assert.equal((await client.completeLogin(request, callback, { account: 'anna' })).account, 'anna')
})

test('tokens have the claims of an ID token that was verified', async () => {
  const tokens = await exchanged({ maxAge: 300, claims: { id_token: { auth_time: { essential: true } } } })
  const unverified = TokenSet.restore({ access_token: 'a', id_token: tokens.idToken })

  assert.equal(tokens.idTokenVerified, true)
  assert.equal(typeof tokens.claims.auth_time, 'number')
  assert.equal(tokens.claims, tokens.claims)
  assert.ok(Object.isFrozen(tokens.claims))
  assert.deepEqual([unverified.idTokenVerified, unverified.claims], [false, undefined])
})

test('an ID token with another nonce is refused', async () => {
  const request = client.authorizationRequest('openid')
  const code = new URL(await realm.callback(request)).searchParams.get('code')
  const { code_verifier: codeVerifier } = JSON.parse(Buffer.from(request.export(), 'base64url'))

  await assert.rejects(client.exchangeCode(code, { codeVerifier, scope: 'openid', nonce: 'canary' }), {
    code: 'SIPGATE_NONCE_MISMATCH',
    name: 'SecurityCheckError',
  })
})

test('a token that was revoked is not active', async () => {
  const api = Client.keycloak({ ...realm.clientOptions, clientId: 'balance-api:third-party', clientSecret: 'balance-api-secret' })
  const source = await logIn()
  const token = await source.accessToken()
  const active = await api.introspect(token)
  await client.revoke(token)

  assert.deepEqual([active.active, active.sub], [true, source.account])
  assert.ok(Object.isFrozen(active))
  assert.deepEqual(await api.introspect(token), { active: false })
})

test('the logout URL has the ID token of the login and the parameters', async () => {
  const source = await logIn()
  const options = { postLogoutRedirectUri: 'https://example.com/bye', state: 'mine', logoutHint: 'anna', uiLocales: 'de' }
  const { searchParams } = new URL(await client.logoutUrl(source, options))
  const { id_token_hint: idToken, ...others } = Object.fromEntries(searchParams)

  assert.match(idToken, /^ey[^.]+\.[^.]+\.[^.]+$/)
  assert.deepEqual(others, {
    client_id: realm.clientOptions.clientId,
    post_logout_redirect_uri: 'https://example.com/bye',
    state: 'mine',
    logout_hint: 'anna',
    ui_locales: 'de',
  })
  assert.equal(new URL(await client.logoutUrl(undefined, { idTokenHint: 'hint' })).searchParams.get('id_token_hint'), 'hint')
  assert.equal(new URL(await client.logoutUrl()).searchParams.get('id_token_hint'), null)
})

test("the response to a logout has the application's own state", () => {
  for (const callback of ['?state=mine', new URL('https://example.com/bye?state=mine'), new URLSearchParams({ state: 'mine' })]) {
    assert.equal(client.checkLogoutResponse(callback, 'mine'), undefined)
    assert.throws(() => client.checkLogoutResponse(callback, 'other'), SecurityCheckError)
  }
})

test('a logout token ends the login of its user once', async () => {
  const source = await logIn()
  const logoutToken = await realm.logoutToken({ client: realm.clientOptions.clientId, user: 'anna' })

  assert.deepEqual(await client.acceptLogoutToken(logoutToken), [source.account])
  await assert.rejects(source.accessToken(), LoginRequiredError)
  await assert.rejects(client.acceptLogoutToken(logoutToken), { code: 'SIPGATE_ID_TOKEN', name: 'SecurityCheckError' })
})

test('printing shows neither the ID token nor what it says', async () => {
  const tokens = await exchanged()
  const source = await logIn()
  const { idToken, claims } = tokens
  const said = (await source.claims()).sid

  for (const value of [tokens, source, client]) {
    for (const text of [inspect(value, { depth: null, showHidden: true }), JSON.stringify(value), String(value)]) {
      for (const secret of [idToken, claims.sid, claims.at_hash, said]) assert.ok(!text.includes(secret), text)
    }
  }
})
