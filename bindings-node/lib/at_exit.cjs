'use strict'

// At the end of the process, a refresh that no caller waits for any more is still stored. The end
// of a worker is not the end of the process.

const { native } = require('./native.cjs')

const PATIENCE = 5_000
const POLL = 20

let waited = 0

/** Loaded only if something is left: that takes 2 ms. */
function isMainThread() {
  return require('node:worker_threads').isMainThread
}

/** Keeps the event loop running meanwhile: a custom store needs it. */
function keepRunning() {
  if (native.drain(0)) {
    waited = 0
  } else if (waited < PATIENCE && isMainThread()) {
    waited += POLL
    setTimeout(() => undefined, POLL)
  }
}

function drainAtExit() {
  process.on('beforeExit', keepRunning)
  // After `process.exit()`, the event loop has no further turn.
  process.on('exit', () => {
    if (!native.drain(0) && isMainThread()) native.drain(PATIENCE - waited)
  })
}

module.exports = { drainAtExit }
