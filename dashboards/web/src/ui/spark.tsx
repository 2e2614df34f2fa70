// A word-sized graph of the last minutes.

import { createEffect, createMemo, type JSX } from 'solid-js';
import type { Cell } from '../lib/series';
import { drewData } from './chart';

const WIDTH = 100;
const HEIGHT = 24;

export function Spark(props: {
  times: readonly number[];
  column: readonly Cell[] | undefined;
  /** Seconds shown, ending at `end`. */
  span: number;
  end: number;
  tone?: 'calm' | 'bad' | 'plain';
}): JSX.Element {
  const shape = createMemo(() => {
    const column = props.column;
    if (column === undefined) return { line: '', area: '', points: 0 };
    let high = 0;
    for (const cell of column) if (cell !== null && cell > high) high = cell;
    let line = '';
    let area = '';
    let first: number | null = null;
    let x = 0;
    let points = 0;
    const close = () => {
      if (first !== null) area += `L${x.toFixed(1)} ${HEIGHT}L${first.toFixed(1)} ${HEIGHT}Z`;
      first = null;
    };
    for (const [row, time] of props.times.entries()) {
      const cell = column[row] ?? null;
      if (cell === null) {
        close();
        continue;
      }
      x = ((time - props.end + props.span) / props.span) * WIDTH;
      const y = high === 0 ? HEIGHT - 1 : HEIGHT - 1 - (cell / high) * (HEIGHT - 3);
      const to = `${first === null ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
      line += to;
      area += to;
      if (first === null) first = x;
      points += 1;
    }
    close();
    return { line, area, points };
  });
  createEffect(() => drewData(shape().points));
  return (
    <svg class={`spark spark-${props.tone ?? 'calm'}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" data-points={shape().points}>
      <path class="spark-area" d={shape().area} />
      <path class="spark-line" d={shape().line} />
    </svg>
  );
}
