'use strict'

// The native library's errors: their classes, and what becomes of what native code throws.

const native = require('./addon.cjs')

/** The usual code and remedy of each class, by its name. */
const usual = new Map()

const ERROR_CODES = Object.freeze(native.errorCodes().map(Object.freeze))
const numbers = new Map(ERROR_CODES.map(({ code, number }) => [code, number]))

class SipgateOAuth2Error extends Error {
  static {
    named(this, 'SipgateOAuth2Error', 'SIPGATE_INTERNAL', 'report_bug')
  }

  /** Private, so that nothing that shows an error shows it. */
  #refreshToken

  /** Without a code, as in an application's tests, it is that of the class, with its remedy. */
  constructor(message, given = {}) {
    super(message, 'cause' in given ? { cause: given.cause } : undefined)
    const [usualCode, usualRemedy] = usual.get(Object.getPrototypeOf(this).name) ?? usual.get('SipgateOAuth2Error')
    const { code = usualCode, remedy = usualRemedy, retryAfter, httpStatus, oauthError, oauthErrorDescription, oauthErrorUri } = given
    const details = { retryAfter, httpStatus, oauthError, oauthErrorDescription, oauthErrorUri }
    Object.assign(this, { code, number: numbers.get(code), remedy, retryable: remedy === 'try_later', ...details })
    this.#refreshToken = given.refreshToken
  }

  get refreshToken() {
    return this.#refreshToken
  }
}

class ConfigurationError extends SipgateOAuth2Error {
  static {
    named(this, 'ConfigurationError', 'SIPGATE_INVALID_ARGUMENT', 'fix_configuration')
  }
}

class TemporaryError extends SipgateOAuth2Error {
  static {
    named(this, 'TemporaryError', 'SIPGATE_SERVER_UNAVAILABLE', 'try_later')
  }
}

class LoginRequiredError extends SipgateOAuth2Error {
  static {
    named(this, 'LoginRequiredError', 'SIPGATE_LOGIN_REQUIRED', 'log_in_again')
  }
}

class AuthorizationDeniedError extends SipgateOAuth2Error {
  static {
    named(this, 'AuthorizationDeniedError', 'SIPGATE_AUTHORIZATION_DENIED', 'show_denied')
  }
}

class SecurityCheckError extends SipgateOAuth2Error {
  static {
    named(this, 'SecurityCheckError', 'SIPGATE_CALLBACK_REFUSED', 'discard_input')
  }
}

class StoreError extends SipgateOAuth2Error {
  static {
    named(this, 'StoreError', 'SIPGATE_STORE_UNAVAILABLE', 'try_later')
  }
}

/** An error's name is that of its class, even if a bundler has renamed the class. */
function named(Class, name, code, remedy) {
  usual.set(name, [code, remedy])
  Object.defineProperty(Class.prototype, 'name', { value: name, writable: true, configurable: true })
}

/** Errors that custom stores threw lately, by the numbers that native code has for them. */
const remembered = new Map()
const MOST_REMEMBERED = 64
let lastRemembered = 0

/** Keeps an error for the callers whose operation failed with it. */
function remember(error) {
  lastRemembered = (lastRemembered + 1) >>> 0
  remembered.set(lastRemembered, error)
  if (remembered.size > MOST_REMEMBERED) remembered.delete(remembered.keys().next().value)
  return lastRemembered
}

/**
 * A cause: the error itself if a custom store threw it, otherwise an error with its message. A
 * native error has no stack, and one of this place would mislead.
 */
function causeOf(text, thrown) {
  if (remembered.has(thrown)) return remembered.get(thrown)
  const cause = new Error(text)
  cause.stack = `Error: ${text}`
  return cause
}

const classes = {
  SipgateOAuth2Error,
  ConfigurationError,
  TemporaryError,
  LoginRequiredError,
  AuthorizationDeniedError,
  SecurityCheckError,
  StoreError,
}

function fromFields({ message, family, cause, thrown, ...fields }, options = cause === undefined ? {} : { cause: causeOf(cause, thrown) }) {
  return new classes[family](message, { ...fields, ...options })
}

/**
 * What native code threw, as an error of this library. What the core did not make is a caught
 * panic, whose message could contain anything.
 */
function fromThrown(thrown, place) {
  if (thrown instanceof SipgateOAuth2Error) return thrown
  return fromFields(typeof thrown?.family === 'string' ? thrown : native.caughtPanic(place))
}

/**
 * The error for an argument that cannot be converted. `field` is its name in all languages:
 * `client_id`.
 */
function invalidArgument(field, problem, options) {
  return fromFields(native.invalidArgument(field.toWellFormed(), problem), options)
}

/** Calls native code, and throws its errors as errors of this library. */
function guarded(place, call) {
  try {
    return call()
  } catch (thrown) {
    throw fromThrown(thrown, place)
  }
}

module.exports = { ERROR_CODES, classes, fromFields, fromThrown, guarded, invalidArgument, native, remember }
