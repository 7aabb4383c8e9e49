'use strict'

// The events of all clients of this environment use one native queue, and carry the number of their
// client. Only the client's own objects reference its emitter: otherwise a listener that references
// the client would keep it alive for ever.

const { channel } = require('node:diagnostics_channel')
const { EventEmitter } = require('node:events')
const { invalidArgument, native } = require('./native.cjs')
const { wrongType } = require('./arguments.cjs')

const diagnostics = channel('sipgate-oauth2')
const emitters = new Map()
const forgotten = new FinalizationRegistry((number) => emitters.delete(number))

let listener
let last = 0

/** The emitter of a new client, the number of its events, and the native queue. */
function newEmitter() {
  listener ??= native.listen(deliver)
  last = (last + 1) >>> 0
  const emitter = new EventEmitter()
  emitters.set(last, new WeakRef(emitter))
  forgotten.register(emitter, last)
  return { emitter, number: last, listener }
}

/** An error that a listener throws is an uncaught exception, as with any emitter. */
function deliver(number, json) {
  const event = Object.freeze(JSON.parse(json))
  diagnostics.publish(event)
  emitters.get(number)?.deref()?.emit('event', event)
}

/** Calls `on`, `once` or `off` of an emitter. A name other than `event` would go unnoticed. */
function listen(emitter, method, name, handler) {
  if (name !== 'event') throw invalidArgument('event_name', "must be 'event'; what happened is in its member `type`")
  if (typeof handler !== 'function') throw wrongType('listener', 'a function', handler)
  emitter[method](name, handler)
}

module.exports = { listen, newEmitter }
