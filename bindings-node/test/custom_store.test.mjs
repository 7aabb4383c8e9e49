import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, beforeEach, test } from 'node:test'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { Client, Store, StoreError, checkStore } from 'sipgate-oauth2'

import { logIn, startRealm } from './realm.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

let realm

before(async () => {
  realm = await startRealm()
})
beforeEach(() => realm.reset())
after(() => realm.close())

/** A custom store over a table. */
class MapStore {
  entries = new Map()

  async load(key) {
    await setImmediate()
    return this.entries.get(key)
  }

  async save(key, expected, version, data, expiresAt) {
    await setImmediate()
    if ((this.entries.get(key)?.version ?? null) !== expected) return false
    this.entries.set(key, { version, data: Buffer.from(data), expiresAt })
    return true
  }
}

/** A store that can list its keys too. */
class ListingStore extends MapStore {
  async keys(from, limit) {
    await setImmediate()
    return [...this.entries.keys()].toSorted().filter((key) => from === null || key > from).slice(0, limit)
  }
}

/** The same without promises. */
class PlainStore {
  entries = new Map()

  load(key) {
    return this.entries.get(key) ?? null
  }

  save(key, expected, version, data, expiresAt) {
    if ((this.entries.get(key)?.version ?? null) !== expected) return false
    this.entries.set(key, { version, data, expiresAt: expiresAt === null ? undefined : BigInt(expiresAt) })
    return true
  }
}

const clientWith = (store) => Client.keycloak({ ...realm.clientOptions, store })

for (const Custom of [MapStore, PlainStore]) {
  test(`a login is kept by a ${Custom.name}, and many callers cause one refresh`, async () => {
    const custom = new Custom()
    const source = await logIn(realm, clientWith(new Store(custom)))
    const first = await source.accessToken()
    const another = clientWith(new Store(custom)).tokenSource('anna')

    assert.equal(await another.accessToken(), first)
    source.invalidate(first)
    const tokens = await Promise.all(Array.from({ length: 32 }, () => source.accessToken()))
    assert.equal(new Set([first, ...tokens]).size, 2)
    const { refresh_grants, invalid_grant } = await realm.counters()
    assert.deepEqual([refresh_grants, invalid_grant], [1, 0])
  })

  test(`a ${Custom.name} keeps its promises`, async () => {
    assert.deepEqual(await checkStore(new Custom()), [])
  })
}

const WRONG = {
  'at a conflict': class extends MapStore {
    async save(key, _, version, data, expiresAt) {
      this.entries.set(key, { version, data, expiresAt })
      return true
    }
  },
  'of the data': class extends MapStore {
    async load(key) {
      const entry = await super.load(key)
      return entry && { ...entry, data: Buffer.from(entry.data.toString('latin1').replaceAll('\0', ''), 'latin1') }
    }
  },
}

for (const [what, Wrong] of Object.entries(WRONG)) {
  test(`a store that does wrong ${what} is reported`, async () => {
    const broken = await checkStore(new Wrong())

    assert.ok(broken.length > 0)
    assert.ok(broken.every((text) => text.startsWith('broken: ')), broken.join('\n'))
  })
}

const FAILURES = {
  'throws at once': () => {
    throw new RangeError('canary')
  },
  rejects: () => Promise.reject(new RangeError('canary')),
}

for (const [what, fail] of Object.entries(FAILURES)) {
  test(`a store that ${what} is unavailable, with its own error as the cause`, async () => {
    const error = await clientWith(new Store({ load: fail, save: fail })).tokenSource('anna').accessToken().catch((caught) => caught)

    assert.ok(error instanceof StoreError)
    assert.equal(error.code, 'SIPGATE_STORE_UNAVAILABLE')
    assert.ok(error.cause instanceof RangeError)
    assert.doesNotMatch(error.message, /canary/)
  })
}

const logInWith = (custom) => logIn(realm, clientWith(new Store(custom)))

