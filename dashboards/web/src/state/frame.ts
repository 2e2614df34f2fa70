// A frame that range queries fill and live samples continue.

import { createSignal } from 'solid-js';
import { append, emptyFrame, frameOf, trim, type Cell, type Frame, type MatrixSeries } from '../lib/series';
import type { Labels } from '../lib/promql';
import { call } from './session';

export interface LiveFrame {
  /** The columns now; tells of every change. The object is changed in place. */
  get: () => Frame;
  /** Puts the answer of a range query under the live rows that are newer than it. */
  load: (frame: Frame) => void;
  push: (time: number, values: ReadonlyMap<string, number>) => void;
}

/** `step` and `keep` (how long rows are kept) in seconds. */
export function createFrame(step: number, keep: number): LiveFrame {
  let frame = emptyFrame();
  const [version, setVersion] = createSignal(0);
  const touch = () => setVersion((n) => n + 1);
  return {
    get: () => {
      version();
      return frame;
    },
    load: (loaded) => {
      const live = frame;
      frame = loaded;
      const from = loaded.times[loaded.times.length - 1] ?? -Infinity;
      for (const [row, time] of live.times.entries()) {
        if (time > from) append(frame, time, rowOf(live.columns, row), step);
      }
      touch();
    },
    push: (time, values) => {
      append(frame, time, values, step);
      trim(frame, time - keep - step);
      touch();
    },
  };
}

function rowOf(columns: ReadonlyMap<string, Cell[]>, row: number): Map<string, number> {
  const values = new Map<string, number>();
  for (const [key, column] of columns) {
    const cell = column[row];
    if (cell != null) values.set(key, cell);
  }
  return values;
}

export interface Span {
  from: number;
  to: number;
  step: number;
}

/** A range query; its ends are put on multiples of the step, so that asking again gives the same points. */
export async function queryRange(query: string, span: Span, keyOf: (metric: Labels) => string, signal: AbortSignal): Promise<Frame> {
  const params = new URLSearchParams({
    query,
    start: String(Math.floor(span.from / span.step) * span.step),
    end: String(Math.floor(span.to / span.step) * span.step),
    step: String(span.step),
  });
  const { data } = await call<{ result: MatrixSeries[] }>('api/v1/query_range', params, { signal });
  return frameOf(data.result, keyOf);
}
