import { client, home, redirect, session, withErrors } from '../../lib/sign-in.js'

export const POST = withErrors(async () => {
  const current = await session()
  if (!current.account) return redirect('/')
  const source = client().tokenSource(current.account)
  const url = await client().logoutUrl(source, { postLogoutRedirectUri: home().href })
  await source.logout()
  current.destroy()
  return redirect(url)
})
