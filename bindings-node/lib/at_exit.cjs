'use strict'

// The end of the process: a refresh that nobody waits for any more is stored all the same. A worker's end is not the process's.

const { isMainThread } = require('node:worker_threads')

const { native } = require('./native.cjs')

const PATIENCE = 5_000
const POLL = 20

let waited = 0

/** The event loop goes on meanwhile: a store in JavaScript needs it. */
function keep() {
  if (native.settle(0)) {
    waited = 0
  } else if (waited < PATIENCE) {
    waited += POLL
    setTimeout(() => undefined, POLL)
  }
}

function settleAtExit() {
  if (!isMainThread) return
  process.on('beforeExit', keep)
  // Also after `process.exit()`, which gives the event loop no other turn.
  process.on('exit', () => native.settle(PATIENCE - waited))
}

module.exports = { settleAtExit }
