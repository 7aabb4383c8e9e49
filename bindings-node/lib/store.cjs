'use strict'

const { isUint8Array } = require('node:util').types
const { options, seconds, text, wrongType } = require('./arguments.cjs')
const { fromThrown, guarded, native, remember } = require('./native.cjs')
const { MADE_HERE, printsAsJson } = require('./objects.cjs')

const memoryOptions = { recheck: seconds }
const storeOptions = { encryptionKeys: keys, recheck: seconds }

/** The native side's handle of a store; `undefined` for anything else. */
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
    const read = options(storeOptions, given)
    return made('sqlite', 'Store.sqlite', () => native.sqliteStore(path, read))
  }

  static sqliteOnNetworkFileSystem(path, given) {
    text('path', path)
    const read = options(storeOptions, given)
    return made('sqlite', 'Store.sqliteOnNetworkFileSystem', () => native.sqliteStoreOnNetworkFileSystem(path, read))
  }

  constructor(own, given, key, kind) {
    if (key === MADE_HERE) {
      this.#handle = own
      this.#kind = kind
      return
    }
    const read = options(storeOptions, given)
    const calls = callsOf(own)
    this.#handle = guarded('Store', () => native.ownStore(...calls, read))
    this.#kind = 'own'
  }

  toJSON() {
    return { kind: this.#kind }
  }
}

function made(kind, place, nativeStore) {
  return new Store(guarded(place, nativeStore), undefined, MADE_HERE, kind)
}

async function checkStore(own) {
  const calls = callsOf(own)
  try {
    return await native.checkStore(...calls)
  } catch (thrown) {
    throw fromThrown(thrown, 'checkStore')
  }
}

/** What the native side calls for each call of a store of the application's own, and where the answers go. */
function callsOf(own) {
  const usable = (typeof own === 'object' || typeof own === 'function') && typeof own?.load === 'function' && typeof own.save === 'function'
  if (!usable) throw wrongType('store', 'an object with the functions load and save', own)
  const replies = native.storeReplies()
  return [(call) => void carryOut(own, replies, call), replies]
}

/** Never throws and never rejects: on the native side a thread waits for the answer. */
async function carryOut(own, replies, { number, key, save }) {
  try {
    if (save) {
      const { expected, version, data, ends } = save
      native.storeSaved(replies, number, saved(await own.save(key, expected ?? null, version, data, ends ?? null)))
    } else {
      native.storeLoaded(replies, number, loaded(await own.load(key)))
    }
  } catch (error) {
    const what = `${save ? 'save' : 'load'} threw ${nameOf(error)}`
    native.storeFailed(replies, number, { what, isMistake: isMistake(error), thrown: remember(error) })
  }
}

function saved(answer) {
  if (typeof answer !== 'boolean') {
    throw new TypeError('save must return true when it stored the entry and false when another version was there')
  }
  return answer
}

function loaded(answer) {
  if (answer === undefined || answer === null) return undefined
  const { version, data, ends } = answer
  const isTime = Number.isSafeInteger(typeof ends === 'bigint' ? Number(ends) : ends)
  if (typeof version !== 'string' || !isUint8Array(data) || !(isTime || ends === undefined || ends === null)) {
    throw new TypeError('load must return nothing or { version, data, ends }: a string, a Uint8Array, and an integer or null')
  }
  return { version, data, ends: isTime ? Number(ends) : undefined }
}

/** What the code of a store throws. A `fetch` that got no response throws a TypeError, too, with a cause. */
function isMistake(error) {
  const name = nameOf(error)
  return (name === 'TypeError' && error.cause === undefined) || name === 'ReferenceError'
}

/** Only an error's name is said in messages: its text may hold what was to be stored. */
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

/** The handle of a store that is an option. */
function store(field, value) {
  const handle = storeHandle(value)
  if (handle === undefined) {
    throw wrongType(field, 'a Store: Store.sqlite(path), Store.memory() or new Store(an object with load and save)', value)
  }
  return handle
}

module.exports = { Store, checkStore, store }
