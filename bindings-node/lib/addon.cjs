'use strict'

// The native library: the main file of the npm package for this platform. Node finds it as it finds
// any dependency. This package has no environment variable for it and looks in no other place:
// nobody else may decide what a process loads.

const { closeSync, openSync, readSync } = require('node:fs')

const ENOUGH_OF_A_PROGRAM = 4096

/** The platform as in the names of the packages, such as `linux-x64-gnu`. */
function platformName() {
  const { arch, platform } = process
  return platform === 'linux' ? `linux-${arch}-${libc()}` : `${platform}-${arch}`
}

/**
 * A program names its dynamic linker near its start: `/lib/ld-musl-x86_64.so.1`. In one that was
 * patched after linking, the name is elsewhere; then `process.report` knows, and takes ten
 * milliseconds.
 */
function libc() {
  const start = Buffer.alloc(ENOUGH_OF_A_PROGRAM)
  try {
    const program = openSync(process.execPath, 'r')
    try {
      readSync(program, start)
    } finally {
      closeSync(program)
    }
  } catch {
    // As if it named no linker.
  }
  if (start.includes('/ld-musl-')) return 'musl'
  if (start.includes('/ld-linux-')) return 'gnu'
  return reportedLibc()
}

function reportedLibc() {
  const { report } = process
  // Most systems have glibc. On another, the error names the package that was looked for.
  if (report === undefined) return 'gnu'
  const { excludeNetwork } = report
  // Else it looks up the names of all peers.
  report.excludeNetwork = true
  try {
    return report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

// Bundlers and file tracers find the packages by these literals. A bundler accepts a package that is
// not installed only if its `require` is within a `try`.
function load(platform) {
  try {
    switch (platform) {
      case 'linux-x64-gnu':
        return require('@sipgate-oauth2/linux-x64-gnu')
      case 'linux-arm64-gnu':
        return require('@sipgate-oauth2/linux-arm64-gnu')
      case 'linux-x64-musl':
        return require('@sipgate-oauth2/linux-x64-musl')
      case 'linux-arm64-musl':
        return require('@sipgate-oauth2/linux-arm64-musl')
      case 'win32-x64':
        return require('@sipgate-oauth2/win32-x64')
      case 'darwin-arm64':
        return require('@sipgate-oauth2/darwin-arm64')
      case 'darwin-x64':
        return require('@sipgate-oauth2/darwin-x64')
    }
  } catch (cause) {
    throw new Error(problem(`@sipgate-oauth2/${platform}`, cause), { cause })
  }
  throw new Error(`sipgate-oauth2 has no native library for ${platform}; its README lists the platforms that have one`)
}

function problem(name, cause) {
  if (cause.code !== 'MODULE_NOT_FOUND') {
    return (
      `sipgate-oauth2 cannot load its native library from the package ${name}: ${cause.message}. ` +
      'Install it again on this platform; on Linux, it needs glibc 2.17 or musl 1.2'
    )
  }
  return (
    `sipgate-oauth2 cannot find its native library, which is in the package ${name}. ` +
    'If you use a bundler, mark sipgate-oauth2 as external, or let the bundler copy .node files: docs/bundlers.md in its repository shows how. ' +
    'Otherwise node_modules is from another platform, or was installed with --omit=optional: install it again on this platform'
  )
}

module.exports = load(platformName())
