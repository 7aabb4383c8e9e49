import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'

import { Client, LoginRequiredError, Store, TokenSet } from 'sipgate-oauth2'

import { logIn, startRealm } from './realm.mjs'

let realm
let api
let elsewhere
let source

/**
 * An API. It sends the responses that the test prepares; otherwise 401 for the tokens in `refused`,
 * and 200. It records its requests.
 */
async function startApi() {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const token = request.headers.authorization?.replace('Bearer ', '')
    requests.push({ method: request.method, url: request.url, token, headers: request.headers, body })
    const { status = refused.has(token) ? 401 : 200, headers = {} } = responses.shift() ?? {}
    response.writeHead(status, headers).end(`${status}`)
  })
  const requests = []
  const responses = []
  const refused = new Set()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    requests,
    responses,
    refused,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

before(async () => {
  ;[realm, api, elsewhere] = await Promise.all([startRealm(), startApi(), startApi()])
})
beforeEach(async () => {
  await realm.reset()
  for (const each of [api, elsewhere]) {
    each.requests.length = 0
    each.responses.length = 0
  }
  source = await logIn(realm, Client.keycloak({ ...realm.clientOptions, store: Store.memory(), origins: [api.origin] }))
})
after(() => Promise.all([realm, api, elsewhere].map((each) => each.close())))

const refreshes = async () => (await realm.counters()).refresh_grants

test('a request is sent with the token, whatever it is given as', async () => {
  const init = { method: 'POST', headers: { 'x-own': '1', authorization: 'other' }, body: 'text' }
  const responses = [
    await source.fetch(`${api.origin}/a`, init),
    await source.fetch(new URL('/a', api.origin), init),
    await source.fetch(new Request(`${api.origin}/a`, init)),
    await source.fetch(new Request(`${api.origin}/a`, { method: 'POST' }), { headers: new Headers({ 'x-own': '1' }), body: 'text' }),
  ]

  assert.ok(responses.every((response) => response instanceof Response && response.ok))
  for (const { method, url, token, headers, body } of api.requests) {
    assert.deepEqual([method, url, token, headers['x-own'], body], ['POST', '/a', source.peek(), '1', 'text'])
  }
  assert.equal(init.headers.authorization, 'other')
})

const BODIES = {
  'no body': () => ({}),
  text: () => ({ method: 'POST', body: 'a=b' }),
  'form parameters': () => ({ method: 'POST', body: new URLSearchParams('a=b') }),
  bytes: () => ({ method: 'POST', body: Buffer.from('a=b') }),
  'an array buffer': () => ({ method: 'POST', body: new TextEncoder().encode('a=b').buffer }),
  'a blob': () => ({ method: 'POST', body: new Blob(['a=b']) }),
}

for (const [what, init] of Object.entries(BODIES)) {
  test(`a 401 refreshes the token, and ${what} is sent once more`, async () => {
    const first = source.peek()
    api.responses.push({ status: 401 })
    const response = await source.fetch(`${api.origin}/a`, init())

    assert.equal(response.status, 200)
    assert.deepEqual(
      api.requests.map(({ token, body }) => [token, body]),
      [first, source.peek()].map((token) => [token, what === 'no body' ? '' : 'a=b']),
    )
    assert.notEqual(source.peek(), first)
    assert.equal(await refreshes(), 1)
  })
}

async function* parts() {
  yield Buffer.from('a=b')
}

const STREAMS = {
  'a stream': () => [{ method: 'POST', body: new Blob(['a=b']).stream(), duplex: 'half' }],
  'a generator': () => [{ method: 'POST', body: parts(), duplex: 'half' }],
}

for (const [what, init] of Object.entries(STREAMS)) {
  test(`${what} is sent once, and the next request has a new token`, async () => {
    const first = source.peek()
    api.responses.push({ status: 401 })
    const response = await source.fetch(`${api.origin}/a`, ...init())

    assert.equal(response.status, 401)
    assert.equal(await response.text(), '401')
    await source.fetch(`${api.origin}/b`)
    assert.deepEqual(api.requests.map(({ url }) => url), ['/a', '/b'])
    assert.notEqual(api.requests[1].token, first)
  })
}

test('the body of a Request is sent once, a Request without one twice', async () => {
  api.responses.push({ status: 401 })
  assert.equal((await source.fetch(new Request(`${api.origin}/a`, { method: 'POST', body: 'a=b' }))).status, 401)
  await source.accessToken()
  const other = await logIn(realm, Client.keycloak({ ...realm.clientOptions, store: Store.memory(), origins: [api.origin] }), 'other')
  api.responses.push({ status: 401 })
  assert.equal((await other.fetch(new Request(`${api.origin}/a`))).status, 200)
})

test('a 401 that a new token does not help is passed on, and the token is not refreshed again', async () => {
  api.responses.push({ status: 401 }, { status: 401 }, { status: 401 })
  assert.equal((await source.fetch(`${api.origin}/a`)).status, 401)
  const response = await source.fetch(`${api.origin}/a`)

  assert.equal(response.status, 401)
  assert.equal(await response.text(), '401')
  assert.equal(api.requests.length, 3)
  assert.equal(await refreshes(), 1)
})

