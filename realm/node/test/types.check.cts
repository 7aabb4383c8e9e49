// Is compiled, not run: what a program with `require` may write.

import realm = require('../index.cjs')

async function logsIn(): Promise<string> {
  const started: realm.Realm = await realm.startRealm()
  const { base, clientId }: { base: string; clientId: string } = started.clientOptions
  // @ts-expect-error It is read-only.
  started.issuer = base
  await started.stop()
  return clientId
}

module.exports = { logsIn }
