'use strict'

// `fetch` with a source's token. `fetch` itself drops `authorization` at a redirect to another
// origin.

const { invalidArgument } = require('./native.cjs')

/**
 * Sends a request with the token. If the API rejects it, it is sent once more with another token,
 * if there is one and the body can be sent twice.
 */
async function fetchWith(source, origins, input, init) {
  const { origin } = new URL(isRequest(input) ? input.url : input)
  if (!origins.includes(origin)) {
    const named = origins.length > 0 ? `, which names ${origins.join(', ')}` : ', which names none'
    throw invalidArgument('url', `is not at an origin that may see the token; name it in the client's option origins${named}`)
  }
  const canBeSentTwice = isReplayable(input, init)
  const signal = (init?.signal === undefined && isRequest(input) ? input.signal : init?.signal) ?? undefined
  const token = await source.accessToken({ signal })
  const response = await fetch(input, authorized(input, init, token))
  // A response from another origin follows a redirect, and says nothing about the token.
  if (response.url !== '' && new URL(response.url).origin !== origin) return response
  if (response.status === 401) source.invalidate(token)
  const newer = canBeSentTwice ? await anotherToken(source, response.status, signal) : undefined
  if (newer === undefined || newer === token) return response
  await response.body?.cancel()
  return fetch(input, authorized(input, init, newer))
}

/**
 * A 401 refreshes the token. A 403 does not, because a new token would allow no more than the old
 * one (RFC 6750, section 3.1). But another process may have stored one that does, by a login with
 * more scopes.
 */
async function anotherToken(source, status, signal) {
  if (status === 401) return source.accessToken({ signal })
  if (status !== 403) return undefined
  try {
    await source.status({ signal })
  } catch {
    // A caller that aborted gets its reason. A store that fails does not change the API's response.
    signal?.throwIfAborted()
    return undefined
  }
  return source.peek() ?? undefined
}

function isRequest(input) {
  return typeof input === 'object' && input !== null && typeof input.url === 'string' && typeof input.clone === 'function'
}

function authorized(input, init, token) {
  const headers = new Headers(init?.headers ?? (isRequest(input) ? input.headers : undefined))
  headers.set('authorization', `Bearer ${token}`)
  return { ...init, headers }
}

/** A stream can be sent once; a Request's body is one. */
function isReplayable(input, init) {
  const body = init?.body ?? (isRequest(input) ? input.body : undefined)
  if (body === undefined || body === null || typeof body === 'string') return true
  return [URLSearchParams, FormData, Blob, ArrayBuffer].some((Type) => body instanceof Type) || ArrayBuffer.isView(body)
}

module.exports = { fetchWith }
