// A custom store: logins in PostgreSQL through `pg`.
//
//     const client = Client.sipgate({ …, store: new Store(new PgStore('postgres://app@db/app')) })
//
// Each statement commits by itself, on a connection of the store's own pool: never in the
// transaction of a request. `synchronous_commit` must be on for the role, as it is by default. `pg`
// gives statements no names, so pgbouncer may stand between. Once expired, entries may be deleted:
// `DELETE FROM logins WHERE expires_at < extract(epoch FROM now())`.

import pg from 'pg'

// The lock lets one of several processes create the table.
const TABLE = `
  SELECT pg_advisory_xact_lock(hashtext('sipgate-oauth2 logins'));
  CREATE TABLE IF NOT EXISTS logins (
    key text COLLATE "C" PRIMARY KEY, version text NOT NULL, data bytea NOT NULL, expires_at bigint)`
const LOAD = 'SELECT version, data, expires_at::float8 AS "expiresAt" FROM logins WHERE key = $1'
const INSERT = 'INSERT INTO logins (key, version, data, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING'
const UPDATE = 'UPDATE logins SET version = $2, data = $3, expires_at = $4 WHERE key = $1 AND version = $5'
const KEYS = 'SELECT key FROM logins WHERE key > $1 ORDER BY key LIMIT $2'

export class PgStore {
  #pool
  #table

  constructor(url) {
    this.#pool = new pg.Pool({ connectionString: url, max: 4, allowExitOnIdle: true, connectionTimeoutMillis: 5000, query_timeout: 5000 })
    // An idle connection that breaks is replaced when it is needed; without a listener, Node exits.
    this.#pool.on('error', () => {})
  }

  async load(key) {
    const { rows } = await this.#query(LOAD, [key])
    return rows[0]
  }

  async save(key, expected, version, data, expiresAt) {
    const row = [key, version, data, expiresAt]
    const { rowCount } = await (expected === null ? this.#query(INSERT, row) : this.#query(UPDATE, [...row, expected]))
    return rowCount === 1
  }

  async keys(after, limit) {
    const { rows } = await this.#query(KEYS, [after ?? '', limit])
    return rows.map(({ key }) => key)
  }

  close() {
    return this.#pool.end()
  }

  async #query(text, values) {
    this.#table ??= this.#pool.query(TABLE)
    try {
      await this.#table
    } catch (error) {
      this.#table = undefined
      throw error
    }
    return this.#pool.query(text, values)
  }
}
