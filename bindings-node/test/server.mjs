// A token endpoint on loopback whose answers a test decides about: nothing here knows OAuth.

import { once } from 'node:events'
import { createServer } from 'node:http'

export const TOKENS = { access_token: 'canary-access', refresh_token: 'canary-refresh', id_token: 'canary-id', expires_in: 300, token_type: 'Bearer' }

/** Answers every request with TOKENS unless `hold` was called: then requests wait, and `release` answers them. */
export async function startServer() {
  const held = []
  let holding = false
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      requests.push(body)
      server.emit('asked')
      if (holding) held.push(response)
      else answer(response)
    })
  })
  const requests = []
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    base: `http://127.0.0.1:${server.address().port}`,
    requests,
    hold() {
      holding = true
    },
    release() {
      holding = false
      held.splice(0).forEach(answer)
    },
    async asked(count) {
      while (requests.length < count) await once(server, 'asked')
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(response) {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(TOKENS))
}

/** The options of a client of this server. */
export function clientOptions(server) {
  return { base: server.base, realm: 'test', clientId: 'a-client', clientSecret: 'canary-secret', redirectUri: 'https://example.com/auth' }
}

/** What the browser would bring back for a pending login. */
export function callbackOf(pending) {
  return new URLSearchParams({ state: pending.state, code: 'canary-code' }).toString()
}