test('twenty requests that are refused at once cause one refresh', async () => {
  api.refused.add(source.peek())
  const responses = await Promise.all(Array.from({ length: 20 }, () => source.fetch(`${api.origin}/a`)))

  assert.ok(responses.every(({ status }) => status === 200))
  assert.equal(await refreshes(), 1)
})

test('a 403 is passed on', async () => {
  api.responses.push({ status: 403 })

  assert.equal((await source.fetch(`${api.origin}/a`)).status, 403)
  assert.equal(api.requests.length, 1)
  assert.equal(await refreshes(), 0)
})

test('a 403 looks for what another process has stored, and refreshes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sipgate-oauth2-'))
  try {
    // Without looks at the store in between, however slow the machine is.
    const store = () => Store.sqlite(join(folder, 'tokens.db'), { recheck: 3600 })
    const client = () => Client.keycloak({ ...realm.clientOptions, store: store(), origins: [api.origin] })
    const here = await logIn(realm, client())
    const first = await here.accessToken()
    const second = await (await logIn(realm, client())).accessToken()
    assert.equal(here.peek(), first)
    api.responses.push({ status: 403 })

    assert.equal((await here.fetch(`${api.origin}/a`, { method: 'POST', body: 'a=b' })).status, 200)
    assert.deepEqual(api.requests.map(({ token, body }) => [token, body]), [[first, 'a=b'], [second, 'a=b']])
    writeFileSync(join(folder, 'tokens.db'), 'not a database'.repeat(1000))
    api.responses.push({ status: 403 })
    assert.equal((await here.fetch(`${api.origin}/a`)).status, 403)
    assert.equal(api.requests.length, 3)
    assert.equal(await refreshes(), 0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a login that has ended is reported instead of the 401', async () => {
  await realm.settings({ user: 'anna', enabled: false })
  api.responses.push({ status: 401 })

  await assert.rejects(source.fetch(`${api.origin}/a`), LoginRequiredError)
})

test('nothing is sent to another origin', async () => {
  for (const url of [elsewhere.origin, api.origin.replace('127.0.0.1', 'localhost'), 'https://api.sipgate.com', `${api.origin}@evil.example`, 'data:,a']) {
    const error = await source.fetch(`${url}/a`).catch((caught) => caught)
    assert.equal(error.code, 'SIPGATE_INVALID_ARGUMENT', url)
    assert.match(error.message, /^url: /)
  }
  assert.equal(elsewhere.requests.length + api.requests.length, 0)
})

test('a redirect does not take the token to another origin, and a 401 from there says nothing about it', async () => {
  api.responses.push({ status: 307, headers: { location: `${elsewhere.origin}/b` } })
  elsewhere.responses.push({ status: 401 })
  const response = await source.fetch(`${api.origin}/a`)

  assert.equal(response.status, 401)
  assert.equal(api.requests[0].token, source.peek())
  assert.deepEqual(elsewhere.requests.map(({ token }) => token), [undefined])
  assert.equal(await refreshes(), 0)
})

test('a redirect to the same origin keeps the token', async () => {
  api.responses.push({ status: 302, headers: { location: '/b' } })
  await source.fetch(`${api.origin}/a`)

  assert.deepEqual(api.requests.map(({ url, token }) => [url, token]), ['/a', '/b'].map((url) => [url, source.peek()]))
})

test('a signal in the init or in the Request ends it', async () => {
  const reason = new Error('gone')
  const signal = AbortSignal.abort(reason)
  await assert.rejects(source.fetch(api.origin, { signal }), reason)
  await assert.rejects(source.fetch(new Request(api.origin, { signal })), reason)

  assert.equal(api.requests.length, 0)
})

test('tokens of a sipgate client go to sipgate unless other origins are named, and those of other clients nowhere', async () => {
  const plain = Client.sipgate({ clientId: '1-0-a:third-party', store: Store.memory() }).tokenSource('anna')
  await plain.save(TokenSet.restore({ access_token: 'a-token', expires_at: 4_000_000_000 }))
  const another = Client.keycloak({ ...realm.clientOptions, store: Store.memory() }).tokenSource('anna')
  const sent = []
  const own = globalThis.fetch
  globalThis.fetch = async (input, init) => {
    sent.push([input, init.headers.get('authorization')])
    return new Response()
  }
  try {
    await plain.fetch('https://api.sipgate.com/v2/balance')
    await assert.rejects(plain.fetch(api.origin), /^.*url: .* origins, which names https:\/\/api\.sipgate\.com$/)
    await assert.rejects(another.fetch('https://api.sipgate.com/v2/balance'), /^.*url: .* origins, which names none$/)
  } finally {
    globalThis.fetch = own
  }
  assert.deepEqual(sent, [['https://api.sipgate.com/v2/balance', `Bearer ${plain.peek()}`]])
})
