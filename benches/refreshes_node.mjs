// Refreshes over TLS for benches/refreshes.py, as benches/rust/src/bin/refreshes.rs says.

import { createInterface } from 'node:readline'

import { Client } from '../bindings-node/index.mjs'

const client = Client.fromEnv()
const token = process.env.REFRESH_TOKEN

async function refresh(times) {
  for (let made = 0; made < times; made += 1) await client.refresh(token)
}

for await (const line of createInterface({ input: process.stdin })) {
  const [callers, refreshes] = line.split(' ').map(Number)
  const started = process.cpuUsage()
  await Promise.all(Array.from({ length: callers }, () => refresh(refreshes / callers)))
  const { user, system } = process.cpuUsage(started)
  console.log((user + system) / 1e6)
}
