// Prints the public names of the Node package as JSON: those that TypeScript's checker reads in its
// declarations, and those of the loaded module. Both lists have the same form. The argument is the
// package's folder.
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

const OF_VALUES = SymbolFlags.Class | SymbolFlags.Function | SymbolFlags.Variable | SymbolFlags.ValueModule

/** `Class.member`, `Interface.member` and `Alias='word'` for each exported declaration. */
function declared() {
  const api = new API({ cwd: folder })
  try {
    const declarations = path.join(folder, 'index.d.cts')
    const { checker, program } = api.updateSnapshot({ openFiles: [declarations] }).getDefaultProjectForFile(declarations)
    const module = checker.getSymbolAtLocation(program.getSourceFile(declarations))
    const names = { types: [], values: [] }
    for (const symbol of checker.getExportsOfModule(module)) {
      const list = symbol.flags & OF_VALUES ? names.values : names.types
      // A value and an interface may have one name.
      const ofObjects = symbol.flags & SymbolFlags.Interface ? names.types : list
      list.push(symbol.name)
      ofObjects.push(...membersOf(symbol.name, symbol.getMembers().keys()))
      list.push(...membersOf(symbol.name, symbol.getExports().keys()))
      if (symbol.flags & SymbolFlags.TypeAlias) list.push(...words(checker, symbol.name, checker.getDeclaredTypeOfSymbol(symbol)))
    }
    return names
  } finally {
    api.close()
  }
}

function membersOf(name, members) {
  return [...members].filter(isMember).map((member) => `${name}.${member}`)
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

/** The fields that an error has and JavaScript's own errors do not. */
function fieldsOfError(type) {
  if (Object.getPrototypeOf(type) !== Error) return []
  return Object.getOwnPropertyNames(new type('')).filter((name) => !['message', 'stack'].includes(name))
}

/** `Class.member`, static or not, for each export of the loaded module. */
function loaded() {
  const names = []
  for (const [name, value] of Object.entries(require(folder))) {
    names.push(name)
    if (typeof value === 'object' && !Array.isArray(value)) names.push(...membersOf(name, Object.keys(value)))
    if (typeof value !== 'function' || !value.prototype) continue
    // `name` of a class is that of its function, and `name` of an error is JavaScript's own.
    const statics = Object.getOwnPropertyNames(value).filter((member) => member !== 'length')
    const members = [...statics, ...Object.getOwnPropertyNames(value.prototype), ...fieldsOfError(value)]
    names.push(...membersOf(name, members))
  }
  return names
}

console.log(JSON.stringify({ ...declared(), loaded: loaded() }))
