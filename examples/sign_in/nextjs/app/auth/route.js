import { AuthorizationRequest } from 'sipgate-oauth2'
import { client, redirect, session, withErrors } from '../../lib/sign-in.js'

export const GET = withErrors(async (request) => {
  const callback = request.nextUrl.search
  const current = await session()
  const kept = new Map(current.logins).get(new URLSearchParams(callback).get('state')) ?? ''
  const source = await client().completeLogin(AuthorizationRequest.restore(kept), callback)
  current.account = source.account
  await current.save()
  return redirect('/')
})
