import { getIronSession } from 'iron-session'
import { cookies } from 'next/headers'
import { Client, SipgateOAuth2Error } from 'sipgate-oauth2'

export const API = process.env.SIPGATE_API ?? 'https://api.sipgate.com'
// One for all route handlers, and none while the application is built.
export const client = () => (globalThis.sipgateClient ??= Client.fromEnv({ origins: [API] }))
// Where users find this application. On your own machine, it may be http.
export const home = () => new URL('/', client().redirectUri)
export const session = async () =>
  getIronSession(await cookies(), {
    cookieName: 'session',
    password: process.env.SESSION_SECRET,
    cookieOptions: { secure: home().protocol === 'https:', sameSite: 'lax' },
  })
export const redirect = (location) => new Response(null, { status: 303, headers: { location } })
export const page = (html, status = 200) => new Response(html, { status, headers: { 'content-type': 'text/html' } })
export const SIGN_IN = '<a href="/login">Sign in with sipgate</a>'

const ERRORS = {
  log_in_again: [`You are not logged in. ${SIGN_IN}`, 400],
  discard_input: [`You are not logged in. ${SIGN_IN}`, 400],
  show_denied: [`You did not allow the access. ${SIGN_IN}`, 403],
  try_later: ['sipgate does not respond. Please reload this page in a minute.', 503],
}

/** The route handler, with a page for each kind of error. */
export const withErrors = (handler) => async (request) => {
  try {
    return await handler(request)
  } catch (error) {
    if (!(error instanceof SipgateOAuth2Error)) throw error
    console.warn(error.code, error.message)
    return page(...(ERRORS[error.remedy] ?? ['This is our mistake, and it is in our log.', 500]))
  }
}
