'use strict'

// The native library, and what it throws as classes of JavaScript.
//
// The library is the file beside this package, or the optional package of this platform that npm installed. Nothing else is looked at,
// and no environment variable: what a process loads must not be for others to say.

const { platform, arch } = process

const targets = platform === 'linux' ? [`${platform}-${arch}-gnu`, `${platform}-${arch}-musl`] : [`${platform}-${arch}`]

function load() {
  let cause
  for (const target of targets) {
    for (const place of [`../sipgate-oauth2.${target}.node`, `sipgate-oauth2-${target}`]) {
      try {
        return require(place)
      } catch (error) {
        // A library that is there but cannot be loaded, as for the other C library, says more than one that is not.
        if (cause === undefined || error.code !== 'MODULE_NOT_FOUND') cause = error
      }
    }
  }
  throw new Error(
    `sipgate-oauth2 has no native library that can be loaded on ${targets.join(' or ')}; ` +
      'install the package again on this machine, without --omit=optional and without a node_modules from elsewhere',
    { cause },
  )
}

const native = load()

class SipgateOAuth2Error extends Error {
  static {
    named(this, 'SipgateOAuth2Error')
  }

  /** Made from the fields that the native side gives. */
  constructor({ message, family: _, cause, thrown, ...fields }, options = cause === undefined ? undefined : { cause: causeOf(cause, thrown) }) {
    super(message, options)
    Object.assign(this, fields)
  }
}

class ConfigurationError extends SipgateOAuth2Error {
  static {
    named(this, 'ConfigurationError')
  }
}

class TemporaryError extends SipgateOAuth2Error {
  static {
    named(this, 'TemporaryError')
  }
}

class LoginRequiredError extends SipgateOAuth2Error {
  static {
    named(this, 'LoginRequiredError')
  }
}

class AuthorizationDeniedError extends SipgateOAuth2Error {
  static {
    named(this, 'AuthorizationDeniedError')
  }
}

class SecurityCheckError extends SipgateOAuth2Error {
  static {
    named(this, 'SecurityCheckError')
  }
}

class StoreError extends SipgateOAuth2Error {
  static {
    named(this, 'StoreError')
  }
}

/** An error's name is its class's, also where a bundler has renamed the class. */
function named(Class, name) {
  Object.defineProperty(Class.prototype, 'name', { value: name, writable: true, configurable: true })
}

/** Errors that stores of the application's own threw lately, by the numbers that the native side has of them. */
const remembered = new Map()
const MOST_REMEMBERED = 64
let lastRemembered = 0

/** Keeps an error for whoever waits for what failed with it. */
function remember(error) {
  lastRemembered = (lastRemembered + 1) >>> 0
  remembered.set(lastRemembered, error)
  if (remembered.size > MOST_REMEMBERED) remembered.delete(remembered.keys().next().value)
  return lastRemembered
}

/** What lies below: the error itself, or its words. What came to be in native code has no stack: one of this place would mislead. */
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

function fromFailure(failure, options) {
  return new classes[failure.family](failure, options)
}

/** What native code threw, as an error of this library. What is no failure of the core's is a caught panic, whose text could hold anything. */
function fromThrown(thrown, place) {
  if (thrown instanceof SipgateOAuth2Error) return thrown
  return fromFailure(typeof thrown?.family === 'string' ? thrown : native.caughtPanic(place))
}

/** The error for an argument that cannot be converted. `field` is its name in all languages: `client_id`. */
function invalidArgument(field, problem, options) {
  return fromFailure(native.invalidArgument(field.toWellFormed(), problem), options)
}

/** Calls native code that throws failures. */
function guarded(place, call) {
  try {
    return call()
  } catch (thrown) {
    throw fromThrown(thrown, place)
  }
}

module.exports = { classes, fromFailure, fromThrown, guarded, invalidArgument, native, remember }
