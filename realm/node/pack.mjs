// Writes a tarball as npm publishes it, into the folder OUT:
//
//   node pack.mjs main OUT
//   node pack.mjs here PROGRAM OUT
//   node pack.mjs PLATFORM PROGRAM OUT [NOTICES]
//
// PROGRAM is the file that cargo built, `here` for the platform that runs this. NOTICES is a folder
// whose files the package contains as well.

import { chmodSync, copyFileSync, cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { PLATFORMS, pack, thisPlatform, writePackage } from '../../bindings-node/packages.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { private: _, ...published } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))

const [what, ...rest] = process.argv.slice(2)
const platform = what === 'here' ? thisPlatform() : PLATFORMS.find(({ name }) => name === what)
if (what === 'main' && rest.length === 1) {
  pack(rest[0], writeMain)
} else if (platform !== undefined && rest.length >= 2) {
  const [program, out, notices] = rest
  pack(out, (folder) => writePlatform(folder, platform, program, notices))
} else {
  console.error('usage: node pack.mjs main OUT\n       node pack.mjs here|PLATFORM PROGRAM OUT [NOTICES]')
  process.exitCode = 2
}

function writeMain(folder) {
  const optionalDependencies = Object.fromEntries(PLATFORMS.map(({ name }) => [packageName(name), published.version]))
  writePackage(folder, { ...published, optionalDependencies })
  for (const name of [...published.files, 'README.md']) cpSync(join(here, name), join(folder, name), { recursive: true })
}

function writePlatform(folder, { name, os, cpu, libc }, source, notices) {
  const program = os === 'win32' ? 'sipgate-oauth2-realm.exe' : 'sipgate-oauth2-realm'
  const noticed = notices === undefined ? [] : readdirSync(notices)
  const { version, license, repository, engines } = published
  writePackage(folder, {
    name: packageName(name),
    version,
    description: `The program of sipgate-oauth2-realm for ${name}`,
    license,
    repository,
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    files: [program, ...noticed],
    publishConfig: { access: 'public' },
  })
  writeFileSync(join(folder, 'README.md'), `# ${packageName(name)}\n\nThe program of \`sipgate-oauth2-realm\` for ${name}. npm installs it with that package.\n`)
  for (const file of noticed) copyFileSync(join(notices, file), join(folder, file))
  copyFileSync(source, join(folder, program))
  chmodSync(join(folder, program), 0o755)
}

function packageName(name) {
  return `@sipgate-oauth2/realm-${name}`
}
