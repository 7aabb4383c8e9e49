import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

import { Client } from 'sipgate-oauth2'

import { clientOptions, startServer } from './server.mjs'

const CALLS = 50

test('files are read and names looked up while fifty calls wait for a silent server', async () => {
  const server = await startServer()
  server.hold()
  const client = Client.keycloak(clientOptions(server))
  const controller = new AbortController()
  let settled = 0
  const calls = Array.from({ length: CALLS }, (_, number) =>
    client.refresh(`token-${number}`, { signal: controller.signal }).finally(() => settled++),
  )
  const outcomes = Promise.allSettled(calls)
  await server.asked(CALLS)

  assert.match(await readFile(new URL(import.meta.url), 'utf8'), /fifty calls/)
  assert.equal((await lookup('127.0.0.1')).address, '127.0.0.1')
  assert.equal(settled, 0)

  controller.abort()
  assert.ok((await outcomes).every(({ reason }) => reason === controller.signal.reason))
  await server.close()
})
