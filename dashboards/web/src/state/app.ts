// What an app's page shows: its charts over a range, continued live, and its instances as they are now.

import { batch, createEffect, createMemo, createSignal, on, onCleanup } from 'solid-js';
import { instanceState, targetKey, type State } from '../lib/incidents';
import { codeClass, selector, type Labels } from '../lib/promql';
import { RANGE_SECONDS, type Range } from '../lib/route';
import { stepFor, valuesOf, type VectorSample } from '../lib/series';
import { now } from './clock';
import { incidentByInstance } from './events';
import { createFrame, queryRange, type LiveFrame, type Span } from './frame';
import { createLive, type LiveSample } from './live';
import { createProblems } from './problems';
import { appLabels, errorText, serverNow } from './session';
import { retrying } from './stream';

/** Points of a chart: more than a screen can tell apart would only cost time. */
const POINTS_MAX = 450;

export const CHARTS = ['cpu', 'memory', 'limit', 'codes', 'latency', 'probe', 'probeTime', 'io'] as const;
export type ChartName = (typeof CHARTS)[number];

export interface InstanceRow {
  instance: string;
  node: string;
  state: State;
  cpu: number | null;
  memory: number | null;
  limit: number | null;
  started: number | null;
  ooms: number | null;
}

interface Part {
  chart: ChartName;
  query: string;
  /** The column that a series goes to. */
  keyOf: (metric: Labels) => string;
}

const instanceOf = (metric: Labels) => metric['instance'] ?? '';

/** The queries of the charts; `step` widens windows so that no sample falls between two points. */
function parts(labels: Record<string, string>, step: number, live: boolean): Part[] {
  const of = selector(labels);
  const window = `${Math.max(10, step)}s`;
  const probe = live || step === 1 ? `probe_success${of}` : `min_over_time(probe_success${of}[${step}s])`;
  const quantile = (q: number): Part => ({
    chart: 'latency',
    query: `histogram_quantile(${q / 100}, sum (rate(istio_request_duration_milliseconds${of}[${Math.max(30, step)}s])))`,
    keyOf: () => `p${q}`,
  });
  return [
    { chart: 'cpu', query: `sum by (instance) (rate(container_cpu_usage_seconds_total${of}[${window}]))`, keyOf: instanceOf },
    { chart: 'memory', query: `sum by (instance) (container_memory_working_set_bytes${of})`, keyOf: instanceOf },
    { chart: 'limit', query: `max by (instance) (container_spec_memory_limit_bytes${of} > 0)`, keyOf: instanceOf },
    {
      chart: 'codes',
      query: `sum by (response_code) (rate(istio_requests_total${of}[${window}]))`,
      keyOf: (metric) => codeClass(metric['response_code'] ?? ''),
    },
    quantile(50),
    quantile(95),
    quantile(99),
    { chart: 'probe', query: `min by (instance) (${probe})`, keyOf: instanceOf },
    { chart: 'probeTime', query: `max by (instance) (probe_duration_seconds${of})`, keyOf: instanceOf },
    { chart: 'io', query: `sum (rate(container_fs_reads_bytes_total${of}[${window}]))`, keyOf: () => 'read' },
    { chart: 'io', query: `sum (rate(container_fs_writes_bytes_total${of}[${window}]))`, keyOf: () => 'written' },
  ];
}

export interface AppView {
  charts: () => Record<ChartName, LiveFrame>;
  /** Ends of the time axis, in seconds. */
  window: () => [number, number];
  live: () => boolean;
  instances: () => InstanceRow[];
  /** Whether there has been a sample yet. */
  ready: () => boolean;
  errors: () => string[];
}

