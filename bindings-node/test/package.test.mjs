import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import * as imported from 'sipgate-oauth2'

const required = createRequire(import.meta.url)('sipgate-oauth2')
const folder = fileURLToPath(new URL('..', import.meta.url))
const read = (name) => readFileSync(join(folder, name), 'utf8')
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

test('the package contains the library of this platform, the facade and its types, and nothing else', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: folder, encoding: 'utf8' }))
  const paths = files.map(({ path }) => path)
  assert.equal(paths.filter((path) => /^sipgate-oauth2\.[\w-]+\.node$/.test(path)).length, 1)
  const rest = paths.filter((path) => !/^(?:sipgate-oauth2\.[\w-]+\.node|lib\/\w+\.cjs|package\.json|README\.md|LICENSE.*)$/.test(path))
  assert.deepEqual(rest.toSorted(), ['index.cjs', 'index.d.cts', 'index.d.mts', 'index.mjs'])
})

test('without a library for this platform the error says what to do', () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'sipgate-oauth2-'))
  try {
    for (const name of ['index.cjs', 'lib', 'package.json']) cpSync(join(folder, name), join(elsewhere, name), { recursive: true })
    assert.throws(() => createRequire(join(elsewhere, 'x.cjs'))('./index.cjs'), /no native library .*install the package again/)
  } finally {
    rmSync(elsewhere, { recursive: true })
  }
})