const MISTAKES = {
  'uses what is not there': { load: (key) => undefined.get(key), save: () => true },
  'names what is not there': { load: (key) => entries.get(key), save: () => true },
  'returns nothing from save': { load: () => undefined, save: () => {} },
}

for (const [what, custom] of Object.entries(MISTAKES)) {
  test(`a store that ${what} is reported as mistaken`, async () => {
    for (const use of [checkStore, logInWith]) {
      const error = await use(custom).catch((caught) => caught)
      assert.ok(error instanceof StoreError, String(error))
      assert.deepEqual([error.code, error.remedy], ['SIPGATE_STORE_UNAVAILABLE', 'fix_configuration'])
      assert.match(error.message, /^the store's (load|save) threw (TypeError|ReferenceError); see the cause$/)
      assert.ok(error.cause instanceof TypeError || error.cause instanceof ReferenceError)
    }
  })
}

test('an error that a store throws ends its check with that error', async () => {
  const thrown = new RangeError('no such table')
  const error = await checkStore({ load: () => Promise.reject(thrown), save: () => true }).catch((caught) => caught)
  assert.ok(error instanceof StoreError)
  assert.equal(error.cause, thrown)
})

test('a fetch without a response does not count as a mistake', async () => {
  const custom = { load: () => fetch('http://127.0.0.1:1/'), save: () => true }
  const error = await clientWith(new Store(custom)).tokenSource('anna').accessToken().catch((caught) => caught)
  assert.deepEqual([error.code, error.remedy], ['SIPGATE_STORE_UNAVAILABLE', 'try_later'])
})

test('a store may throw a value that is not an error', async () => {
  const custom = { load: () => Promise.reject(null), save: () => true }
  const error = await clientWith(new Store(custom)).tokenSource('anna').accessToken().catch((caught) => caught)

  assert.equal(error.code, 'SIPGATE_STORE_UNAVAILABLE')
  assert.equal(error.cause, null)
})

test('a store lists its keys if it can, in pages, and the check tests that', async () => {
  assert.deepEqual(await checkStore(new ListingStore()), [])
  const broken = new ListingStore()
  broken.keys = async (_, limit) => [...broken.entries.keys()].toSorted().slice(0, limit)
  const [violation, ...others] = await checkStore(broken)
  assert.match(violation, /keys are listed in their order/)
  assert.deepEqual(others, [])
  await assert.rejects(clientWith(new Store(new MapStore())).accounts().next(), { code: 'SIPGATE_UNSUPPORTED' })
})

test('a result of the wrong type is reported as one', async () => {
  const good = { version: 'v', data: new Uint8Array(1), expiresAt: null }
  const wrong = [1, 'canary', {}, { ...good, version: 1 }, { ...good, data: 'canary' }, { ...good, data: new Uint16Array(1) }, { ...good, expiresAt: '1' }, { ...good, expiresAt: NaN }]
  for (const result of wrong) {
    const error = await clientWith(new Store({ load: () => result, save: () => true })).tokenSource('anna').accessToken().catch((caught) => caught)
    assert.equal(error.code, 'SIPGATE_STORE_UNAVAILABLE')
    assert.match(error.cause.message, /^load must return/)
  }
  for (const keys of [() => 5, () => [1], () => ['not a key'], () => undefined]) {
    const listed = clientWith(new Store({ load: () => undefined, save: () => true, keys })).accounts()
    await assert.rejects(listed.next(), ({ cause }) => cause.message.startsWith('keys must return'))
  }
  const custom = { load: () => undefined, save: () => 1 }
  await assert.rejects(logIn(realm, clientWith(new Store(custom))), ({ cause }) => cause.message.startsWith('save must return true'))
  assert.equal((await realm.counters()).token_requests, 0)
})

test('tokens that a store rejects are returned, and reported as unsaved', async () => {
  const custom = new MapStore()
  const source = await logIn(realm, clientWith(new Store(custom)))
  const first = source.peek()
  let saves = 0
  custom.save = async function save(...entry) {
    saves += 1
    if (saves > 1) throw new Error('the disk is full')
    return MapStore.prototype.save.apply(this, entry)
  }
  const second = await source.refresh()

  assert.notEqual(second, first)
  assert.equal((await source.status()).unsaved, true)
  await assert.rejects(source.ensureSaved(), { code: 'SIPGATE_UNSAVED' })
  delete custom.save
  while ((await source.status()).unsaved) await sleep(50)
  await source.ensureSaved()
  assert.equal(await clientWith(new Store(custom)).tokenSource('anna').accessToken(), second)
})

test('a caller can stop waiting for a store that does not respond', async () => {
  const custom = { load: () => new Promise(() => {}), save: () => true }
  const source = clientWith(new Store(custom)).tokenSource('anna')
  await assert.rejects(source.accessToken({ timeout: 0.05 }), { code: 'SIPGATE_TIMEOUT' })
  const controller = new AbortController()
  const waiting = source.status({ signal: controller.signal })
  controller.abort()

  await assert.rejects(waiting, { name: 'AbortError' })
})

async function run(program) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: here,
    env: { ...process.env, TEST_CLIENT: JSON.stringify(realm.clientOptions) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
  const [code, signal] = await once(child, 'close')
  return { code, signal, output }
}

const BEGIN = `
import { Worker, isMainThread, parentPort } from 'node:worker_threads'
import { Client, Store } from 'sipgate-oauth2'
const clientWith = (custom) => Client.keycloak({ ...JSON.parse(process.env.TEST_CLIENT), store: new Store(custom) })
`

test('a store and a listener keep no process alive', async () => {
  const program = `${BEGIN}
    const client = clientWith({ load: () => undefined, save: () => true }).on('event', () => {})
    await client.tokenSource('anna').accessToken().catch((error) => console.log(error.code))`

  assert.deepEqual(await run(program), { code: 0, signal: null, output: 'SIPGATE_LOGIN_REQUIRED\n' })
})

test('process.exit during a call of the store ends the process with its own status', async () => {
  const program = `${BEGIN}
    clientWith({ load: () => process.exit(7), save: () => true }).tokenSource('anna').accessToken()`

  assert.deepEqual(await run(program), { code: 7, signal: null, output: '' })
})

test('a worker that is terminated during calls of its store does not affect the others', async () => {
  const worker = `${BEGIN}
    const custom = { load: () => (parentPort.postMessage('asked'), new Promise(() => {})), save: () => true }
    for (const account of 'abcdefgh') clientWith(custom).tokenSource(account).accessToken()
    setInterval(() => {}, 1000)`
  const program = `${BEGIN}
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(${JSON.stringify(worker)}, { eval: true })
      let asked = 0
      await new Promise((resolve) => worker.on('message', () => ++asked === 8 && resolve()))
      await worker.terminate()
    }
    const custom = { load: () => undefined, save: () => true }
    await clientWith(custom).tokenSource('anna').accessToken().catch((error) => console.log(error.code))`

  assert.deepEqual(await run(program), { code: 0, signal: null, output: 'SIPGATE_LOGIN_REQUIRED\n' })
})

test('each worker thread has its own store and hears its own events', async () => {
  const worker = `${BEGIN}
    const client = clientWith({ load: () => undefined, save: () => { throw new Error('no') } })
    client.on('event', (event) => parentPort.postMessage(event.type))
    await client.refresh('no-such-token').catch(() => {})
    await client.tokenSource('anna').accessToken().catch((error) => parentPort.postMessage(error.code))`
  const program = `${BEGIN}
    const workers = Array.from({ length: 4 }, () => new Worker(${JSON.stringify(worker)}, { eval: true }))
    const heard = workers.map((worker) => {
      const messages = []
      worker.on('message', (message) => messages.push(message))
      return new Promise((resolve) => worker.on('exit', () => resolve(messages.sort().join(' '))))
    })
    console.log((await Promise.all(heard)).join('\\n'))`
  const { code, output } = await run(program)

  assert.equal(code, 0)
  assert.deepEqual(output.trim().split('\n'), Array(4).fill('SIPGATE_LOGIN_REQUIRED token_request'))
})
