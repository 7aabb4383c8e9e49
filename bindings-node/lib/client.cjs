'use strict'

const { abortSignal, flag, options, pairs, pem, scope, seconds, text, wrongType } = require('./arguments.cjs')
const { fromThrown, guarded, native } = require('./native.cjs')
const { AuthorizationRequest, MADE_HERE, TokenSet, checkMadeHere, pendingHandle, printsAsJson, tokensHandle } = require('./objects.cjs')

/** Seconds that a call waits unless it says otherwise: as in all languages. */
const DEFAULT_TIMEOUT = native.defaultTimeout()

/** The longest time that setTimeout takes. */
const LONGEST_TIMER = 2 ** 31 - 1

/** The options of every call that waits. */
const callOptions = { timeout: seconds, signal: abortSignal }

const clientOptions = {
  clientSecret: text,
  clientAuthentication: text,
  redirectUri: text,
  caCertificates: pem,
  proxy: text,
  connectTimeout: seconds,
  requestTimeout: seconds,
}
const environmentOptions = { ...clientOptions, realm: text }
const sipgateOptions = { clientId: text, ...environmentOptions }
const keycloakOptions = { base: text, realm: text, clientId: text, ...clientOptions }
const endpointsOptions = {
  issuer: text,
  authorizationEndpoint: text,
  tokenEndpoint: text,
  issRequired: flag,
  clientId: text,
  ...clientOptions,
}

const authorizationOptions = {
  redirectUri: text,
  responseMode: text,
  state: text,
  returnTo: text,
  prompt: text,
  loginHint: text,
  uiLocales: text,
  extra: pairs,
}

const codeOptions = { codeVerifier: text, redirectUri: text, scope, ...callOptions }
const refreshOptions = { scope, ...callOptions }

class Client {
  #handle
  #members

  static {
    printsAsJson(this, 'Client')
  }

  static sipgate(given) {
    const read = options(sipgateOptions, given)
    text('client_id', read.clientId)
    return make('Client.sipgate', () => native.sipgateClient(read.clientId, read))
  }

  static keycloak(given) {
    const { base, realm, clientId, ...others } = options(keycloakOptions, given)
    text('base', base)
    text('realm', realm)
    text('client_id', clientId)
    return make('Client.keycloak', () => native.keycloakClient(base, realm, clientId, others))
  }

  static endpoints(given) {
    const read = options(endpointsOptions, given)
    text('issuer', read.issuer)
    text('authorization_endpoint', read.authorizationEndpoint)
    text('token_endpoint', read.tokenEndpoint)
    text('client_id', read.clientId)
    return make('Client.endpoints', () => native.endpointsClient(read, read.clientId, read))
  }

  static fromEnv(given) {
    const read = options(environmentOptions, given)
    return make('Client.fromEnv', () => native.environmentClient(read))
  }

  constructor(key, handle) {
    checkMadeHere(key, 'Client', 'use Client.sipgate(), Client.keycloak(), Client.endpoints() or Client.fromEnv()')
    this.#handle = handle
  }

  get issuer() {
    return this.#view.issuer
  }

  get tokenEndpoint() {
    return this.#view.tokenEndpoint
  }

  get clientId() {
    return this.#view.clientId
  }

  get redirectUri() {
    return this.#view.redirectUri
  }

  authorizationRequest(wanted, given) {
    const handle = this.#handle
    const asked = scope('scope', wanted)
    const read = given === undefined ? undefined : options(authorizationOptions, given)
    const [url, exported] = guarded('Client.authorizationRequest', () => native.authorizationRequest(handle, asked, read))
    return new AuthorizationRequest(MADE_HERE, url, exported)
  }

  async exchangeCallback(pending, callback, given) {
    const handle = pendingHandle(pending)
    if (handle === undefined) throw wrongType('pending', 'an AuthorizationRequest', pending)
    text('callback', callback)
    const read = options(callOptions, given)
    return this.#tokens('Client.exchangeCallback', read, () => native.startExchangeCallback(this.#handle, handle, callback))
  }

  async exchangeCode(code, given) {
    text('code', code)
    const read = options(codeOptions, given)
    return this.#tokens('Client.exchangeCode', read, () => native.startExchangeCode(this.#handle, code, read))
  }

  async refresh(tokens, given) {
    const handle = tokensHandle(tokens)
    if (handle === undefined && typeof tokens !== 'string') throw wrongType('refresh_token', 'a string or a TokenSet', tokens)
    if (handle === undefined) text('refresh_token', tokens)
    const read = options(refreshOptions, given)
    return this.#tokens('Client.refresh', read, () =>
      handle === undefined
        ? native.startRefresh(this.#handle, tokens, read.scope)
        : native.startRefreshOf(this.#handle, handle, read.scope),
    )
  }

  toJSON() {
    const { issuer, clientId, redirectUri } = this
    return { issuer, clientId, redirectUri }
  }

  async #tokens(place, read, start) {
    return new TokenSet(MADE_HERE, await waitFor(place, read, start))
  }

  get #view() {
    return (this.#members ??= guarded('Client', () => native.clientMembers(this.#handle)))
  }
}

function make(place, nativeClient) {
  return new Client(MADE_HERE, guarded(place, nativeClient))
}

/**
 * Starts a token request and waits for its outcome as long as timeout and signal allow. Both end the wait only: a request that has left goes
 * on by itself, as cutting it off would lose what the server made of it.
 */
async function waitFor(place, { timeout = DEFAULT_TIMEOUT, signal }, start) {
  if (signal?.aborted) throw signal.reason
  let timer
  let cancel
  try {
    const { outcome, running } = start()
    timer = setTimeout(native.timeOut, Math.min(timeout * 1000, LONGEST_TIMER), running).unref()
    if (signal !== undefined) {
      cancel = () => native.cancel(running)
      signal.addEventListener('abort', cancel, { once: true })
    }
    return await outcome
  } catch (thrown) {
    if (signal?.aborted && thrown?.code === 'SIPGATE_CANCELLED') throw signal.reason
    throw fromThrown(thrown, place)
  } finally {
    clearTimeout(timer)
    if (cancel !== undefined) signal.removeEventListener('abort', cancel)
  }
}

module.exports = { Client }
