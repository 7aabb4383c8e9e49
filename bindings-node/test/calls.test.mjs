import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { after, beforeEach, before, test } from 'node:test'

import { AuthorizationRequest, Client, LoginRequiredError, TemporaryError, TokenSet } from 'sipgate-oauth2'

import { TOKENS, callbackOf, clientOptions, startServer } from './server.mjs'

let server
let client

before(async () => {
  server = await startServer()
  client = Client.keycloak(clientOptions(server))
})
beforeEach(() => {
  server.release()
  server.requests.length = 0
})
after(() => server.close())

test('a callback becomes tokens, and its authorization request cannot be used again', async () => {
  const request = AuthorizationRequest.restore(client.authorizationRequest('balance:read', { returnTo: '/page' }).export())
  const tokens = await client.exchangeCallback(request, callbackOf(request))

  assert.equal(request.returnTo, '/page')
  assert.equal(tokens.accessToken, TOKENS.access_token)
  assert.equal(tokens.refreshToken, TOKENS.refresh_token)
  assert.equal(tokens.scope, 'balance:read')
  assert.equal(tokens.authorizationHeader(), `Bearer ${TOKENS.access_token}`)
  assert.equal(new URLSearchParams(server.requests[0]).get('code'), 'canary-code')
  await assert.rejects(client.exchangeCallback(request, callbackOf(request)), { code: 'SIPGATE_LOGIN_ALREADY_USED', name: 'LoginRequiredError' })
})

test('a callback is taken as frameworks have it', async () => {
  for (const as of [(query) => new URLSearchParams(query), (query) => new URL(`${clientOptions(server).redirectUri}?${query}`)]) {
    const request = client.authorizationRequest('balance:read')
    const tokens = await client.exchangeCallback(request, as(callbackOf(request).replace(/^\?/, '')))
    assert.equal(tokens.accessToken, TOKENS.access_token)
  }
  await assert.rejects(client.exchangeCallback(client.authorizationRequest('a'), { code: 'c' }), {
    message: 'callback: must be a string, URL or URLSearchParams, the query string as it was received, not object',
  })
})

test('a code goes out with its verifier, redirect URI and scope', async () => {
  const codeVerifier = 'v'.repeat(43)
  const tokens = await client.exchangeCode('the-code', { codeVerifier, redirectUri: 'http://127.0.0.1:1/cb', scope: ['a', 'b'] })

  const sent = new URLSearchParams(server.requests[0])
  assert.equal(sent.get('code_verifier'), codeVerifier)
  assert.equal(sent.get('redirect_uri'), 'http://127.0.0.1:1/cb')
  assert.equal(tokens.scope, 'a b')
})

test('a refresh takes a refresh token or a token set', async () => {
  const first = await client.refresh('a-refresh-token')
  const second = await client.refresh(first, { scope: 'a' })

  assert.ok(second instanceof TokenSet)
  assert.deepEqual(
    server.requests.map((body) => new URLSearchParams(body).get('refresh_token')),
    ['a-refresh-token', TOKENS.refresh_token],
  )
  await assert.rejects(client.refresh(TokenSet.restore({ access_token: 'a' })), LoginRequiredError)
})

test('a signal that was aborted before the call keeps it from sending, and the authorization request usable', async () => {
  const request = client.authorizationRequest('a')
  const reason = new Error('gone')
  await assert.rejects(client.exchangeCallback(request, callbackOf(request), { signal: AbortSignal.abort(reason) }), reason)

  assert.equal(server.requests.length, 0)
  assert.equal((await client.exchangeCallback(request, callbackOf(request))).accessToken, TOKENS.access_token)
})

test('a signal that is aborted during the call ends the wait with its reason', async () => {
  server.hold()
  const controller = new AbortController()
  const waiting = client.refresh('a-refresh-token', { signal: controller.signal })
  await server.asked(1)
  const reason = { why: 'the user left' }
  controller.abort(reason)

  await assert.rejects(waiting, (error) => error === reason)
})

test('no listener stays at a signal, and its onabort is left alone', async () => {
  const controller = new AbortController()
  const { signal } = controller
  let heard = 0
  signal.onabort = () => heard++
  const idle = getEventListeners(signal, 'abort').length
  await client.refresh('a-refresh-token', { signal })
  await assert.rejects(client.refresh('', { signal }))
  server.hold()
  await assert.rejects(client.refresh('a-refresh-token', { signal, timeout: 0 }))

  assert.equal(getEventListeners(signal, 'abort').length, idle)
  controller.abort()
  assert.equal(heard, 1)
})

test('a timeout ends the wait with an error that may be retried', async () => {
  server.hold()
  await assert.rejects(client.refresh('a-refresh-token', { timeout: 0 }), (error) => error instanceof TemporaryError && error.retryable)
})

test('a timeout counts while the event loop is blocked', async () => {
  server.hold()
  const waiting = client.refresh('a-refresh-token', { timeout: 0.2 })
  await server.asked(1)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
  server.release()

  await assert.rejects(waiting, { code: 'SIPGATE_OUTCOME_UNKNOWN' })
})

test('a timeout longer than any timer does not end the wait', async () => {
  server.hold()
  const waiting = client.refresh('a-refresh-token', { timeout: Infinity })
  await server.asked(1)
  server.release()

  assert.equal((await waiting).accessToken, TOKENS.access_token)
})

test('a client of any server is made from its metadata, as an object or as JSON text', async () => {
  const { base, clientId, clientSecret, redirectUri } = clientOptions(server)
  const metadata = {
    issuer: base,
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/token`,
    revocation_endpoint: undefined,
    scopes_supported: ['a'],
  }
  for (const given of [metadata, JSON.stringify(metadata)]) {
    const made = new Client({ metadata: given, clientId, clientSecret, redirectUri })
    const { authorization_response_iss_parameter_supported: issSupported, ...others } = made.metadata
    assert.equal(issSupported, false)
    assert.deepEqual(others, JSON.parse(JSON.stringify(metadata)))
    assert.equal(made.metadata, made.metadata)
    assert.ok(Object.values(made.metadata).every(Object.isFrozen))
    const request = made.authorizationRequest('a')
    assert.ok(request.url.startsWith(`${base}/authorize?`))
    assert.equal((await made.exchangeCallback(request, callbackOf(request))).accessToken, TOKENS.access_token)
  }
})

test('a preset knows the metadata of its server', () => {
  const { metadata, tokenEndpoint } = Client.sipgate({ clientId: '1-0-a:third-party' })
  assert.equal(metadata.token_endpoint, tokenEndpoint)
  assert.match(metadata.revocation_endpoint, /^https:\/\/login\.sipgate\.com\//)
})

test('a client cannot be made from the parts of another', () => {
  assert.throws(() => new Client(client, { handle: {} }), { message: /^metadata: is missing/ })
})

test('tokens come back from their export as they were', () => {
  const tokens = TokenSet.restore({ access_token: 'a', expires_at: 1700000300, session_state: 's', list: [1, { x: null }] })

  assert.equal(tokens.expiresAt, 1700000300)
  assert.deepEqual(tokens.extra, { session_state: 's', list: [1, { x: null }] })
  assert.deepEqual(JSON.parse(tokens.export()), JSON.parse(TokenSet.restore(tokens.export()).export()))
})

test('extra parameters may be an object or pairs', () => {
  for (const extra of [{ kc_locale: 'de' }, [['kc_locale', 'de']], new Map([['kc_locale', 'de']]), new URLSearchParams('kc_locale=de')]) {
    assert.equal(new URL(client.authorizationRequest('a', { extra }).url).searchParams.get('kc_locale'), 'de')
  }
})
