'use strict'

const { abortSignal, seconds } = require('./arguments.cjs')
const { fromThrown, native } = require('./native.cjs')

/** The options of every call that waits. */
const callOptions = { timeout: seconds, signal: abortSignal }

/**
 * Starts an operation with these arguments, and waits for its outcome for as long as timeout and
 * signal allow. Both end the wait only: a request that was sent continues, because cutting it off
 * would lose what the server made of it.
 */
async function wait(place, { timeout, signal }, start, ...given) {
  if (signal?.aborted) throw signal.reason
  let cancel
  try {
    const { value, promise, handle } = start(...given, timeout)
    if (promise === undefined) return value
    if (signal !== undefined) {
      cancel = () => native.cancel(handle)
      signal.addEventListener('abort', cancel, { once: true })
    }
    return await promise
  } catch (thrown) {
    if (signal?.aborted && thrown?.code === 'SIPGATE_CANCELLED') throw signal.reason
    throw fromThrown(thrown, place)
  } finally {
    if (cancel !== undefined) signal.removeEventListener('abort', cancel)
  }
}

module.exports = { callOptions, wait }
