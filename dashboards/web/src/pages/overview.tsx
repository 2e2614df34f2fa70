// The fleet at a glance: every app of every tenant that the token may see, and what happened to them.

import { createMemo, Show, type JSX } from 'solid-js';
import { bytes, cores, count, millis, percent, plural } from '../lib/format';
import { incidents } from '../state/events';
import { now } from '../state/clock';
import { createFleet, SPAN_SECONDS, type Fleet } from '../state/fleet';
import type { OverviewRoute } from '../lib/route';
import { CODE_CLASSES } from '../lib/promql';
import type { Cell } from '../lib/series';
import { liveState } from '../state/live';
import { go } from '../state/route';
import { Chart } from '../ui/chart';
import { FleetTable } from '../ui/fleet-table';
import { incidentMarkers } from '../ui/markers';
import { Num } from '../ui/num';
import { Notices } from '../ui/notices';
import { codeSeries, lineSeries, LINES_MAX } from '../ui/series';
import { Spark } from '../ui/spark';
import { Timeline } from '../ui/timeline';

/** With more apps than this nobody would ever get to charts that stand below them. */
const CHARTS_LAST_UP_TO = 24;

export default function Overview(props: { route: OverviewRoute }): JSX.Element {
  const fleet = createFleet();
  const story = createMemo(() => incidents().filter((incident) => incident.phase !== 'notice' || incident.events.some((event) => event.kind !== 'started')));
  return (
    <main class="overview" classList={{ dim: liveState() === 'stale' || liveState() === 'retrying' }}>
      <h1 class="sr-only">Overview</h1>
      <Notices errors={fleet.errors()} />
      <Summary fleet={fleet} route={props.route} />
      <div class="columns">
        <div class="column-main" classList={{ many: fleet.ids().length > CHARTS_LAST_UP_TO }}>
          <FleetTable fleet={fleet} route={props.route} />
          <FleetCharts fleet={fleet} />
        </div>
        <aside class="column-side" aria-labelledby="timeline-title">
          <div class="section-head">
            <h2 id="timeline-title">Timeline</h2>
          </div>
          <Timeline incidents={story()} showApp={true} />
        </aside>
      </div>
    </main>
  );
}

function Summary(props: { fleet: Fleet; route: OverviewRoute }): JSX.Element {
  const totals = () => props.fleet.totals();
  const column = createMemo(() => {
    const { columns, times } = props.fleet.codes.get();
    const requests: Cell[] = [];
    const errors: Cell[] = [];
    for (const row of times.keys()) {
      let sum: Cell = null;
      for (const name of CODE_CLASSES) {
        const cell = columns.get(name)?.[row] ?? null;
        if (cell !== null) sum = (sum ?? 0) + cell;
      }
      requests.push(sum);
      errors.push(sum === null || sum === 0 ? null : (columns.get('5xx')?.[row] ?? 0) / sum);
    }
    return { times, requests, errors };
  });
  const value = (text: string) => (props.fleet.ready() ? text : '–');
  const unhealthy = () => totals().unhealthy;
  return (
    <section class="summary" aria-label="Summary">
      <Show when={props.fleet.group === 'tenant'}>
        <Tile label="Tenants" text={value(count(totals().tenants))} />
      </Show>
      <Tile label="Apps" text={value(count(totals().apps))} />
      <Tile label="Instances" text={value(count(totals().instances))} />
      <button
        type="button"
        class="tile tile-button"
        classList={{ alarm: unhealthy() > 0 }}
        aria-pressed={props.route.unhealthy}
        title="Show only apps that are not well"
        onClick={() => go({ ...props.route, unhealthy: !props.route.unhealthy }, true)}
      >
        <span class="tile-label">Unhealthy now</span>
        <span class="tile-value">{value(count(unhealthy()))}</span>
      </button>
      <Tile label="CPU, cores" text={value(cores(totals().cpu))} />
      <Tile label="Memory" text={value(bytes(totals().memory))} />
      <Tile label="Requests/s" text={value(count(totals().requests))}>
        <Spark times={column().times} column={column().requests} span={SPAN_SECONDS} end={now()} />
      </Tile>
      <Tile label="Error ratio" text={value(percent(totals().errors))} alarm={(totals().errors ?? 0) > 0.01}>
        <Spark times={column().times} column={column().errors} span={SPAN_SECONDS} end={now()} tone="bad" />
      </Tile>
    </section>
  );
}

function Tile(props: { label: string; text: string; alarm?: boolean; children?: JSX.Element }): JSX.Element {
  return (
    <div class="tile" classList={{ alarm: props.alarm === true, 'tile-wide': props.children !== undefined }}>
      <span class="tile-label">{props.label}</span>
      <span class="tile-value">
        <Num text={props.text} />
      </span>
      {props.children}
    </div>
  );
}

function FleetCharts(props: { fleet: Fleet }): JSX.Element {
  const window = (): [number, number] => [now() - SPAN_SECONDS, now()];
  const markers = createMemo(() => incidentMarkers(incidents(), now() - SPAN_SECONDS, now()));
  const by = props.fleet.group;
  const many = `of the ${plural(LINES_MAX, by)} with the highest peak`;
  return (
    <section class="charts" aria-labelledby="charts-title">
      <h2 id="charts-title" class="sr-only">
        The fleet over the last five minutes
      </h2>
      <Chart
        title="Requests"
        about="Requests each second by class of status, over 10 s"
        frame={props.fleet.codes.get()}
        series={codeSeries(props.fleet.codes.get().columns)}
        format={count}
        window={window()}
        stacked={true}
        markers={markers()}
        group="fleet"
      />
      <Chart
        title={`Latency p95 by ${by}`}
        about={`95th percentile of request duration over 30 s, ${many}`}
        frame={props.fleet.p95.get()}
        series={lineSeries(props.fleet.p95.get().columns)}
        format={millis}
        window={window()}
        markers={markers()}
        group="fleet"
      />
      <Chart
        title={`CPU by ${by}`}
        about={`Cores used, over 10 s, ${many}`}
        frame={props.fleet.cpu.get()}
        series={lineSeries(props.fleet.cpu.get().columns)}
        format={cores}
        window={window()}
        markers={markers()}
        group="fleet"
      />
    </section>
  );
}

