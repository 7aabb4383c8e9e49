// One process of `foreign_closes.py`, with one copy of the library for each folder in the
// arguments: each saves logins and refreshes one, while the process opens, copies, and closes the
// store's files. The first line of standard input is the task, the last line of standard output is
// the result.

import { closeSync, copyFileSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const SHARED = 'shared'
const PAUSE_MILLISECONDS = 5
const SAVES_PER_REFRESH = 25

const lines = createInterface({ input: process.stdin })
const task = JSON.parse((await lines[Symbol.asyncIterator]().next()).value)
lines.close()

const saved = []
const refused = []
const disturbing = setInterval(openAndCopy, PAUSE_MILLISECONDS)
const copies = await Promise.all(process.argv.slice(2).map((folder) => import(pathToFileURL(join(folder, 'index.mjs')))))
await Promise.all(copies.map((library, number) => work(library, number)))
clearInterval(disturbing)
console.log(JSON.stringify({ saved, refused }))

async function work({ Client, Store, TokenSet }, first) {
  const client = Client.keycloak({
    base: task.base,
    realm: task.realm,
    clientId: task.client_id,
    clientSecret: task.client_secret,
    redirectUri: task.redirect_uri,
    store: Store.sqlite(task.path),
  })
  const tokens = TokenSet.restore(task.tokens)
  for (let number = first; number < task.saves; number += copies.length) {
    const account = `${task.number}-${number}`
    try {
      await client.tokenSource(account).save(tokens)
      saved.push(account)
      if (number % SAVES_PER_REFRESH === 0) await client.tokenSource(SHARED).refresh()
    } catch (error) {
      refused.push(`${account}: ${error.message}`)
    }
  }
}

function openAndCopy() {
  const folder = dirname(task.path)
  for (const name of readdirSync(folder, { recursive: true })) {
    try {
      closeSync(openSync(join(folder, name), 'r+'))
      readFileSync(join(folder, name))
      copyFileSync(join(folder, name), join(task.scratch, `copy ${task.number} ${basename(name)}`))
    } catch (error) {
      // A journal may have been deleted meanwhile.
      if (!['ENOENT', 'EISDIR'].includes(error.code)) throw error
    }
  }
}
