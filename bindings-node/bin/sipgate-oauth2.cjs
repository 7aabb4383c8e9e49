#!/usr/bin/env node
'use strict'

const { guarded, native } = require('../lib/native.cjs')

process.exitCode = guarded('the command line', () => native.runCommandLine(process.argv.slice(1)))
