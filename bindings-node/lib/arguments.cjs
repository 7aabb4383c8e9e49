'use strict'

// Arguments from JavaScript, in the form that native code takes. This file checks their types; the
// core checks their contents.

const { isUint8Array } = require('node:util').types
const { invalidArgument } = require('./native.cjs')

function text(field, value) {
  if (typeof value !== 'string') throw wrongType(field, 'a string', value)
  if (!value.isWellFormed()) throw invalidArgument(field, 'contains half of a surrogate pair; pass text as it was received, not cut')
  return value
}

/** The authorization response, as text or in a form that web frameworks have it in. */
function callback(field, value) {
  if (value instanceof URL) return value.href
  if (value instanceof URLSearchParams) return value.toString()
  if (typeof value === 'string') return text(field, value)
  throw wrongType(field, 'a string, URL or URLSearchParams, the query string as it was received', value)
}

function flag(field, value) {
  if (typeof value !== 'boolean') throw wrongType(field, 'true or false', value)
  return value
}

function seconds(field, value) {
  if (typeof value !== 'number') throw wrongType(field, 'a number of seconds', value)
  if (!(value >= 0)) throw invalidArgument(field, 'must be a number of seconds, 0 or more')
  return value
}

/** A number that no conversion changes. */
function wholeSeconds(field, value) {
  if (typeof value !== 'number') throw wrongType(field, 'a number of seconds', value)
  if (!Number.isSafeInteger(value)) throw invalidArgument(field, 'must be a whole number of seconds')
  return value
}

/** How many: no more than native code counts. */
function count(field, value) {
  if (typeof value !== 'number') throw wrongType(field, 'a whole number', value)
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw invalidArgument(field, 'must be a whole number, 0 or more')
  return value
}

function texts(field, value) {
  if (!Array.isArray(value)) throw wrongType(field, 'an array of strings', value)
  return value.map((item) => text(field, item))
}

/** One string, or an array of them. */
function oneOrMore(field, value) {
  if (typeof value === 'string') return [text(field, value)]
  if (!Array.isArray(value)) throw wrongType(field, 'a string or an array of strings', value)
  return texts(field, value)
}

/** Keys for encryption: strings, or their bytes, which nobody changes afterwards. */
function keys(field, value) {
  if (!Array.isArray(value)) throw wrongType(field, 'an array of keys, newest first', value)
  return value.map((key) => {
    if (isUint8Array(key)) return new Uint8Array(key)
    if (typeof key !== 'string') throw wrongType(field, 'an array of strings or Uint8Arrays', key)
    return text(field, key)
  })
}

/** Scope names: a string, or an array of them. */
function scope(field, value) {
  return oneOrMore(field, value).join(' ')
}

/** The contents of a PEM file, which was read with or without an encoding. */
function pem(field, value) {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')
  if (typeof value !== 'string') throw wrongType(field, 'a string or a Uint8Array, the contents of a PEM file', value)
  return text(field, value)
}

/** A JSON object: as text, or as an object that is written as JSON. */
function json(field, value) {
  if (typeof value === 'string') return text(field, value)
  if (typeof value !== 'object' || value === null) throw wrongType(field, 'an object, or its JSON text', value)
  try {
    return JSON.stringify(value) ?? ''
  } catch (cause) {
    throw invalidArgument(field, 'cannot be written as JSON; pass a plain object or its JSON text', { cause })
  }
}

/** Names and values: an object, or an iterable of pairs such as a Map or URLSearchParams. */
function pairs(field, value) {
  if (typeof value !== 'object' || value === null) throw wrongType(field, 'an object or a list of pairs', value)
  const entries = typeof value[Symbol.iterator] === 'function' ? [...value] : Object.entries(value)
  return entries.map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw wrongType(field, 'an object or a list of pairs of strings', pair)
    return [text(field, pair[0]), text(field, pair[1])]
  })
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Where tokens may be sent: scheme, host and port. */
function origins(field, value) {
  if (!Array.isArray(value)) throw wrongType(field, 'an array of origins', value)
  return value.map((item) => {
    const given = text(field, item)
    const url = URL.canParse(given) ? new URL(given) : undefined
    const isOrigin = /^https?:$/.test(url?.protocol) && given.replace(/\/$/, '').toLowerCase() === `${url.protocol}//${url.host}`
    if (!isOrigin) throw invalidArgument(field, 'contains something that is not an origin; write it as https://api.sipgate.com')
    if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
      throw invalidArgument(field, `contains ${url.origin}, where a token can be read on its way; use https`)
    }
    return url.origin
  })
}

function urlListener(field, value) {
  if (typeof value !== 'function') throw wrongType(field, 'a function that takes a string', value)
  return value
}

function abortSignal(field, value) {
  const usable = typeof value === 'object' && typeof value?.aborted === 'boolean' && typeof value.addEventListener === 'function'
  if (!usable) throw wrongType(field, 'an AbortSignal', value)
  return value
}

/**
 * The options that `readers` names, each read by its reader. Any other option is an error, because
 * a misspelt one would go unnoticed.
 */
function options(readers, given) {
  const read = {}
  if (given === undefined) return read
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrongType('options', 'an object', given)
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(readers, name)) {
      throw invalidArgument(name.slice(0, 80), `is not an option here; the options are ${Object.keys(readers).join(', ')}`)
    }
    const value = given[name]
    if (value !== undefined) read[name] = readers[name](fieldOf(name), value)
  }
  return read
}

/** An option's name as the RFCs and the other languages spell it: `clientId` is `client_id`. */
function fieldOf(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function wrongType(field, wanted, value) {
  if (value === undefined) return invalidArgument(field, `is missing; it must be ${wanted}`)
  const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  return invalidArgument(field, `must be ${wanted}, not ${kind}`)
}

/** What JSON describes, so that no part of it can be changed. */
function frozen(value) {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen)
  return Object.freeze(value)
}

module.exports = {
  abortSignal,
  callback,
  count,
  flag,
  frozen,
  json,
  keys,
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
}
