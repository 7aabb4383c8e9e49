// How long `jose` takes to judge an RS256 ID token, with the server's key ready:
//
//   node benches/bench_id_token.mjs
//
// `withJose` is to be compared with ours, in turns, as in `bench_node.mjs`.

import { createSign, generateKeyPairSync } from 'node:crypto'

import { createLocalJWKSet, jwtVerify } from '../.cache/openid/node_modules/jose/dist/webapi/index.js'

const ISSUER = 'https://login.sipgate.com/auth/realms/third-party'
const CLIENT_ID = '2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e:third-party'
const KID = 'FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE'
const TURNS = 200
const CALLS = 20

/** A token as sipgate's server makes them, and the key set that verifies it. */
function signed() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    exp: now + 3600,
    iat: now,
    auth_time: now - 20,
    jti: '5a1e7d2f-3b21-4f55-9b0a-1f0a1f1d3c44',
    iss: ISSUER,
    aud: CLIENT_ID,
    sub: 'f:a1b2c3d4-0000-1111-2222-333344445555:1234567w0',
    typ: 'ID',
    azp: CLIENT_ID,
    nonce: 'PbYRTDIY1YzTIKcIPFGYSh7mbRtzX9kCHRIXbhVSpvk',
    sid: '0a6f6b5e-7d6b-4a58-8d0e-0f4cf9f7a1b2',
    acr: '1',
    email_verified: true,
    name: 'Anna Example',
    preferred_username: 'anna',
    given_name: 'Anna',
    family_name: 'Example',
    email: 'anna@example.com',
  }
  const parts = [{ alg: 'RS256', typ: 'JWT', kid: KID }, claims]
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signature = createSign('RSA-SHA256').update(input).sign(privateKey, 'base64url')
  return { token: `${input}.${signature}`, keys: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KID, alg: 'RS256', use: 'sig' }] } }
}

function withJose({ token, keys }) {
  const set = createLocalJWKSet(keys)
  const options = { issuer: ISSUER, audience: CLIENT_ID, algorithms: ['RS256'], requiredClaims: ['exp', 'iat', 'sub'], clockTolerance: 60 }
  return () => jwtVerify(token, set, options)
}

const judge = withJose(signed())
const taken = []
for (let turn = 0; turn < TURNS; turn++) {
  const started = process.hrtime.bigint()
  for (let call = 0; call < CALLS; call++) await judge()
  taken.push(Number(process.hrtime.bigint() - started) / 1000 / CALLS)
}
console.log(`an ID token, RS256: jose         ${taken.toSorted((a, b) => a - b)[TURNS >> 1].toFixed(1).padStart(8)} µs`)
