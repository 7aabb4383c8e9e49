'use strict'

// `fetch` with the token of a source. That a redirect to another origin takes no `authorization` along is `fetch`'s own rule.

const { invalidArgument } = require('./native.cjs')

/** Sends a request with the token. One that is answered with 401 is sent once more with a new token, if there is one and its body can be sent twice. */
async function fetchWith(source, origins, input, init) {
  const { origin } = new URL(isRequest(input) ? input.url : input)
  if (!origins.includes(origin)) {
    throw invalidArgument('url', `is not at an origin that may see the token; name it in the client's option origins (${origins.join(', ')})`)
  }
  const canBeSentTwice = isReplayable(input, init)
  const signal = (init?.signal === undefined && isRequest(input) ? input.signal : init?.signal) ?? undefined
  const token = await source.accessToken({ signal })
  const response = await fetch(input, authorized(input, init, token))
  // An answer from elsewhere came after a redirect, and says nothing of the token.
  if (response.status !== 401 || (response.url !== '' && new URL(response.url).origin !== origin)) return response
  source.invalidate(token)
  if (!canBeSentTwice) return response
  const newer = await source.accessToken({ signal })
  if (newer === token) return response
  await response.body?.cancel()
  return fetch(input, authorized(input, init, newer))
}

function isRequest(input) {
  return typeof input === 'object' && input !== null && typeof input.url === 'string' && typeof input.clone === 'function'
}

function authorized(input, init, token) {
  const headers = new Headers(init?.headers ?? (isRequest(input) ? input.headers : undefined))
  headers.set('authorization', `Bearer ${token}`)
  return { ...init, headers }
}

/** Streams are gone once they are sent; a Request's body is one. */
function isReplayable(input, init) {
  const body = init?.body ?? (isRequest(input) ? input.body : undefined)
  if (body === undefined || body === null || typeof body === 'string') return true
  return [URLSearchParams, FormData, Blob, ArrayBuffer].some((Type) => body instanceof Type) || ArrayBuffer.isView(body)
}

module.exports = { fetchWith }
