// The verdicts of `jose` on the corpus, used as its documentation says for a client that has the
// server's key set: `node with_jose.mjs CORPUS MODULES`.

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [, , corpus, modules] = process.argv
const { createLocalJWKSet, decodeProtectedHeader, errors, jwtVerify } = await import(pathToFileURL(`${modules}/jose/dist/webapi/index.js`))

for await (const line of createInterface({ input: createReadStream(corpus) })) {
  console.log(JSON.stringify(await verdict(JSON.parse(line))))
}

async function verdict(input) {
  try {
    const { payload } = await verified(input)
    if (input.nonce !== null && payload.nonce !== input.nonce) return { accepted: false, reason: 'nonce' }
    return { accepted: true, reason: null }
  } catch (error) {
    return { accepted: false, reason: [error.code || error.name, error.claim].filter(Boolean).join(' ') }
  }
}

async function verified({ token, keys, issuer, client_id, algorithms, client_secret, leeway, now }) {
  const options = {
    issuer,
    audience: client_id,
    algorithms,
    requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
    clockTolerance: leeway,
    currentDate: new Date(now * 1000),
  }
  if (String(decodeProtectedHeader(token).alg).startsWith('HS')) {
    return jwtVerify(token, new TextEncoder().encode(client_secret ?? ''), options)
  }
  const set = createLocalJWKSet(JSON.parse(keys))
  try {
    return await jwtVerify(token, set, options)
  } catch (error) {
    if (error.code !== 'ERR_JWKS_MULTIPLE_MATCHING_KEYS') throw error
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options)
      } catch (problem) {
        if (problem.code !== 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') throw problem
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}
