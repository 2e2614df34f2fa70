// Runs what is asked on the query page.

import { createEffect, createSignal, on, onCleanup } from 'solid-js';
import { RANGE_SECONDS, type QueryRoute } from '../lib/route';
import { stepFor, type Frame, type HistogramValue, type MatrixSeries, type VectorSample } from '../lib/series';
import { seriesName } from '../lib/promql';
import { frameOf } from '../lib/series';
import { ApiError, call, errorText, serverNow } from './session';

const POINTS_MAX = 360;

export interface ResultRow {
  name: string;
  value: string;
}

export type QueryResult =
  | { kind: 'graph'; frame: Frame; series: number; window: [number, number]; step: number; histograms: number }
  | { kind: 'table'; type: string; rows: ResultRow[] };

export interface QueryRun {
  busy: () => boolean;
  result: () => QueryResult | null;
  /** The message, and the query that it is about. */
  error: () => { query: string; message: string } | null;
  warnings: () => string[];
  /** How long the aggregator took, the way there and back included. */
  milliseconds: () => number;
  again: () => void;
}

interface InstantData {
  resultType: string;
  result: (VectorSample & MatrixSeries)[] | [number, string];
}

export function createQueryRun(route: () => QueryRoute): QueryRun {
  const [busy, setBusy] = createSignal(false);
  const [result, setResult] = createSignal<QueryResult | null>(null);
  const [error, setError] = createSignal<{ query: string; message: string } | null>(null);
  const [warnings, setWarnings] = createSignal<string[]>([]);
  const [milliseconds, setMilliseconds] = createSignal(0);
  const [runs, setRuns] = createSignal(0);
  createEffect(
    on([() => JSON.stringify(route()), runs], () => {
      const asked = route();
      if (asked.expr.trim() === '') {
        setResult(null);
        setError(null);
        setWarnings([]);
        return;
      }
      const stopped = new AbortController();
      onCleanup(() => stopped.abort());
      setBusy(true);
      const started = performance.now();
      run(asked, stopped.signal)
        .then(([found, more]) => {
          setResult(found);
          setError(null);
          setWarnings(more);
        })
        .catch((failure: unknown) => {
          if (stopped.signal.aborted) return;
          setError({ query: asked.expr, message: errorText(failure) });
          if (failure instanceof ApiError) setResult(null);
          setWarnings([]);
        })
        .finally(() => {
          if (stopped.signal.aborted) return;
          setMilliseconds(performance.now() - started);
          setBusy(false);
        });
    }),
  );
  return { busy, result, error, warnings, milliseconds, again: () => setRuns((n) => n + 1) };
}

async function run(route: QueryRoute, signal: AbortSignal): Promise<[QueryResult, string[]]> {
  const span = 'name' in route.range ? { from: serverNow() - RANGE_SECONDS[route.range.name], to: serverNow() } : route.range;
  const params = new URLSearchParams({ query: route.expr });
  if (route.view === 'table') {
    params.set('time', String(span.to));
    const { data, warnings } = await call<InstantData>('api/v1/query', params, { signal });
    return [{ kind: 'table', type: data.resultType, rows: rowsOf(data) }, warnings];
  }
  const step = stepFor(span.to - span.from, POINTS_MAX);
  params.set('start', String(Math.floor(span.from / step) * step));
  params.set('end', String(Math.floor(span.to / step) * step));
  params.set('step', String(step));
  const { data, warnings } = await call<{ result: MatrixSeries[] }>('api/v1/query_range', params, { signal });
  const drawn = data.result.filter((series) => series.values !== undefined);
  const frame = frameOf(drawn, seriesName);
  const histograms = data.result.length - drawn.length;
  return [{ kind: 'graph', frame, series: data.result.length, window: [span.from, span.to], step, histograms }, warnings];
}

function histogramText(value: HistogramValue): string {
  return `histogram: count ${value.count}, sum ${value.sum}, ${value.buckets?.length ?? 0} buckets`;
}

function rowsOf(data: InstantData): ResultRow[] {
  if (data.resultType === 'scalar' || data.resultType === 'string') {
    return [{ name: data.resultType, value: String(data.result[1]) }];
  }
  return (data.result as (VectorSample & MatrixSeries)[]).map((series) => ({ name: seriesName(series.metric), value: valueText(series) }));
}

function valueText(series: VectorSample & MatrixSeries): string {
  if (series.value !== undefined) return series.value[1];
  if (series.histogram !== undefined) return histogramText(series.histogram[1]);
  const values = series.values ?? [];
  const last = values[values.length - 1];
  if (last !== undefined) return `${last[1]} (the last of ${values.length} samples)`;
  const histograms = series.histograms ?? [];
  const newest = histograms[histograms.length - 1];
  return newest === undefined ? '' : `${histogramText(newest[1])} (the last of ${histograms.length} samples)`;
}

const [metricNames, setMetricNames] = createSignal<string[]>([]);

/** Names for completion; empty until they are known, and where they cannot be had. */
export { metricNames };

/** A name list longer than this would only slow typing down. */
const NAMES_MAX = 5000;

export async function loadMetricNames(): Promise<void> {
  try {
    const { data } = await call<string[]>('api/v1/label/__name__/values');
    setMetricNames(data.slice(0, NAMES_MAX));
  } catch {
    // Completion then knows functions only, which is no reason to alarm anyone.
  }
}
