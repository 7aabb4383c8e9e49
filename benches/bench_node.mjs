// The library compared with the shortest hand-written code, in one run. Read the ratios; the
// figures depend on the machine.
//
//   node benches/bench_node.mjs <address of a local realm, such as http://127.0.0.1:8080>
//
// The package must be staged with the release build.

import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { Client, Store, TokenSet } from '../bindings-node/index.mjs'

/** As it is packed. */
const PACKAGE = new URL('../target/node/node_modules/sipgate-oauth2/', import.meta.url)
const REDIRECT_URI = 'http://127.0.0.1:53682/callback'
const SCOPE = 'openid balance:read'

const origin = process.argv[2]
if (origin === undefined) {
  console.error('usage: node benches/bench_node.mjs <address of a local realm>')
  process.exit(2)
}
const clientId = '1000001-0-test:third-party'
const clientSecret = 'test-secret-with-+-and-:'
const client = Client.keycloak({
  base: `${origin}/auth`,
  realm: 'third-party',
  clientId,
  clientSecret,
  redirectUri: REDIRECT_URI,
  // Reload nothing during the run, because a peek does not read the store.
  store: Store.memory({ recheck: 3600 }),
})
const authorizationEndpoint = client.tokenEndpoint.replace(/token$/, 'auth')

function urlByHand() {
  const [state, nonce, verifier] = [0, 0, 0].map(() => randomBytes(32).toString('base64url'))
  const parameters = new URLSearchParams({
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    response_type: 'code',
    state,
    nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  return `${authorizationEndpoint}?${parameters}`
}

function tokensByHand(json) {
  const tokens = JSON.parse(json)
  return { ...tokens, expires_at: Math.floor(Date.now() / 1000) + tokens.expires_in }
}

async function refreshByHand(refreshToken) {
  const response = await fetch(client.tokenEndpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: clientId,
      client_secret: clientSecret,
    }),
  })
  return tokensByHand(await response.text())
}

class SourceByHand {
  #accessToken
  #expiresAt

  constructor(accessToken, expiresAt) {
    this.#accessToken = accessToken
    this.#expiresAt = expiresAt
  }

  get accessToken() {
    return Date.now() < this.#expiresAt - 30_000 ? this.#accessToken : undefined
  }
}

const rows = []

async function main() {
  const login = await client.exchangeCallback(...(await logIn()))
  const { refreshToken } = login
  const { scope, ...members } = JSON.parse(login.export())
  const response = JSON.stringify({ ...members, expires_in: 300, refresh_expires_in: 2592000, session_state: randomBytes(16).toString('hex'), scope })

  const url = await compare(2000, 50, () => client.authorizationRequest(SCOPE).url, urlByHand)
  row('authorization URL', 'µs', url.wall, '≥ 2.5 × as fast', 1 / url.wall.ratio)

  const object = await compare(
    2000,
    50,
    () => {
      const tokens = TokenSet.restore(response)
      return [tokens.accessToken, tokens.expiresAt]
    },
    () => {
      const tokens = tokensByHand(response)
      return [tokens.access_token, tokens.expires_at]
    },
  )
  row('token JSON to object', 'µs', object.wall, '≥ 1 × as fast', 1 / object.wall.ratio)

  const source = await client.completeLogin(...(await logIn()), { account: 'user-42' })
  const byHand = new SourceByHand(await source.accessToken(), Date.now() + 300_000)
  const token = await compare(1500, 4000, () => source.peek(), () => byHand.accessToken)
  if (source.peek() === undefined || byHand.accessToken === undefined) throw new Error('the token should outlive the measuring')
  const { ours: peek, byHand: getter, ratio } = token.wall
  row('token from memory', 'ns', { ours: peek * 1000, byHand: getter * 1000 }, '≤ 3 × the time', ratio)

  const refresh = await compare(50, 10, () => client.refresh(refreshToken), () => refreshByHand(refreshToken))
  row('refresh, CPU', 'µs', refresh.cpu, '≤ 0.1 × the CPU', refresh.cpu.ratio)
  row('refresh, wall', 'µs', refresh.wall, '', refresh.wall.ratio)

  startTime('require, above bare node', [], `require(${JSON.stringify(fileURLToPath(PACKAGE))})`, '')
  startTime('import, above an empty module', ['--input-type=module'], importing(new URL('index.mjs', PACKAGE)), importing(emptyModule()))

  print(rows)
}

async function logIn() {
  const request = client.authorizationRequest('balance:read')
  const response = await fetch(`${origin}/_realm/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ authorization_url: request.url, username: 'anna', password: 'anna-pw' }),
  })
  const { callback } = await response.json()
  return [request, callback]
}

/**
 * The two take turns in short slices, and each figure, including the ratio, is the median of all
 * turns, so that other load on the machine affects both, or only a few turns. In µs per call.
 */
async function compare(turns, calls, ours, byHand) {
  const taken = []
  for (let turn = 0; turn < turns; turn++) taken.push([await measure(calls, ours), await measure(calls, byHand)])
  const figures = (kind) => ({
    ours: median(taken.map(([our]) => our[kind])),
    byHand: median(taken.map(([, their]) => their[kind])),
    ratio: median(taken.map(([our, their]) => our[kind] / their[kind])),
  })
  return { wall: figures('wall'), cpu: figures('cpu') }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

async function measure(calls, code) {
  const cpu = process.cpuUsage()
  const started = process.hrtime.bigint()
  let result
  for (let call = 0; call < calls; call++) {
    result = code()
    if (result instanceof Promise) await result
  }
  const wall = Number(process.hrtime.bigint() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { wall: wall / calls, cpu: (user + system) / calls }
}

function importing(module) {
  return `import ${JSON.stringify(module)}`
}

/**
 * The first import of any file starts Node's own module loader. That is not time of the package.
 */
function emptyModule() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-node-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  const path = join(folder, 'empty.mjs')
  writeFileSync(path, 'export {}')
  return pathToFileURL(path)
}

/** The additional milliseconds of a process that loads the package: the median of pairs. */
function startTime(name, options, program, bareProgram) {
  const spawned = (source) => {
    const started = process.hrtime.bigint()
    spawnSync(process.execPath, [...options, '--eval', source], { stdio: 'inherit' })
    return Number(process.hrtime.bigint() - started) / 1e6
  }
  const pairs = Array.from({ length: 21 }, () => [spawned(program), spawned(bareProgram)]).toSorted((a, b) => a[0] - a[1] - (b[0] - b[1]))
  const [ours, bare] = pairs[pairs.length >> 1]
  rows.push([name, `${ours.toFixed(1)} ms`, `${bare.toFixed(1)} ms`, `+${(ours - bare).toFixed(1)} ms`, '≤ 5 ms'])
}

function row(name, unit, { ours, byHand }, target, ratio) {
  rows.push([name, `${ours.toFixed(1)} ${unit}`, `${byHand.toFixed(1)} ${unit}`, `${ratio.toFixed(2)} ×`, target])
}

function print(lines) {
  const table = [['name', 'ours', 'by hand', 'ratio', 'target'], ...lines]
  const widths = table[0].map((_, column) => Math.max(...table.map((cells) => cells[column].length)))
  for (const cells of table) console.log(cells.map((cell, column) => cell.padEnd(widths[column] + 2)).join('').trimEnd())
}

await main()
