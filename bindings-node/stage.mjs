// Copies the library that cargo built to where the package looks for it, and the package to where a
// program finds it by name:
//
//   node stage.mjs [debug|release]
//
// The second is target/node: the package under node_modules, with the example beside it. It needs
// no tool but Node.

import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = dirname(here)
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target')
const profile = process.argv[2] ?? 'debug'

const built = { linux: 'libsipgate_oauth2_node.so', darwin: 'libsipgate_oauth2_node.dylib', win32: 'sipgate_oauth2_node.dll' }[process.platform]
const libc = process.platform !== 'linux' ? '' : process.report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl'
const staged = join(here, `sipgate-oauth2.${process.platform}-${process.arch}${libc}.node`)

// Renamed into place, so that a process that has loaded the old one keeps it.
copyFileSync(join(target, profile, built), `${staged}.new`)
renameSync(`${staged}.new`, staged)

// The licences are at the root only, and the package must contain them too.
const licences = readdirSync(root).filter((name) => name.startsWith('LICENSE'))
for (const name of licences) copyFileSync(join(root, name), join(here, name))

const room = join(root, 'target', 'node')
const installed = join(room, 'node_modules', 'sipgate-oauth2')
rmSync(installed, { recursive: true, force: true })
mkdirSync(installed, { recursive: true })
const { files } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
for (const name of ['package.json', ...licences, ...files.filter((pattern) => !pattern.includes('*'))]) {
  cpSync(join(here, name), join(installed, name), { recursive: true })
}
copyFileSync(staged, join(installed, staged.slice(here.length + 1)))
copyFileSync(join(root, 'examples', 'node', 'main_job.mjs'), join(room, 'main_job.mjs'))

process.stdout.write(`${staged}\n${join(room, 'main_job.mjs')}\n`)
