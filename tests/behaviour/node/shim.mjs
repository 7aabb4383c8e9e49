// The Node shim of the behaviour suite. It reads lines {"id", "op", "args"}, starts each call at
// once, and writes a line per call. It uses only the public API and decides nothing. It is copied to
// where the package is installed.

import { createInterface } from 'node:readline'
import { inspect } from 'node:util'

import { AuthorizationRequest, Client, ERROR_CODES, ServerMetadata, Store, TokenSet, VERSION } from 'sipgate-oauth2'

const metadata = new Map()
const clients = new Map()
const requests = new Map()
const tokenSets = new Map()
const sources = new Map()
const cancels = new Map()
const stores = new Map()
const customStores = new Map()
const events = new Map()

const operations = {
  async 'metadata.discover'({ issuer, name, ...options }) {
    metadata.set(name, await ServerMetadata.discover(issuer, callOptions(options)))
    return { metadata: metadata.get(name) }
  },

  'client.new'({ name, kind, env = {}, store, events: kept, ...options }) {
    Object.assign(process.env, env)
    if (store !== undefined) options.store = makeStore(store)
    const make = { sipgate: Client.sipgate, keycloak: Client.keycloak, metadata: ofMetadata, env: Client.fromEnv }[kind]
    const client = make(camelCase(options))
    clients.set(name, client)
    if (kept !== undefined) {
      events.set(kept, [])
      client.on('event', (event) => events.get(kept).push(event))
    }
    const { issuer, tokenEndpoint, clientId, redirectUri } = client
    return { ...snakeCase({ issuer, tokenEndpoint, clientId, redirectUri }), metadata: client.metadata }
  },

  'client.events'({ events: kept, type }) {
    return { events: named(events, kept).filter((event) => event.type === type) }
  },

  'client.authorization_request'({ client, name, scope, ...options }) {
    return keepRequest(name, named(clients, client).authorizationRequest(scope, camelCase(options)))
  },

  'request.export'({ request }) {
    return { exported: named(requests, request).export() }
  },

  'request.restore'({ name, exported }) {
    return keepRequest(name, AuthorizationRequest.restore(exported))
  },

  'request.seal'({ request, encryption_keys }) {
    return { sealed: named(requests, request).seal(encryption_keys) }
  },

  'request.unseal'({ name, sealed, encryption_keys }) {
    return keepRequest(name, AuthorizationRequest.unseal(sealed, encryption_keys))
  },

  async 'client.exchange_callback'({ client, request, callback, tokens, ...options }) {
    return keepTokens(tokens, await named(clients, client).exchangeCallback(named(requests, request), callback, callOptions(options)))
  },

  async 'client.exchange_code'({ client, code, tokens, ...options }) {
    return keepTokens(tokens, await named(clients, client).exchangeCode(code, callOptions(options)))
  },

  async 'client.refresh'({ client, refresh_token, from, tokens, ...options }) {
    const used = from === undefined ? refresh_token : named(tokenSets, from)
    return keepTokens(tokens, await named(clients, client).refresh(used, callOptions(options)))
  },

  async 'client.complete_login'({ client, request, callback, source, ...options }) {
    const completed = await named(clients, client).completeLogin(named(requests, request), callback, callOptions(options))
    sources.set(source, completed)
    return { account: completed.account, account_hash: completed.accountHash }
  },

  async 'client.login_in_browser'({ client, scope, source, ...options }) {
    let url
    const read = { ...callOptions(camelCase(options)), onUrl: (told) => (url = told) }
    const login = await named(clients, client).loginInBrowser(scope, read)
    sources.set(source, login)
    return { account: login.account, account_hash: login.accountHash, url }
  },

  async 'client.accounts'({ client, ...options }) {
    const accounts = []
    for await (const { lastError, ...account } of named(clients, client).accounts(callOptions(options))) {
      accounts.push({ ...snakeCase(account), last_error: brief(lastError) })
    }
    return { accounts }
  },

  async 'client.keep_alive'({ client, ...options }) {
    return snakeCase(await named(clients, client).keepAlive(callOptions(options)))
  },

  async 'client.accept_logout_token'({ client, logout_token, ...options }) {
    return { accounts: await named(clients, client).acceptLogoutToken(logout_token, callOptions(options)) }
  },

  async 'client.introspect'({ client, token, ...options }) {
    return { introspection: await named(clients, client).introspect(token, callOptions(options)) }
  },

  async 'client.revoke'({ client, token, ...options }) {
    await named(clients, client).revoke(token, callOptions(options))
    return {}
  },

  async 'client.logout_url'({ client, source, ...options }) {
    const ofSource = source === undefined ? undefined : named(sources, source)
    return { url: await named(clients, client).logoutUrl(ofSource, callOptions(options)) }
  },

  'client.check_logout_response'({ client, callback, state }) {
    named(clients, client).checkLogoutResponse(callback, state)
    return {}
  },

  'client.token_source'({ client, account, source }) {
    const made = named(clients, client).tokenSource(account)
    sources.set(source, made)
    return { account: made.account, account_hash: made.accountHash }
  },

  async 'source.access_token'({ source, ...options }) {
    return { access_token: await named(sources, source).accessToken(callOptions(options)) }
  },

  async 'source.authorization_header'({ source, ...options }) {
    return { authorization_header: await named(sources, source).authorizationHeader(callOptions(options)) }
  },

  'source.peek'({ source }) {
    return { access_token: named(sources, source).peek() ?? null }
  },

  'source.invalidate'({ source, token }) {
    named(sources, source).invalidate(token)
    return {}
  },

  async 'source.refresh'({ source, ...options }) {
    return { access_token: await named(sources, source).refresh(callOptions(options)) }
  },

  async 'source.save'({ source, tokens, ...options }) {
    await named(sources, source).save(named(tokenSets, tokens), callOptions(options))
    return {}
  },

  async 'source.status'({ source, ...options }) {
    const { lastError, ...status } = await named(sources, source).status(callOptions(options))
    return { ...snakeCase(status), last_error: brief(lastError) }
  },

  async 'source.claims'({ source, ...options }) {
    return { claims: await named(sources, source).claims(callOptions(options)) }
  },

  async 'source.userinfo'({ source, ...options }) {
    return { claims: await named(sources, source).userinfo(callOptions(options)) }
  },

  async 'source.logout'({ source, ...options }) {
    return { outcome: await named(sources, source).logout(callOptions(options)) }
  },

  async 'source.forget'({ source, ...options }) {
    return { outcome: await named(sources, source).forget(callOptions(options)) }
  },

  async 'source.ensure_saved'({ source }) {
    await named(sources, source).ensureSaved()
    return {}
  },

  'store.open'({ name, url, custom, password_fails, password_missing, ...options }) {
    if (password_fails) options.password = noPassword
    if (password_missing) options.password = () => undefined
    stores.set(name, custom ? new Store(customStore(custom), camelCase(options)) : Store.open(url, camelCase(options)))
    return {}
  },

  async 'store.check'({ name, ...options }) {
    return { problems: await named(stores, name).check(callOptions(options)) }
  },

  'store.limit'({ custom, saves }) {
    customStore(custom).savesLeft = saves ?? Infinity
    return {}
  },

  'store.hang'({ custom, hangs }) {
    customStore(custom).hangs = hangs ?? false
    return {}
  },

  'store.break'({ custom, mistake }) {
    customStore(custom).mistake = mistake
    return {}
  },

  'store.copy'({ custom, to }) {
    customStore(to).entries = new Map(customStore(custom).entries)
    return {}
  },

  'tokens.restore'({ name, json }) {
    return keepTokens(name, TokenSet.restore(json))
  },

  'tokens.export'({ tokens }) {
    return { exported: named(tokenSets, tokens).export() }
  },

  cancel({ name }) {
    controller(name).abort()
    return {}
  },

  debug({ object }) {
    const found = clients.get(object) ?? stores.get(object) ?? requests.get(object) ?? sources.get(object) ?? named(tokenSets, object)
    return { text: [inspect(found, { depth: null, showHidden: true }), JSON.stringify(found), String(found)].join('\n') }
  },

  errors() {
    return { errors: ERROR_CODES }
  },

  version() {
    return { version: VERSION }
  },
}

