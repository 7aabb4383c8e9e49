/** Logs in, refreshes, releases everything, and waits to be inspected. */

import { createInterface } from 'node:readline/promises';
import { stdin } from 'node:process';
import { setTimeout } from 'node:timers/promises';

import { Client, Store } from '../../bindings-node/index.mjs';

globalThis.marker = Buffer.from('a marker of the program');
const lines = createInterface({ input: stdin })[Symbol.asyncIterator]();

async function main() {
  const base = process.env.BASE;
  const store = process.env.STORE ? Store.sqlite(process.env.STORE) : Store.memory();
  const client = new Client({
    metadata: {
      issuer: base,
      authorization_endpoint: `${base}/auth`,
      token_endpoint: `${base}/token`,
    },
    clientId: 'a-client',
    redirectUri: 'http://127.0.0.1/callback',
    store,
  });
  const request = client.authorizationRequest('balance:read');
  console.log(request.url);
  const { value } = await lines.next();
  const source = await client.completeLogin(request, value, { account: 'user-42' });
  source.invalidate(await source.accessToken());
  await source.accessToken();
}

await main();
for (let round = 0; round < 10; round += 1) {
  globalThis.gc();
  await setTimeout(10);
}
console.log('freed');
await lines.next();
