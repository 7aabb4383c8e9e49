// Measures one operation of one library, used as in its documentation:
//
//   node node_peers.mjs sipgate-oauth2|openid-client|simple-oauth2|nothing url|response|token|refresh CALLS CALLERS
//
// Prints the CPU seconds of one call. `run.py` sets the environment.

import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const { MODULES, RESPONSE, REFRESH_TOKEN } = process.env
const { SIPGATE_CLIENT_ID, SIPGATE_CLIENT_SECRET, SIPGATE_ISSUER, SIPGATE_REDIRECT_URI } = process.env
const SCOPE = 'balance:read'
const require = createRequire(`${MODULES}/`)

const LIBRARIES = {
  nothing: () => ({ url: () => 'https://' }),

  'sipgate-oauth2'() {
    const { Client, TokenSet } = require(process.env.OUR_MODULE)
    const client = Client.fromEnv()
    const source = client.tokenSource('user-42')
    return {
      url: () => client.authorizationRequest(SCOPE).url,
      response: () => TokenSet.restore(RESPONSE).accessToken,
      save: () => source.save(TokenSet.restore(RESPONSE)),
      token: () => source.peek() ?? source.accessToken(),
      refresh: async () => (await client.refresh(REFRESH_TOKEN)).accessToken,
    }
  },

  async 'openid-client'() {
    const client = await import(pathToFileURL(require.resolve('openid-client')))
    const server = `${SIPGATE_ISSUER}/protocol/openid-connect`
    const metadata = { issuer: SIPGATE_ISSUER, authorization_endpoint: `${server}/auth`, token_endpoint: `${server}/token` }
    const config = new client.Configuration(metadata, SIPGATE_CLIENT_ID, SIPGATE_CLIENT_SECRET)
    return {
      async url() {
        const code_challenge = await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier())
        const parameters = { redirect_uri: SIPGATE_REDIRECT_URI, scope: SCOPE, code_challenge, code_challenge_method: 'S256', state: client.randomState() }
        return client.buildAuthorizationUrl(config, parameters).href
      },
      refresh: async () => (await client.refreshTokenGrant(config, REFRESH_TOKEN)).access_token,
    }
  },

  'simple-oauth2'() {
    const { AuthorizationCode } = require('simple-oauth2')
    const { origin, pathname } = new URL(`${SIPGATE_ISSUER}/protocol/openid-connect`)
    const client = new AuthorizationCode({
      client: { id: SIPGATE_CLIENT_ID, secret: SIPGATE_CLIENT_SECRET },
      auth: { tokenHost: origin, tokenPath: `${pathname}/token`, authorizePath: `${pathname}/auth` },
      options: { authorizationMethod: 'body' },
    })
    const saved = client.createToken(JSON.parse(RESPONSE))
    return {
      url: () => client.authorizeURL({ redirect_uri: SIPGATE_REDIRECT_URI, scope: SCOPE, state: randomBytes(32).toString('base64url') }),
      response: () => client.createToken(JSON.parse(RESPONSE)).token.access_token,
      token: () => (saved.expired() ? undefined : saved.token.access_token),
      refresh: async () => (await client.createToken({ refresh_token: REFRESH_TOKEN }).refresh()).token.access_token,
    }
  },
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

async function repeat(operation, calls) {
  for (let call = 1; call <= calls; call++) {
    // As in a server, whose event loop turns. Node frees native memory between its turns only.
    if (call % 100 === 0) await turn()
    // A promise costs what it costs, and a value nothing.
    const result = operation()
    if (!(typeof result === 'string' ? result : await result)) throw new Error('an empty result')
  }
}

const [library, name, calls, callers] = process.argv.slice(2)
const operations = await LIBRARIES[library]()
if (name === 'token') await operations.save?.()
const started = cpuSeconds()
await Promise.all(Array.from({ length: callers }, () => repeat(operations[name], calls / callers)))
console.log((cpuSeconds() - started) / calls)
process.exit()
