'use strict'

const { options, seconds, text, wrongType } = require('./arguments.cjs')
const { callOptions, waitFor } = require('./calls.cjs')
const { fromFailure, guarded, native } = require('./native.cjs')
const { checkMadeHere, printsAsJson, tokensHandle } = require('./objects.cjs')

const tokenOptions = { minValidity: seconds, ...callOptions }

const { peek } = native

class TokenSource {
  #account
  #client
  #origins
  #handle
  #peeker
  #shown

  static {
    printsAsJson(this, 'TokenSource')
  }

  /** `client` is held, as it holds those who listen to its events. */
  constructor(key, client, origins, account, handle) {
    checkMadeHere(key, 'TokenSource', 'use client.completeLogin() or client.tokenSource()')
    this.#client = client
    this.#origins = origins
    this.#account = account
    this.#handle = handle
    this.#peeker = guarded('TokenSource', () => native.peeker(handle))
  }

  get account() {
    return this.#account
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

  /** The native side gives `true` for the token that it gave before: making a string of it takes longer than all the rest. */
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
    return this.#wait('TokenSource.refresh', options(callOptions, given), native.startRefreshNow)
  }

  async save(tokens, given) {
    const handle = this.#handle
    const saved = tokensHandle(tokens)
    if (saved === undefined) throw wrongType('tokens', 'a TokenSet; TokenSet.restore() makes one of saved tokens', tokens)
    await this.#wait('TokenSource.save', options(callOptions, given), (_, limits) => native.startSave(handle, saved, limits))
  }

  async status(given) {
    const status = await this.#wait('TokenSource.status', options(callOptions, given), native.startStatus)
    const { state, generation, expiresAt, refreshExpiresAt, scope, lastError, unsaved } = status
    return { state, generation, expiresAt, refreshExpiresAt, scope, lastError: lastError ? fromFailure(lastError) : undefined, unsaved }
  }

  async logout(given) {
    return this.#wait('TokenSource.logout', options(callOptions, given), native.startLogout)
  }

  async ensureSaved() {
    const handle = this.#handle
    guarded('TokenSource.ensureSaved', () => native.ensureSaved(handle))
  }

  async fetch(input, init) {
    return require('./fetch.cjs').fetchWith(this, this.#origins, input, init)
  }

  /** What may show. */
  toJSON() {
    const { clientId } = this.#client
    return { account: this.#account, clientId }
  }

  /** A token in memory is had without a promise of the native side's. */
  async #current(read) {
    if (read.signal?.aborted) throw read.signal.reason
    const token = read.minValidity === undefined ? this.peek() : undefined
    return token ?? this.#wait('TokenSource.accessToken', read, native.startAccessToken)
  }

  #wait(place, read, start) {
    const handle = this.#handle
    return waitFor(place, read, (timeout) => start(handle, { timeout, minValidity: read.minValidity }))
  }
}

module.exports = { TokenSource }
