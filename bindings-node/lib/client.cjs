'use strict'

const { callback: readCallback, flag, options, origins, pairs, pem, scope, seconds, text, wrongType } = require('./arguments.cjs')
const { callOptions, waitFor } = require('./calls.cjs')
const { listen, newEmitter } = require('./events.cjs')
const { guarded, native } = require('./native.cjs')
const { AuthorizationRequest, MADE_HERE, TokenSet, checkMadeHere, pendingHandle, printsAsJson, tokensHandle } = require('./objects.cjs')
const { TokenSource } = require('./source.cjs')
const { store } = require('./store.cjs')

/** Where sipgate's login server is, and its REST API. An API of another server is known to the application alone. */
const SIPGATE = 'https://login.sipgate.com/'
const SIPGATES_ORIGINS = ['https://api.sipgate.com']

const clientOptions = {
  clientSecret: text,
  clientAuthentication: text,
  redirectUri: text,
  caCertificates: pem,
  proxy: text,
  connectTimeout: seconds,
  requestTimeout: seconds,
  store,
  origins,
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
const loginOptions = { account: text, ...callOptions }

class Client {
  #emitter
  #handle
  #members
  #origins

  static {
    printsAsJson(this, 'Client')
  }

  static sipgate(given) {
    const read = options(sipgateOptions, given)
    text('client_id', read.clientId)
    return make('Client.sipgate', read, (...common) => native.sipgateClient(read.clientId, ...common))
  }

  static keycloak(given) {
    const { base, realm, clientId, ...others } = options(keycloakOptions, given)
    text('base', base)
    text('realm', realm)
    text('client_id', clientId)
    return make('Client.keycloak', others, (...common) => native.keycloakClient(base, realm, clientId, ...common))
  }

  static endpoints(given) {
    const read = options(endpointsOptions, given)
    text('issuer', read.issuer)
    text('authorization_endpoint', read.authorizationEndpoint)
    text('token_endpoint', read.tokenEndpoint)
    text('client_id', read.clientId)
    return make('Client.endpoints', read, (...common) => native.endpointsClient(read, read.clientId, ...common))
  }

  static fromEnv(given) {
    const read = options(environmentOptions, given)
    return make('Client.fromEnv', read, native.environmentClient)
  }

  constructor(key, handle, emitter, allowed) {
    checkMadeHere(key, 'Client', 'use Client.sipgate(), Client.keycloak(), Client.endpoints() or Client.fromEnv()')
    this.#handle = handle
    this.#emitter = emitter
    this.#origins = allowed
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
    const brought = readCallback('callback', callback)
    const read = options(callOptions, given)
    return this.#tokens('Client.exchangeCallback', read, () => native.startExchangeCallback(this.#handle, handle, brought))
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

  async completeLogin(pending, callback, given) {
    const client = this.#handle
    const handle = pendingHandle(pending)
    if (handle === undefined) throw wrongType('pending', 'an AuthorizationRequest', pending)
    const brought = readCallback('callback', callback)
    const { account, ...read } = options(loginOptions, given)
    text('account', account)
    const start = () => native.startCompleteLogin(client, handle, brought, account)
    return this.#source(account, await waitFor('Client.completeLogin', read, start))
  }

  tokenSource(account) {
    const client = this.#handle
    text('account', account)
    return this.#source(
      account,
      guarded('Client.tokenSource', () => native.tokenSource(client, account)),
    )
  }

  on(name, listener) {
    listen(this.#emitter, 'on', name, listener)
    return this
  }

  once(name, listener) {
    listen(this.#emitter, 'once', name, listener)
    return this
  }

  off(name, listener) {
    listen(this.#emitter, 'off', name, listener)
    return this
  }

  toJSON() {
    const { issuer, clientId, redirectUri } = this
    return { issuer, clientId, redirectUri }
  }

  #source(account, handle) {
    const allowed = this.#origins ?? (this.issuer.startsWith(SIPGATE) ? SIPGATES_ORIGINS : [])
    return new TokenSource(MADE_HERE, this, allowed, account, handle)
  }

  async #tokens(place, read, start) {
    return new TokenSet(MADE_HERE, await waitFor(place, read, start))
  }

  get #view() {
    return (this.#members ??= guarded('Client', () => native.clientMembers(this.#handle)))
  }
}

/** Settings that are JavaScript's own stay here. */
function make(place, { store: storeHandle, origins: allowed, ...settings }, nativeClient) {
  const { emitter, listener, number } = newEmitter()
  const handle = guarded(place, () => nativeClient({ ...settings, number }, listener, storeHandle))
  return new Client(MADE_HERE, handle, emitter, allowed)
}

module.exports = { Client }
