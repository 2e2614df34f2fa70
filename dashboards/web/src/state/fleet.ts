// What the overview shows: every app as of the newest sample, and five minutes of the whole fleet.

import { batch, createEffect, createSignal, on, onCleanup } from 'solid-js';
import { createStore, reconcile } from 'solid-js/store';
import { instanceState, targetKey, worst, type State } from '../lib/incidents';
import { codeClass, type Labels } from '../lib/promql';
import { valuesOf, type VectorSample } from '../lib/series';
import { incidentByInstance } from './events';
import { createFrame, queryRange, type LiveFrame } from './frame';
import { createLive, type LiveSample } from './live';
import { createProblems } from './problems';
import { errorText, me, serverNow, tenantOf } from './session';
import { retrying } from './stream';

export interface AppRow {
  id: string;
  tenant: string;
  app: string;
  state: State;
  instances: number;
  unhealthy: number;
  /** Cores. */
  cpu: number | null;
  /** Bytes. */
  memory: number | null;
  limit: number | null;
  /** Requests each second by class of status. */
  codes: Record<string, number>;
  requests: number | null;
  /** Milliseconds. */
  p50: number | null;
  p95: number | null;
  p99: number | null;
  /** When the newest of its processes started, in seconds since the epoch. */
  started: number | null;
}

export interface Totals {
  tenants: number;
  apps: number;
  instances: number;
  unhealthy: number;
  cpu: number;
  memory: number;
  requests: number | null;
  /** Share of requests answered with 5xx; null without requests. */
  errors: number | null;
}

export const SPAN_SECONDS = 300;
const SPARK_STEP = 5;
/** An app without any sample stays listed, as unknown, for so long. */
const FORGET_SECONDS = 300;

const latency = (quantile: number, by: string) =>
  `histogram_quantile(${quantile}, sum by (${by}) (rate(istio_request_duration_milliseconds[30s])))`;

function queries(group: string) {
  return {
    cpu: 'sum by (tenant, app) (rate(container_cpu_usage_seconds_total[10s]))',
    memory: 'sum by (tenant, app) (container_memory_working_set_bytes)',
    limit: 'sum by (tenant, app) (container_spec_memory_limit_bytes > 0)',
    codes: 'sum by (tenant, app, response_code) (rate(istio_requests_total[10s]))',
    p50: latency(0.5, 'tenant, app'),
    p95: latency(0.95, 'tenant, app'),
    p99: latency(0.99, 'tenant, app'),
    probe: 'min by (tenant, app, instance) (probe_success)',
    start: 'max by (tenant, app, instance) (container_start_time_seconds)',
    group: latency(0.95, group),
  };
}

type Name = keyof ReturnType<typeof queries>;

export const appId = (metric: Labels) => `${tenantOf(metric)}/${metric['app'] ?? ''}`;
const classOf = (metric: Labels) => codeClass(metric['response_code'] ?? '');

export interface Fleet {
  /** By id. */
  rows: Record<string, AppRow>;
  totals: () => Totals;
  /** Ids, by name. */
  ids: () => string[];
  /** Whether there has been a sample yet. */
  ready: () => boolean;
  /** What keeps failing, in words. */
  errors: () => string[];
  /** CPU by app, codes by class, CPU and p95 by group, over the last five minutes. */
  spark: LiveFrame;
  codes: LiveFrame;
  cpu: LiveFrame;
  p95: LiveFrame;
  /** What `cpu` and `p95` are grouped by. */
  group: 'tenant' | 'app';
}

/** Lives as long as the owner. */
export function createFleet(): Fleet {
  const group = (me()?.tenants.length ?? 0) > 1 ? 'tenant' : 'app';
  const groupOf = (metric: Labels) => (group === 'tenant' ? tenantOf(metric) : (metric['app'] ?? ''));
  const asked = queries(group);
  const names = Object.keys(asked) as Name[];
  const frames = {
    spark: createFrame(SPARK_STEP, SPAN_SECONDS),
    codes: createFrame(1, SPAN_SECONDS),
    cpu: createFrame(1, SPAN_SECONDS),
    p95: createFrame(1, SPAN_SECONDS),
  };
  const [rows, setRows] = createStore<Record<string, AppRow>>({});
  const [ids, setIds] = createSignal<string[]>([], { equals: (a, b) => a.length === b.length && a.every((id, i) => id === b[i]) });
  const [totals, setTotals] = createSignal<Totals>(totalsOf([]));
  const [ready, setReady] = createSignal(false);
  const problems = createProblems();
  const seen = new Map<string, number>();
  let vectors = new Map<Name, VectorSample[]>();
  let sampleTime = 0;

  function rebuild(): void {
    const next = rowsOf(vectors, seen, sampleTime);
    batch(() => {
      setRows(reconcile(next));
      setIds(Object.keys(next).sort((a, b) => a.localeCompare(b)));
      setTotals(totalsOf(Object.values(next)));
    });
  }

  function onSample(sample: LiveSample): void {
    vectors = new Map();
    for (const [index, name] of names.entries()) {
      const result = sample.results[index];
      problems.set(`live ${name}`, result?.error ?? null);
      vectors.set(name, result?.result ?? []);
    }
    sampleTime = sample.time;
    const vector = (name: Name) => vectors.get(name) ?? [];
    batch(() => {
      rebuild();
      setReady(true);
      frames.spark.push(sample.time, valuesOf(vector('cpu'), appId));
      frames.codes.push(sample.time, valuesOf(vector('codes'), classOf));
      frames.cpu.push(sample.time, valuesOf(vector('cpu'), groupOf));
      frames.p95.push(sample.time, valuesOf(vector('group'), groupOf));
    });
  }

  let stopBackfill = () => {};
  function backfill(): void {
    stopBackfill();
    const stops = (
      [
        ['codes', 'sum by (response_code) (rate(istio_requests_total[10s]))', 1, classOf],
        ['cpu', `sum by (${group}) (rate(container_cpu_usage_seconds_total[10s]))`, 1, groupOf],
        ['p95', asked.group, 1, groupOf],
        ['spark', asked.cpu, SPARK_STEP, appId],
      ] as const
    ).map(([name, query, step, keyOf]) =>
      retrying(
        (signal) => queryRange(query, { from: serverNow() - SPAN_SECONDS, to: serverNow(), step }, keyOf, signal),
        (frame) => {
          problems.set(`range ${name}`, null);
          frames[name].load(frame);
        },
        (error) => problems.set(`range ${name}`, errorText(error)),
      ),
    );
    stopBackfill = () => stops.forEach((stop) => stop());
  }

  backfill();
  onCleanup(() => stopBackfill());
  createLive(() => names.map((name) => asked[name]), onSample, backfill);
  // A state may change between samples: the timeline is quicker than the probes' series.
  createEffect(on(incidentByInstance, rebuild, { defer: true }));

  return { rows, totals, ids, ready, errors: problems.list, group, ...frames };
}

