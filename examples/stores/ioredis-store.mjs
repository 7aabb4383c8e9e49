// A custom store: logins in Redis or Valkey through ioredis.
//
//     const client = Client.sipgate({ …, store: new Store(new IoredisStore('rediss://app@cache:6379')) })
//
// A refresh token that the server forgets ends the login. So the server needs `appendonly yes`,
// `appendfsync always` and `maxmemory-policy noeviction`.

import { Redis } from 'ioredis'

// One step in the server. A swap that is sent again after its reply was lost is no conflict.
const SWAP = `
local there = redis.call('HGET', KEYS[1], 'version') or ''
if there == ARGV[2] then return 1 end
if there ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'data', ARGV[3], 'expires_at', ARGV[4])
if ARGV[4] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('EXPIREAT', KEYS[1], ARGV[4]) end
return 1`
const NEEDED = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' }

export class IoredisStore {
  #redis
  #prefix
  #looked

  constructor(url, prefix = 'logins:') {
    this.#redis = new Redis(url, { lazyConnect: true, connectTimeout: 5000, commandTimeout: 5000, maxRetriesPerRequest: 1 })
    // Each call that fails reports its error; without a listener, ioredis prints them as well.
    this.#redis.on('error', () => {})
    this.#prefix = prefix
  }

  async load(key) {
    await this.#look()
    const [version, data, expiresAt] = await this.#redis.hmgetBuffer(this.#prefix + key, 'version', 'data', 'expires_at')
    if (version === null) return undefined
    return { version: version.toString(), data, expiresAt: expiresAt.length === 0 ? null : Number(expiresAt) }
  }

  async save(key, expected, version, data, expiresAt) {
    await this.#look()
    return (await this.#redis.eval(SWAP, 1, this.#prefix + key, expected ?? '', version, data, expiresAt ?? '')) === 1
  }

  close() {
    this.#redis.disconnect()
  }

  /** Fails unless the server keeps what it is given. */
  async #look() {
    if (this.#looked) return
    const wrong = []
    for (const [name, needed] of Object.entries(NEEDED)) {
      const [, value] = await this.#redis.config('GET', name)
      if (value !== needed) wrong.push(name)
    }
    if (wrong.length > 0) throw new Error(`the server may lose logins; set ${wrong.join(', ')}`)
    this.#looked = true
  }
}
