// Sign in with sipgate, in Express: `npm install express cookie-session sipgate-oauth2`, `node app.mjs`.

import cookieSession from 'cookie-session'
import express from 'express'
import { AuthorizationRequest, Client, SipgateOAuth2Error } from 'sipgate-oauth2'

const API = process.env.SIPGATE_API ?? 'https://api.sipgate.com'
const client = Client.fromEnv({ origins: [API] })
const home = new URL('/', client.redirectUri) // where users find this application
const secure = home.protocol === 'https:' // on your own machine, it may be http
const app = express()
app.set('trust proxy', 1) // TLS ends in front of this process
app.use(cookieSession({ secret: process.env.SESSION_SECRET, secure, sameSite: 'lax' }))
app.use(express.urlencoded())
const SIGN_IN = '<a href="/login">Sign in with sipgate</a>'

app.get('/login', (req, res) => {
  const authorization = client.authorizationRequest('openid balance:read')
  const newest = (req.session.logins ?? []).slice(-1)
  req.session.logins = [...newest, [authorization.state, authorization.export()]]
  res.redirect(authorization.url)
})

app.get('/auth', async (req, res) => {
  const [callback, { state }] = [req.originalUrl, req.query]
  const authorization = AuthorizationRequest.restore(new Map(req.session.logins).get(state) ?? '')
  const source = await client.completeLogin(authorization, callback)
  req.session.account = source.account
  res.redirect('/')
})

app.get('/', async (req, res) => {
  if (!req.session.account) return res.send(SIGN_IN)
  const claims = await client.tokenSource(req.session.account).claims()
  const logout = '<form method="post" action="/logout"><button>Log out</button></form>'
  res.send(`Hello, ${escape(claims.email ?? claims.sub)}. ${logout}`)
})

app.get('/balance', async (req, res) => {
  if (!req.session.account) return res.redirect('/login')
  const response = await client.tokenSource(req.session.account).fetch(`${API}/v2/balance`)
  res.status(response.ok ? 200 : 502).type('json').send(await response.text())
})

app.post('/logout', async (req, res) => {
  if (!req.session.account) return res.redirect('/')
  const source = client.tokenSource(req.session.account)
  const url = await client.logoutUrl(source, { postLogoutRedirectUri: home.href })
  await source.logout()
  req.session = null
  res.redirect(url)
})

app.post('/backchannel-logout', async (req, res) => {
  const accounts = await client.acceptLogoutToken(req.body?.logout_token ?? '')
  console.info('logged out at the server:', accounts)
  res.end()
})

const ERRORS = {
  log_in_again: [400, `You are not logged in. ${SIGN_IN}`],
  discard_input: [400, `You are not logged in. ${SIGN_IN}`],
  show_denied: [403, `You did not allow the access. ${SIGN_IN}`],
  try_later: [503, 'sipgate does not respond. Please reload this page in a minute.'],
}

// Express knows by the four parameters that this is for errors.
app.use((error, req, res, next) => {
  if (!(error instanceof SipgateOAuth2Error)) return next(error)
  console.warn(error.code, error.message)
  const [status, page] = ERRORS[error.remedy] ?? [500, 'This is our mistake, and it is in our log.']
  res.status(status).send(page)
})

function escape(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

app.listen(process.env.PORT ?? 8000)
