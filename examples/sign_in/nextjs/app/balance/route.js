import { API, client, redirect, session, withErrors } from '../../lib/sign-in.js'

export const GET = withErrors(async () => {
  const { account } = await session()
  if (!account) return redirect('/login')
  const response = await client().tokenSource(account).fetch(`${API}/v2/balance`)
  return new Response(await response.text(), {
    status: response.ok ? 200 : 502,
    headers: { 'content-type': 'application/json' },
  })
})
