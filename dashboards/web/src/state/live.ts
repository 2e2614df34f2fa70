// Live samples: a set of queries that the aggregator evaluates each second.

import { createEffect, createSignal, on, onCleanup } from 'solid-js';
import type { VectorSample } from '../lib/series';
import { now } from './clock';
import { observeServerTime, serverNow } from './session';
import { openStream, type StreamState } from './stream';

export interface LiveResult {
  resultType?: string;
  result?: VectorSample[];
  error?: string;
}

export interface LiveSample {
  /** Seconds since the Unix epoch. */
  time: number;
  /** One for each query, in their order. */
  results: LiveResult[];
}

/** A pause longer than this leaves a hole in the graphs, to be filled by asking. */
const GAP_SECONDS = 2;
/** Samples older than this are not called live any more. */
const STALE_SECONDS = 4;

const [streamState, setStreamState] = createSignal<StreamState>('connecting');
const [lastSample, setLastSample] = createSignal(0);
const [following, setFollowing] = createSignal(0);

export { lastSample };

export type LiveState = 'idle' | 'connecting' | 'live' | 'stale' | 'retrying' | 'paused';

/** How live the page is, for the head of it. */
export function liveState(): LiveState {
  if (following() === 0) return 'idle';
  if (streamState() === 'paused') return 'paused';
  const age = now() - lastSample();
  if (streamState() === 'open' && lastSample() > 0) return age <= STALE_SECONDS ? 'live' : 'stale';
  return streamState() === 'retrying' ? 'retrying' : 'connecting';
}

/**
 * Follows `queries` while the owner lives. `onGap` is called when a connection stands
 * again after one was lost: what happened meanwhile has to be asked for.
 */
export function createLive(queries: () => readonly string[], onSample: (sample: LiveSample) => void, onGap: () => void): void {
  let last = 0;
  createEffect(
    on(queries, (list) => {
      setFollowing((n) => n + 1);
      const stop = openStream({
        request: () => {
          const params = new URLSearchParams({ interval: '1s' });
          for (const query of list) params.append('query', query);
          return { path: 'api/v1/query_live', params };
        },
        onOpen: () => {
          if (last > 0 && serverNow() - last > GAP_SECONDS) onGap();
        },
        onEvent: (message) => {
          if (message.event !== 'sample') return;
          const sample = JSON.parse(message.data) as LiveSample;
          observeServerTime(sample.time);
          last = sample.time;
          setLastSample(sample.time);
          onSample(sample);
        },
        onState: setStreamState,
        quietMs: 10_000,
      });
      onCleanup(() => {
        stop();
        setFollowing((n) => n - 1);
      });
    }),
  );
}
