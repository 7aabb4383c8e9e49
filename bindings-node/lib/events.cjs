'use strict'

// Events of all clients of this environment come through one native queue and find their client by its number. Only the client's own objects
// hold its emitter: a listener that knows the client would otherwise keep it for ever.

const { channel } = require('node:diagnostics_channel')
const { EventEmitter } = require('node:events')
const { invalidArgument, native } = require('./native.cjs')
const { wrongType } = require('./arguments.cjs')

const diagnostics = channel('sipgate-oauth2')
const emitters = new Map()
const forgotten = new FinalizationRegistry((number) => emitters.delete(number))

let listener
let last = 0

/** Where the listeners of a new client are kept, the number its events come with, and what the native side tells them to. */
function newEmitter() {
  listener ??= native.listen(deliver)
  last = (last + 1) >>> 0
  const emitter = new EventEmitter()
  emitters.set(last, new WeakRef(emitter))
  forgotten.register(emitter, last)
  return { emitter, number: last, listener }
}

/** What a listener throws becomes an uncaught exception, as with any emitter. */
function deliver(number, json) {
  const event = Object.freeze(JSON.parse(json))
  diagnostics.publish(event)
  emitters.get(number)?.deref()?.emit('event', event)
}

/** Calls `on`, `once` or `off` of an emitter. There is one kind of event, and a misspelt name would go unnoticed. */
function listen(emitter, method, name, handler) {
  if (name !== 'event') throw invalidArgument('event_name', "must be 'event'; the kind is in its member `event`")
  if (typeof handler !== 'function') throw wrongType('listener', 'a function', handler)
  emitter[method](name, handler)
}

module.exports = { listen, newEmitter }
