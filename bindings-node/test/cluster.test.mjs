// This file has the tests, and the program of the workers that they start.

import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { Client, Store } from 'sipgate-oauth2'

import { logIn, startRealm } from './realm.mjs'

/** For workers: their program is a text, which has no folder. */
const library = createRequire(import.meta.url).resolve('sipgate-oauth2')
const WORKERS = 4
const CALLERS = 16

if (cluster.isWorker) await work()
else tests()

/** Has the login. On a message, all its callers ask for a token at once. */
async function work() {
  const { options, path } = JSON.parse(process.env.TEST_LOGIN)
  const source = Client.keycloak({ ...options, store: Store.sqlite(path) }).tokenSource('anna')
  await source.status()
  process.on('message', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: CALLERS }, () => source.accessToken()))
    process.send(outcomes.map(({ value, reason }) => value ?? `${reason}`), () => process.disconnect())
  })
  process.send('ready')
}

function tests() {
  let realm
  let folder

  before(async () => {
    realm = await startRealm()
  })
  beforeEach(async () => {
    await realm.reset()
    folder = mkdtempSync(join(tmpdir(), 'sipgate-oauth2-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  after(() => realm.close())

  /** A login whose token expires before anybody asks for it. */
  async function loginOnDisk() {
    const path = join(folder, 'logins.db')
    await realm.settings({ access_token_lifespan: 1 })
    await logIn(realm, Client.keycloak({ ...realm.clientOptions, store: Store.sqlite(path) }))
    return path
  }

  async function expire() {
    await sleep(1100)
    await realm.settings({ access_token_lifespan: 300 })
  }

  async function assertOneRefresh(tokens) {
    assert.equal(tokens.length, WORKERS * CALLERS)
    assert.deepEqual([...new Set(tokens.map((token) => token.startsWith('eyJ') || token))], [true])
    assert.equal(new Set(tokens).size, 1)
    const { refresh_grants, invalid_grant } = await realm.counters()
    assert.deepEqual([refresh_grants, invalid_grant], [1, 0])
  }

  test('four processes of a cluster with sixteen callers each, at the moment of expiry, send one request', async () => {
    const path = await loginOnDisk()
    cluster.setupPrimary({ exec: fileURLToPath(import.meta.url) })
    const login = JSON.stringify({ options: realm.clientOptions, path })
    const workers = Array.from({ length: WORKERS }, () => cluster.fork({ TEST_LOGIN: login }))
    const ends = workers.map((worker) => once(worker, 'exit'))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    await expire()
    const said = workers.map((worker) => once(worker, 'message'))
    workers.forEach((worker) => worker.send('go'))
    const tokens = (await Promise.all(said)).flatMap(([message]) => message)

    assert.ok((await Promise.all(ends)).every(([status]) => status === 0))
    await assertOneRefresh(tokens)
  })

  test('four worker threads with sixteen callers each, at the moment of expiry, send one request', async () => {
    const path = await loginOnDisk()
    const program = `
      const { parentPort, workerData } = require('node:worker_threads')
      const { Client, Store } = require(workerData.module)
      const source = Client.keycloak({ ...workerData.options, store: Store.sqlite(workerData.path) }).tokenSource('anna')
      parentPort.once('message', async () => {
        const outcomes = await Promise.allSettled(Array.from({ length: ${CALLERS} }, () => source.accessToken()))
        parentPort.postMessage(outcomes.map(({ value, reason }) => value ?? String(reason)))
      })
      source.status().then(() => parentPort.postMessage('ready'))`
    const workerData = { module: library, options: realm.clientOptions, path }
    const workers = Array.from({ length: WORKERS }, () => new Worker(program, { eval: true, workerData }))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    await expire()
    const said = workers.map((worker) => once(worker, 'message'))
    workers.forEach((worker) => worker.postMessage('go', []))

    await assertOneRefresh((await Promise.all(said)).flatMap(([message]) => message))
  })
}
