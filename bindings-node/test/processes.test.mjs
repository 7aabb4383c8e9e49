import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { after, before, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { Client } from 'sipgate-oauth2'

import { TOKENS, clientOptions, startServer } from './server.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
/** For workers: their program is a text, which has no folder. */
const library = createRequire(import.meta.url).resolve('sipgate-oauth2')

const PROGRAM = `
import { Client } from 'sipgate-oauth2'
const client = Client.keycloak(JSON.parse(process.env.TEST_CLIENT))
const call = client.refresh('a-refresh-token')
`

// Only the worker loads the library. When the worker ends, Node unloads the library while one of
// its threads still waits for the server.
const WORKER_PROGRAM = `
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
const worker = new Worker(${JSON.stringify(PROGRAM + 'await call')}, { eval: true })
await once(process.stdin, 'data')
await worker.terminate()
console.log('terminated')
await once(process.stdin, 'data')
process.exit()
`

let server

before(async () => {
  server = await startServer()
})
beforeEach(() => {
  server.release()
  server.requests.length = 0
})
after(() => server.close())

function start(program) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: here,
    env: { ...process.env, TEST_CLIENT: JSON.stringify(clientOptions(server)) },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (child.output += text))
  child.end = once(child, 'close')
  return child
}

test('a process ends by itself once its calls have ended', async () => {
  const child = start(`${PROGRAM} console.log((await call).tokenType)`)

  assert.deepEqual(await child.end, [0, null])
  assert.equal(child.output, 'Bearer\n')
})

test('a call in progress keeps the process until its outcome is there', async () => {
  server.hold()
  const child = start(`${PROGRAM} call.then((tokens) => console.log(tokens.tokenType))`)
  await server.asked(1)
  server.release()

  assert.deepEqual(await child.end, [0, null])
  assert.equal(child.output, 'Bearer\n')
})

test('a call without an outcome keeps the process until its deadline', async () => {
  server.hold()
  const child = start(`${PROGRAM.replace("'a-refresh-token'", "'a-refresh-token', { timeout: 0.5 }")}
    call.catch((error) => console.log(error.code))`)

  assert.deepEqual(await child.end, [0, null])
  assert.equal(child.output, 'SIPGATE_OUTCOME_UNKNOWN\n')
})

test('process.exit during a call ends the process with its own status', async () => {
  server.hold()
  const child = start(`${PROGRAM} process.stdin.once('data', () => process.exit(7))`)
  await server.asked(1)
  child.stdin.write('go\n')

  assert.deepEqual(await child.end, [7, null])
})

test('a worker that alone loaded the library can be terminated during a call', async () => {
  server.hold()
  const child = start(WORKER_PROGRAM)
  await server.asked(1)
  child.stdin.write('terminate\n')
  await once(child.stdout, 'data')
  server.release()
  child.stdin.write('exit\n')

  assert.deepEqual(await child.end, [0, null])
  assert.equal(child.output, 'terminated\n')
})

test('calls work in a worker thread', async () => {
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads')
     const { Client } = require(workerData.module)
     Client.keycloak(workerData.client).refresh('a-refresh-token').then((tokens) => parentPort.postMessage(tokens.accessToken))`,
    { eval: true, workerData: { module: library, client: clientOptions(server) } },
  )
  const [message] = await once(worker, 'message')

  assert.equal(message, TOKENS.access_token)
})

test('a worker thread ends by itself once its calls have ended', async () => {
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads')
     const { Client } = require(workerData.module)
     Client.keycloak(workerData.client).refresh('a-refresh-token')`,
    { eval: true, workerData: { module: library, client: clientOptions(server) } },
  )

  assert.deepEqual(await once(worker, 'exit'), [0])
  assert.equal(server.requests.length, 1)
})

test('workers that are terminated during calls do not affect the calls of others', async () => {
  server.hold()
  const client = Client.keycloak(clientOptions(server))
  const ours = client.refresh('a-refresh-token')
  const workers = Array.from({ length: 4 }, () => {
    const program = `const { workerData } = require('node:worker_threads')
      const client = require(workerData.module).Client.keycloak(workerData.client)
      for (let n = 0; n < 5; n++) client.refresh('a-refresh-token')`
    return new Worker(program, {
      eval: true,
      workerData: { module: library, client: clientOptions(server) },
    })
  })
  await server.asked(21)
  await Promise.all(workers.map((worker) => worker.terminate()))
  server.release()

  assert.equal((await ours).accessToken, TOKENS.access_token)
})
