import { client, redirect, session, withErrors } from '../../lib/sign-in.js'

export const GET = withErrors(async () => {
  const authorization = client().authorizationRequest('openid balance:read')
  const current = await session()
  current.logins = [...(current.logins ?? []).slice(-1), [authorization.state, authorization.export()]]
  await current.save()
  return redirect(authorization.url)
})
