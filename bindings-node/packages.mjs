// The npm packages that one installation consists of: `sipgate-oauth2`, which is JavaScript only,
// and one package for each platform, which contains the native library. npm installs the one whose
// `os`, `cpu` and `libc` fit.

import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { buildSync } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const root = dirname(here)
const checkout = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
const licences = readdirSync(root).filter((name) => name.startsWith('LICENSE-'))

/** The only list of platforms. A test compares what is packed with it. */
export const PLATFORMS = [
  { name: 'linux-x64-gnu', os: 'linux', cpu: 'x64', libc: 'glibc' },
  { name: 'linux-arm64-gnu', os: 'linux', cpu: 'arm64', libc: 'glibc' },
  { name: 'linux-x64-musl', os: 'linux', cpu: 'x64', libc: 'musl' },
  { name: 'linux-arm64-musl', os: 'linux', cpu: 'arm64', libc: 'musl' },
  { name: 'win32-x64', os: 'win32', cpu: 'x64' },
  { name: 'darwin-arm64', os: 'darwin', cpu: 'arm64' },
  { name: 'darwin-x64', os: 'darwin', cpu: 'x64' },
]

const ONLY_IN_CHECKOUT = ['private', 'scripts', 'devDependencies']

const packageName = (platform) => `@sipgate-oauth2/${platform.name}`

/** The platform that runs this. */
export function thisPlatform() {
  const { platform, arch } = process
  const libc = platform !== 'linux' ? undefined : process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
  const found = PLATFORMS.find(({ os, cpu, libc: other }) => os === platform && cpu === arch && other === libc)
  if (found === undefined) throw new Error(`there is no package for ${platform}-${arch}`)
  return found
}

/** The library that cargo built for this platform in a profile, `debug` or `release`. */
export function built(profile) {
  const names = { linux: 'libsipgate_oauth2_node.so', darwin: 'libsipgate_oauth2_node.dylib', win32: 'sipgate_oauth2_node.dll' }
  return join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), profile, names[process.platform])
}

/** Writes the package without a native library into a folder. */
export function writeMain(folder) {
  const published = Object.fromEntries(Object.entries(checkout).filter(([key]) => !ONLY_IN_CHECKOUT.includes(key)))
  const optionalDependencies = Object.fromEntries(PLATFORMS.map((platform) => [packageName(platform), checkout.version]))
  writePackage(folder, { ...published, optionalDependencies })
  for (const name of [...checkout.files, 'README.md']) cpSync(join(here, name), join(folder, name), { recursive: true })
  bundle(folder)
}

/** Each entry point becomes one file. If a process loads ten files instead, it starts 2 to 3 ms later. */
function bundle(folder) {
  const entryPoints = [checkout.main, ...Object.values(checkout.bin)].map((name) => join(here, name))
  buildSync({
    entryPoints,
    outbase: here,
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    keepNames: true,
    platform: 'node',
    target: checkout.engines.node.replace('>=', 'node'),
    external: PLATFORMS.map(packageName),
    logLevel: 'warning',
  })
}

/**
 * Writes the package of a platform, with the library that cargo built for it, into a folder. `notices`
 * is the folder of what must be said about the code of others that is linked into the library.
 */
export function writePlatform(folder, platform, source, notices) {
  const { name, os, cpu, libc } = platform
  const library = `sipgate-oauth2.${name}.node`
  const { version, license, repository, engines } = checkout
  const noticed = notices === undefined ? [] : readdirSync(notices)
  writePackage(folder, {
    name: packageName(platform),
    version,
    description: `The native library of sipgate-oauth2 for ${name}`,
    license,
    repository,
    engines,
    type: 'commonjs',
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    main: library,
    files: [library, ...noticed],
    publishConfig: { access: 'public' },
  })
  writeFileSync(join(folder, 'README.md'), readme(platform))
  for (const file of noticed) copyFileSync(join(notices, file), join(folder, file))
  // Renamed into place, so that a process that has loaded the old one keeps it.
  copyFileSync(source, join(folder, `${library}.new`))
  renameSync(join(folder, `${library}.new`), join(folder, library))
}

/** The folder of a platform's package in a folder `node_modules`. */
export function platformFolder(modules, platform) {
  return join(modules, ...packageName(platform).split('/'))
}

/** Writes the description of a package, and our licences, into its folder. */
export function writePackage(folder, description) {
  mkdirSync(folder, { recursive: true })
  const complete = { ...description, files: [...description.files, ...licences] }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(complete, null, 2)}\n`)
  for (const name of licences) copyFileSync(join(root, name), join(folder, name))
}

/** Writes a tarball into a folder, as npm publishes it, of what `write` puts into an empty one. */
export function pack(out, write) {
  mkdirSync(out, { recursive: true })
  const folder = mkdtempSync(join(tmpdir(), 'sipgate-oauth2-'))
  try {
    write(folder)
    // On Windows, npm is a script, which only a shell runs.
    const shell = process.platform === 'win32'
    const { status } = spawnSync('npm', ['pack', '--silent', folder], { cwd: out, stdio: 'inherit', shell })
    process.exitCode = status ?? 1
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function readme(platform) {
  return `# ${packageName(platform)}

The native library of \`sipgate-oauth2\` for ${platform.name}. npm installs it with that package, which
is the one to depend on.
`
}
