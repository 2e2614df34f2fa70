// Which columns of a frame become which lines.

import { extentOf, type Cell } from '../lib/series';
import type { SeriesSpec } from './chart';

/** Lines of one chart; a legend with more could not be read, and there are so many colours. */
export const LINES_MAX = 8;

const CODES: readonly SeriesSpec[] = [
  { key: '2xx', label: '2xx', colour: '--code-2' },
  { key: '3xx', label: '3xx', colour: '--code-3' },
  { key: '4xx', label: '4xx', colour: '--code-4' },
  { key: '5xx', label: '5xx', colour: '--code-5' },
];

/** The classes always shown, and `other` only where there is such. */
export function codeSeries(columns: ReadonlyMap<string, readonly Cell[]>): readonly SeriesSpec[] {
  const other = columns.get('other')?.some((cell) => (cell ?? 0) > 0) === true;
  return other ? [...CODES, { key: 'other', label: 'other', colour: '--code-0' }] : CODES;
}

/** Lines for the columns with the highest peaks, in the order of their names. */
export function lineSeries(columns: ReadonlyMap<string, readonly Cell[]>): SeriesSpec[] {
  const peak = (key: string) => extentOf(columns.get(key) ?? [])?.[1] ?? -Infinity;
  let keys = [...columns.keys()];
  if (keys.length > LINES_MAX) {
    const peaks = new Map(keys.map((key) => [key, peak(key)]));
    keys = keys.sort((a, b) => (peaks.get(b) ?? 0) - (peaks.get(a) ?? 0)).slice(0, LINES_MAX);
  }
  return keys
    .sort((a, b) => a.localeCompare(b, undefined, { numeric: true }))
    .map((key, index) => ({ key, label: key, colour: `--c${index + 1}` }));
}