async function respond({ id, op, args = {} }) {
  if (!Object.hasOwn(operations, op)) return write({ id, unsupported: op })
  try {
    write({ id, ok: await operations[op](withoutNulls(args)) })
  } catch (error) {
    write({ id, error: described(error) })
  }
}

function write(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function ofMetadata({ metadata: discovered, clientId, ...options }) {
  if (discovered !== undefined) return new Client({ metadata: named(metadata, discovered), clientId, ...options })
  const { issuer, authorizationEndpoint, tokenEndpoint, jwksUri, authorizationResponseIssParameterSupported, ...others } = options
  const given = {
    issuer,
    authorization_endpoint: authorizationEndpoint,
    token_endpoint: tokenEndpoint,
    jwks_uri: jwksUri,
    authorization_response_iss_parameter_supported: authorizationResponseIssParameterSupported,
  }
  return new Client({ metadata: given, clientId, ...others })
}

function makeStore({ kind, name, path, custom, encryption_keys, recheck }) {
  if (kind === 'opened') return named(stores, name)
  const options = { encryptionKeys: encryption_keys, recheck }
  if (kind === 'memory') return Store.memory({ recheck })
  return kind === 'sqlite' ? Store.sqlite(path, options) : new Store(customStore(custom), options)
}

async function noPassword() {
  throw new Error('there is no password')
}

function brief(error) {
  return error === undefined ? null : { code: error.code, remedy: error.remedy }
}

/** The store of this name. It is created at its first use. */
function customStore(name) {
  if (!customStores.has(name)) customStores.set(name, new CustomStore())
  return customStores.get(name)
}

const mistakesInKeys = {
  'lists the first keys always': (limit) => numbered(limit),
  'lists the last keys first': (limit) => numbered(limit).toReversed(),
  'lists too many keys': (limit) => numbered(limit + 1),
}

function numbered(count) {
  return Array.from({ length: count }, (_, number) => number.toString(16).padStart(64, '0'))
}

/** A minimal custom store, asynchronous like a database, which fails, hangs or breaks a promise on command. */
class CustomStore {
  mistake
  entries = new Map()
  savesLeft = Infinity
  /** Like a database that was stopped: no call finishes while this is set. */
  hangs = false

  async #wait() {
    await new Promise(setImmediate)
    while (this.hangs) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  async load(key) {
    await this.#wait()
    return this.entries.get(key)
  }

  async save(key, expected, version, data, expiresAt) {
    await this.#wait()
    if (this.savesLeft === 0) throw new Error('the disk is full')
    this.savesLeft--
    if ((this.entries.get(key)?.version ?? null) !== expected || this.mistake === 'saves nothing') return false
    this.entries.set(key, { version, data, expiresAt })
    return true
  }

  async keys(after, limit) {
    await this.#wait()
    const mistaken = mistakesInKeys[this.mistake]
    if (mistaken) return mistaken(limit)
    return [...this.entries.keys()].toSorted().filter((key) => after === null || key > after).slice(0, limit)
  }
}

function keepRequest(name, request) {
  requests.set(name, request)
  const { url, state, nonce, redirectUri, scope, returnTo, createdAt, expiresAt } = request
  return snakeCase({ url, state, nonce, redirectUri, scope, returnTo, createdAt, expiresAt })
}

function keepTokens(name, tokens) {
  tokenSets.set(name, tokens)
  const { accessToken, tokenType, refreshToken, scope, expiresAt, refreshExpiresAt, extra } = tokens
  const { idToken, idTokenKept, idTokenVerified, claims } = tokens
  return {
    ...snakeCase({ accessToken, tokenType, refreshToken, scope, expiresAt, refreshExpiresAt }),
    ...snakeCase({ idToken, idTokenKept, idTokenVerified, claims }),
    extra,
    authorization_header: tokens.authorizationHeader(),
  }
}

/**
 * In Node, an aborted call rejects with the signal's reason: the code is that of the other
 * languages.
 */
function described(error) {
  const isReason = [...cancels.values()].some(({ signal }) => signal.aborted && signal.reason === error)
  const known = isReason ? ERROR_CODES.find(({ code }) => code === 'SIPGATE_CANCELLED') : error
  const { code, number, remedy, retryable, retryAfter, httpStatus: status, oauthError, oauthErrorDescription, oauthErrorUri, refreshToken } = known
  const fields = { code, number, remedy, retryable, retryAfter, status, oauthError, oauthErrorDescription, oauthErrorUri, refreshToken }
  const family = isReason ? known.family : error.name
  return { family, ...snakeCase(fields), message: error.message }
}

function callOptions({ cancel, ...options }) {
  return { ...camelCase(options), signal: cancel === undefined ? undefined : controller(cancel).signal }
}

function controller(name) {
  if (!cancels.has(name)) cancels.set(name, new AbortController())
  return cancels.get(name)
}

function named(map, name) {
  if (!map.has(name)) throw new Error(`no object is called ${name}`)
  return map.get(name)
}

function withoutNulls(args) {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null))
}

function camelCase(object) {
  return renamed(object, (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()))
}

function snakeCase(object) {
  return renamed(object, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
}

function renamed(object, rename) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [rename(name), value ?? null]))
}

createInterface({ input: process.stdin })
  .on('line', (line) => respond(JSON.parse(line)))
  .on('close', () => process.exit())
