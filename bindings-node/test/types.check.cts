// Checked by tsc, never run: the types as a CommonJS program sees them.

import sipgate = require('sipgate-oauth2')

const client: sipgate.Client = sipgate.Client.fromEnv()
const code: sipgate.ErrorCode = 'SIPGATE_TIMEOUT'
const known: boolean = client instanceof sipgate.Client
const family: boolean = new Error(code) instanceof sipgate.TemporaryError

module.exports = { client, code, known, family }
