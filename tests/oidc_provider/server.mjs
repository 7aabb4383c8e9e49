// A real third-party authorization server: oidc-provider with strict refresh token rotation and
// Keycloak's paths.
//
// When ready, it prints one line of JSON: { issuer, base, api }. Each line of JSON on stdin changes
// settings, or the registered metadata of `client`. The reply is { settings, seen }: the new
// settings and the token endpoint's counters. The server exits when stdin closes. On Node 20, the provider warns on stderr that it is
// made for 22, but it works.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { Provider } from 'oidc-provider';
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';

const MOUNT = '/auth/realms/strict';
const ENDPOINTS = '/protocol/openid-connect';
const SECRET = 'test-secret-with-+-and-:';
const DAY = 24 * 60 * 60;

const settings = {
  accessTokenSeconds: 300,
  refreshTokenSeconds: 14 * DAY,
  codeSeconds: 60,
  disabledUsers: [],
};
const ALGORITHMS = ['RS', 'PS', 'ES', 'HS'].flatMap((kind) => [256, 384, 512].map((bits) => `${kind}${bits}`));
const seen = { tokenRequests: 0, invalidGrant: 0 };

// The provider writes notices to stdout, which must contain only the lines for the parent process.
console.info = () => {};
console.warn = () => {};

function client(id, secret, authentication) {
  return {
    client_id: id,
    client_secret: secret,
    token_endpoint_auth_method: authentication,
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [
      'http://127.0.0.1:53682/callback',
      'http://127.0.0.1:53682/other',
      'http://127.0.0.1:9999/cb?x=1&y=%2F',
      'http://127.0.0.1:9999',
    ],
    post_logout_redirect_uris: ['http://127.0.0.1:9/bye'],
  };
}

const registered = new Map(
  [
    client('1000001-0-test:strict', SECRET, 'client_secret_post'),
    client('2000002-0-public:strict', undefined, 'none'),
    client('3000003-0-consent:strict', 'consent-secret', 'client_secret_post'),
    client('4000004-0-basic:strict', SECRET, 'client_secret_basic'),
    client('balance-api:strict', 'balance-api-secret', 'client_secret_post'),
  ].map((metadata) => [metadata.client_id, metadata]),
);

const CLIENTS = { find: async (id) => registered.get(id) };

function keys() {
  const pairs = [
    ['rsa', { modulusLength: 2048 }, 'sig'],
    ['rsa', { modulusLength: 2048 }, 'enc'],
    ...['P-256', 'P-384', 'P-521'].map((namedCurve) => ['ec', { namedCurve }, 'sig']),
    ['ed25519', {}, 'sig'],
  ];
  return pairs.map(([type, options, use]) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
    use,
  }));
}

function provider(issuer) {
  return new Provider(issuer, {
    adapter: (name) => (name === 'Client' ? CLIENTS : new MemoryAdapter(name)),
    scopes: ['openid', 'offline_access', 'balance:read'],
    // By default, what has expired is accepted for another 15 seconds.
    clockTolerance: 0,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    // By default, only `offline_access` gives a refresh token.
    issueRefreshToken: (_context, { grantTypes }) => grantTypes.includes('refresh_token'),
    ttl: {
      AccessToken: () => settings.accessTokenSeconds,
      AuthorizationCode: () => settings.codeSeconds,
      RefreshToken: () => settings.refreshTokenSeconds,
      Grant: 14 * DAY,
      IdToken: DAY,
      Interaction: DAY,
      Session: 14 * DAY,
    },
    findAccount: (_context, user) =>
      settings.disabledUsers.includes(user) ? undefined : { accountId: user, claims: () => ({ sub: user }) },
    enabledJWA: {
      idTokenSigningAlgValues: [...ALGORITHMS, 'EdDSA', 'Ed25519'],
      userinfoSigningAlgValues: [...ALGORITHMS, 'EdDSA', 'Ed25519'],
    },
    features: Object.fromEntries(
      [
        'backchannelLogout',
        'claimsParameter',
        'devInteractions',
        'encryption',
        'introspection',
        'jwtUserinfo',
        'revocation',
      ].map((name) => [name, { enabled: true }]),
    ),
    // Its own dispatcher does not connect to this machine, where the test's clients are.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    routes: {
      authorization: `${ENDPOINTS}/auth`,
      introspection: `${ENDPOINTS}/token/introspect`,
      pushed_authorization_request: `${ENDPOINTS}/ext/par/request`,
      end_session: `${ENDPOINTS}/logout`,
      jwks: `${ENDPOINTS}/certs`,
      revocation: `${ENDPOINTS}/revoke`,
      token: `${ENDPOINTS}/token`,
      userinfo: `${ENDPOINTS}/userinfo`,
    },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: { keys: keys() },
  });
}

async function balance(request, tokens) {
  const [scheme, value] = (request.headers.authorization ?? '').split(' ');
  const token = scheme.toLowerCase() === 'bearer' && value ? await tokens.find(value) : undefined;
  if (!token) return [401, { error: 'invalid_token' }];
  if (!token.scopes.has('balance:read')) return [403, { error: 'insufficient_scope' }];
  return [200, { amount: 1234500, currency: 'EUR' }];
}

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://localhost:${server.address().port}`;
const strict = provider(`${origin}${MOUNT}`);
const respond = strict.callback();
strict.on('grant.success', () => {
  seen.tokenRequests += 1;
});
strict.on('grant.error', (_context, { error }) => {
  seen.tokenRequests += 1;
  if (error === 'invalid_grant') seen.invalidGrant += 1;
});

server.on('request', async (request, response) => {
  if (request.url.startsWith(`${MOUNT}/`)) {
    request.originalUrl = request.url;
    request.url = request.url.slice(MOUNT.length);
    respond(request, response);
  } else {
    const [status, value] =
      request.url === '/v2/balance' ? await balance(request, strict.AccessToken) : [404, { error: 'not found' }];
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
  }
});

function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function change({ client, metadata, ...others }) {
  if (client) {
    const changed = Object.entries({ ...registered.get(client), ...metadata });
    registered.set(client, Object.fromEntries(changed.filter(([, value]) => value !== null)));
  }
  Object.assign(settings, others);
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    change(JSON.parse(line));
    say({ settings, seen });
  })
  .on('close', () => process.exit());
say({ issuer: strict.issuer, base: `${origin}/auth`, api: `${origin}/v2/balance` });
