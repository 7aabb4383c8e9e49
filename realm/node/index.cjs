'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const http = require('node:http')
const { createInterface } = require('node:readline')

const { program: programOfThisPlatform } = require('./lib/program.cjs')

const SECONDS = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 }

class RealmError extends Error {
  name = 'RealmError'
}

class Realm {
  #child
  #ready
  #stopped
  // One connection: a fault of the next connection is meant for the application.
  #agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

  constructor(child, ready) {
    this.#child = child
    this.#ready = ready
  }

  get environment() {
    return { ...this.#ready.environment }
  }

  get issuer() {
    return this.#ready.environment.SIPGATE_ISSUER
  }

  get clientId() {
    return this.#ready.environment.SIPGATE_CLIENT_ID
  }

  get clientSecret() {
    return this.#ready.environment.SIPGATE_CLIENT_SECRET
  }

  get redirectUri() {
    return this.#ready.environment.SIPGATE_REDIRECT_URI
  }

  get clientOptions() {
    const { issuer, clientId, clientSecret, redirectUri } = this
    const [base, realm] = issuer.split('/realms/')
    return { base, realm, clientId, clientSecret, redirectUri }
  }

  get clients() {
    return structuredClone(this.#ready.clients)
  }

  get url() {
    return this.#ready.http
  }

  get apiUrl() {
    return `${this.url}/v2/balance`
  }

  get httpsUrl() {
    return this.#ready.https
  }

  get caPem() {
    return this.#ready.ca_pem
  }

  async login(authorizationUrl, options = {}) {
    const { username = 'anna', password = `${username}-pw`, browser, consent = true } = options
    const { callback, form } = await this.order('login', { authorization_url: authorizationUrl, username, password, browser, consent })
    return form ?? callback
  }

  async logout(logoutUrl, { browser } = {}) {
    const { callback } = await this.order('logout', { logout_url: logoutUrl, browser })
    return callback ?? undefined
  }

  async fault(on, kind, details = {}) {
    await this.order('faults', { ...details, on, kind })
  }

  async alter(on, change) {
    await this.order('faults', { ...change, on })
  }

  async settings(changes) {
    await this.order('settings', changes)
  }

  async advance(time) {
    let seconds = 0
    for (const [unit, count] of Object.entries(time)) {
      if (!(unit in SECONDS)) throw new RealmError(`advance: there is no ${unit}; there are ${Object.keys(SECONDS).join(', ')}`)
      seconds += count * SECONDS[unit]
    }
    await this.order('advance', { seconds: Math.round(seconds) })
  }

  async endSessions(user) {
    await this.order('end_sessions', { user })
  }

  async withdrawConsent(user, clientId) {
    await this.order('withdraw_consent', { user, client: clientId })
  }

  async rotateKeys({ removeOld = false } = {}) {
    await this.order('rotate_keys', { remove_old: removeOld })
  }

  async logoutToken({ user = 'anna', sid, ...change } = {}) {
    const { logout_token: token } = await this.order('logout_token', { client: this.clientId, user, sid, ...change })
    return token
  }

  requests(on = 'any') {
    return this.order('requests', { on })
  }

  counters() {
    return this.order('counters', {})
  }

  async reset() {
    await this.order('reset', {})
  }

  stop() {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  [Symbol.asyncDispose]() {
    return this.stop()
  }

  async #end() {
    this.#agent.destroy()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.ref()
    this.#child.stdin.end()
    await ended
  }

  order(name, order) {
    const body = JSON.stringify(order)
    return new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
      const request = http.request(`${this.url}/_realm/${name}`, { method: 'POST', headers, agent: this.#agent }, (response) => {
        const parts = []
        response.on('data', (part) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(parts).toString()
          if (response.statusCode === 404) return reject(new RealmError(`${name}: the realm has no such order`))
          const said = JSON.parse(text)
          if (response.statusCode === 200) resolve(said)
          else reject(new RealmError(`${name}: ${said.error}`))
        })
      })
      request.on('error', (cause) => reject(new RealmError(`the realm does not respond: ${cause.message}`, { cause })))
      request.end(body)
    })
  }
}

async function startRealm({ redirectUri, program = programOfThisPlatform() } = {}) {
  const child = spawn(program, redirectUri === undefined ? [] : ['--redirect-uri', redirectUri], { stdio: ['pipe', 'pipe', 'inherit'] })
  const failed = once(child, 'exit').then(
    ([code, signal]) => {
      throw new RealmError(`${program} ended at its start, with ${signal ?? `status ${code}`}`)
    },
    (cause) => {
      throw new RealmError(`${program} cannot be started: ${cause.message}`, { cause })
    },
  )
  const ready = once(createInterface({ input: child.stdout }), 'line')
  const [line] = await Promise.race([ready, failed])
  failed.catch(() => {})
  // Who forgets to stop a realm does not wait for it: it ends with this process.
  child.unref()
  child.stdin.unref()
  child.stdout.unref()
  return new Realm(child, JSON.parse(line))
}

module.exports = { RealmError, startRealm }
