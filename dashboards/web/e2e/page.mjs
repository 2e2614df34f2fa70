// Looks at the page as a person would, against a running Tidewatch.
//
//   TIDEWATCH_URL          where it is, http://127.0.0.1:9090/
//   TIDEWATCH_TOKEN        an operator's token
//   TIDEWATCH_SHOTS        folder for screenshots; none are taken without it
//   TIDEWATCH_EXPECT_EVENT kind of an event (exited, restarted, …) that must appear without a reload
//   TIDEWATCH_INJECT       URL to POST once the page stands, to make that event happen
//   TIDEWATCH_TENANTS      how many tenants must be listed, 3 unless given
//   TIDEWATCH_CHROMIUM     /usr/bin/chromium unless given
//
// Exits with 0 and a line of JSON when all holds, with 1 and what does not hold otherwise.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { launch } from './browser.mjs';

const FIRST_GRAPH_MS = 3000;
/** How long an injected failure may take to be seen, decided, acted on and shown. */
const EVENT_MS = 90_000;

const env = process.env;
const base = env.TIDEWATCH_URL;
const token = env.TIDEWATCH_TOKEN;
if (!base || !token) {
  process.stderr.write('TIDEWATCH_URL and TIDEWATCH_TOKEN must be set\n');
  process.exit(2);
}
const tenants = Number(env.TIDEWATCH_TENANTS ?? 3);
const expected = env.TIDEWATCH_EXPECT_EVENT ?? '';
const shots = env.TIDEWATCH_SHOTS ?? '';
if (shots !== '') await mkdir(shots, { recursive: true });

