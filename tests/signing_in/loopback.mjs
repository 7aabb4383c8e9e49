// The user's browser that a command line opens: Chromium logs in, and stays at the page where that
// ends until it was looked at.
//
//   node loopback.mjs FOLDER NAME PROGRAM URL   writes the page to FOLDER/NAME.txt, and a screenshot

import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { follow, logIn, newPage, shot, text, withBrowser } from './browser.mjs'

const [folder, name, program, url] = process.argv.slice(2)
let seen
try {
  seen = await withBrowser(program, [], async (browser) => {
    const page = await newPage(browser)
    await page.goto(url)
    await logIn(page)
    if (name === 'denied') await follow(page, '#kc-cancel')
    await page.waitForFunction(() => location.pathname === '/cb')
    await shot(page, folder, name)
    return await text(page)
  })
} catch (error) {
  seen = String(error)
}
const file = join(folder, `${name}.txt`)
writeFileSync(`${file}.new`, seen)
renameSync(`${file}.new`, file)
