// One process of `foreign_closes.py`, with as many copies of the library as it is given folders: each saves logins and refreshes one, while the process
// opens, copies and closes the store's files. The first line of the standard input is the order, the last line of the output what came of it.

import { closeSync, copyFileSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const SHARED = 'shared'
const PAUSE_MILLISECONDS = 5
const SAVES_PER_REFRESH = 25

const lines = createInterface({ input: process.stdin })
const order = JSON.parse((await lines[Symbol.asyncIterator]().next()).value)
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
    base: order.base,
    realm: order.realm,
    clientId: order.client_id,
    clientSecret: order.client_secret,
    redirectUri: order.redirect_uri,
    store: Store.sqlite(order.path),
  })
  const tokens = TokenSet.restore(order.tokens)
  for (let number = first; number < order.saves; number += copies.length) {
    const account = `${order.number}-${number}`
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
  const folder = dirname(order.path)
  for (const name of readdirSync(folder, { recursive: true })) {
    try {
      closeSync(openSync(join(folder, name), 'r+'))
      readFileSync(join(folder, name))
      copyFileSync(join(folder, name), join(order.scratch, `copy ${order.number} ${basename(name)}`))
    } catch (error) {
      // A journal may be gone meanwhile.
      if (!['ENOENT', 'EISDIR'].includes(error.code)) throw error
    }
  }
}
