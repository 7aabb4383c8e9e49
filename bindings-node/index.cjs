'use strict'

const { Client } = require('./lib/client.cjs')
const { classes, native } = require('./lib/native.cjs')
const { AuthorizationRequest, TokenSet } = require('./lib/objects.cjs')

module.exports = {
  AuthorizationRequest,
  Client,
  ERROR_CODES: Object.freeze(native.errorCodes().map(Object.freeze)),
  TokenSet,
  VERSION: native.version(),
  ...classes,
}
