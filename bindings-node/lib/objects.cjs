'use strict'

// What a client returns: authorization requests and token sets. They share a file, because finding
// a file costs Node more time at the start than reading it.

const { inspect } = require('node:util')
const { frozen, json, keys, text } = require('./arguments.cjs')
const { guarded, invalidArgument, native } = require('./native.cjs')

/** The native handle of an authorization request; `undefined` for anything else. */
let requestHandle

class AuthorizationRequest {
  #url
  #exported
  #handle
  #members

  static {
    requestHandle = (value) => (value instanceof AuthorizationRequest && #handle in value ? value.#native : undefined)
    printsAsJson(this, 'AuthorizationRequest')
  }

  static restore(exported) {
    text('exported', exported)
    const handle = guarded('AuthorizationRequest.restore', () => native.restoreRequest(exported))
    return new AuthorizationRequest(MADE_HERE, undefined, undefined, handle)
  }

  static unseal(sealed, encryptionKeys) {
    text('sealed', sealed)
    const given = keys('encryption_keys', encryptionKeys)
    const handle = guarded('AuthorizationRequest.unseal', () => native.unsealRequest(sealed, given))
    return new AuthorizationRequest(MADE_HERE, undefined, undefined, handle)
  }

  constructor(key, url, exported, handle) {
    checkMadeHere(key, 'AuthorizationRequest', 'use client.authorizationRequest(), AuthorizationRequest.restore() or unseal()')
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

  get expiresAt() {
    return this.#view.expiresAt
  }

  export() {
    return (this.#exported ??= guarded('AuthorizationRequest.export', () => native.exportRequest(this.#native)))
  }

  seal(encryptionKeys) {
    const request = this.#native
    const given = keys('encryption_keys', encryptionKeys)
    return guarded('AuthorizationRequest.seal', () => native.sealRequest(request, given))
  }

  /** Without the URL: its `state` ties the authorization response to the user's session. */
  toJSON() {
    const { redirectUri, scope, createdAt, expiresAt } = this
    return { redirectUri, scope, createdAt, expiresAt }
  }

  get #view() {
    return (this.#members ??= guarded('AuthorizationRequest', () => native.requestMembers(this.#native)))
  }

  /**
   * Made when it is first needed, because most callers need only the URL and the export. Kept,
   * because it knows whether this request was used.
   */
  get #native() {
    return (this.#handle ??= guarded('AuthorizationRequest', () => native.reopenRequest(this.#exported)))
  }
}

/** The native handle of a token set; `undefined` for anything else. */
let tokensHandle

class TokenSet {
  #handle
  #claims
  #extra

  static {
    tokensHandle = (value) => (value instanceof TokenSet && #handle in value ? value.#handle : undefined)
    printsAsJson(this, 'TokenSet')
  }

  static restore(tokens) {
    const saved = json('tokens', tokens)
    return new TokenSet(
      MADE_HERE,
      guarded('TokenSet.restore', () => native.restoreTokens(saved)),
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

  get idTokenVerified() {
    return this.#read(native.idTokenVerified)
  }

  get claims() {
    return (this.#claims ??= frozen(JSON.parse(this.#read(native.tokenClaims) ?? null))) ?? undefined
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
    return (this.#extra ??= frozen(JSON.parse(this.#read(native.extraMembers))))
  }

  authorizationHeader() {
    return this.#read(native.authorizationHeader)
  }

  export() {
    return this.#read(native.exportTokens)
  }

  /** With `[redacted]` for each token. */
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

  /** `null` in native code is `undefined` here. */
  #read(member) {
    return guarded('TokenSet', () => member(this.#handle)) ?? undefined
  }
}

/** Replaces a secret in a printed object. */
const REDACTED = '[redacted]'

/** Only this package has this key for its constructors. */
const MADE_HERE = Symbol('made by sipgate-oauth2')

/** Refuses a call of a constructor by others: the object would have no native handle. */
function checkMadeHere(key, name, instead) {
  if (key !== MADE_HERE) throw invalidArgument(name, `cannot be made with new; ${instead}`)
}

/**
 * Makes `console.log` and `util.inspect` print what `toJSON` returns, which contains no secret, and
 * `String()` only the name.
 */
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

module.exports = { AuthorizationRequest, MADE_HERE, TokenSet, checkMadeHere, requestHandle, printsAsJson, tokensHandle }
