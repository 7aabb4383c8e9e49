import { SIGN_IN, client, page, session, withErrors } from '../lib/sign-in.js'

export const GET = withErrors(async () => {
  const { account } = await session()
  if (!account) return page(SIGN_IN)
  const claims = await client().tokenSource(account).claims()
  const logout = '<form method="post" action="/logout"><button>Log out</button></form>'
  return page(`Hello, ${escape(claims.email ?? claims.sub)}. ${logout}`)
})

function escape(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
