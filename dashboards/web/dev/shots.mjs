// Pictures of every page in both colours and on a phone, against the mock: node dev/shots.mjs FOLDER [NAME...]

import { mkdir } from 'node:fs/promises';
import { launch } from '../e2e/browser.mjs';
import { startMock } from './mock.mjs';

const [folder = '/tmp/shots', ...wanted] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const mock = await startMock();
const browser = await launch();
const PAGES = {
  overview: '',
  app: '?app=acme/storefront',
  'app-1h': '?app=acme/checkout&range=1h',
  'app-6h': '?app=globex/catalog&range=6h',
  query: '?query=sum+by+(tenant,+app)+(rate(container_cpu_usage_seconds_total%5B10s%5D))',
  'query-table': '?query=container_memory_working_set_bytes&view=table',
  'query-error': '?query=sum+by+(app)+(rte(istio_requests_total%5B30s%5D))',
  'query-empty': '?query=',
};
const SHAPES = [
  ['dark', { width: 1440, height: 900 }],
  ['light', { width: 1440, height: 900 }],
  ['phone', { width: 400, height: 860 }],
];
for (const [page, search] of Object.entries(PAGES)) {
  if (wanted.length > 0 && !wanted.includes(page)) continue;
  for (const [shape, viewport] of SHAPES) {
    const context = await browser.newContext({ viewport, colorScheme: shape === 'light' ? 'light' : 'dark', deviceScaleFactor: shape === 'phone' ? 2 : 1 });
    const tab = await context.newPage();
    tab.on('console', (message) => {
      if (message.type() !== 'info' && message.type() !== 'log') process.stdout.write(`${page} ${shape}: ${message.text()}\n`);
    });
    tab.on('pageerror', (error) => process.stdout.write(`${page} ${shape}: ${error.stack}\n`));
    await tab.goto(`${mock.url}${search}#token=operator`);
    await tab.waitForTimeout(3200);
    await tab.screenshot({ path: `${folder}/${page}-${shape}.png` });
    if (shape === 'phone') {
      await tab.mouse.wheel(0, 800);
      await tab.waitForTimeout(300);
      await tab.screenshot({ path: `${folder}/${page}-${shape}-lower.png` });
    }
    await context.close();
  }
}
await browser.close();
mock.close();
