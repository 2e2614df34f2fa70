// One app: its charts over a range, its instances now, its story.

import { createMemo, For, Show, type JSX } from 'solid-js';
import { byteRate, bytes, cores, count, dateTime, duration, millis, percent, uptime } from '../lib/format';
import { worst, type TimelineEvent } from '../lib/incidents';
import type { AppRoute } from '../lib/route';
import { lastOf, zeroSpans, type Cell } from '../lib/series';
import { createAppView, type AppView, type InstanceRow } from '../state/app';
import { now } from '../state/clock';
import { events, incidents } from '../state/events';
import { liveState } from '../state/live';
import { follow, go, href } from '../state/route';
import { Chart, type SeriesSpec } from '../ui/chart';
import { eventMarkers } from '../ui/markers';
import { Notices } from '../ui/notices';
import { Num } from '../ui/num';
import { RangePicker } from '../ui/range';
import { StateBadge, StateMark } from '../ui/state';
import { Timeline } from '../ui/timeline';
import { codeSeries, lineSeries } from '../ui/series';

const LATENCY: readonly SeriesSpec[] = [
  { key: 'p50', label: 'p50', colour: '--q-50' },
  { key: 'p95', label: 'p95', colour: '--q-95' },
  { key: 'p99', label: 'p99', colour: '--q-99' },
];
const IO: readonly SeriesSpec[] = [
  { key: 'read', label: 'read', colour: '--c1' },
  { key: 'written', label: 'written', colour: '--c2' },
];
const LIMIT = '\u0000limit';

export default function AppPage(props: { route: AppRoute }): JSX.Element {
  const range = createMemo(() => props.route.range, undefined, { equals: (a, b) => JSON.stringify(a) === JSON.stringify(b) });
  const view = createAppView(props.route.tenant, props.route.app, range);
  const own = createMemo(() => events().filter((event) => event.target.app === props.route.app && event.target.tenant === props.route.tenant));
  const story = createMemo(() => incidents().filter(({ target }) => target.app === props.route.app && target.tenant === props.route.tenant));
  return (
    <main class="app-page" classList={{ dim: liveState() === 'stale' || liveState() === 'retrying' }}>
      <Head route={props.route} view={view} />
      <Notices errors={view.errors()} />
      <div class="columns">
        <div class="column-main">
          <Charts route={props.route} view={view} events={own()} />
          <Instances rows={view.instances()} ready={view.ready()} events={own()} />
        </div>
        <aside class="column-side" aria-labelledby="timeline-title">
          <div class="section-head">
            <h2 id="timeline-title">Timeline</h2>
          </div>
          <Timeline incidents={story()} showApp={false} />
        </aside>
      </div>
    </main>
  );
}

function Head(props: { route: AppRoute; view: AppView }): JSX.Element {
  const state = () => worst(props.view.instances().map((row) => row.state));
  const latest = (chart: 'codes' | 'latency', key: string): Cell => {
    const column = props.view.charts()[chart].get().columns.get(key);
    return column === undefined ? null : lastOf(column.slice(-5));
  };
  const sum = (pick: (row: InstanceRow) => number | null) => {
    const values = props.view.instances().map(pick).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((a, b) => a + b, 0);
  };
  const requests = () => {
    const values = ['2xx', '3xx', '4xx', '5xx', 'other'].map((name) => latest('codes', name)).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((a, b) => a + b, 0);
  };
  const errors = () => {
    const all = requests();
    return all === null || all === 0 ? null : (latest('codes', '5xx') ?? 0) / all;
  };
  return (
    <header class="page-head">
      <div class="page-title">
        <nav class="crumbs" aria-label="Breadcrumb">
          <a href="?" onClick={(event) => follow(event, { page: 'overview', filter: '', unhealthy: false, sort: '' })}>
            Overview
          </a>
          <span aria-hidden="true">/</span>
          <a
            href={href({ page: 'overview', filter: `${props.route.tenant}/`, unhealthy: false, sort: '' })}
            onClick={(event) => follow(event, { page: 'overview', filter: `${props.route.tenant}/`, unhealthy: false, sort: '' })}
          >
            {props.route.tenant}
          </a>
        </nav>
        <h1>
          {props.route.app}
          <Show when={props.view.ready()}>
            <StateBadge state={state()} />
          </Show>
        </h1>
      </div>
      <dl class="facts">
        <Fact label="CPU" text={cores(sum((row) => row.cpu))} />
        <Fact label="Memory" text={bytes(sum((row) => row.memory))} />
        <Fact label="Requests/s" text={count(requests())} />
        <Fact label="Error ratio" text={percent(errors())} />
        <Fact label="p95" text={millis(latest('latency', 'p95'))} />
      </dl>
      <RangePicker range={props.route.range} onPick={(range) => go({ ...props.route, range }, true)} />
    </header>
  );
}

function Fact(props: { label: string; text: string }): JSX.Element {
  return (
    <div>
      <dt>{props.label}</dt>
      <dd>
        <Num text={props.text} />
      </dd>
    </div>
  );
}