function rowsOf(vectors: ReadonlyMap<Name, VectorSample[]>, seen: Map<string, number>, time: number): Record<string, AppRow> {
  const vector = (name: Name) => vectors.get(name) ?? [];
  const by = (name: Name) => valuesOf(vector(name), appId);
  const [cpu, memory, limit, p50, p95, p99] = (['cpu', 'memory', 'limit', 'p50', 'p95', 'p99'] as const).map(by);
  const codes = new Map<string, Record<string, number>>();
  for (const sample of vector('codes')) {
    const value = Number(sample.value?.[1]);
    if (!Number.isFinite(value)) continue;
    const id = appId(sample.metric);
    const classes = codes.get(id) ?? {};
    const name = classOf(sample.metric);
    classes[name] = (classes[name] ?? 0) + value;
    codes.set(id, classes);
  }
  const states = instanceStates(vector('probe'), vector('start'), time);
  for (const id of [...(cpu?.keys() ?? []), ...codes.keys(), ...states.keys()]) seen.set(id, time);
  const rows: Record<string, AppRow> = {};
  for (const [id, last] of seen) {
    if (time - last > FORGET_SECONDS) {
      seen.delete(id);
      continue;
    }
    const slash = id.indexOf('/');
    const classes = codes.get(id);
    const instances = states.get(id);
    const all = [...(instances?.states.values() ?? [])];
    rows[id] = {
      id,
      tenant: id.slice(0, slash),
      app: id.slice(slash + 1),
      state: worst(all),
      instances: all.length,
      unhealthy: all.filter((state) => state !== 'healthy' && state !== 'unknown').length,
      cpu: cpu?.get(id) ?? null,
      memory: memory?.get(id) ?? null,
      limit: limit?.get(id) ?? null,
      codes: classes ?? {},
      requests: classes === undefined ? null : Object.values(classes).reduce((a, b) => a + b, 0),
      p50: p50?.get(id) ?? null,
      p95: p95?.get(id) ?? null,
      p99: p99?.get(id) ?? null,
      started: instances?.started ?? null,
    };
  }
  return rows;
}

interface Instances {
  states: Map<string, State>;
  started: number | null;
}

function instanceStates(probes: readonly VectorSample[], starts: readonly VectorSample[], time: number): Map<string, Instances> {
  const apps = new Map<string, Instances>();
  const of = (id: string) => {
    const known = apps.get(id) ?? { states: new Map<string, State>(), started: null };
    apps.set(id, known);
    return known;
  };
  const judge = (metric: Labels, probe: boolean | null) => {
    const target = { tenant: tenantOf(metric), app: metric['app'] ?? '', instance: metric['instance'] ?? '', node: '' };
    const incident = incidentByInstance().get(targetKey(target));
    return instanceState(probe, incident, time * 1000);
  };
  for (const { metric, value } of starts) {
    const app = of(appId(metric));
    app.states.set(metric['instance'] ?? '', judge(metric, null));
    const started = Number(value?.[1]);
    if (Number.isFinite(started)) app.started = Math.max(app.started ?? 0, started);
  }
  for (const { metric, value } of probes) {
    of(appId(metric)).states.set(metric['instance'] ?? '', judge(metric, Number(value?.[1]) > 0));
  }
  return apps;
}

export function totalsOf(rows: readonly AppRow[]): Totals {
  const sum = (pick: (row: AppRow) => number | null) => rows.reduce((all, row) => all + (pick(row) ?? 0), 0);
  const requests = rows.some((row) => row.requests !== null) ? sum((row) => row.requests) : null;
  return {
    tenants: new Set(rows.map((row) => row.tenant)).size,
    apps: rows.length,
    instances: sum((row) => row.instances),
    unhealthy: sum((row) => row.unhealthy),
    cpu: sum((row) => row.cpu),
    memory: sum((row) => row.memory),
    requests,
    errors: requests === null || requests === 0 ? null : sum((row) => row.codes['5xx'] ?? 0) / requests,
  };
}
