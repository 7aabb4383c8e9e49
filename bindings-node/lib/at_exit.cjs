'use strict'

// At the end of the process, a refresh that no caller waits for any more is still stored. The end
// of a worker is not the end of the process.

const { isMainThread } = require('node:worker_threads')

const { native } = require('./native.cjs')

const PATIENCE = 5_000
const POLL = 20

let waited = 0

/** Keeps the event loop running meanwhile: a custom store needs it. */
function keepRunning() {
  if (native.drain(0)) {
    waited = 0
  } else if (waited < PATIENCE) {
    waited += POLL
    setTimeout(() => undefined, POLL)
  }
}

function drainAtExit() {
  if (!isMainThread) return
  process.on('beforeExit', keepRunning)
  // After `process.exit()`, the event loop has no further turn.
  process.on('exit', () => native.drain(PATIENCE - waited))
}

module.exports = { drainAtExit }
