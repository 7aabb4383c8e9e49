// What the module promises to tests that use it.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { after, before, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Client, LoginRequiredError, SecurityCheckError, Store, TemporaryError } from '../../../bindings-node/index.mjs'
import { RealmError, startRealm } from '../index.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

let realm
before(async () => {
  realm = await startRealm()
})
after(() => realm.stop())
beforeEach(() => realm.reset())

function newClient() {
  return Client.keycloak({ ...realm.clientOptions, store: Store.memory() })
}

async function logIn(client = newClient()) {
  const request = client.authorizationRequest('openid balance:read')
  return client.completeLogin(request, await realm.login(request.url), { account: 'anna' })
}

async function status(token) {
  const response = await fetch(realm.apiUrl, { headers: { Authorization: `Bearer ${token}` } })
  return response.status
}

test('the environment is that of a client', async () => {
  const found = { ...process.env }
  try {
    Object.assign(process.env, realm.environment)
    const client = Client.fromEnv()
    assert.deepEqual([client.issuer, client.clientId], [realm.issuer, realm.clientId])
    const request = client.authorizationRequest('openid')
    const source = await client.completeLogin(request, await realm.login(request.url, { username: 'berta' }))
    assert.equal((await source.claims()).preferred_username, 'berta')
  } finally {
    for (const name of Object.keys(realm.environment)) delete process.env[name]
    Object.assign(process.env, found)
  }
})

test('the callback of form_post is what the browser posts', async () => {
  const client = newClient()
  const request = client.authorizationRequest('openid', { responseMode: 'form_post' })
  const posted = await realm.login(request.url)
  assert.match(posted, /^state=/)
  assert.ok(await (await client.completeLogin(request, posted)).accessToken())
})

test('a fault breaks as many responses as are named', async () => {
  const source = await logIn()
  await realm.fault('token', 'answer', { status: 503, times: 2 })
  await assert.rejects(source.refresh(), TemporaryError)
  await assert.rejects(source.refresh(), TemporaryError)
  assert.ok(await source.refresh())
  assert.equal((await realm.requests('token')).length, 4)
})

test('the calls of the API can be counted', async () => {
  assert.equal(await status(await (await logIn()).accessToken()), 200)
  assert.deepEqual((await realm.requests('api')).map(({ path }) => path), ['/v2/balance'])
})

test('only a user who is asked can deny access', async () => {
  const asking = realm.clients.find(({ consent }) => consent)
  const ask = { realm: asking.realm, clientId: asking.client_id, clientSecret: asking.secret }
  const client = Client.keycloak({ ...realm.clientOptions, ...ask, store: Store.memory() })
  assert.match(await realm.login(client.authorizationRequest('openid').url, { consent: false }), /error=access_denied/)
  await assert.rejects(realm.login(newClient().authorizationRequest('openid').url, { consent: false }), /anna was not asked/)
})

test('a fault of a connection is not for the next order', async () => {
  const source = await logIn()
  await realm.fault('connection', 'reset')
  assert.equal((await realm.counters()).faults, 0)
  // Whether the application sends its request again is not the realm's affair.
  await source.refresh().catch((error) => assert.ok(error instanceof TemporaryError))
  assert.equal((await realm.counters()).faults, 1)
})

test('an altered ID token is refused', async () => {
  await realm.alter('id_token', { claims: { iss: 'https://other.example' } })
  await assert.rejects(logIn(), SecurityCheckError)
})

test('once time has passed, the API refuses the token, and a refresh gets another', async () => {
  const source = await logIn()
  const token = await source.accessToken()
  assert.equal(await status(token), 200)
  await realm.advance({ minutes: 5 })
  assert.equal(await status(token), 401)
  source.invalidate(token)
  assert.equal(await status(await source.accessToken()), 200)
})

