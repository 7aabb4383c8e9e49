import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import * as imported from 'sipgate-oauth2'

import { PLATFORMS, platformFolder, thisPlatform, writeMain, writePlatform } from '../packages.mjs'

const require = createRequire(import.meta.url)
const required = require('sipgate-oauth2')
const addon = require.resolve(`@sipgate-oauth2/${thisPlatform().name}`)
const here = fileURLToPath(new URL('..', import.meta.url))
const read = (name) => readFileSync(join(here, name), 'utf8')
const types = read('index.d.cts')

test('import and require give the same classes', () => {
  const names = Object.keys(imported).filter((name) => name !== 'default')
  assert.deepEqual(names.toSorted(), Object.keys(required).toSorted())
  for (const name of names) assert.equal(imported[name], required[name], name)
})

test('the version is the one of all layers', () => {
  const { version } = JSON.parse(read('package.json'))
  assert.equal(version, imported.VERSION)
  assert.equal(version, JSON.parse(read('package-lock.json')).version)
  assert.equal(version, /^\[workspace\.package\]\nversion = "(.+)"$/m.exec(read('../Cargo.toml'))[1])
})

test('the types declare what is exported, and no more', () => {
  const declared = [...types.matchAll(/^export declare (?:class|const|function|namespace) (\w+)/gm)].map(([, name]) => name)
  assert.deepEqual(declared.toSorted(), Object.keys(required).toSorted())
})

for (const name of ['AuthorizationRequest', 'Client', 'Store', 'TokenSet', 'TokenSource']) {
  test(`the types declare the members of ${name}, and no more`, () => {
    const [, body] = new RegExp(`^export declare class ${name} \\{\\n(.*?)^\\}`, 'ms').exec(types)
    const members = [...body.matchAll(/^ {2}(?:static |readonly )?(\w+)(?=[(:])/gm)].map(([, member]) => member)
    const declared = new Set(members.filter((member) => member !== 'constructor'))
    const ofClass = Object.getOwnPropertyNames(required[name]).filter((member) => !['length', 'name', 'prototype'].includes(member))
    const ofObject = Object.getOwnPropertyNames(required[name].prototype).filter((member) => member !== 'constructor')
    assert.deepEqual([...declared].toSorted(), [...ofClass, ...ofObject].toSorted())
  })
}

test('the types declare the members of ServerMetadata, and no more', () => {
  const [, body] = /^export declare namespace ServerMetadata \{\n(.*?)^\}/ms.exec(types)
  const declared = [...body.matchAll(/^ {2}function (\w+)\(/gm)].map(([, member]) => member)
  assert.deepEqual(declared, Object.keys(required.ServerMetadata))
})

test('the types list the codes of the core', () => {
  const [, union] = /^export type ErrorCode =\n(.*?)\n\n/ms.exec(types)
  const declared = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code)
  assert.deepEqual(
    declared,
    imported.ERROR_CODES.map(({ code }) => code),
  )
})

test('every family of the core is an exported class', () => {
  for (const { family } of imported.ERROR_CODES) {
    assert.ok(imported[family].prototype instanceof Error, family)
    assert.equal(imported[family].prototype.name, family)
  }
})

test('the package contains the facade, its types and the licences, and no native library', () => {
  inFolder((folder) => {
    const files = packed(['main', folder])
    assert.deepEqual(files, ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'bin/sipgate-oauth2.cjs', 'index.cjs', 'index.d.cts', 'index.d.mts', 'index.mjs', 'package.json'])
  })
})

test('the package depends on the library of each platform in its own version, and on nothing else', () => {
  inFolder((folder) => {
    writeMain(folder)
    const { version, dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync(join(folder, 'package.json')))
    assert.deepEqual(
      optionalDependencies,
      Object.fromEntries(PLATFORMS.map(({ name }) => [`@sipgate-oauth2/${name}`, version])),
    )
    assert.equal(dependencies, undefined)
    assert.equal(devDependencies, undefined)
  })
})

