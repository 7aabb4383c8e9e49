// Checks one of the Node stores of `examples/stores` against a real server.
//
//     node check_recipe.mjs pg postgres://app:secret@127.0.0.1:5432/app FOLDER
//
// FOLDER is where `pg` and `ioredis` are installed. Prints the promises that the store breaks, and
// that its keys are listed wrongly; nothing if it is correct.

import { randomBytes } from 'node:crypto'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { checkStore } from '../../../bindings-node/index.mjs'

const CLASSES = { pg: 'PgStore', ioredis: 'IoredisStore' }

const [name, url, folder] = process.argv.slice(2)
// Node looks for packages beside the file that imports them.
const copy = join(folder, `${name}-store.mjs`)
await copyFile(new URL(`../../../examples/stores/${name}-store.mjs`, import.meta.url), copy)
const { [CLASSES[name]]: Class } = await import(pathToFileURL(copy))
const store = new Class(url)
const problems = [...(await checkStore(store)), ...(store.keys ? await keyProblems() : [])]
for (const problem of problems) console.log(problem)
await store.close()
process.exitCode = problems.length > 0 ? 1 : 0

async function keyProblems() {
  const keys = [...'0123456789abcdef'].map((character) => character.repeat(64))
  const expiresAt = Math.floor(Date.now() / 1000) + 60
  for (const key of keys) {
    const there = await store.load(key)
    await store.save(key, there?.version ?? null, randomBytes(11).toString('hex'), Buffer.from('a'), expiresAt)
  }
  const listed = []
  for (let page = await store.keys(null, 5); page.length > 0; page = await store.keys(listed.at(-1), 5)) listed.push(...page)
  const ordered = [...new Set(listed)].toSorted()
  const isRight = JSON.stringify(listed) === JSON.stringify(ordered) && keys.every((key) => listed.includes(key))
  return isRight ? [] : ['keys does not list each key once, in order']
}
