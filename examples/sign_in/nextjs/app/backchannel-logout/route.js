import { client, withErrors } from '../../lib/sign-in.js'

export const POST = withErrors(async (request) => {
  const form = new URLSearchParams(await request.text())
  const accounts = await client().acceptLogoutToken(form.get('logout_token') ?? '')
  console.info('logged out at the server:', accounts)
  return new Response()
})