test('the package of a platform contains its library and the licences, and nothing else', () => {
  inFolder((folder) => {
    writeFileSync(join(folder, 'built'), 'a library')
    const { name } = thisPlatform()
    const files = packed([name, join(folder, 'built'), folder])
    assert.deepEqual(files, ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json', `sipgate-oauth2.${name}.node`])
  })
})

test('npm installs the package of a platform there only', () => {
  for (const platform of PLATFORMS) {
    inFolder((folder) => {
      writeFileSync(join(folder, 'built'), 'a library')
      writePlatform(folder, platform, join(folder, 'built'))
      const { name, version, main, os, cpu, libc } = JSON.parse(readFileSync(join(folder, 'package.json')))
      assert.deepEqual([name, version], [`@sipgate-oauth2/${platform.name}`, imported.VERSION])
      assert.deepEqual([os, cpu, libc], [[platform.os], [platform.cpu], platform.libc && [platform.libc]])
      assert.equal(readFileSync(join(folder, main), 'utf8'), 'a library')
    })
  }
})

test('the loader has a literal name for each platform', () => {
  inFolder((folder) => {
    writeMain(folder)
    for (const name of ['index.cjs', 'bin/sipgate-oauth2.cjs']) {
      const literals = [...readFileSync(join(folder, name), 'utf8').matchAll(/require\("@sipgate-oauth2\/([\w-]+)"\)/g)]
      assert.deepEqual(
        literals.map(([, platform]) => platform),
        PLATFORMS.map((platform) => platform.name),
      )
    }
  })
})

test('what is packed has the exports of the checkout, under their names', () => {
  inFolder((folder) => {
    writeMain(folder)
    writePlatform(platformFolder(join(folder, 'node_modules'), thisPlatform()), thisPlatform(), addon)
    const packedExports = createRequire(join(folder, 'x.cjs'))('./index.cjs')
    assert.deepEqual(Object.keys(packedExports), Object.keys(required))
    for (const [name, value] of Object.entries(required)) assert.equal(packedExports[name].name, value.name)
  })
})

test('each platform loads its own package, and none other', () => {
  for (const platform of PLATFORMS) {
    assert.equal(loadedOn(platform, PLATFORMS), platform.name)
    const others = PLATFORMS.filter((other) => other !== platform)
    assert.match(loadedOn(platform, others), new RegExp(`cannot find its native library, which is in the package @sipgate-oauth2/${platform.name}\\.`))
  }
  assert.match(loadedOn({ os: 'freebsd', cpu: 'x64' }, PLATFORMS), /no native library for freebsd-x64/)
})

test('a Node.js whose start names no linker is asked for its C library', () => {
  const [gnu, musl] = [{ glibcVersionRuntime: '2.36' }, {}].map((header) => `{ getReport: () => ({ header: ${JSON.stringify(header)} }) }`)
  for (const [report, libc] of [[gnu, 'gnu'], [musl, 'musl'], ['undefined', 'gnu']]) {
    assert.equal(loadedOn({ os: 'linux', cpu: 'arm64', linker: 'none', report }, PLATFORMS), `linux-arm64-${libc}`)
  }
})

test('without a library the error says what to do, and keeps its cause', () => {
  inFolder((folder) => {
    writeMain(folder)
    assert.throws(
      () => createRequire(join(folder, 'x.cjs'))('./index.cjs'),
      (error) => /bundler.*external.*another platform.*--omit=optional/.test(error.message) && error.cause.code === 'MODULE_NOT_FOUND',
    )
  })
})

test('a library that cannot be loaded is named with the reason', () => {
  inFolder((folder) => {
    writeMain(folder)
    writeFileSync(join(folder, 'built'), 'no library')
    writePlatform(platformFolder(join(folder, 'node_modules'), thisPlatform()), thisPlatform(), join(folder, 'built'))
    assert.throws(
      () => createRequire(join(folder, 'x.cjs'))('./index.cjs'),
      (error) =>
        [thisPlatform().name, error.cause.message, 'Install it again'].every((part) => error.message.includes(part)) &&
        error.cause.code === 'ERR_DLOPEN_FAILED',
    )
  })
})

function inFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'sipgate-oauth2-'))
  try {
    use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The files of the tarball that pack.mjs writes. */
function packed(args) {
  const tarball = execFileSync(process.execPath, [join(here, 'pack.mjs'), ...args], { encoding: 'utf8' }).trim()
  const listed = execFileSync('tar', ['tzf', tarball], { cwd: args.at(-1), encoding: 'utf8' }).trim().split('\n')
  return listed.map((path) => path.replace('package/', '')).toSorted()
}

/** What a process of a platform loads if it has packages for others, each with its name in place of a library. */
function loadedOn({ os, cpu, libc, linker = libc === 'musl' ? '/lib/ld-musl-x.so.1' : '/lib64/ld-linux-x.so.2', report = 'process.report' }, installed) {
  let outcome
  inFolder((folder) => {
    for (const { name } of installed) {
      const other = platformFolder(join(folder, 'node_modules'), { name })
      mkdirSync(other, { recursive: true })
      writeFileSync(join(other, 'index.js'), `module.exports = ${JSON.stringify(name)}`)
    }
    cpSync(join(here, 'lib', 'addon.cjs'), join(folder, 'addon.cjs'))
    // As a program that is linked on such a platform begins.
    writeFileSync(join(folder, 'node'), `\x7fELF${'\0'.repeat(700)}${linker}\0`)
    const program = `
      const pretended = ${JSON.stringify({ platform: os, arch: cpu, execPath: join(folder, 'node') })}
      pretended.report = ${report}
      for (const [name, value] of Object.entries(pretended)) Object.defineProperty(process, name, { value })
      try {
        console.log(require('./addon.cjs'))
      } catch (error) {
        console.log(error.message)
      }`
    outcome = execFileSync(process.execPath, ['--eval', program], { cwd: folder, encoding: 'utf8' }).trim()
  })
  return outcome
}
