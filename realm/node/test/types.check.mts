// Is compiled, not run: what a program with `import` may write.

import { RealmError, startRealm, type Realm, type ReceivedRequest } from '../index.mjs'

const realm: Realm = await startRealm({ redirectUri: 'http://testserver/callback' })
const callback: string = await realm.login('http://127.0.0.1/auth', { username: 'berta', consent: false })
await realm.fault('token', 'answer', { status: 503, times: 2, json: { error: 'invalid_grant' } })
await realm.alter('id_token', { claims: { email: null } })
await realm.advance({ days: 30, minutes: 5 })
// @ts-expect-error There are no weeks.
await realm.advance({ weeks: 1 })
await realm.settings({ rotation: true })
await realm.endSessions()
const token: string = await realm.logoutToken({ sid: 's', claims: { nonce: 'n' } })
const received: ReceivedRequest[] = await realm.requests('token')
const header: string | undefined = received[0]?.headers[0]?.[1]
Object.assign(process.env, realm.environment)
const sentTo: string | undefined = await realm.logout(callback + token + (header ?? ''), { browser: 'one' })
if (sentTo === undefined) throw new RealmError('nowhere')
await realm[Symbol.asyncDispose]()
