// Puts the library that cargo built where the package in the checkout finds it, and the package to
// where a program finds it by name:
//
//   node stage.mjs [debug|release]
//
// The first is node_modules at the root, which `npm ci` in this folder leaves alone. The second is
// target/node: both packages under node_modules, with the example and the shim of the behaviour suite
// beside them.

import { copyFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { built, platformFolder, thisPlatform, writeMain, writePlatform } from './packages.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const library = built(process.argv[2] ?? 'debug')
const platform = thisPlatform()

const inCheckout = platformFolder(join(root, 'node_modules'), platform)
writePlatform(inCheckout, platform, library)

const room = join(root, 'target', 'node')
const modules = join(room, 'node_modules')
rmSync(modules, { recursive: true, force: true })
writeMain(join(modules, 'sipgate-oauth2'))
writePlatform(platformFolder(modules, platform), platform, library)
copyFileSync(join(root, 'examples', 'node', 'main_job.mjs'), join(room, 'main_job.mjs'))
copyFileSync(join(root, 'tests', 'behaviour', 'node', 'shim.mjs'), join(room, 'shim.mjs'))

process.stdout.write(`${inCheckout}\n${join(room, 'main_job.mjs')}\n`)
