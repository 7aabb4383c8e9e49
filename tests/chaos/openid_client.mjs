// An application with openid-client as its documentation shows it: tokens that have run out are refreshed by whoever notices. What several callers
// do at once is left to the application; this one does nothing about it.
//
// `node openid_client.mjs login` logs in and saves the tokens. `… call 16` says that it is ready, waits for a line, lets so many callers ask the API
// at once, and prints what each of them got. PEER says where everything is: { module, realm, http, clientId, clientSecret, redirectUri, tokens }.

import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

const { module, realm, http, clientId, clientSecret, redirectUri, tokens } = JSON.parse(process.env.PEER)
const client = await import(pathToFileURL(module))
const [, , order, callers] = process.argv

const issuer = `${http}/auth/realms/${realm}`
const endpoint = (name) => `${issuer}/protocol/openid-connect/${name}`
const config = new client.Configuration(
  { issuer, authorization_endpoint: endpoint('auth'), token_endpoint: endpoint('token') },
  clientId,
  clientSecret,
  client.ClientSecretPost(clientSecret),
)
client.allowInsecureRequests(config)

if (order === 'login') await logIn()
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
  const answer = await fetch(`${http}/_realm/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ authorization_url: url.href, username: 'anna', password: 'anna-pw' }),
  })
  const { callback } = await answer.json()
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
  const answer = await client.fetchProtectedResource(config, await accessToken(), new URL(`${http}/v2/balance`), 'GET')
  return String(answer.status)
}

async function accessToken() {
  const saved = JSON.parse(await readFile(tokens, 'utf8'))
  if (Date.now() < saved.endsAt) return saved.accessToken
  const refreshed = await client.refreshTokenGrant(config, saved.refreshToken)
  await save(refreshed)
  return refreshed.access_token
}

async function save(answer) {
  const endsAt = Date.now() + 1000 * answer.expiresIn()
  await writeFile(tokens, JSON.stringify({ accessToken: answer.access_token, refreshToken: answer.refresh_token, endsAt }))
}
