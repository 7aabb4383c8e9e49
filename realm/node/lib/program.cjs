'use strict'

// The program of this platform, which is a package of its own.

const { platform, arch } = process

function target() {
  if (platform !== 'linux') return `${platform}-${arch}`
  const { glibcVersionRuntime } = process.report.getReport().header
  return `linux-${arch}-${glibcVersionRuntime ? 'gnu' : 'musl'}`
}

exports.program = function program() {
  const name = `@sipgate-oauth2/realm-${target()}`
  try {
    return require.resolve(`${name}/sipgate-oauth2-realm${platform === 'win32' ? '.exe' : ''}`)
  } catch (cause) {
    throw new Error(
      `${name} is not installed; install sipgate-oauth2-realm on this machine, without --omit=optional, or name a program: startRealm({ program })`,
      { cause },
    )
  }
}