test('once time has passed, source.fetch gets another token by itself', async () => {
  const source = await logIn(Client.keycloak({ ...realm.clientOptions, store: Store.memory(), origins: [realm.url] }))
  await realm.advance({ minutes: 5 })
  assert.equal((await source.fetch(realm.apiUrl)).status, 200)
  const { balance_refused: refused, balance_ok: accepted } = await realm.counters()
  assert.deepEqual([refused, accepted], [1, 1])
})

test('the login of a user who stays away ends', async () => {
  const source = await logIn()
  await realm.advance({ days: 30 })
  await assert.rejects(source.refresh(), LoginRequiredError)
})

test('sessions that end end the login, and a logout token names the account', async () => {
  const client = newClient()
  const source = await logIn(client)
  const { sid } = await source.claims()
  await realm.endSessions('anna')
  await assert.rejects(source.refresh(), LoginRequiredError)
  const other = await logIn(client)
  const token = await realm.logoutToken({ sid: (await other.claims()).sid })
  assert.notEqual(sid, (await other.claims()).sid)
  assert.deepEqual(await client.acceptLogoutToken(token), ['anna'])
})

test('a wrong order is an error that says what is wrong', async () => {
  await assert.rejects(realm.settings({ lifespan: 1 }), /unknown field `lifespan`/)
  await assert.rejects(realm.fault('tokens', 'silent'), /no such target: tokens; there are/)
  await assert.rejects(realm.requests('tokens'), /no such target: tokens; there are any, api,/)
  await assert.rejects(realm.advance({ weeks: 1 }), /there is no weeks; there are seconds/)
  await assert.rejects(realm.order('rewind', {}), /no such order/)
})

test('a missing program is an error', async () => {
  await assert.rejects(startRealm({ program: '/no/such/program' }), RealmError)
  await assert.rejects(startRealm({ redirectUri: 'no URL' }), /ended at its start, with status 1/)
})

test('import and require give the same functions', () => {
  assert.equal(createRequire(import.meta.url)('../index.cjs').startRealm, startRealm)
})

test('a realm can be stopped twice, and is stopped by Symbol.asyncDispose', async () => {
  const other = await startRealm()
  await other.stop()
  await other.stop()
  await assert.rejects(other.counters(), RealmError)
  const disposed = await startRealm()
  await disposed[Symbol.asyncDispose]()
  await assert.rejects(disposed.counters(), RealmError)
})

const FORGETFUL = `import(${JSON.stringify(new URL('../index.mjs', import.meta.url).href)}).then(async ({ startRealm }) => {
  const realm = await startRealm()
  await realm.reset()
  console.log(realm.url)
  if (process.argv[1] === 'stay') setInterval(() => {}, 1000)
})`

/** Resolves once nobody listens there. */
async function closed(url) {
  const { hostname, port } = new URL(url)
  for (;;) {
    const socket = connect(Number(port), hostname)
    try {
      await once(socket, 'connect')
    } catch {
      return
    }
    socket.destroy()
  }
}

test('a process that forgets to stop its realm ends, and the realm with it', { timeout: 60_000 }, async () => {
  const url = execFileSync(process.execPath, ['--eval', FORGETFUL], { encoding: 'utf8', timeout: 60_000 }).trim()
  await closed(url)
})

test('a realm ends when its process is killed', { timeout: 60_000 }, async () => {
  const owner = spawn(process.execPath, ['--eval', FORGETFUL, 'stay'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [url] = await once(createInterface({ input: owner.stdout }), 'line')
  owner.kill('SIGKILL')
  await closed(url)
})

test('a realm ends when the command that started it is killed', { timeout: 60_000 }, async () => {
  const command = spawn(process.execPath, [here('../lib/command.cjs')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: command.stdout }), 'line')
  command.kill('SIGKILL')
  await closed(JSON.parse(line).http)
})

test('the command passes on its arguments and the exit status', async () => {
  const command = spawn(process.execPath, [here('../lib/command.cjs'), '--', process.execPath, '--eval', 'process.exit(process.env.SIPGATE_STORE === "memory" ? 7 : 8)'])
  const [code] = await once(command, 'exit')
  assert.equal(code, 7)
})
