// A shim of `openid-client`, a certified relying party, for `run.py`: it reads lines
// {"id", "op", "args"} as the shims of tests/behaviour do, and writes a line per call. It uses the
// library as its documentation says, and verifies the signature of ID tokens, which is optional
// there. It keeps the tokens itself, as its applications do.
//
// `node openid_client.mjs MODULES`

import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const modules = process.argv[2]
const openid = await import(pathToFileURL(`${modules}/openid-client/build/index.js`))

const metadata = new Map()
const clients = new Map()
const requests = new Map()
const sources = new Map()

const operations = {
  version() {
    return { version: 'openid-client' }
  },

  async 'metadata.discover'({ name, issuer }) {
    const found = (await openid.discovery(new URL(issuer), 'nobody', undefined, undefined, { execute: [openid.allowInsecureRequests] })).serverMetadata()
    metadata.set(name, found)
    return found
  },

  'client.new'({ name, kind, client_id, client_secret, redirect_uri, ...where }) {
    const server = kind === 'metadata' ? named(metadata, where.metadata) : keycloak(where)
    const config = new openid.Configuration(server, client_id, client_secret, openid.ClientSecretPost(client_secret))
    openid.allowInsecureRequests(config)
    openid.enableNonRepudiationChecks(config)
    clients.set(name, { config, redirectUri: redirect_uri })
    return { issuer: server.issuer }
  },

  async 'client.authorization_request'({ client, name, scope, max_age }) {
    const { config, redirectUri } = named(clients, client)
    const request = { verifier: openid.randomPKCECodeVerifier(), state: openid.randomState(), nonce: openid.randomNonce(), maxAge: max_age }
    requests.set(name, request)
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope,
      state: request.state,
      nonce: request.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(request.verifier),
      code_challenge_method: 'S256',
      ...(max_age === undefined ? {} : { max_age: String(max_age) }),
    })
    return { url: url.href, state: request.state, nonce: request.nonce }
  },

  async 'client.complete_login'({ client, request, callback, source }) {
    const { config } = named(clients, client)
    const { verifier, state, nonce, maxAge } = named(requests, request)
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, maxAge, idTokenExpected: true }
    const tokens = await openid.authorizationCodeGrant(config, new URL(callback), checks)
    const claims = tokens.claims()
    sources.set(source, { config, claims, tokens })
    return { account: claims.sub }
  },

  'source.claims'({ source }) {
    return { claims: named(sources, source).claims }
  },

  async 'source.userinfo'({ source }) {
    const { config, claims, tokens } = named(sources, source)
    return { claims: await openid.fetchUserInfo(config, tokens.access_token, claims.sub) }
  },

  async 'source.refresh'({ source }) {
    const kept = named(sources, source)
    const tokens = await openid.refreshTokenGrant(kept.config, kept.tokens.refresh_token)
    // The application compares the users (OpenID Connect Core, section 12.2).
    if (tokens.claims() !== undefined && tokens.claims().sub !== kept.claims.sub) throw new Error('sub: another user')
    kept.tokens = tokens
    return { access_token: tokens.access_token }
  },

  'client.logout_url'({ client, source, post_logout_redirect_uri, state }) {
    const { tokens } = named(sources, source)
    const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri, state }
    return { url: openid.buildEndSessionUrl(named(clients, client).config, parameters).href }
  },
}

/** What Keycloak's metadata says, without asking. */
function keycloak({ base, realm }) {
  const issuer = `${base}/realms/${realm}`
  const endpoint = (name) => `${issuer}/protocol/openid-connect/${name}`
  return {
    issuer,
    authorization_endpoint: endpoint('auth'),
    token_endpoint: endpoint('token'),
    userinfo_endpoint: endpoint('userinfo'),
    end_session_endpoint: endpoint('logout'),
    jwks_uri: endpoint('certs'),
  }
}

function named(map, name) {
  if (!map.has(name)) throw new Error(`no object is called ${name}`)
  return map.get(name)
}

async function respond({ id, op, args = {} }) {
  if (!Object.hasOwn(operations, op)) return write({ id, unsupported: op })
  try {
    write({ id, ok: await operations[op](args) })
  } catch (error) {
    write({ id, error: { code: error.code ?? error.name, message: [error.message, error.cause?.message].filter(Boolean).join(': ') } })
  }
}

function write(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

createInterface({ input: process.stdin })
  .on('line', (line) => respond(JSON.parse(line)))
  .on('close', () => process.exit())
