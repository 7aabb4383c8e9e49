import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'

import { Client, SipgateOAuth2Error, Store, TokenSet } from 'sipgate-oauth2'

const store = new Store({ load: () => 'canary', save: () => true }, { encryptionKeys: [Buffer.alloc(32, 'canary')] })
const client = Client.sipgate({ clientId: '1-0-a', clientSecret: 'canary-secret', redirectUri: 'https://example.com/auth', store })
const request = client.authorizationRequest('balance:read', { state: 'canary-state', returnTo: '/canary' })
const tokens = TokenSet.restore({ access_token: 'canary-a', refresh_token: 'canary-r', id_token: 'canary-i', session_state: 'canary-s' })

const kept = Client.sipgate({ clientId: '1-0-a', store: Store.memory() })
const source = kept.tokenSource('anna')
await source.save(tokens)

const error = new SipgateOAuth2Error('failed', { refreshToken: 'canary-r' })

// A member that was read once is kept, and must not show either.
assert.equal(await source.accessToken(), 'canary-a')
assert.ok(source.peek() && client.clientId && request.url && request.state && tokens.accessToken && tokens.extra && error.refreshToken)

const printed = {
  inspect: (value) => inspect(value, { depth: null, showHidden: true, getters: false }),
  'inspect of what holds it': (value) => inspect({ held: [value] }, { depth: null }),
  'inspect at its depth': (value) => inspect({ a: { b: { c: { value } } } }),
  'the formats of console.log': (value) => format('%s %o %O %j', value, value, value, value),
  'JSON.stringify': (value) => JSON.stringify({ value }),
  String: (value) => String(value),
  structuredClone: (value) => inspect(structuredClone(value), { showHidden: true }),
  'its own properties': (value) => inspect(Reflect.ownKeys(value).map((key) => value[key])),
}

for (const [name, value] of Object.entries({ store, client, request, tokens, source, error })) {
  for (const [way, print] of Object.entries(printed)) {
    test(`${way} shows no secret of the ${name}`, () => {
      assert.doesNotMatch(print(value), /canary|code_verifier/)
    })
  }
}

test('printing shows the class and the members that are no secret', () => {
  assert.match(inspect(client), /^Client \{[^]*issuer: 'https:\/\/login\.sipgate\.com/)
  assert.match(inspect(request), /^AuthorizationRequest \{[^]*scope: 'balance:read'/)
  assert.match(inspect(tokens), /^TokenSet \{[^]*accessToken: '\[redacted\]'/)
  assert.match(inspect(source), /^TokenSource \{[^]*account: 'anna'/)
  assert.equal(inspect(store), "Store { kind: 'custom' }")
  assert.equal(`${tokens}`, '[object TokenSet]')
})

test('an export contains the secrets', () => {
  assert.match(tokens.export(), /canary-r/)
  assert.match(Buffer.from(request.export(), 'base64url').toString(), /code_verifier/)
})
