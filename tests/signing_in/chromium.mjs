// A user in Chromium, in front of an application of examples/sign_in and the local realm. The
// browser decides which cookies a redirect or a posted form takes along.
//
//   node chromium.mjs PORT FOLDER PROGRAM   with key.pem and cert.pem in FOLDER, for screenshots too

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'

const [port, folder, executablePath] = process.argv.slice(2)
// Found where the test installed it, and not beside this file.
const { default: puppeteer } = createRequire(join(process.env.MODULES, 'none.js'))('puppeteer-core')

const tls = { key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(join(folder, 'cert.pem')) }
// TLS ends here, as in front of a real application.
const proxy = createServer(tls, (incoming, outgoing) => {
  const headers = { ...incoming.headers, 'x-forwarded-proto': 'https' }
  const passed = request({ port, method: incoming.method, path: incoming.url, headers }, (response) => {
    outgoing.writeHead(response.statusCode, response.rawHeaders)
    response.pipe(outgoing)
  })
  incoming.pipe(passed)
})
await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening))

const rules = `--host-resolver-rules=MAP example.com 127.0.0.1:${proxy.address().port}`
const browser = await puppeteer.launch({
  executablePath,
  acceptInsecureCerts: true,
  args: [rules, '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
})
try {
  const [first, second] = [await browser.newPage(), await browser.newPage()]
  const callbacks = []
  for (const page of [first, second]) {
    page.on('request', (sent) => {
      if (new URL(sent.url()).pathname === '/auth') callbacks.push(sent.url())
    })
    await page.goto('https://example.com/')
    await follow(page, 'a')
    await page.waitForSelector('#username')
  }
  await shot(first, 'login')
  await logIn(first)
  await shot(first, 'home')
  await logIn(second)

  await first.goto('https://example.com/balance')
  expect('the API call', await text(first), '123456')

  // Where the callback is an address, the user can load it again: here, and in a browser that has
  // never been at the login page.
  const again = callbacks.find((url) => url.includes('code='))
  if (again !== undefined) {
    await first.goto(again)
    expect('the callback, loaded twice', await text(first), 'Hello, ')
    const stranger = await (await browser.createBrowserContext()).newPage()
    const response = await stranger.goto(again)
    expect('a lost session', `${response.status()} ${await text(stranger)}`, '400 You are not logged in.')
    await shot(stranger, 'not-logged-in')
    await follow(stranger, 'a')
    await stranger.waitForSelector('#username')
  }

  await first.goto('https://example.com/')
  await follow(first, 'form button')
  expect('the address after the logout', first.url(), 'https://example.com/')
  expect('the page after the logout', await text(first), 'Sign in with sipgate')
} finally {
  await browser.close()
  proxy.close()
}

async function logIn(page) {
  // The first tab has logged in at the server, too.
  await page.type('#username', 'anna')
  await page.type('#password', 'anna-pw')
  await follow(page, '#kc-login')
  await page.waitForFunction(() => location.host === 'example.com' && location.pathname === '/')
  expect('the user page', await text(page), 'Hello, ')
}

async function follow(page, selector) {
  await page.bringToFront()
  await Promise.all([page.waitForNavigation(), page.click(selector)])
}

function text(page) {
  return page.evaluate(() => document.body.innerText)
}

async function shot(page, name) {
  await page.bringToFront()
  await page.setViewport({ width: 640, height: 360 })
  await page.screenshot({ path: join(folder, `${name}.png`) })
}

function expect(what, found, part) {
  if (!found.includes(part)) throw new Error(`${what}: ${JSON.stringify(found)} has no ${JSON.stringify(part)}`)
}
