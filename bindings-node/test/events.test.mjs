import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { after, before, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Client, Store } from 'sipgate-oauth2'

import { logIn, startRealm } from './realm.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

let realm

before(async () => {
  realm = await startRealm()
})
beforeEach(() => realm.reset())
after(() => realm.close())

const makeClient = () => Client.keycloak({ ...realm.clientOptions, store: Store.memory() })

/** The next event of this kind. */
function next(client, kind) {
  return new Promise((resolve) => {
    client.on('event', function heard(event) {
      if (event.type !== kind) return
      client.off('event', heard)
      resolve(event)
    })
  })
}

test('a client reports its logins, with the account as a hash and without a secret', async () => {
  const client = makeClient()
  const events = []
  client.on('event', (event) => events.push(event))
  const over = next(client, 'logged_out')
  const source = await logIn(realm, client)
  await source.refresh()
  await source.logout()
  const { account } = await over

  assert.match(account, /^[0-9a-f]{16}$/)
  assert.deepEqual(
    events.filter(({ type }) => type !== 'token_request').map(({ type, account: whose, generation }) => [type, whose, generation]),
    [
      ['logged_in', account, 1],
      ['refreshed', account, 2],
      ['logged_out', account, undefined],
    ],
  )
  const [exchange] = events
  assert.deepEqual({ ...exchange, duration: 0 }, { type: 'token_request', grant: 'authorization_code', duration: 0, sent: true, error: null })
  assert.ok(exchange.duration > 0 && Object.isFrozen(exchange))
  assert.doesNotMatch(JSON.stringify(events), /anna|eyJ|test-secret/)
})

test('a client receives only its own events, and the channel those of all', async () => {
  const [one, other] = [makeClient(), makeClient()]
  const heard = { one: [], other: [], channel: [] }
  one.on('event', ({ type }) => heard.one.push(type))
  other.on('event', ({ type }) => heard.other.push(type))
  const subscribed = ({ type }) => heard.channel.push(type)
  const diagnostics = channel('sipgate-oauth2')
  diagnostics.subscribe(subscribed)
  const over = next(one, 'logged_in')
  await logIn(realm, one)
  await over
  diagnostics.unsubscribe(subscribed)

  assert.deepEqual(heard, { one: ['token_request', 'logged_in'], other: [], channel: ['token_request', 'logged_in'] })
})

test('a listener is called once, or until it is removed', async () => {
  const client = makeClient()
  const heard = []
  const listener = () => heard.push('on')
  assert.equal(client.once('event', () => heard.push('once')).on('event', listener), client)
  const told = next(client, 'token_request')
  await client.refresh('no-such-token').catch(() => {})
  await told
  client.off('event', listener)
  const again = next(client, 'token_request')
  await client.refresh('no-such-token').catch(() => {})
  await again

  assert.deepEqual(heard, ['once', 'on'])
})

test('an event while a client is made reaches the listeners that it gets then', async () => {
  const client = Client.sipgate({ clientId: '1-0-a:third-party', realm: 'sipgate-apps' })
  const event = await next(client, 'realm_mismatch')

  assert.deepEqual(event, { type: 'realm_mismatch', named: 'third-party', used: 'sipgate-apps' })
})

async function run(program, ...flags) {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', program], { cwd: here, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
  const [code] = await once(child, 'close')
  return { code, output }
}

const BEGIN = `
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'sipgate-oauth2'
const make = () => Client.sipgate({ clientId: '1-0-a:third-party', realm: 'sipgate-apps' })
`

test('an error that a listener throws is an uncaught exception', async () => {
  const program = `${BEGIN}
    process.on('uncaughtException', (error) => console.log('uncaught', error.message))
    make().on('event', () => { throw new Error('of the listener') })
    make().on('event', () => console.log('heard'))
    await sleep(200)`

  assert.deepEqual(await run(program), { code: 0, output: 'uncaught of the listener\nheard\n' })
})

test('a listener that references its client does not keep it alive', async () => {
  const program = `${BEGIN}
    const weak = Array.from({ length: 100 }, () => {
      const client = make()
      client.on('event', () => client.issuer)
      return new WeakRef(client)
    })
    while (weak.some((client) => client.deref() !== undefined)) {
      await sleep(5)
      gc()
    }
    console.log('gone')`

  assert.deepEqual(await run(program, '--expose-gc'), { code: 0, output: 'gone\n' })
})
