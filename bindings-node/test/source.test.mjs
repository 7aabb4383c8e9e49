import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { AuthorizationRequest, Client, ERROR_CODES, LoginRequiredError, SipgateOAuth2Error, Store, StoreError, TokenSource } from 'sipgate-oauth2'

import { logIn, startRealm } from './realm.mjs'

const folder = mkdtempSync(join(tmpdir(), 'sipgate-oauth2-'))

let realm
let client

before(async () => {
  realm = await startRealm()
})
beforeEach(async () => {
  await realm.reset()
  client = Client.keycloak({ ...realm.clientOptions, store: Store.memory() })
})
after(async () => {
  await realm.close()
  rmSync(folder, { recursive: true })
})

async function expiredLogin() {
  await realm.settings({ access_token_lifespan: 1 })
  const source = await logIn(realm, client)
  const first = source.peek()
  await sleep(1100)
  await realm.settings({ access_token_lifespan: 300 })
  return { source, first }
}

test('a login gives its token from memory, and to other sources', async () => {
  const source = await logIn(realm, client)
  const token = await source.accessToken()

  assert.ok(source instanceof TokenSource)
  assert.equal(source.account, 'anna')
  assert.equal(source.peek(), token)
  assert.equal(source.peek(), token)
  assert.equal(await source.authorizationHeader(), `Bearer ${token}`)
  assert.equal(await client.tokenSource('anna').accessToken(), token)
  assert.equal(client.tokenSource('bob').peek(), undefined)
  await assert.rejects(client.tokenSource('bob').accessToken(), LoginRequiredError)
  assert.equal((await realm.counters()).token_requests, 1)
})

test('sixty-four callers at the moment of expiry cause one request', async () => {
  const { source, first } = await expiredLogin()
  const tokens = await Promise.all(Array.from({ length: 64 }, () => source.accessToken()))

  assert.equal(new Set(tokens).size, 1)
  assert.notEqual(tokens[0], first)
  assert.equal(source.peek(), tokens[0])
  const { refresh_grants, invalid_grant } = await realm.counters()
  assert.deepEqual([refresh_grants, invalid_grant], [1, 0])
})

test('a callback that is loaded twice makes one login', async () => {
  const request = client.authorizationRequest('balance:read')
  const callback = await realm.callback(request)
  const again = AuthorizationRequest.restore(request.export())
  const sources = await Promise.all([request, again, request].map((each) => client.completeLogin(each, callback, { account: 'anna' })))
  const tokens = await Promise.all(sources.map((source) => source.accessToken()))

  assert.equal(new Set(tokens).size, 1)
  assert.equal((await realm.counters()).code_grants, 1)
})

test('late 401s for one token cause one refresh', async () => {
  const source = await logIn(realm, client)
  const first = source.peek()
  for (let count = 0; count < 20; count++) {
    source.invalidate(first)
    assert.notEqual(await source.accessToken(), first)
  }
  const second = source.peek()
  source.invalidate(second)

  assert.equal(await source.accessToken(), second)
  assert.equal((await realm.counters()).refresh_grants, 1)
})

test('a refresh gives a new token', async () => {
  const source = await logIn(realm, client)
  const first = source.peek()
  const second = await source.refresh()

  assert.notEqual(second, first)
  assert.equal(source.peek(), second)
})

test('a token that would not live as long as asked is refreshed', async () => {
  await realm.settings({ access_token_lifespan: 3 })
  const source = await logIn(realm, client)
  const first = source.peek()
  await sleep(700)
  await realm.settings({ access_token_lifespan: 300 })
  const second = await source.accessToken({ minValidity: 60 })

  assert.notEqual(second, first)
  assert.equal(await source.accessToken({ minValidity: 60 }), second)
})

test('an error that a test makes has the code of its class, and no status for a web framework', () => {
  const made = new LoginRequiredError('gone')
  assert.deepEqual(
    [made.name, made.message, made.code, made.remedy, made.retryable],
    ['LoginRequiredError', 'gone', 'SIPGATE_LOGIN_REQUIRED', 'log_in_again', false],
  )
  assert.ok(made instanceof SipgateOAuth2Error)
  assert.equal(made.number, ERROR_CODES.find(({ code }) => code === made.code).number)
  const cause = new Error('why')
  const other = new StoreError('gone', { code: 'SIPGATE_UNSAVED', remedy: 'try_later', httpStatus: 503, cause })
  assert.deepEqual([other.code, other.retryable, other.httpStatus, other.cause], ['SIPGATE_UNSAVED', true, 503, cause])
  // Express, Koa and Fastify send what these say to the browser.
  for (const name of ['status', 'statusCode', 'headers', 'expose']) assert.ok(!(name in made) && !(name in other), name)
})

