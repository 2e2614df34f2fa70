// One clock for all that says "ago" on the page.

import { createSignal } from 'solid-js';
import { serverNow } from './session';

const [now, setNow] = createSignal(serverNow());
setInterval(() => setNow(serverNow()), 1000);

/** Seconds since the Unix epoch, refreshed each second. */
export { now };
