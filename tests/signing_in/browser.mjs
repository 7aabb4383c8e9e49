// Chromium, and what its user does on the pages of the local realm.

import { createRequire } from 'node:module'
import { join } from 'node:path'

// Found where the test installed it, and not beside this file.
const { default: puppeteer } = createRequire(join(process.env.MODULES, 'none.js'))('puppeteer-core')

// The first page of a framework may be compiled when it is asked for, on a busy machine.
const PATIENCE_MS = 120_000

export async function withBrowser(executablePath, args, visit) {
  const browser = await puppeteer.launch({
    executablePath,
    acceptInsecureCerts: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', ...args],
  })
  try {
    return await visit(browser)
  } finally {
    await browser.close()
  }
}

export async function newPage(browser) {
  const page = await browser.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  await page.setViewport({ width: 480, height: 120 })
  return page
}

// At the login page of the realm, and back to where that leads.
export async function logIn(page) {
  await page.waitForSelector('#username')
  await page.type('#username', 'anna')
  await page.type('#password', 'anna-pw')
  await follow(page, '#kc-login')
}

export async function follow(page, selector) {
  await page.bringToFront()
  await Promise.all([page.waitForNavigation(), page.click(selector)])
}

export function text(page) {
  return page.evaluate(() => document.body.innerText)
}

// The whole page: a long one is higher than the window.
export async function shot(page, folder, name) {
  await page.bringToFront()
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

export function expect(what, found, part) {
  if (!found.includes(part)) throw new Error(`${what}: ${JSON.stringify(found)} has no ${JSON.stringify(part)}`)
}
