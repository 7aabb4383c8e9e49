// Writes a tarball as npm publishes it, into the folder OUT:
//
//   node pack.mjs main OUT
//   node pack.mjs here PROFILE OUT
//   node pack.mjs PLATFORM LIBRARY OUT [NOTICES]
//
// `here` is the platform that runs this, with what cargo built in `debug` or `release`. For another
// PLATFORM of packages.mjs, LIBRARY is the file that cargo built. NOTICES is a folder whose files the
// package contains as well: the licences of what is linked into the library.

import { PLATFORMS, built, pack, thisPlatform, writeMain, writePlatform } from './packages.mjs'

const USAGE = `usage: node pack.mjs main OUT
       node pack.mjs here PROFILE OUT
       node pack.mjs PLATFORM LIBRARY OUT [NOTICES]
PLATFORM is one of: ${PLATFORMS.map(({ name }) => name).join(', ')}`

const [what, ...rest] = process.argv.slice(2)
const platform = PLATFORMS.find(({ name }) => name === what)
if (what === 'main' && rest.length === 1) {
  pack(rest[0], writeMain)
} else if (what === 'here' && rest.length === 2) {
  pack(rest[1], (folder) => writePlatform(folder, thisPlatform(), built(rest[0])))
} else if (platform !== undefined && (rest.length === 2 || rest.length === 3)) {
  const [library, out, notices] = rest
  pack(out, (folder) => writePlatform(folder, platform, library, notices))
} else {
  console.error(USAGE)
  process.exitCode = 2
}
