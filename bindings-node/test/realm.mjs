// The local realm, a small Keycloak with rotation and reuse detection. The tests control it and
// read its counters.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = process.env.SIPGATE_TEST_REALM ?? join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug', 'sipgate-oauth2-realm')

/** Ends when `close` is called, or with this process. */
export async function startRealm() {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const { http } = JSON.parse(line)

  async function control(path, body) {
    const sent = body === undefined ? undefined : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const response = await fetch(`${http}/_realm/${path}`, sent)
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
    return response.json()
  }

  return {
    settings: (body) => control('settings', body),
    faults: (body) => control('faults', body),
    /** Logs anna in, and returns the authorization response. */
    callback: async (request) => (await control('login', { authorization_url: request.url, username: 'anna', password: 'anna-pw' })).callback,
    /** A logout token, which is not sent. */
    logoutToken: async (order) => (await control('logout_token', order)).logout_token,
    counters: () => control('counters'),
    async reset() {
      await control('reset', {})
      await control('settings', { rotation: true })
    },
    clientOptions: {
      base: `${http}/auth`,
      realm: 'third-party',
      clientId: '1000001-0-test:third-party',
      clientSecret: 'test-secret-with-+-and-:',
      redirectUri: 'https://example.com/auth',
    },
    close() {
      child.stdin.end()
      return once(child, 'close')
    },
  }
}

/** Logs this account in, and returns its source. */
export async function logIn(realm, client, account = 'anna') {
  const request = client.authorizationRequest('balance:read')
  return client.completeLogin(request, await realm.callback(request), { account })
}
