'use strict'

const { drainAtExit } = require('./lib/at_exit.cjs')
const { Client, ServerMetadata } = require('./lib/client.cjs')
const { classes, native } = require('./lib/native.cjs')
const { AuthorizationRequest, TokenSet } = require('./lib/objects.cjs')
const { TokenSource } = require('./lib/source.cjs')
const { Store, checkStore } = require('./lib/store.cjs')

drainAtExit()

module.exports = {
  AuthorizationRequest,
  Client,
  ERROR_CODES: Object.freeze(native.errorCodes().map(Object.freeze)),
  ServerMetadata,
  Store,
  TokenSet,
  TokenSource,
  VERSION: native.version(),
  checkStore,
  ...classes,
}
