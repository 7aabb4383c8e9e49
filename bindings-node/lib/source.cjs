'use strict'

const { frozen, options, seconds, text, wrongType } = require('./arguments.cjs')
const { callOptions, wait } = require('./calls.cjs')
const { fromFields, guarded, native } = require('./native.cjs')
const { checkMadeHere, printsAsJson, tokensHandle } = require('./objects.cjs')

const tokenOptions = { minValidity: seconds, ...callOptions }

const { peek } = native

/** The native handle of a token source; `undefined` for anything else. */
let sourceHandle

class TokenSource {
  #client
  #origins
  #handle
  #peeker
  #shown

  static {
    sourceHandle = (value) => (value instanceof TokenSource && #handle in value ? value.#handle : undefined)
    printsAsJson(this, 'TokenSource')
  }

  /** References `client`, which references the listeners of its events. */
  constructor(key, client, origins, handle) {
    checkMadeHere(key, 'TokenSource', 'use client.completeLogin() or client.tokenSource()')
    this.#client = client
    this.#origins = origins
    this.#handle = handle
    this.#peeker = guarded('TokenSource', () => native.peeker(handle))
  }

  get account() {
    return native.account(this.#handle)
  }

  get accountHash() {
    return native.accountHash(this.#handle)
  }

  async accessToken(given) {
    return this.#current(options(tokenOptions, given))
  }

  async authorizationHeader(given) {
    return `Bearer ${await this.#current(options(tokenOptions, given))}`
  }

  /**
   * Native code returns `true` for the token that it returned before, because making a string is
   * slow.
   */
  peek() {
    const token = peek(this.#peeker)
    return token === true ? this.#shown : (this.#shown = token)
  }

  invalidate(accessToken) {
    const handle = this.#handle
    text('access_token', accessToken)
    guarded('TokenSource.invalidate', () => native.invalidate(handle, accessToken))
  }

  async refresh(given) {
    return this.#wait('TokenSource.refresh', options(callOptions, given), native.startForcedRefresh)
  }

  async save(tokens, given) {
    const handle = this.#handle
    const saved = tokensHandle(tokens)
    if (saved === undefined) throw wrongType('tokens', 'a TokenSet; TokenSet.restore() makes one from saved tokens', tokens)
    await wait('TokenSource.save', options(callOptions, given), native.startSave, handle, saved)
  }

  async status(given) {
    const status = await this.#wait('TokenSource.status', options(callOptions, given), native.startStatus)
    const { state, generation, expiresAt, refreshExpiresAt, scope, lastError, unsaved } = status
    return { state, generation, expiresAt, refreshExpiresAt, scope, lastError: lastError ? fromFields(lastError) : undefined, unsaved }
  }

  async claims(given) {
    return frozen(JSON.parse(await this.#wait('TokenSource.claims', options(callOptions, given), native.startClaims)))
  }

  async userinfo(given) {
    return frozen(JSON.parse(await this.#wait('TokenSource.userinfo', options(callOptions, given), native.startUserinfo)))
  }

  async logout(given) {
    return this.#wait('TokenSource.logout', options(callOptions, given), native.startLogout)
  }

  async forget(given) {
    return this.#wait('TokenSource.forget', options(callOptions, given), native.startForget)
  }

  async ensureSaved() {
    const handle = this.#handle
    guarded('TokenSource.ensureSaved', () => native.ensureSaved(handle))
  }

  async fetch(input, init) {
    return require('./fetch.cjs').fetchWith(this, this.#origins, input, init)
  }

  toJSON() {
    const { clientId } = this.#client
    return { account: this.account, clientId }
  }

  /** A token in memory needs no promise from native code. */
  async #current(read) {
    if (read.signal?.aborted) throw read.signal.reason
    const token = read.minValidity === undefined ? this.peek() : undefined
    return token ?? this.#wait('TokenSource.accessToken', read, native.startAccessToken, read.minValidity ?? 0)
  }

  #wait(place, read, start, ...given) {
    return wait(place, read, start, this.#handle, ...given)
  }
}

module.exports = { TokenSource, sourceHandle }
