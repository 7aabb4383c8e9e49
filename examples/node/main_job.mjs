// The main job: log in, call the API, refresh, call it again. If the system does not trust the
// server's certificate, also set NODE_EXTRA_CA_CERTS to the PEM file: DEMO_CA_FILE is for the token
// requests, and Node's own fetch reads only NODE_EXTRA_CA_CERTS.

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { Client, SipgateOAuth2Error, VERSION } from 'sipgate-oauth2'

const { DEMO_BASE_URL, DEMO_REALM, DEMO_API_URL, DEMO_CA_FILE } = process.env
const { SIPGATE_CLIENT_ID, SIPGATE_CLIENT_SECRET, SIPGATE_REDIRECT_URI } = process.env

async function main() {
  const client = Client.keycloak({
    base: DEMO_BASE_URL,
    realm: DEMO_REALM,
    clientId: SIPGATE_CLIENT_ID,
    clientSecret: SIPGATE_CLIENT_SECRET,
    redirectUri: SIPGATE_REDIRECT_URI,
    caCertificates: DEMO_CA_FILE ? readFileSync(DEMO_CA_FILE) : undefined,
  })

  const request = client.authorizationRequest('balance:read')
  step('authorize', request.url)
  const callback = await readCallback()

  let tokens = await client.exchangeCallback(request, callback)
  step('callback', 'state and issuer match')
  step('tokens', `access token for ${life(tokens.expiresAt)}, refresh token for ${life(tokens.refreshExpiresAt)}, scope ${tokens.scope}`)
  step('api', await balance(tokens))

  const started = now()
  while (now() < tokens.expiresAt) await sleep(100)
  step('expired', `the access token expired after ${Math.round(now() - started)} s`)

  tokens = await client.refresh(tokens)
  step('refresh', `new access token for ${life(tokens.expiresAt)}`)
  step('api', await balance(tokens))
  step('done', `node ${VERSION}`)
}

function step(name, text) {
  console.log(`${name}: ${text}`)
}

async function readCallback() {
  const lines = createInterface({ input: process.stdin })
  for await (const line of lines) return line
  throw new Error('there was no callback')
}

async function balance(tokens) {
  const response = await fetch(DEMO_API_URL, { headers: { authorization: tokens.authorizationHeader() } })
  const body = await response.text()
  if (!response.ok) throw new Error(`the API responded with ${response.status}`)
  return body.trim()
}

function life(end) {
  return end === undefined ? 'an unknown time' : `${Math.round(end - now())} s`
}

function now() {
  return Date.now() / 1000
}

try {
  await main()
} catch (error) {
  const known = error instanceof SipgateOAuth2Error
  console.error(known ? `error: ${error.code}: ${error.message} (remedy: ${error.remedy})` : `error: ${error.message}`)
  process.exitCode = 1
}
