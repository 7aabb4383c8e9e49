#!/usr/bin/env node
'use strict'

const { spawn } = require('node:child_process')
const { constants } = require('node:os')

const { program } = require('./program.cjs')

const child = spawn(program(), process.argv.slice(2), { stdio: 'inherit' })
// A terminal sends Ctrl-C to the child as well; this process waits for what it makes of it.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
})