/** Lives as long as the owner; follows `range` as it changes. */
export function createAppView(tenant: string, app: string, range: () => Range): AppView {
  const labels = appLabels(tenant, app);
  const seconds = createMemo(() => {
    const value = range();
    return 'name' in value ? RANGE_SECONDS[value.name] : value.to - value.from;
  });
  const step = createMemo(() => stepFor(seconds(), POINTS_MAX));
  const live = () => 'name' in range();
  const charts = createMemo(() => {
    range();
    const frames = {} as Record<ChartName, LiveFrame>;
    for (const name of CHARTS) frames[name] = createFrame(step(), seconds());
    return frames;
  });
  const window = (): [number, number] => {
    const value = range();
    return 'name' in value ? [now() - seconds(), now()] : [value.from, value.to];
  };
  const [instances, setInstances] = createSignal<InstanceRow[]>([]);
  const [ready, setReady] = createSignal(false);
  const problems = createProblems();

  const [gaps, setGaps] = createSignal(0);
  createEffect(
    on([charts, gaps], ([frames]) => {
      const value = range();
      const span: Span = 'name' in value ? { from: serverNow() - seconds(), to: serverNow(), step: step() } : { ...value, step: step() };
      const stops = CHARTS.map((chart) => {
        const own = parts(labels, step(), false).filter((part) => part.chart === chart);
        return retrying(
          async (signal) => merge(await Promise.all(own.map((part) => queryRange(part.query, span, part.keyOf, signal)))),
          (frame) => {
            problems.set(`range ${chart}`, null);
            frames[chart].load(frame);
          },
          (error) => problems.set(`range ${chart}`, errorText(error)),
        );
      });
      onCleanup(() => stops.forEach((stop) => stop()));
    }),
  );

  const liveParts = createMemo(() => parts(labels, step(), true));
  const extra = [
    `max by (instance, node) (container_start_time_seconds${selector(labels)})`,
    `sum by (instance) (container_oom_events_total${selector(labels)})`,
  ];
  const asked = createMemo(() => [...liveParts().map((part) => part.query), ...extra], undefined, {
    equals: (a, b) => a.join() === b.join(),
  });

  function onSample(sample: LiveSample): void {
    const own = liveParts();
    for (const [index, result] of sample.results.entries()) problems.set(`live ${index}`, result.error ?? null);
    const values = new Map<ChartName, Map<string, number>>();
    for (const [index, part] of own.entries()) {
      const vector = sample.results[index]?.result ?? [];
      const known = values.get(part.chart) ?? new Map<string, number>();
      for (const [key, value] of valuesOf(vector, part.keyOf)) known.set(key, value);
      values.set(part.chart, known);
    }
    const starts = sample.results[own.length]?.result ?? [];
    const ooms = sample.results[own.length + 1]?.result ?? [];
    batch(() => {
      if (live()) for (const name of CHARTS) charts()[name].push(sample.time, values.get(name) ?? new Map());
      setInstances(instancesOf(values, starts, ooms, tenant, app, sample.time));
      setReady(true);
    });
  }
  createLive(asked, onSample, () => setGaps((n) => n + 1));

  return { charts, window, live, instances, ready, errors: problems.list };
}

/** Frames of the same times and different columns as one. */
function merge(frames: readonly { times: number[]; columns: Map<string, (number | null)[]> }[]) {
  if (frames.length === 1 && frames[0] !== undefined) return frames[0];
  const times = [...new Set(frames.flatMap((frame) => frame.times))].sort((a, b) => a - b);
  const columns = new Map<string, (number | null)[]>();
  for (const frame of frames) {
    const rows = new Map(frame.times.map((time, row) => [time, row]));
    for (const [key, column] of frame.columns) {
      columns.set(key, times.map((time) => column[rows.get(time) ?? -1] ?? null));
    }
  }
  return { times, columns };
}

function instancesOf(
  values: ReadonlyMap<ChartName, Map<string, number>>,
  starts: readonly VectorSample[],
  ooms: readonly VectorSample[],
  tenant: string,
  app: string,
  time: number,
): InstanceRow[] {
  const started = valuesOf(starts, instanceOf);
  const nodes = new Map(starts.map((sample) => [instanceOf(sample.metric), sample.metric['node'] ?? '']));
  const killed = valuesOf(ooms, instanceOf);
  const of = (chart: ChartName) => values.get(chart) ?? new Map<string, number>();
  const names = new Set([...started.keys(), ...of('cpu').keys(), ...of('memory').keys(), ...of('probe').keys()]);
  return [...names].sort((a, b) => a.localeCompare(b, undefined, { numeric: true })).map((instance) => {
    const probe = of('probe').get(instance);
    const incident = incidentByInstance().get(targetKey({ tenant, app, instance, node: '' }));
    return {
      instance,
      node: nodes.get(instance) ?? '',
      state: instanceState(probe === undefined ? null : probe > 0, incident, time * 1000),
      cpu: of('cpu').get(instance) ?? null,
      memory: of('memory').get(instance) ?? null,
      limit: of('limit').get(instance) ?? null,
      started: started.get(instance) ?? null,
      ooms: killed.get(instance) ?? null,
    };
  });
}
