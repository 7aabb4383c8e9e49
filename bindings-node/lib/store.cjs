'use strict'

const { isUint8Array } = require('node:util').types
const { flag, options, seconds, text, wrongType } = require('./arguments.cjs')
const { fromThrown, guarded, native, remember } = require('./native.cjs')
const { MADE_HERE, printsAsJson } = require('./objects.cjs')

const memoryOptions = { recheck: seconds }
const storeOptions = { encryptionKeys: keys, recheck: seconds }
const sqliteOptions = { ...storeOptions, allowNetworkFileSystem: flag }

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
  const replies = native.storeReplies()
  return [(call) => void callStore(custom, replies, call), replies]
}

/** Never throws and never rejects: a native thread waits for the reply. */
async function callStore(custom, replies, { number, key, save }) {
  try {
    if (save) {
      const { expected, version, data, expiresAt } = save
      native.storeSaved(replies, number, saved(await custom.save(key, expected ?? null, version, data, expiresAt ?? null)))
    } else {
      native.storeLoaded(replies, number, loaded(await custom.load(key)))
    }
  } catch (error) {
    const what = `${save ? 'save' : 'load'} threw ${nameOf(error)}`
    native.storeFailed(replies, number, { what, isMistake: isMistake(error), thrown: remember(error) })
  }
}

function saved(result) {
  if (typeof result !== 'boolean') {
    throw new TypeError('save must return true when it stored the entry and false when another version was there')
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

function keys(field, value) {
  if (!Array.isArray(value)) throw wrongType(field, 'an array of keys, newest first', value)
  return value.map((key) => {
    if (isUint8Array(key)) return new Uint8Array(key)
    if (typeof key !== 'string') throw wrongType(field, 'an array of strings or Uint8Arrays', key)
    return text(field, key)
  })
}

/** The native handle of a store that was given as an option. */
function store(field, value) {
  const handle = storeHandle(value)
  if (handle === undefined) {
    throw wrongType(field, 'a Store: Store.sqlite(path), Store.memory() or new Store(an object with load and save)', value)
  }
  return handle
}

module.exports = { Store, checkStore, store }
