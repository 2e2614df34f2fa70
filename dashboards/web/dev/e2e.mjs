// e2e/page.mjs against the mock, with a hang injected while it looks.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startMock } from './mock.mjs';

const mock = await startMock();
const child = spawn(process.execPath, [fileURLToPath(new URL('../e2e/page.mjs', import.meta.url))], {
  stdio: 'inherit',
  env: {
    ...process.env,
    TIDEWATCH_URL: mock.url,
    TIDEWATCH_TOKEN: 'operator',
    TIDEWATCH_EXPECT_EVENT: 'restarted',
    TIDEWATCH_INJECT: `${mock.url}dev/fault?kind=hang&instance=search-1`,
  },
});
child.on('exit', (code) => {
  mock.close();
  process.exitCode = code ?? 1;
});
