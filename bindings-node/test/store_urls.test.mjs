import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { inspect } from 'node:util'

import { Client, ConfigurationError, Store, StoreError } from 'sipgate-oauth2'

import { logIn, startRealm } from './realm.mjs'

let realm
let folder

before(async () => {
  realm = await startRealm()
  folder = await mkdtemp(join(tmpdir(), 'sipgate-oauth2-'))
})
beforeEach(() => realm.reset())
after(async () => {
  await realm.close()
  await rm(folder, { recursive: true })
})

const clientWith = (store) => Client.keycloak({ ...realm.clientOptions, store })

test('a login of a URL is that of its path', async () => {
  const source = await logIn(realm, clientWith(Store.open(`sqlite://${folder}/gr%C3%B6%C3%9Fe/logins.db`)))
  const same = clientWith(Store.sqlite(join(folder, 'größe', 'logins.db'))).tokenSource('anna')
  assert.equal(await same.accessToken(), await source.accessToken())
})

test('what is wrong with a store is an array of texts, and nothing if all is well', async () => {
  for (const store of [Store.open('memory:'), Store.open(`sqlite://${folder}/checked.db`)]) {
    assert.deepEqual(await store.check(), [])
    assert.deepEqual(await store.check({ timeout: 20 }), [])
  }
})

test('a check that was aborted before does nothing', async () => {
  const reason = new Error('not any more')
  await assert.rejects(Store.open('memory:').check({ signal: AbortSignal.abort(reason) }), reason)
})

test('printing shows which kind of store it is', () => {
  assert.equal(inspect(Store.open('memory:')), "Store { kind: 'memory' }")
  assert.equal(inspect(Store.open(`SQLITE://${folder}/printed.db`)), "Store { kind: 'sqlite' }")
})

test('the script of a PostgreSQL table is for migrations', () => {
  assert.match(Store.postgresSchema(), /CREATE TABLE IF NOT EXISTS/)
  assert.match(Store.postgresSchema('auth.logins'), /auth/)
})

test('a URL is never shown', () => {
  assert.throws(() => Store.open('mysql://app:canary@db.example.com/app'), (error) => {
    assert.ok(error instanceof ConfigurationError)
    assert.doesNotMatch(inspect(error), /canary/)
    return true
  })
})

/** A server that reads once from each connection, and closes it. */
async function listening(context) {
  const heard = []
  const server = createServer((connection) => {
    connection.on('error', () => {})
    connection.once('data', (data) => connection.end(heard.push(data.toString('latin1')) && undefined))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  return { heard, url: `redis://app@127.0.0.1:${server.address().port}` }
}

test('a password is a string, or a function that returns one or a promise of one', async (context) => {
  const { heard, url } = await listening(context)
  for (const password of ['sesame', () => 'sesame', async () => 'sesame']) {
    const store = Store.open(url, { password })
    assert.equal(inspect(store), "Store { kind: 'redis' }")
    await assert.rejects(store.check(), StoreError)
    assert.match(heard.pop(), /sesame/)
  }
})

test('what a password function throws is the cause', async (context) => {
  const { url } = await listening(context)
  const own = new RangeError('canary')
  const failing = () => {
    throw own
  }
  for (const password of [failing, () => Promise.reject(own)]) {
    await assert.rejects(Store.open(url, { password }).check(), (error) => {
      assert.ok(error instanceof StoreError)
      assert.deepEqual([error.code, error.remedy, error.cause], ['SIPGATE_STORE_UNAVAILABLE', 'try_later', own])
      assert.doesNotMatch(error.message, /canary/)
      return true
    })
  }
})

test('a mistake in a password function is one to fix', async (context) => {
  const { url } = await listening(context)
  for (const password of [() => 5, () => undefined, async () => null, () => missing]) {
    await assert.rejects(Store.open(url, { password }).check(), (error) => {
      assert.match(error.message, /password function threw (Type|Reference)Error; see the cause/)
      assert.equal(error.remedy, 'fix_configuration')
      return true
    })
  }
})
