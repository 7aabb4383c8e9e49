// Puts the packages of the local realm where programs find them, with what cargo built:
//
//   node stage.mjs [debug|release]
//
// target/realm/python and target/realm/node are what one installs. The root's node_modules gets the
// program, for realm/node itself.

import { chmodSync, copyFileSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { thisPlatform } from '../bindings-node/packages.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = dirname(here)
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target')
const name = process.platform === 'win32' ? 'sipgate-oauth2-realm.exe' : 'sipgate-oauth2-realm'
const built = join(target, process.argv[2] ?? 'debug', name)
const room = join(root, 'target', 'realm')

rmSync(room, { recursive: true, force: true })

const module = join(room, 'python', 'sipgate_oauth2_realm')
cpSync(join(here, 'python', 'sipgate_oauth2_realm'), module, { recursive: true })
putProgram(join(module, 'bin'))
// As after an installation, pytest finds the fixtures by this.
const metadata = join(room, 'python', 'sipgate_oauth2_realm-0.dist-info')
mkdirSync(metadata)
copyFileSync(join(here, 'python', 'entry_points.txt'), join(metadata, 'entry_points.txt'))
writeFileSync(join(metadata, 'METADATA'), 'Metadata-Version: 2.1\nName: sipgate-oauth2-realm\nVersion: 0\n')

const modules = join(room, 'node', 'node_modules')
cpSync(join(root, 'target', 'node', 'node_modules'), modules, { recursive: true })
cpSync(join(here, 'node'), join(modules, 'sipgate-oauth2-realm'), { recursive: true })
for (const folder of [modules, join(root, 'node_modules')]) {
  const ofPlatform = join(folder, '@sipgate-oauth2', `realm-${thisPlatform().name}`)
  putProgram(ofPlatform)
  writeFileSync(join(ofPlatform, 'package.json'), `{ "name": "@sipgate-oauth2/realm-${thisPlatform().name}" }\n`)
}

process.stdout.write(`${room}\n`)

/** Renamed into place: a realm that runs keeps the old one. */
function putProgram(folder) {
  mkdirSync(folder, { recursive: true })
  const program = join(folder, name)
  copyFileSync(built, `${program}.new`)
  chmodSync(`${program}.new`, 0o755)
  renameSync(`${program}.new`, program)
}
