// A token endpoint on loopback that a test controls. It does not know OAuth.

import { once } from 'node:events'
import { createServer } from 'node:http'

export const TOKENS = { access_token: 'canary-access', refresh_token: 'canary-refresh', id_token: 'canary-id', expires_in: 300, token_type: 'Bearer' }

/** Responds to each request with TOKENS. After `hold`, requests wait until `release`. */
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
      else respond(response)
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
      held.splice(0).forEach(respond)
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

function respond(response) {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(TOKENS))
}

/** The options of a client of this server. */
export function clientOptions(server) {
  return { base: server.base, realm: 'test', clientId: 'a-client', clientSecret: 'canary-secret', redirectUri: 'https://example.com/auth' }
}

/** The authorization response to this request. */
export function callbackOf(request) {
  return new URLSearchParams({ state: request.state, code: 'canary-code' }).toString()
}
