// A typical web application that uses the library, in four workers of Node's `cluster`: a login,
// its callback, and a page that calls the API. A worker that exits is replaced.

import cluster from 'node:cluster'
import { createServer } from 'node:http'

import { AuthorizationRequest, Client, Store } from '../../bindings-node/index.mjs'

const USER = 'user-42'
const { API, CLIENT_ID, CLIENT_SECRET, LISTENING, LOGINS, LOGIN_BASE, LOGIN_REALM, REDIRECT_URI, WORKERS } = process.env

// Workers accept connections themselves: a connection that the primary has passed to a worker that
// is killed never gets a response.
cluster.schedulingPolicy = cluster.SCHED_NONE

if (cluster.isPrimary) {
  for (let count = 0; count < Number(WORKERS); count += 1) cluster.fork()
  cluster.on('exit', () => cluster.fork())
  process.on('SIGTERM', () => {
    cluster.removeAllListeners('exit')
    for (const worker of Object.values(cluster.workers)) worker.kill()
    process.exit()
  })
} else {
  serve()
}

function serve() {
  const client = Client.keycloak({
    base: LOGIN_BASE,
    realm: LOGIN_REALM,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    redirectUri: REDIRECT_URI,
    origins: [API],
    store: Store.sqlite(LOGINS),
  })

  const pages = {
    '/login'() {
      const authorization = client.authorizationRequest('balance:read')
      const cookie = `login=${encodeURIComponent(authorization.export())}; HttpOnly; SameSite=Lax`
      return [302, { location: authorization.url, 'set-cookie': cookie }]
    },
    async '/callback'(request, query) {
      const [, exported] = request.headers.cookie.split('login=')
      const authorization = AuthorizationRequest.restore(decodeURIComponent(exported))
      await client.completeLogin(authorization, query, { account: USER })
      return [302, { location: '/balance' }]
    },
    async '/balance'() {
      const source = client.tokenSource(USER)
      try {
        const response = await source.fetch(`${API}/v2/balance`)
        return [response.status, {}, { balance: await response.text(), worker: process.pid }]
      } catch (error) {
        if (error.code === 'SIPGATE_LOGIN_REQUIRED') return [302, { location: '/login' }]
        throw error
      }
    },
    async '/generation'() {
      const { generation } = await client.tokenSource(USER).status()
      return [200, {}, { generation }]
    },
  }

  createServer(async (request, response) => {
    const [path, query] = request.url.split('?')
    let page
    try {
      page = await pages[path](request, query)
    } catch (error) {
      console.error(error)
      page = [500]
    }
    const [status, headers, body] = page
    response.writeHead(status, { ...headers, connection: 'close' }).end(JSON.stringify(body))
  }).listen({ fd: Number(LISTENING) })
}
