'use strict'

const {
  callback: readCallback,
  frozen,
  json,
  oneOrMore,
  options,
  origins,
  pairs,
  pem,
  scope,
  seconds,
  text,
  texts,
  urlListener,
  wholeSeconds,
  wrongType,
} = require('./arguments.cjs')
const { callOptions, wait } = require('./calls.cjs')
const { listen, newEmitter } = require('./events.cjs')
const { fromFields, guarded, native } = require('./native.cjs')
const { AuthorizationRequest, MADE_HERE, TokenSet, printsAsJson, requestHandle, tokensHandle } = require('./objects.cjs')
const { TokenSource, sourceHandle } = require('./source.cjs')
const { store } = require('./store.cjs')

/**
 * sipgate's login server, and its REST API. Only the application knows the APIs of other servers.
 */
const SIPGATE = 'https://login.sipgate.com/'
const SIPGATE_ORIGINS = ['https://api.sipgate.com']

const connectionOptions = { caCertificates: pem, proxy: text, connectTimeout: seconds, requestTimeout: seconds }
const clientOptions = {
  clientSecret: text,
  clientAuthentication: text,
  redirectUri: text,
  ...connectionOptions,
  idTokenSignedResponseAlg: oneOrMore,
  trustedAudiences: texts,
  leeway: seconds,
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
  maxAge: wholeSeconds,
  acrValues: text,
  claims: json,
  idTokenHint: text,
  extra: pairs,
}

const codeOptions = { codeVerifier: text, redirectUri: text, scope, nonce: text, ...callOptions }
const refreshOptions = { scope, ...callOptions }
const loginOptions = { account: text, ...callOptions }
const browserLoginOptions = { onUrl: urlListener, ...authorizationOptions, ...loginOptions }
const keepAliveOptions = { idle: seconds, ...callOptions }
const logoutOptions = {
  idTokenHint: text,
  postLogoutRedirectUri: text,
  state: text,
  logoutHint: text,
  uiLocales: text,
  ...callOptions,
}
const discoveryOptions = { ...connectionOptions, ...callOptions }

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
    return this.#source(await wait('Client.completeLogin', read, native.startCompleteLogin, client, ...response, account))
  }

  async loginInBrowser(wanted, given) {
    const client = this.#handle
    const requested = scope('scope', wanted)
    const { account, onUrl, ...read } = options(browserLoginOptions, given)
    const started = (...asked) => {
      const begun = native.startLoginInBrowser(...asked)
      // As with a listener of events, what it throws is not ours to catch.
      if (begun.url !== undefined) queueMicrotask(() => onUrl(begun.url))
      return begun
    }
    return this.#source(await wait('Client.loginInBrowser', read, started, client, requested, account, read, onUrl !== undefined))
  }

  tokenSource(account) {
    const client = this.#handle
    text('account', account)
    return this.#source(guarded('Client.tokenSource', () => native.tokenSource(client, account)))
  }

  accounts(given) {
    const client = this.#handle
    return storedAccounts(client, options(callOptions, given))
  }

  async keepAlive(given) {
    const client = this.#handle
    const { idle, ...read } = options(keepAliveOptions, given)
    const { seen, renewed, failed, loginRequired } = await wait('Client.keepAlive', read, native.startKeepAlive, client, idle)
    return { seen, renewed, failed, loginRequired }
  }

  async acceptLogoutToken(logoutToken, given) {
    text('logout_token', logoutToken)
    return this.#wait('Client.acceptLogoutToken', options(callOptions, given), native.startAcceptLogoutToken, logoutToken)
  }

  async introspect(token, given) {
    text('token', token)
    return frozen(JSON.parse(await this.#wait('Client.introspect', options(callOptions, given), native.startIntrospect, token)))
  }

  async revoke(token, given) {
    text('token', token)
    await this.#wait('Client.revoke', options(callOptions, given), native.startRevoke, token)
  }

  async logoutUrl(source, given) {
    const client = this.#handle
    const ofSource = sourceHandle(source)
    if (ofSource === undefined && source !== undefined) throw wrongType('source', 'a TokenSource or undefined', source)
    const read = options(logoutOptions, given)
    return wait('Client.logoutUrl', read, native.startLogoutUrl, client, ofSource, read)
  }

  checkLogoutResponse(callback, state) {
    const client = this.#handle
    const response = readCallback('callback', callback)
    text('state', state)
    guarded('Client.checkLogoutResponse', () => native.checkLogoutResponse(client, response, state))
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

  #source(handle) {
    const allowed = this.#origins ?? (this.issuer.startsWith(SIPGATE) ? SIPGATE_ORIGINS : [])
    return new TokenSource(MADE_HERE, this, allowed, handle)
  }

  async #tokens(place, read, start, ...given) {
    return new TokenSet(MADE_HERE, await this.#wait(place, read, start, ...given))
  }

  #wait(place, read, start, ...given) {
    return wait(place, read, start, this.#handle, ...given)
  }

  get #view() {
    return (this.#members ??= guarded('Client', () => native.clientMembers(this.#handle)))
  }
}

/** Reads a page when it is needed. */
async function* storedAccounts(client, read) {
  let after
  do {
    const { accounts, next } = await wait('Client.accounts', read, native.startAccounts, client, after)
    for (const { account, accountHash, state, lastError } of accounts) {
      yield { account, accountHash, state, lastError: lastError ? fromFields(lastError) : undefined }
    }
    after = next ?? undefined
  } while (after !== undefined)
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

/** The type of the same name is that of any metadata. */
const ServerMetadata = Object.freeze({
  async discover(issuer, given) {
    text('issuer', issuer)
    const read = options(discoveryOptions, given)
    return frozen(JSON.parse(await wait('ServerMetadata.discover', read, native.startDiscover, issuer, read)))
  },
})

module.exports = { Client, ServerMetadata }
