import { client, redirect, session, withErrors } from '../../lib/sign-in.js'

export const POST = withErrors(async () => {
  const current = await session()
  const { account } = current
  current.destroy()
  if (!account) return redirect('/')
  const source = client().tokenSource(account)
  const url = await client().logoutUrl(source, { postLogoutRedirectUri: 'https://example.com/' })
  await source.logout()
  return redirect(url)
})
