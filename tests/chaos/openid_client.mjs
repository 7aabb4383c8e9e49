// An application that uses openid-client as in its documentation: any caller that finds the tokens
// expired refreshes them. Concurrency is up to the application; this one does not handle it.
//
// `node openid_client.mjs login` logs in and saves the tokens. `… call 16` prints that it is ready,
// waits for a line, lets that many callers call the API at once, and prints the result of each.
// The environment variable PEER is JSON:
// { module, realm, http, clientId, clientSecret, redirectUri, tokens }.

import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

const { module, realm, http, clientId, clientSecret, redirectUri, tokens } = JSON.parse(process.env.PEER)
const client = await import(pathToFileURL(module))
const [, , command, callers] = process.argv

const issuer = `${http}/auth/realms/${realm}`
const endpoint = (name) => `${issuer}/protocol/openid-connect/${name}`
const config = new client.Configuration(
  { issuer, authorization_endpoint: endpoint('auth'), token_endpoint: endpoint('token') },
  clientId,
  clientSecret,
  client.ClientSecretPost(clientSecret),
)
client.allowInsecureRequests(config)

if (command === 'login') await logIn()
else await call(Number(callers))

async function logIn() {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'balance:read',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  })
  const response = await fetch(`${http}/_realm/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ authorization_url: url.href, username: 'anna', password: 'anna-pw' }),
  })
  const { callback } = await response.json()
  await save(await client.authorizationCodeGrant(config, new URL(callback), { pkceCodeVerifier: verifier, expectedState: state }))
}

async function call(count) {
  console.log('ready')
  await once(process.stdin, 'data')
  const outcomes = await Promise.all(Array.from({ length: count }, () => balance().catch((problem) => problem.code ?? problem.name)))
  console.log(JSON.stringify(outcomes))
  process.exit()
}

async function balance() {
  const response = await client.fetchProtectedResource(config, await accessToken(), new URL(`${http}/v2/balance`), 'GET')
  return String(response.status)
}

async function accessToken() {
  const saved = JSON.parse(await readFile(tokens, 'utf8'))
  if (Date.now() < saved.expiresAt) return saved.accessToken
  const refreshed = await client.refreshTokenGrant(config, saved.refreshToken)
  await save(refreshed)
  return refreshed.access_token
}

async function save(response) {
  const expiresAt = Date.now() + 1000 * response.expiresIn()
  await writeFile(tokens, JSON.stringify({ accessToken: response.access_token, refreshToken: response.refresh_token, expiresAt }))
}
