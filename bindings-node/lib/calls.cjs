'use strict'

const { abortSignal, seconds } = require('./arguments.cjs')
const { fromThrown, native } = require('./native.cjs')

/** Seconds that a call waits unless it says otherwise: as in all languages. */
const DEFAULT_TIMEOUT = native.defaultTimeout()

/** The longest time that setTimeout takes, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1

/** The options of every call that waits. */
const callOptions = { timeout: seconds, signal: abortSignal }

/**
 * Starts a request and waits for its outcome as long as timeout and signal allow. Both end the wait only: a request that has left goes
 * on by itself, as cutting it off would lose what the server made of it.
 */
async function waitFor(place, { timeout = DEFAULT_TIMEOUT, signal }, start) {
  if (signal?.aborted) throw signal.reason
  const milliseconds = Math.min(timeout * 1000, LONGEST_TIMER)
  let timer
  let cancel
  try {
    const { value, outcome, running } = start(milliseconds / 1000)
    if (running === undefined) return value
    timer = setTimeout(native.timeOut, milliseconds, running).unref()
    if (signal !== undefined) {
      cancel = () => native.cancel(running)
      signal.addEventListener('abort', cancel, { once: true })
    }
    return await outcome
  } catch (thrown) {
    if (signal?.aborted && thrown?.code === 'SIPGATE_CANCELLED') throw signal.reason
    throw fromThrown(thrown, place)
  } finally {
    clearTimeout(timer)
    if (cancel !== undefined) signal.removeEventListener('abort', cancel)
  }
}

module.exports = { callOptions, waitFor }
