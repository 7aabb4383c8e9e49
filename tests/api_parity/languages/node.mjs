// Prints the surface of the Node package as JSON: what TypeScript's own checker reads in its declarations, and what the loaded
// module has. Both lists have the same form, so that they can be compared. Takes the package's folder.
import { createRequire } from 'node:module'
import path from 'node:path'
import process from 'node:process'

const folder = path.resolve(process.argv[2])
const require = createRequire(path.join(folder, 'package.json'))
const { API, SymbolFlags } = await import(
  createRequire(new URL('../../../bindings-node/package.json', import.meta.url)).resolve('typescript/unstable/sync')
)

function isMember(name) {
  return !['constructor', 'name', 'prototype'].includes(name) && !name.startsWith('__')
}

/** `Class.member`, `Interface.member`, `Alias='word'`, for all that the declarations export. */
function declared() {
  const api = new API({ cwd: folder })
  try {
    const declarations = path.join(folder, 'index.d.cts')
    const { checker, program } = api.updateSnapshot({ openFiles: [declarations] }).getDefaultProjectForFile(declarations)
    const module = checker.getSymbolAtLocation(program.getSourceFile(declarations))
    const names = { types: [], values: [] }
    for (const symbol of checker.getExportsOfModule(module)) {
      const list = symbol.flags & (SymbolFlags.Class | SymbolFlags.Function | SymbolFlags.Variable) ? names.values : names.types
      list.push(symbol.name)
      const members = [...symbol.getMembers().keys(), ...symbol.getExports().keys()].filter(isMember)
      list.push(...members.map((member) => `${symbol.name}.${member}`))
      if (symbol.flags & SymbolFlags.TypeAlias) list.push(...words(checker, symbol.name, checker.getDeclaredTypeOfSymbol(symbol)))
    }
    return names
  } finally {
    api.close()
  }
}

// The property of an event that says what happened.
const KIND = 'type'

/** `Alias='word'` for a union of words, `Alias='kind'.property` for a union of events. */
function words(checker, name, type) {
  return unionOf(type).flatMap((part) => {
    if (part.isStringLiteralType()) return [`${name}='${part.value}'`]
    const kind = checker.getPropertyOfType(part, KIND)
    if (kind === undefined) return []
    const properties = checker.getPropertiesOfType(part).filter((property) => property !== kind && property.name !== KIND)
    return unionOf(checker.getTypeOfSymbol(kind)).flatMap(({ value }) => [
      `${name}='${value}'`,
      ...properties.map((property) => `${name}='${value}'.${property.name}`)
    ])
  })
}

function unionOf(type) {
  return type.isUnionType() ? type.getTypes() : [type]
}

/** The names that each error has for itself, beside those that all errors of JavaScript have. */
function fieldsOfError(type) {
  if (Object.getPrototypeOf(type) !== Error) return []
  return Object.getOwnPropertyNames(new type('')).filter((name) => !['message', 'stack'].includes(name))
}

/** `Class.member`, static or not, for all that the loaded module exports. */
function loaded() {
  const names = []
  for (const [name, value] of Object.entries(require(folder))) {
    names.push(name)
    if (typeof value !== 'function' || !value.prototype) continue
    // `name` of a class is its function's, and `name` of an error is JavaScript's.
    const statics = Object.getOwnPropertyNames(value).filter((member) => member !== 'length')
    const members = [...statics, ...Object.getOwnPropertyNames(value.prototype), ...fieldsOfError(value)].filter(isMember)
    names.push(...members.map((member) => `${name}.${member}`))
  }
  return names
}

console.log(JSON.stringify({ ...declared(), loaded: loaded() }))