test('a logout ends the login, and its status says so', async () => {
  const source = await logIn(realm, client)
  const active = await source.status()
  await source.logout()

  assert.deepEqual({ ...active, expiresAt: 0, refreshExpiresAt: 0 }, {
    state: 'active',
    generation: 1,
    expiresAt: 0,
    refreshExpiresAt: 0,
    scope: 'email profile balance:read',
    lastError: undefined,
    unsaved: false,
  })
  assert.ok(active.expiresAt > Date.now() / 1000 + 200)
  assert.equal(source.peek(), undefined)
  await assert.rejects(source.accessToken(), LoginRequiredError)
  assert.equal((await source.status()).state, 'logged_out')
  assert.equal((await realm.counters()).sessions_ended, 1)
  await source.ensureSaved()
})

test('the error of a failed refresh is in the status', async () => {
  const source = await logIn(realm, client)
  await realm.settings({ user: 'anna', enabled: false })
  await assert.rejects(source.refresh(), LoginRequiredError)
  const { state, lastError } = await source.status()

  assert.equal(state, 'rejected')
  assert.ok(lastError instanceof SipgateOAuth2Error)
  assert.equal(lastError.code, 'SIPGATE_LOGIN_REQUIRED')
})

test('saved tokens are a login', async () => {
  const request = client.authorizationRequest('balance:read')
  const tokens = await client.exchangeCallback(request, await realm.callback(request))
  const source = client.tokenSource('anna')
  await source.save(tokens)

  assert.equal(await source.accessToken(), tokens.accessToken)
})

test('an aborted call rejects with its reason, and the refresh continues for the others', async () => {
  const { source } = await expiredLogin()
  await realm.faults({ on: 'token', kind: 'delay', ms: 300 })
  const controller = new AbortController()
  const leaving = source.accessToken({ signal: controller.signal })
  const staying = source.accessToken()
  const reason = new Error('gone')
  controller.abort(reason)

  await assert.rejects(leaving, reason)
  assert.equal(await staying, source.peek())
  await assert.rejects(source.accessToken({ signal: controller.signal }), reason)
  assert.equal((await realm.counters()).refresh_grants, 1)
})

test('a timeout ends the wait, not the refresh', async () => {
  const { source } = await expiredLogin()
  await realm.faults({ on: 'token', kind: 'delay', ms: 300 })
  await assert.rejects(source.accessToken({ timeout: 0 }), { code: 'SIPGATE_TIMEOUT' })

  assert.ok(await source.accessToken())
  assert.equal((await realm.counters()).refresh_grants, 1)
})

test('a database keeps logins for other stores on it, encrypted with the newest key', async () => {
  const path = join(folder, 'größe und mehr', 'logins.db')
  const [older, newer] = ['11'.repeat(32), new Uint8Array(32).fill(7)]
  const stored = Client.keycloak({ ...realm.clientOptions, store: Store.sqlite(path, { encryptionKeys: [older] }) })
  const token = await (await logIn(realm, stored)).accessToken()
  const clientWith = (encryptionKeys) => Client.keycloak({ ...realm.clientOptions, store: Store.sqlite(path, { encryptionKeys, recheck: 0 }) })

  assert.equal(await clientWith([newer, older]).tokenSource('anna').accessToken(), token)
  await assert.rejects(clientWith([newer]).tokenSource('anna').accessToken(), StoreError)
})

test('what needs a store says so if there is none', async () => {
  const bare = Client.keycloak(realm.clientOptions)
  const request = bare.authorizationRequest('balance:read')

  assert.throws(() => bare.tokenSource('anna'), { code: 'SIPGATE_INVALID_ARGUMENT', message: /^store: / })
  await assert.rejects(bare.completeLogin(request, 'code=a', { account: 'anna' }), { message: /^store: / })
})
