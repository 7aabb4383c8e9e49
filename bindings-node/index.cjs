'use strict'

const { drainAtExit } = require('./lib/at_exit.cjs')
const { Client, ServerMetadata } = require('./lib/client.cjs')
const { ERROR_CODES, classes, native } = require('./lib/native.cjs')
const { AuthorizationRequest, TokenSet } = require('./lib/objects.cjs')
const { TokenSource } = require('./lib/source.cjs')
const { Store, checkStore } = require('./lib/store.cjs')

drainAtExit()

module.exports = {
  AuthorizationRequest,
  Client,
  ERROR_CODES,
  ServerMetadata,
  Store,
  TokenSet,
  TokenSource,
  VERSION: native.version(),
  checkStore,
  ...classes,
}
