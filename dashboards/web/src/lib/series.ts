// Results of range queries as columns on one time axis, and live samples appended to them.

import type { Labels } from './promql';

export interface HistogramValue {
  count: string;
  sum: string;
  buckets?: [number, string, string, string][];
}

export interface MatrixSeries {
  metric: Labels;
  values?: [number, string][];
  histograms?: [number, HistogramValue][];
}

export interface VectorSample {
  metric: Labels;
  value?: [number, string];
  histogram?: [number, HistogramValue];
}

export type Cell = number | null;

/** Columns over one time axis (seconds, rising); a missing value is null. */
export interface Frame {
  times: number[];
  columns: Map<string, Cell[]>;
}

/** A sample's text as a number that can be drawn; NaN and infinities are gaps. */
export function toCell(text: string | undefined): Cell {
  if (text === undefined || text === '') return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

export function emptyFrame(): Frame {
  return { times: [], columns: new Map() };
}

/** Series whose keys are equal are added up. */
export function frameOf(matrix: readonly MatrixSeries[], keyOf: (metric: Labels) => string): Frame {
  const times = [...new Set(matrix.flatMap((series) => (series.values ?? []).map(([time]) => time)))];
  times.sort((a, b) => a - b);
  const rows = new Map(times.map((time, row) => [time, row]));
  const columns = new Map<string, Cell[]>();
  for (const series of matrix) {
    const key = keyOf(series.metric);
    let column = columns.get(key);
    if (column === undefined) {
      column = new Array<Cell>(times.length).fill(null);
      columns.set(key, column);
    }
    for (const [time, text] of series.values ?? []) {
      const row = rows.get(time);
      const cell = toCell(text);
      if (row !== undefined && cell !== null) column[row] = (column[row] ?? 0) + cell;
    }
  }
  return { times, columns };
}

/** The values of an instant vector by key; values whose keys are equal are added up. */
export function valuesOf(vector: readonly VectorSample[], keyOf: (metric: Labels) => string): Map<string, number> {
  const values = new Map<string, number>();
  for (const sample of vector) {
    const cell = toCell(sample.value?.[1]);
    if (cell === null) continue;
    const key = keyOf(sample.metric);
    values.set(key, (values.get(key) ?? 0) + cell);
  }
  return values;
}

/**
 * Adds one live row. Within one step the newest row replaces the one before, so that a frame of six
 * hours does not fill up with seconds; after a pause an empty row keeps the line from bridging it.
 * Rows that are not newer than the last are ignored.
 */
export function append(frame: Frame, time: number, values: ReadonlyMap<string, number>, step: number): void {
  const rows = frame.times.length;
  const last = frame.times[rows - 1];
  if (last !== undefined && time <= last) return;
  const previous = frame.times[rows - 2];
  const replaces =
    last !== undefined &&
    Math.floor(last / step) === Math.floor(time / step) &&
    (previous === undefined || Math.floor(previous / step) < Math.floor(last / step));
  if (replaces) {
    frame.times[rows - 1] = time;
    for (const [key, column] of frame.columns) column[rows - 1] = values.get(key) ?? null;
  } else {
    if (last !== undefined && time - last > 3 * step + 2) pushRow(frame, last + step, new Map());
    pushRow(frame, time, values);
  }
  for (const [key, value] of values) {
    if (frame.columns.has(key)) continue;
    const column = new Array<Cell>(frame.times.length).fill(null);
    column[column.length - 1] = value;
    frame.columns.set(key, column);
  }
}

function pushRow(frame: Frame, time: number, values: ReadonlyMap<string, number>): void {
  frame.times.push(time);
  for (const [key, column] of frame.columns) column.push(values.get(key) ?? null);
}

/** Forgets rows before `from`, and columns that have nothing left. */
export function trim(frame: Frame, from: number): void {
  let drop = 0;
  while (drop < frame.times.length && (frame.times[drop] ?? Infinity) < from) drop += 1;
  if (drop === 0) return;
  frame.times.splice(0, drop);
  for (const [key, column] of frame.columns) {
    column.splice(0, drop);
    if (column.every((cell) => cell === null)) frame.columns.delete(key);
  }
}

/** The columns named, each on top of those before it; a gap counts as nothing. */
export function stack(columns: readonly (readonly Cell[])[]): Cell[][] {
  const sums: Cell[][] = [];
  let below: readonly Cell[] = [];
  for (const column of columns) {
    const sum = column.map((cell, row) => {
      const base = below[row] ?? null;
      return cell === null && base === null ? null : (cell ?? 0) + (base ?? 0);
    });
    sums.push(sum);
    below = sum;
  }
  return sums;
}

/** The last value that is not a gap. */
export function lastOf(column: readonly Cell[]): Cell {
  for (let row = column.length - 1; row >= 0; row -= 1) {
    const cell = column[row];
    if (cell != null) return cell;
  }
  return null;
}

/** Least and greatest of a column, null when it is all gaps. */
export function extentOf(column: readonly Cell[]): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const cell of column) {
    if (cell === null) continue;
    if (cell < low) low = cell;
    if (cell > high) high = cell;
  }
  return low <= high ? [low, high] : null;
}

/** Stretches of time in which `column` is zero, as pairs of times: a probe's failures. */
export function zeroSpans(times: readonly number[], column: readonly Cell[]): [number, number][] {
  const spans: [number, number][] = [];
  let from: number | null = null;
  for (const [row, time] of times.entries()) {
    const zero = column[row] === 0;
    if (zero && from === null) from = time;
    if (!zero && from !== null) {
      spans.push([from, time]);
      from = null;
    }
  }
  const last = times[times.length - 1];
  if (from !== null && last !== undefined) spans.push([from, last]);
  return spans;
}

/** Rows for a table of at most `rows`, evenly spread and ending with the newest. */
export function sampleRows(length: number, rows: number): number[] {
  const stride = Math.max(1, Math.ceil(length / rows));
  const picked: number[] = [];
  for (let row = length - 1; row >= 0; row -= stride) picked.push(row);
  return picked;
}

/** Steps that a range may have, in seconds. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400];

/** The least round step that gives at most `points`. */
export function stepFor(seconds: number, points: number): number {
  return STEPS.find((step) => seconds / step <= points) ?? 86_400;
}
