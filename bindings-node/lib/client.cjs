'use strict'

const { callback: readCallback, frozen, json, options, origins, pairs, pem, scope, seconds, text, wrongType } = require('./arguments.cjs')
const { callOptions, wait } = require('./calls.cjs')
const { listen, newEmitter } = require('./events.cjs')
const { guarded, native } = require('./native.cjs')
const { AuthorizationRequest, MADE_HERE, TokenSet, printsAsJson, requestHandle, tokensHandle } = require('./objects.cjs')
const { TokenSource } = require('./source.cjs')
const { store } = require('./store.cjs')

/**
 * sipgate's login server, and its REST API. Only the application knows the APIs of other servers.
 */
const SIPGATE = 'https://login.sipgate.com/'
const SIPGATE_ORIGINS = ['https://api.sipgate.com']

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
const metadataOptions = { metadata: json, clientId: text, ...clientOptions }
const environmentOptions = { ...clientOptions, realm: text }
const sipgateOptions = { clientId: text, ...environmentOptions }
const keycloakOptions = { base: text, realm: text, clientId: text, ...clientOptions }

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
  #metadata
  #origins

  static {
    printsAsJson(this, 'Client')
  }

  static sipgate(given) {
    const { clientId, ...others } = options(sipgateOptions, given)
    text('client_id', clientId)
    return new Client(MADE_HERE, made('Client.sipgate', others, native.sipgateClient, clientId))
  }

  static keycloak(given) {
    const { base, realm, clientId, ...others } = options(keycloakOptions, given)
    text('base', base)
    text('realm', realm)
    text('client_id', clientId)
    return new Client(MADE_HERE, made('Client.keycloak', others, native.keycloakClient, base, realm, clientId))
  }

  static fromEnv(given) {
    return new Client(MADE_HERE, made('Client.fromEnv', options(environmentOptions, given), native.environmentClient))
  }

  constructor(given, parts) {
    const { handle, emitter, origins: allowed } = given === MADE_HERE ? parts : ofMetadata(given)
    this.#handle = handle
    this.#emitter = emitter
    this.#origins = allowed
  }

  get metadata() {
    return (this.#metadata ??= frozen(JSON.parse(guarded('Client', () => native.clientMetadata(this.#handle)))))
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
    const client = this.#handle
    const requested = scope('scope', wanted)
    const read = given === undefined ? undefined : options(authorizationOptions, given)
    const [url, exported] = guarded('Client.authorizationRequest', () => native.authorizationRequest(client, requested, read))
    return new AuthorizationRequest(MADE_HERE, url, exported)
  }

  async exchangeCallback(request, callback, given) {
    const response = [requestOf(request), readCallback('callback', callback)]
    const read = options(callOptions, given)
    return this.#tokens('Client.exchangeCallback', read, native.startExchangeCallback, ...response)
  }

  async exchangeCode(code, given) {
    text('code', code)
    const read = options(codeOptions, given)
    return this.#tokens('Client.exchangeCode', read, native.startExchangeCode, code, read)
  }

  async refresh(tokens, given) {
    const handle = tokensHandle(tokens)
    if (handle === undefined && typeof tokens !== 'string') throw wrongType('refresh_token', 'a string or a TokenSet', tokens)
    const used = handle ?? text('refresh_token', tokens)
    const read = options(refreshOptions, given)
    return this.#tokens('Client.refresh', read, native.startRefresh, used, read.scope)
  }

  async completeLogin(request, callback, given) {
    const client = this.#handle
    const response = [requestOf(request), readCallback('callback', callback)]
    const { account, ...read } = options(loginOptions, given)
    text('account', account)
    return this.#source(account, await wait('Client.completeLogin', read, native.startCompleteLogin, client, ...response, account))
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
    const allowed = this.#origins ?? (this.issuer.startsWith(SIPGATE) ? SIPGATE_ORIGINS : [])
    return new TokenSource(MADE_HERE, this, allowed, account, handle)
  }

  async #tokens(place, read, start, ...given) {
    return new TokenSet(MADE_HERE, await wait(place, read, start, this.#handle, ...given))
  }

  get #view() {
    return (this.#members ??= guarded('Client', () => native.clientMembers(this.#handle)))
  }
}

function ofMetadata(given) {
  const { metadata, clientId, ...others } = options(metadataOptions, given)
  json('metadata', metadata)
  text('client_id', clientId)
  return made('Client', others, native.metadataClient, metadata, clientId)
}

/**
 * The parts of a new client. Native code does not get the settings that concern JavaScript alone.
 */
function made(place, { store: storeHandle, origins: allowed, ...settings }, nativeClient, ...server) {
  const { emitter, listener, number } = newEmitter()
  const handle = guarded(place, () => nativeClient(...server, { ...settings, number }, listener, storeHandle))
  return { handle, emitter, origins: allowed }
}

function requestOf(value) {
  const handle = requestHandle(value)
  if (handle === undefined) throw wrongType('request', 'an AuthorizationRequest', value)
  return handle
}

module.exports = { Client }
