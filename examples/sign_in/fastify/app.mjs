// Sign in with sipgate, in Fastify:
// `npm install fastify @fastify/cookie @fastify/formbody @fastify/session sipgate-oauth2`, `node app.mjs`.

import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import session from '@fastify/session'
import fastify from 'fastify'
import { AuthorizationRequest, Client, SipgateOAuth2Error } from 'sipgate-oauth2'

const API = process.env.SIPGATE_API ?? 'https://api.sipgate.com'
const client = Client.fromEnv({ origins: [API] })
const home = new URL('/', client.redirectUri) // where users find this application
const secure = home.protocol === 'https:' // on your own machine, it may be http
const app = fastify({ trustProxy: true }) // TLS ends in front of this process
app.register(cookie)
app.register(session, { secret: process.env.SESSION_SECRET, cookie: { secure, sameSite: 'lax' } })
app.register(formbody)
const SIGN_IN = '<a href="/login">Sign in with sipgate</a>'

app.get('/login', async (request, reply) => {
  const authorization = client.authorizationRequest('openid balance:read')
  const newest = (request.session.logins ?? []).slice(-1)
  request.session.logins = [...newest, [authorization.state, authorization.export()]]
  return reply.redirect(authorization.url)
})

app.get('/auth', async (request, reply) => {
  const [callback, { state }] = [request.url, request.query]
  const kept = new Map(request.session.logins).get(state) ?? ''
  const source = await client.completeLogin(AuthorizationRequest.restore(kept), callback)
  await request.session.regenerate(['logins'])
  request.session.account = source.account
  return reply.redirect('/')
})

app.get('/', async (request, reply) => {
  reply.type('text/html')
  if (!request.session.account) return SIGN_IN
  const claims = await client.tokenSource(request.session.account).claims()
  const logout = '<form method="post" action="/logout"><button>Log out</button></form>'
  return `Hello, ${escape(claims.email ?? claims.sub)}. ${logout}`
})

app.get('/balance', async (request, reply) => {
  if (!request.session.account) return reply.redirect('/login')
  const response = await client.tokenSource(request.session.account).fetch(`${API}/v2/balance`)
  return reply.code(response.ok ? 200 : 502).type('application/json').send(await response.text())
})

app.post('/logout', async (request, reply) => {
  if (!request.session.account) return reply.redirect('/', 303)
  const source = client.tokenSource(request.session.account)
  const url = await client.logoutUrl(source, { postLogoutRedirectUri: home.href })
  await source.logout()
  await request.session.destroy()
  return reply.redirect(url, 303)
})

app.post('/backchannel-logout', async (request) => {
  const accounts = await client.acceptLogoutToken(request.body?.logout_token ?? '')
  console.info('logged out at the server:', accounts)
  return ''
})

const ERRORS = {
  log_in_again: [400, `You are not logged in. ${SIGN_IN}`],
  discard_input: [400, `You are not logged in. ${SIGN_IN}`],
  show_denied: [403, `You did not allow the access. ${SIGN_IN}`],
  try_later: [503, 'sipgate does not respond. Please reload this page in a minute.'],
}

app.setErrorHandler((error, request, reply) => {
  if (!(error instanceof SipgateOAuth2Error)) throw error
  console.warn(error.code, error.message)
  const [status, page] = ERRORS[error.remedy] ?? [500, 'This is our mistake, and it is in our log.']
  return reply.code(status).type('text/html').send(page)
})

function escape(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

await app.listen({ port: Number(process.env.PORT ?? 8000) })