const browser = await launch();
const report = { base };
try {
  await operator();
  await phone();
  await signIn();
  process.stdout.write(`${JSON.stringify({ ok: true, ...report })}\n`);
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

/** A page that notes everything a console would show, and every breach of the content policy. */
async function openPage(options, problems) {
  const context = await browser.newContext(options);
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      console.error(`content policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  const origin = new URL(base).origin;
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) problems.push(`asks another host: ${request.url()}`);
  });
  return page;
}

async function shot(page, name) {
  if (shots !== '') await page.screenshot({ path: join(shots, `${name}.png`) });
}

async function operator() {
  const problems = [];
  const page = await openPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark' }, problems);
  const answer = await page.goto(`${base}#token=${encodeURIComponent(token)}`);
  const policy = answer.headers()['content-security-policy'] ?? '';
  assert.match(policy, /default-src 'none'/, 'the page must come with its content policy');
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/);
  assert.ok(!page.url().includes(token), 'the token must leave the address bar');

  await page.waitForFunction(() => performance.getEntriesByName('first-graph').length > 0, null, { timeout: 15_000 });
  report.firstGraphMs = await page.evaluate(() => Math.round(performance.getEntriesByName('first-graph')[0].startTime));
  assert.ok(report.firstGraphMs <= FIRST_GRAPH_MS, `first graph after ${report.firstGraphMs} ms`);
  report.drawnPixels = await drawnPixels(page);
  assert.ok(report.drawnPixels > 200, `a graph must show data, ${report.drawnPixels} coloured pixels`);

  await page.waitForSelector('.line-app');
  const listed = await page.$$eval('.line-app a[data-row]', (links) => links.map((link) => new URL(link.href).searchParams.get('app')));
  report.apps = listed;
  const seen = new Set(listed.map((app) => app.split('/')[0]));
  assert.ok(seen.size >= tenants, `apps of ${tenants} tenants must be listed, seen: ${listed.join(', ')}`);
  await page.waitForSelector('.live-live', { timeout: 10_000 });
  await page.waitForTimeout(1500);
  await shot(page, 'overview-dark');

  if (expected !== '') await expectEvent(page);

  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.app-page .chart[data-points]');
  await page.waitForFunction(() => [...document.querySelectorAll('.app-page .chart')].filter((chart) => Number(chart.dataset.points) > 2).length >= 3, null, { timeout: 10_000 });
  assert.ok((await drawnPixels(page)) > 200, 'the charts of an app must show data');
  await page.waitForSelector('.instances tbody tr', { timeout: 10_000 });
  const before = await page.$eval('.live time', (time) => time.textContent);
  await page.waitForFunction((text) => document.querySelector('.live time')?.textContent !== text, before, { timeout: 5000 });
  await page.waitForTimeout(1000);
  await shot(page, 'app-dark');
  await page.keyboard.press('t');
  await page.waitForTimeout(600);
  await shot(page, 'app-light');
  await page.click('.chart button[aria-label$="as a table"]');
  assert.ok((await page.$$('.data-table tbody tr')).length > 2, 'a chart must show its numbers as a table');
  await page.keyboard.press('2');
  assert.match(page.url(), /range=15m/, 'the range must be in the address');
  await page.reload();
  await page.waitForSelector('.segments button[aria-pressed="true"]:has-text("15m")');

  await query(page, problems);
  assert.deepEqual(problems, [], 'the console must stay empty');
  await page.context().close();
}

async function expectEvent(page) {
  const known = await page.$$eval('.timeline .entry', (entries) => entries.length);
  const word = expected.replace(/_/g, ' ');
  const count = (text) => [...document.querySelectorAll('.entry-events b')].filter((kind) => kind.textContent === text).length;
  const before = await page.evaluate(count, word);
  const started = Date.now();
  if (env.TIDEWATCH_INJECT) await fetch(env.TIDEWATCH_INJECT, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  await page.waitForFunction(
    ([text, least]) => [...document.querySelectorAll('.entry-events b')].filter((kind) => kind.textContent === text).length > least,
    [word, before],
    { timeout: EVENT_MS },
  );
  report.event = { kind: expected, afterMs: Date.now() - started, entriesBefore: known };
  await shot(page, 'overview-event');
}

async function query(page, problems) {
  await page.keyboard.press('q');
  await page.fill('.editor textarea', 'sum by (app) (rate(istio_requests_total[30s]))');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => Number(document.querySelector('.query-graph .chart')?.dataset.points) > 2, null, { timeout: 10_000 });
  await page.waitForTimeout(300);
  await shot(page, 'query');
  await page.click('.query-bar button:has-text("Table")');
  await page.waitForSelector('.result-row');
  const quiet = problems.length;
  await page.fill('.editor textarea', 'sum(rate(');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.notice.bad');
  await shot(page, 'query-error');
  // Browsers log every answer of 400; this one was asked for.
  problems.splice(quiet, 1);
}

async function phone() {
  const problems = [];
  const page = await openPage({ viewport: { width: 400, height: 860 }, colorScheme: 'light', deviceScaleFactor: 2, hasTouch: true, isMobile: true }, problems);
  await page.goto(`${base}#token=${encodeURIComponent(token)}`);
  await page.waitForSelector('.line-app');
  await page.waitForTimeout(1500);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} pixels wider than a phone`);
  await shot(page, 'overview-phone');
  assert.deepEqual(problems, [], 'the console must stay empty on a phone');
  await page.context().close();
}

async function signIn() {
  const page = await openPage({ viewport: { width: 1000, height: 700 } }, []);
  await page.goto(base);
  await page.waitForSelector('.sign-in input');
  await page.fill('.sign-in input', 'surely-not-a-token');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.sign-in .notice.bad');
  await shot(page, 'sign-in');
  await page.fill('.sign-in input', token);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.line-app');
  await page.context().close();
}

/** Pixels of charts that are neither empty nor grey: lines and areas, not axes. */
function drawnPixels(page) {
  return page.evaluate(() => {
    let found = 0;
    for (const canvas of document.querySelectorAll('.chart canvas')) {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i += 4) {
        const [r, g, b, a] = [data[i], data[i + 1], data[i + 2], data[i + 3]];
        if (a > 128 && Math.max(r, g, b) - Math.min(r, g, b) > 60) found += 1;
      }
    }
    return found;
  });
}
