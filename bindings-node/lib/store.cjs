'use strict'

const { isUint8Array } = require('node:util').types
const { count, flag, keys, options, pem, seconds, text, wrongType } = require('./arguments.cjs')
const { callOptions, wait } = require('./calls.cjs')
const { fromThrown, guarded, native, remember } = require('./native.cjs')
const { MADE_HERE, printsAsJson } = require('./objects.cjs')

const memoryOptions = { recheck: seconds }
const storeOptions = { encryptionKeys: keys, recheck: seconds }
const sqliteOptions = { ...storeOptions, allowNetworkFileSystem: flag }
const openOptions = {
  ...sqliteOptions,
  password: passwordOrFunction,
  caCertificates: pem,
  timeout: seconds,
  connections: count,
  table: text,
  createTable: flag,
  prefix: text,
  durability: text,
  replicas: count,
}

/** What `toJSON` calls a store whose URL has this scheme. */
const kinds = { memory: 'memory', sqlite: 'sqlite', postgres: 'postgres', postgresql: 'postgres' }

/** The native handle of a store; `undefined` for anything else. */
let storeHandle

class Store {
  #handle
  #kind

  static {
    storeHandle = (value) => (value instanceof Store && #handle in value ? value.#handle : undefined)
    printsAsJson(this, 'Store')
  }

  static memory(given) {
    const read = options(memoryOptions, given)
    return made('memory', 'Store.memory', () => native.memoryStore(read))
  }

  static sqlite(path, given) {
    text('path', path)
    const read = options(sqliteOptions, given)
    return made('sqlite', 'Store.sqlite', () => native.sqliteStore(path, read))
  }

  static open(url, given) {
    text('url', url)
    const { password, ...read } = options(openOptions, given)
    const asks = typeof password === 'function' ? asksOf(password) : []
    if (asks.length === 0) read.password = password
    const scheme = url.slice(0, url.indexOf(':')).toLowerCase()
    return made(kinds[scheme] ?? 'redis', 'Store.open', () => native.openStore(url, read, ...asks))
  }

  static postgresSchema(table) {
    if (table !== undefined) text('table', table)
    return guarded('Store.postgresSchema', () => native.postgresSchema(table))
  }

  constructor(custom, given, key, kind) {
    if (key === MADE_HERE) {
      this.#handle = custom
      this.#kind = kind
      return
    }
    const read = options(storeOptions, given)
    const calls = callsOf(custom)
    this.#handle = guarded('Store', () => native.customStore(...calls, read))
    this.#kind = 'custom'
  }

  async check(given) {
    return wait('Store.check', options(callOptions, given), native.startCheck, this.#handle)
  }

  toJSON() {
    return { kind: this.#kind }
  }
}

function made(kind, place, nativeStore) {
  return new Store(guarded(place, nativeStore), undefined, MADE_HERE, kind)
}

async function checkStore(custom) {
  const calls = callsOf(custom)
  try {
    return await native.checkStore(...calls)
  } catch (thrown) {
    throw fromThrown(thrown, 'checkStore')
  }
}

/** What native code calls for each call of a custom store, and where the replies go. */
function callsOf(custom) {
  const usable = ['object', 'function'].includes(typeof custom) && [custom?.load, custom?.save].every((each) => typeof each === 'function')
  if (!usable) throw wrongType('store', 'an object with the functions load and save', custom)
  const replies = native.storeReplies(typeof custom.keys === 'function')
  return [(call) => void callStore(custom, replies, call), replies]
}

/** Never throws and never rejects: a native thread waits for the reply. */
async function callStore(custom, replies, { number, key, save, limit }) {
  try {
    if (save) {
      const { expected, version, data, expiresAt } = save
      native.storeSaved(replies, number, saved(await custom.save(key, expected ?? null, version, data, expiresAt ?? null)))
    } else if (limit) {
      native.storeListed(replies, number, listed(await custom.keys(key || null, limit)))
    } else {
      native.storeLoaded(replies, number, loaded(await custom.load(key)))
    }
  } catch (error) {
    native.storeFailed(replies, number, failed(save ? 'save' : limit ? 'keys' : 'load', error))
  }
}

/** What native code calls for the password of a database, and where the passwords go. */
function asksOf(ask) {
  const replies = native.passwordReplies()
  return [(number) => void askPassword(ask, replies, number), replies]
}

/** Never throws and never rejects: a native thread waits for the reply. */
async function askPassword(ask, replies, number) {
  try {
    const password = await ask()
    if (typeof password !== 'string') throw new TypeError('the password function must return a string')
    native.passwordGiven(replies, number, password)
  } catch (error) {
    native.passwordFailed(replies, number, failed('password function', error))
  }
}

/** How native code is told what a function of a store threw. */
function failed(name, error) {
  return { what: `${name} threw ${nameOf(error)}`, isMistake: isMistake(error), thrown: remember(error) }
}

function saved(result) {
  if (typeof result !== 'boolean') {
    throw new TypeError('save must return true when it stored the entry and false when another version was there')
  }
  return result
}

function listed(result) {
  if (!Array.isArray(result) || result.some((key) => !/^[0-9a-f]{64}$/.test(key))) {
    throw new TypeError('keys must return the keys after the one given, in their order: an array of strings')
  }
  return result
}

function loaded(result) {
  if (result === undefined || result === null) return undefined
  const { version, data, expiresAt } = result
  const isTime = Number.isSafeInteger(typeof expiresAt === 'bigint' ? Number(expiresAt) : expiresAt)
  if (typeof version !== 'string' || !isUint8Array(data) || !(isTime || expiresAt === undefined || expiresAt === null)) {
    throw new TypeError('load must return nothing or { version, data, expiresAt }: a string, a Uint8Array, and an integer or null')
  }
  return { version, data, expiresAt: isTime ? Number(expiresAt) : undefined }
}

/**
 * Whether it is a mistake in the store's code. A `fetch` without a response throws a TypeError with
 * a cause.
 */
function isMistake(error) {
  const name = nameOf(error)
  return (name === 'TypeError' && error.cause === undefined) || name === 'ReferenceError'
}

/** Messages name only the class of an error: its text may contain what was to be stored. */
function nameOf(error) {
  const name = error instanceof Error ? error.name : typeof error
  return typeof name === 'string' && /^\w{1,80}$/.test(name) ? name : 'Error'
}

/** A string, or a function that returns one. */
function passwordOrFunction(field, value) {
  if (typeof value === 'function') return value
  if (typeof value !== 'string') throw wrongType(field, 'a string, or a function that returns one', value)
  return text(field, value)
}

/** The native handle of a store that was given as an option. */
function store(field, value) {
  const handle = storeHandle(value)
  if (handle === undefined) {
    throw wrongType(field, 'a Store: Store.open(url), Store.sqlite(path), Store.memory() or new Store(an object with load and save)', value)
  }
  return handle
}

module.exports = { Store, checkStore, store }