function Charts(props: { route: AppRoute; view: AppView; events: readonly TimelineEvent[] }): JSX.Element {
  const frame = (name: keyof ReturnType<AppView['charts']>) => props.view.charts()[name].get();
  const window = () => props.view.window();
  const markers = createMemo(() => eventMarkers(props.events, window()[0], window()[1]));
  const zoom = (from: number, to: number) => go({ ...props.route, range: { from, to } });
  const limit = createMemo((): number | null => {
    let most: number | null = null;
    for (const column of frame('limit').columns.values()) {
      const last = lastOf(column);
      if (last !== null) most = Math.max(most ?? 0, last);
    }
    return most;
  });
  const memory = createMemo(() => {
    const { times, columns } = frame('memory');
    const top = limit();
    if (top === null) return { times, columns };
    return { times, columns: new Map([...columns, [LIMIT, times.map((): Cell => top)]]) };
  });
  const memorySeries = createMemo((): SeriesSpec[] => {
    const lines = lineSeries(frame('memory').columns);
    return limit() === null ? lines : [...lines, { key: LIMIT, label: 'limit', colour: '--text-2', dash: true }];
  });
  const failing = createMemo(() => {
    const { times, columns } = frame('probe');
    return [...columns.values()].flatMap((column) => zeroSpans(times, column));
  });
  const seconds = (value: number | null | undefined) => millis(value == null ? value : value * 1000);
  const up = createMemo(() => {
    const { times, columns } = frame('probe');
    const all = [...columns.values()].map((column) => column.slice(0, times.length));
    const cells = all.flat().filter((cell) => cell !== null);
    return cells.length === 0 ? null : cells.reduce((a, b) => a + b, 0) / cells.length;
  });
  const common = { group: 'app', onZoom: zoom };
  return (
    <section class="charts" aria-labelledby="charts-title">
      <h2 id="charts-title" class="sr-only">
        Charts
      </h2>
      <Chart {...common} title="Requests" about="Requests each second by class of status" frame={frame('codes')} series={codeSeries(frame('codes').columns)} format={count} window={window()} stacked={true} markers={markers()} empty="No requests" />
      <Chart {...common} title="Latency" about="Quantiles of request duration, all instances together" frame={frame('latency')} series={LATENCY} format={millis} window={window()} markers={markers()} empty="No requests" />
      <Chart {...common} title="CPU" about="Cores used by each instance" frame={frame('cpu')} series={lineSeries(frame('cpu').columns)} format={cores} window={window()} atLeast={0.05} fill={true} markers={markers()} />
      <Chart {...common} title="Memory" binary={true} about="Working set of each instance, and the limit" frame={memory()} series={memorySeries()} format={bytes} window={window()} markers={markers()} />
      <Chart
        {...common}
        title="Probes"
        about="How long the health probe took; tinted while an instance fails it"
        frame={frame('probeTime')}
        series={lineSeries(frame('probeTime').columns)}
        format={seconds}
        window={window()}
        atLeast={0.005}
        fill={true}
        markers={markers()}
        spans={failing()}
        empty="No probe"
        extra={
          <Show when={up() !== null}>
            <span class="chart-note" classList={{ 'tone-bad': (up() ?? 1) < 0.999 }}>
              {percent(up())} passed
            </span>
          </Show>
        }
      />
      <Chart {...common} title="Disk I/O" binary={true} about="Bytes read and written each second, all instances together" frame={frame('io')} series={IO} format={byteRate} window={window()} atLeast={1024} markers={markers()} />
    </section>
  );
}

function Instances(props: { rows: readonly InstanceRow[]; ready: boolean; events: readonly TimelineEvent[] }): JSX.Element {
  const restarts = createMemo(() => {
    const counts = new Map<string, number>();
    for (const event of props.events) {
      if (event.kind === 'restarted') counts.set(event.target.instance, (counts.get(event.target.instance) ?? 0) + 1);
    }
    return counts;
  });
  const byName = createMemo(() => new Map(props.rows.map((row) => [row.instance, row])));
  const names = createMemo(() => props.rows.map((row) => row.instance), undefined, { equals: (a, b) => a.join() === b.join() });
  return (
    <div class="instances">
      <div class="section-head">
        <h2 id="instances-title">Instances</h2>
      </div>
      <div class="scroll-x" tabindex="0" role="region" aria-labelledby="instances-title">
        <table class="plain-table">
          <thead>
            <tr>
              <For each={['Instance', 'State', 'Node']}>{(label) => <th scope="col">{label}</th>}</For>
              <For each={['CPU', 'Memory', 'Of limit', 'Uptime', 'Restarts', 'OOM kills']}>
                {(label) => (
                  <th scope="col" class="right">
                    {label}
                  </th>
                )}
              </For>
            </tr>
          </thead>
          <tbody>
            <For each={names()}>{(name) => <Show when={byName().get(name)}>{(row) => <InstanceLine row={row()} restarts={restarts().get(name) ?? 0} />}</Show>}</For>
          </tbody>
        </table>
        <Show when={props.rows.length === 0}>
          <p class="table-empty">{props.ready ? 'No instance is running.' : 'Waiting for the first sample'}</p>
        </Show>
      </div>
    </div>
  );
}

function InstanceLine(props: { row: InstanceRow; restarts: number }): JSX.Element {
  const share = () => (props.row.memory === null || props.row.limit === null ? null : props.row.memory / props.row.limit);
  const age = () => (props.row.started === null ? null : now() - props.row.started);
  return (
    <tr>
      <th scope="row">{props.row.instance}</th>
      <td>
        <span class={`line-state state-text-${props.row.state}`}>
          <StateMark state={props.row.state} />
          {props.row.state}
        </span>
      </td>
      <td class="quiet">{props.row.node}</td>
      <td class="right">
        <Num text={cores(props.row.cpu)} />
      </td>
      <td class="right">
        <Num text={bytes(props.row.memory)} />
      </td>
      <td class="right">
        <Num text={percent(share())} />
      </td>
      <td class="right" title={props.row.started === null ? '' : dateTime(props.row.started)}>
        {age() !== null && (age() ?? 0) < 60 ? duration(Math.max(0, Math.floor(age() ?? 0))) : uptime(age())}
      </td>
      <td class="right">{props.restarts}</td>
      <td class="right">{count(props.row.ooms)}</td>
    </tr>
  );
}
