// A user in Chromium, in front of an application of examples/sign_in and the local realm. The
// browser decides which cookies a redirect or a posted form takes along.
//
//   node chromium.mjs PORT FOLDER PROGRAM   with key.pem and cert.pem in FOLDER, for screenshots too

import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'

import { expect, follow, logIn, newPage, shot, text, withBrowser } from './browser.mjs'

const [port, folder, program] = process.argv.slice(2)
const tls = { key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(join(folder, 'cert.pem')) }
// TLS ends here, as in front of a real application.
const proxy = createServer(tls, (incoming, outgoing) => {
  const headers = { ...incoming.headers, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'example.com' }
  const passed = request({ port, method: incoming.method, path: incoming.url, headers }, (response) => {
    outgoing.writeHead(response.statusCode, response.rawHeaders)
    response.pipe(outgoing)
  })
  incoming.pipe(passed)
})
await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening))

const rules = `--host-resolver-rules=MAP example.com 127.0.0.1:${proxy.address().port}`
try {
  await withBrowser(program, [rules], visit)
} finally {
  proxy.close()
}

async function visit(browser) {
  const [first, second] = [await newPage(browser), await newPage(browser)]
  const callbacks = []
  for (const page of [first, second]) {
    page.on('request', (sent) => {
      if (new URL(sent.url()).pathname === '/auth') callbacks.push(sent.url())
    })
    await page.goto('https://example.com/')
    await shot(page, folder, 'sign-in')
    await follow(page, 'a')
    await page.waitForSelector('#username')
  }
  await shot(first, folder, 'login')
  await signIn(first)
  await shot(first, folder, 'home')
  // The first tab has logged in at the server, too.
  await signIn(second)

  await first.goto('https://example.com/balance')
  expect('the API call', await text(first), '123456')

  // Where the callback is an address, the user can load it again: here, and in a browser that has
  // never been at the login page.
  const again = callbacks.find((url) => url.includes('code='))
  if (again !== undefined) {
    await first.goto(again)
    expect('the callback, loaded twice', await text(first), 'Hello, ')
    const stranger = await newPage(await browser.createBrowserContext())
    const response = await stranger.goto(again)
    expect('a lost session', `${response.status()} ${await text(stranger)}`, '400 You are not logged in.')
    await shot(stranger, folder, 'not-logged-in')
    await follow(stranger, 'a')
    await stranger.waitForSelector('#username')
  }

  await first.goto('https://example.com/')
  await follow(first, 'form button')
  expect('the address after the logout', first.url(), 'https://example.com/')
  expect('the page after the logout', await text(first), 'Sign in with sipgate')
}

async function signIn(page) {
  await logIn(page)
  await page.waitForFunction(() => location.host === 'example.com' && location.pathname === '/')
  expect('the user page', await text(page), 'Hello, ')
}
