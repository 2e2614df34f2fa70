// Keeps one event stream open: reads it, notices when it has gone quiet, connects again.

import { SseParser, type ServerEvent } from '../lib/sse';
import { ApiError, open } from './session';

export type StreamState = 'connecting' | 'open' | 'retrying' | 'paused';

export interface StreamOptions {
  /** Asked anew for each connection, so that it can say where to go on. */
  request: () => { path: string; params: URLSearchParams };
  onEvent: (event: ServerEvent) => void;
  /** Called when a connection stands, before its first event. */
  onOpen?: () => void;
  onState?: (state: StreamState) => void;
  /** Without a byte for so long, the connection counts as dead. */
  quietMs: number;
}

const RETRY_FIRST_MS = 400;
const RETRY_MAX_MS = 8000;
/** A page that nobody looks at gives its connection back: browsers allow six to a host, tabs share them. */
const HIDDEN_MS = 20_000;

let hidden = false;
let hiding: ReturnType<typeof setTimeout> | undefined;
const changes = new EventTarget();
document.addEventListener('visibilitychange', () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(() => setHidden(true), HIDDEN_MS);
  else setHidden(false);
});

function setHidden(value: boolean): void {
  if (hidden === value) return;
  hidden = value;
  changes.dispatchEvent(new Event(value ? 'hidden' : 'visible'));
}

function visible(stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    changes.addEventListener('visible', () => resolve(), { once: true, signal: stopped });
    stopped.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Runs until the returned function is called. */
export function openStream(options: StreamOptions): () => void {
  const stopped = new AbortController();
  void run(options, stopped.signal);
  return () => stopped.abort();
}

async function run(options: StreamOptions, stopped: AbortSignal): Promise<void> {
  let wait = RETRY_FIRST_MS;
  options.onState?.('connecting');
  while (!stopped.aborted) {
    if (hidden) {
      options.onState?.('paused');
      await visible(stopped);
      continue;
    }
    try {
      await readOnce(options, stopped, () => (wait = RETRY_FIRST_MS));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return;
    }
    if (stopped.aborted) return;
    if (hidden) continue;
    options.onState?.('retrying');
    await pause(wait * (0.75 + Math.random() * 0.5), stopped);
    wait = Math.min(RETRY_MAX_MS, wait * 2);
  }
}

async function readOnce(options: StreamOptions, stopped: AbortSignal, onData: () => void): Promise<void> {
  const connection = new AbortController();
  const abort = () => connection.abort();
  stopped.addEventListener('abort', abort, { once: true });
  changes.addEventListener('hidden', abort, { once: true });
  let watchdog = setTimeout(abort, options.quietMs);
  try {
    const { path, params } = options.request();
    const response = await open(path, params, { signal: connection.signal, headers: { accept: 'text/event-stream' } });
    if (response.body === null) throw new Error('no body');
    options.onOpen?.();
    options.onState?.('open');
    const parser = new SseParser(options.onEvent);
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onData();
      clearTimeout(watchdog);
      watchdog = setTimeout(abort, options.quietMs);
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    clearTimeout(watchdog);
    stopped.removeEventListener('abort', abort);
    changes.removeEventListener('hidden', abort);
    connection.abort();
  }
}

export function pause(milliseconds: number, stopped?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    stopped?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

/** Repeats `work` until it succeeds or the owner is gone, telling of each failure. */
export function retrying<T>(work: (signal: AbortSignal) => Promise<T>, done: (value: T) => void, failed: (error: unknown) => void): () => void {
  const stopped = new AbortController();
  void (async () => {
    let wait = 500;
    while (!stopped.signal.aborted) {
      try {
        const value = await work(stopped.signal);
        if (!stopped.signal.aborted) done(value);
        return;
      } catch (error) {
        if (stopped.signal.aborted) return;
        failed(error);
        if (error instanceof ApiError && error.status === 401) return;
        // The query itself is at fault: asking again would only ask for the same answer.
        if (error instanceof ApiError && error.status === 400) return;
      }
      await pause(wait, stopped.signal);
      wait = Math.min(RETRY_MAX_MS, wait * 2);
    }
  })();
  return () => stopped.abort();
}
