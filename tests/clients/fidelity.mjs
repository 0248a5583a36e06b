// What Playwright's `storageState` brings back: the same pages, filled by the same scripts and
// looked at by the same ones afterwards as e2e_fidelity.rs has for browserd.
//
// Environment: CHROMIUM (the program), NO_SANDBOX (1 where there can be none), PLAN (JSON: the
// pages and the scripts). With STATE (JSON), a context made from it shows PLAN.login instead.
// Prints one line of JSON.

import { createRequire } from 'node:module';
import path from 'node:path';

const load = createRequire(path.join(process.env.BROWSERD_TEST_CLIENTS, 'node', 'package.json'));
const { chromium } = load('playwright-core');

const { CHROMIUM, NO_SANDBOX, PLAN, STATE } = process.env;
const plan = JSON.parse(PLAN);

// A script that waits for what never comes must say so.
const run = async (page, script, name) => {
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error(`${name} takes too long`)), 20_000).unref());
  return Promise.race([page.evaluate(script), late]);
};

async function compare(browser) {
  const before = await browser.newContext();
  const page = await before.newPage();
  await page.goto(plan.leaving);
  await run(page, plan.leave, 'leave');
  await page.goto(plan.parent);
  await page.goto(plan.page);
  await run(page, plan.fill, 'fill');
  for (let n = 0; n < 2; n += 1) await page.keyboard.press('Control+Equal');
  await page.waitForFunction('devicePixelRatio > 1.2', null, { timeout: 500 }).catch(() => {});
  await run(page, 'scrollTo(0, 700)', 'scroll');
  const view = await page.evaluate(plan.view);
  const second = await before.newPage();
  await second.goto(plan.place);
  await run(second, plan.fill_second, 'fill_second');
  await Promise.all([second.waitForURL(plan.posted), second.click('button')]);
  await second.goto(plan.last);
  const storageState = await before.storageState({ indexedDB: true });
  const url = page.url();
  await before.close();

  const after = await browser.newContext({ storageState });
  // Of tabs it keeps nothing; whoever restores goes to the URL by himself.
  const again = await after.newPage();
  await again.goto(url);
  const seen = JSON.parse(await run(again, plan.check, 'check'));
  seen.zoom = view.includes('1.25') && (await again.evaluate(plan.view)) === view;
  await again.goBack();
  seen.history &&= (await again.evaluate('location.search')) === '';
  const other = await after.newPage();
  await other.goto(plan.last);
  Object.assign(seen, JSON.parse(await run(other, plan.check_second, 'check_second')));
  await other.goBack();
  seen.post = (await other.evaluate('document.body?.innerText ?? ""')).includes('POST');
  await other.goto(plan.leaving);
  Object.assign(seen, JSON.parse(await run(other, plan.check_left, 'check_left')));
  await other.goto(plan.sibling);
  seen.parent = (await other.evaluate('document.body.innerText')).includes('parent=1');
  return { ...seen, url: false, tabs: false, state: storageState };
}

async function show(browser, storageState) {
  const context = await browser.newContext({ storageState });
  const page = await context.newPage();
  await page.goto(plan.login);
  return JSON.parse(await run(page, plan.check_login, 'check_login'));
}

const browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: NO_SANDBOX !== '1' });
try {
  const told = STATE ? await show(browser, JSON.parse(STATE)) : await compare(browser);
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
}
