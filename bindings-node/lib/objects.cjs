'use strict'

// What a client hands out: a pending login and tokens. They are in one file, as each file that node has to find costs a start more than its contents.

const { inspect } = require('node:util')
const { text, wrongType } = require('./arguments.cjs')
const { guarded, invalidArgument, native } = require('./native.cjs')

/** The native side's handle of a pending login; `undefined` for anything else. */
let pendingHandle

class AuthorizationRequest {
  #url
  #exported
  #handle
  #members

  static {
    pendingHandle = (value) => (value instanceof AuthorizationRequest && #handle in value ? value.#native : undefined)
    printsAsJson(this, 'AuthorizationRequest')
  }

  static restore(exported) {
    text('pending', exported)
    const handle = guarded('AuthorizationRequest.restore', () => native.restorePending(exported))
    return new AuthorizationRequest(MADE_HERE, undefined, undefined, handle)
  }

  constructor(key, url, exported, handle) {
    checkMadeHere(key, 'AuthorizationRequest', 'use client.authorizationRequest() or AuthorizationRequest.restore()')
    this.#url = url
    this.#exported = exported
    this.#handle = handle
  }

  get url() {
    return (this.#url ??= this.#view.url)
  }

  get state() {
    return this.#view.state
  }

  get nonce() {
    return this.#view.nonce
  }

  get redirectUri() {
    return this.#view.redirectUri
  }

  get scope() {
    return this.#view.scope
  }

  get returnTo() {
    return this.#view.returnTo
  }

  get createdAt() {
    return this.#view.createdAt
  }

  get endsAt() {
    return this.#view.endsAt
  }

  export() {
    return (this.#exported ??= guarded('AuthorizationRequest.export', () => native.exportPending(this.#native)))
  }

  /** What may show: not the URL either, as its `state` is what ties the callback to the person's session. */
  toJSON() {
    const { redirectUri, scope, createdAt, endsAt } = this
    return { redirectUri, scope, createdAt, endsAt }
  }

  get #view() {
    return (this.#members ??= guarded('AuthorizationRequest', () => native.pendingMembers(this.#native)))
  }

  /** Made when it is first needed, and kept, as it knows whether this login was used: most callers want the URL and the export alone. */
  get #native() {
    return (this.#handle ??= guarded('AuthorizationRequest', () => native.reopenPending(this.#exported)))
  }
}

/** The native side's handle of a token set; `undefined` for anything else. */
let tokensHandle

class TokenSet {
  #handle
  #extra

  static {
    tokensHandle = (value) => (value instanceof TokenSet && #handle in value ? value.#handle : undefined)
    printsAsJson(this, 'TokenSet')
  }

  static restore(tokens) {
    const json = jsonOf(tokens)
    return new TokenSet(
      MADE_HERE,
      guarded('TokenSet.restore', () => native.restoreTokens(json)),
    )
  }

  constructor(key, handle) {
    checkMadeHere(key, 'TokenSet', 'use the methods of a client or TokenSet.restore()')
    this.#handle = handle
  }

  get accessToken() {
    return this.#read(native.accessToken)
  }

  get tokenType() {
    return this.#read(native.tokenType)
  }

  get refreshToken() {
    return this.#read(native.refreshToken)
  }

  get idToken() {
    return this.#read(native.idToken)
  }

  get idTokenKept() {
    return this.#read(native.idTokenKept)
  }

  get scope() {
    return this.#read(native.tokenScope)
  }

  get expiresAt() {
    return this.#read(native.expiresAt)
  }

  get refreshExpiresAt() {
    return this.#read(native.refreshExpiresAt)
  }

  get extra() {
    return (this.#extra ??= Object.freeze(JSON.parse(this.#read(native.extraMembers))))
  }

  authorizationHeader() {
    return this.#read(native.authorizationHeader)
  }

  export() {
    return this.#read(native.exportTokens)
  }

  /** What may show. */
  toJSON() {
    const { tokenType, scope, expiresAt, refreshExpiresAt } = this
    const redacted = (token) => token && REDACTED
    return {
      accessToken: REDACTED,
      tokenType,
      refreshToken: redacted(this.refreshToken),
      idToken: redacted(this.idToken),
      scope,
      expiresAt,
      refreshExpiresAt,
    }
  }

  /** What the native side has as `null` is `undefined` here. */
  #read(member) {
    return guarded('TokenSet', () => member(this.#handle)) ?? undefined
  }
}

function jsonOf(tokens) {
  if (typeof tokens === 'string') return text('tokens', tokens)
  if (typeof tokens !== 'object' || tokens === null) throw wrongType('tokens', 'what export() gave: a string, or the object in it', tokens)
  try {
    return JSON.stringify(tokens) ?? ''
  } catch (cause) {
    throw invalidArgument('tokens', 'cannot be written as JSON; pass a plain object, or what export() gave', { cause })
  }
}

/** What stands for a secret wherever an object is printed. */
const REDACTED = '[redacted]'

/** What only this package can give a constructor. */
const MADE_HERE = Symbol('made by sipgate-oauth2')

/** Refuses a constructor that was called by others: its object would have nothing on the native side. */
function checkMadeHere(key, name, instead) {
  if (key !== MADE_HERE) throw invalidArgument(name, `cannot be made with new; ${instead}`)
}

/** Has `console.log` and `util.inspect` print what `toJSON` gives, which holds no secret, and `String()` the name alone. */
function printsAsJson(Class, name) {
  Object.defineProperties(Class.prototype, {
    [Symbol.toStringTag]: { value: name, configurable: true },
    [inspect.custom]: {
      value(depth, options) {
        return depth < 0 ? `[${name}]` : `${name} ${inspect(this.toJSON(), { ...options, depth })}`
      },
      configurable: true,
    },
  })
}

module.exports = { AuthorizationRequest, MADE_HERE, TokenSet, checkMadeHere, pendingHandle, printsAsJson, tokensHandle }
