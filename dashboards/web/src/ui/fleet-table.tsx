// The overview's table: apps by tenant, refreshed in place each second, drawn only where in view.

import { createMemo, For, Show, type JSX } from 'solid-js';
import { ago, bytes, cores, count, duration, millis, percent, plural, uptime } from '../lib/format';
import { STATES, summary, totalSeconds, type Incident } from '../lib/incidents';
import { CODE_CLASSES } from '../lib/promql';
import type { AppRoute, OverviewRoute } from '../lib/route';
import { now } from '../state/clock';
import { incidents } from '../state/events';
import { SPAN_SECONDS, totalsOf, type AppRow, type Fleet } from '../state/fleet';
import { follow, go, href } from '../state/route';
import { Icon } from './icon';
import { Num } from './num';
import { WORDS } from './phases';
import { Spark } from './spark';
import { StateMark } from './state';
import { createNarrow, createRowsInView } from './window';

interface Column {
  id: string;
  label: string;
  about: string;
  /** What the column sorts by, greatest first. */
  value?: (row: AppRow) => number;
}

const COLUMNS: readonly Column[] = [
  { id: 'app', label: 'App', about: 'Name, state and instances' },
  { id: 'cpu', label: 'CPU', about: 'Cores used over 10 s, and the last five minutes', value: (row) => row.cpu ?? -1 },
  { id: 'memory', label: 'Memory', about: 'Working set of all instances, and how much of their limits it is', value: (row) => row.memory ?? -1 },
  { id: 'requests', label: 'Requests/s', about: 'Over 10 s, with shares of 2xx, 3xx, 4xx and 5xx', value: (row) => row.requests ?? -1 },
  { id: 'p50', label: 'p50', about: 'Median of request duration over 30 s', value: (row) => row.p50 ?? -1 },
  { id: 'p95', label: 'p95', about: '95th percentile of request duration over 30 s', value: (row) => row.p95 ?? -1 },
  { id: 'p99', label: 'p99', about: '99th percentile of request duration over 30 s', value: (row) => row.p99 ?? -1 },
  { id: 'last', label: 'Last change', about: 'The newest incident, or how long all has been running', value: (row) => row.started ?? -1 },
];

/** Heights in pixels as the style sheet sets them: [tenant, app], wide and narrow. */
const HEIGHTS = { wide: [34, 46], narrow: [34, 96] } as const;
/** Seconds between new orders when sorted by a value: rows that jump each second cannot be read. */
const REORDER_SECONDS = 5;

/** Rows are keyed `t:tenant` and `a:tenant/app`, so that a row keeps its elements while its values change. */
export function FleetTable(props: { fleet: Fleet; route: OverviewRoute }): JSX.Element {
  let body: HTMLDivElement | undefined;
  const narrow = createNarrow();
  const rank = createMemo(() => Math.floor(now() / REORDER_SECONDS));
  const items = createMemo(() => itemsOf(props.fleet, props.route, rank()), undefined, {
    equals: (a, b) => a.length === b.length && a.every((key, i) => key === b[i]),
  });
  const heights = createMemo(() => {
    const [tenant, app] = narrow() ? HEIGHTS.narrow : HEIGHTS.wide;
    return items().map((key) => (key.startsWith('t:') ? tenant : app));
  });
  const view = createRowsInView(() => body, heights);
  const drawn = createMemo(() => items().slice(view.first(), view.end()));
  const byApp = createMemo(() => {
    const newest = new Map<string, Incident>();
    for (const incident of incidents()) {
      const id = `${incident.target.tenant}/${incident.target.app}`;
      if (incident.phase !== 'notice' && !newest.has(id)) newest.set(id, incident);
    }
    return newest;
  });
  const sortBy = (id: string) => go({ ...props.route, sort: props.route.sort === id || id === 'app' ? '' : id }, true);
  return (
    <section class="fleet" aria-labelledby="fleet-title">
      <div class="section-head">
        <h2 id="fleet-title">Apps</h2>
        <label class="filter">
          <Icon name="search" />
          <span class="sr-only">Filter</span>
          <input
            type="search"
            data-search
            placeholder={props.fleet.group === 'tenant' ? 'Filter by tenant, app or state' : 'Filter by app or state'}
            value={props.route.filter}
            onInput={(event) => go({ ...props.route, filter: event.currentTarget.value }, true)}
            onKeyDown={(event) => {
              if (event.key === 'Escape') go({ ...props.route, filter: '' }, true);
            }}
          />
          <kbd>/</kbd>
        </label>
        <Show when={props.route.unhealthy}>
          <button type="button" class="chip" onClick={() => go({ ...props.route, unhealthy: false }, true)}>
            not well only <Icon name="close" />
          </button>
        </Show>
        <CodeKey />
      </div>
      <div class="table" role="table" aria-labelledby="fleet-title" aria-rowcount={items().length + 1}>
        <div class="table-head" role="row" aria-rowindex="1">
          <For each={COLUMNS}>
            {(column) => (
              <div role="columnheader" class={`cell-${column.id}`} aria-sort={sorted(props.route, column.id)} title={column.about}>
                <button type="button" onClick={() => sortBy(column.id)}>
                  {column.label}
                  <Show when={sorted(props.route, column.id) !== 'none'}>
                    <Icon name={column.id === 'app' ? 'up' : 'down'} />
                  </Show>
                </button>
              </div>
            )}
          </For>
        </div>
        <div ref={body} role="rowgroup" class="table-body" style={{ 'padding-top': `${view.before()}px`, 'padding-bottom': `${view.after()}px` }}>
          <For each={drawn()}>
            {(key) => {
              const index = () => items().indexOf(key) + 2;
              const id = key.slice(2);
              return key.startsWith('t:') ? (
                <TenantLine tenant={id} fleet={props.fleet} index={index()} />
              ) : (
                <Show when={props.fleet.rows[id]}>
                  {(row) => <AppLine row={row()} fleet={props.fleet} incident={byApp().get(id)} index={index()} />}
                </Show>
              );
            }}
          </For>
        </div>
        <Show when={items().length === 0}>
          <p class="table-empty">{emptyText(props.fleet, props.route)}</p>
        </Show>
      </div>
    </section>
  );
}

function sorted(route: OverviewRoute, id: string): 'ascending' | 'descending' | 'none' {
  if (id === 'app') return route.sort === '' ? 'ascending' : 'none';
  return route.sort === id ? 'descending' : 'none';
}

function emptyText(fleet: Fleet, route: OverviewRoute): string {
  if (!fleet.ready()) return 'Waiting for the first sample';
  if (route.unhealthy && route.filter === '') return 'All apps are well.';
  if (fleet.ids().length > 0) return 'No app matches the filter.';
  return 'No app has sent data in the last five minutes.';
}

/** The keys of all rows to be shown. `_rank` changes when the order may. */
function itemsOf(fleet: Fleet, route: OverviewRoute, _rank: number): string[] {
  const words = route.filter.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const fits = (id: string) => {
    const state = words.length > 0 || route.unhealthy ? (fleet.rows[id]?.state ?? 'unknown') : 'unknown';
    if (route.unhealthy && STATES.indexOf(state) < STATES.indexOf('restarting')) return false;
    const text = `${id.toLowerCase()} ${state}`;
    return words.every((word) => text.includes(word));
  };
  const tenants = new Map<string, string[]>();
  for (const id of fleet.ids()) {
    if (!fits(id)) continue;
    const tenant = id.slice(0, id.indexOf('/'));
    const list = tenants.get(tenant) ?? [];
    list.push(id);
    tenants.set(tenant, list);
  }
  const value = COLUMNS.find((column) => column.id === route.sort)?.value;
  const items: string[] = [];
  for (const [tenant, ids] of tenants) {
    if (value !== undefined) {
      const rows = new Map(ids.map((id) => [id, fleet.rows[id]]));
      const of = (id: string) => {
        const row = rows.get(id);
        return row === undefined ? -1 : value(row);
      };
      ids.sort((a, b) => of(b) - of(a));
    }
    if (fleet.group === 'tenant') items.push(`t:${tenant}`);
    items.push(...ids.map((id) => `a:${id}`));
  }
  return items;
}

function CodeKey(): JSX.Element {
  return (
    <ul class="code-key" aria-hidden="true">
      <For each={CODE_CLASSES.slice(0, 4)}>
        {(name) => (
          <li>
            <i class={`dot fill-${name}`} />
            {name}
          </li>
        )}
      </For>
    </ul>
  );
}

function TenantLine(props: { tenant: string; fleet: Fleet; index: number }): JSX.Element {
  const totals = createMemo(() => {
    const rows = props.fleet.ids().flatMap((id) => (id.startsWith(`${props.tenant}/`) ? [props.fleet.rows[id]] : []));
    return totalsOf(rows.filter((row) => row !== undefined));
  });
  return (
    <div class="line line-tenant" role="row" aria-rowindex={props.index}>
      <div role="rowheader" class="cell-app">
        <b>{props.tenant}</b>
        <span class="quiet">
          {plural(totals().apps, 'app')},{' '}
          <Show when={totals().unhealthy > 0} fallback={plural(totals().instances, 'instance')}>
            <span class="tone-bad">
              {totals().unhealthy} of {totals().instances} not well
            </span>
          </Show>
        </span>
      </div>
      <div role="cell" class="cell-cpu">
        <Num text={cores(totals().cpu)} />
      </div>
      <div role="cell" class="cell-memory">
        <Num text={bytes(totals().memory)} />
      </div>
      <div role="cell" class="cell-requests">
        <Num text={count(totals().requests)} />
      </div>
    </div>
  );
}

function AppLine(props: { row: AppRow; fleet: Fleet; incident: Incident | undefined; index: number }): JSX.Element {
  const route = (): AppRoute => ({ page: 'app', tenant: props.row.tenant, app: props.row.app, range: { name: '5m' } });
  const open = (event: MouseEvent) => {
    // A click anywhere on the row opens it, but selecting its text does not.
    if (getSelection()?.isCollapsed !== false && !(event.target instanceof HTMLAnchorElement)) follow(event, route());
  };
  const share = () => (props.row.memory === null || props.row.limit === null || props.row.limit === 0 ? null : props.row.memory / props.row.limit);
  return (
    <div class={`line line-app line-${props.row.state}`} role="row" aria-rowindex={props.index} onClick={open}>
      <div role="rowheader" class="cell-app">
        <a data-row href={href(route())} onClick={(event) => follow(event, route())}>
          {props.row.app}
        </a>
        <span class={`line-state state-text-${props.row.state}`}>
          <StateMark state={props.row.state} />
          {props.row.state}
          <span class="quiet">
            {props.row.unhealthy > 0 ? `${props.row.unhealthy} of ${plural(props.row.instances, 'instance')}` : plural(props.row.instances, 'instance')}
          </span>
        </span>
      </div>
      <div role="cell" class="cell-cpu">
        <span class="inline-label" aria-hidden="true">
          CPU
        </span>
        <Num text={cores(props.row.cpu)} />
        <Spark times={props.fleet.spark.get().times} column={props.fleet.spark.get().columns.get(props.row.id)} span={SPAN_SECONDS} end={now()} />
      </div>
      <div role="cell" class="cell-memory">
        <span>
          <span class="inline-label" aria-hidden="true">
            mem{' '}
          </span>
          <Num text={bytes(props.row.memory)} />
          <Show when={props.row.limit !== null}>
            <span class="quiet"> / {bytes(props.row.limit)}</span>
          </Show>
        </span>
        <Show when={share() !== null}>
          <span class="bar" classList={{ high: (share() ?? 0) > 0.75, full: (share() ?? 0) > 0.9 }} title={`${percent(share())} of the limit`}>
            <i style={{ width: `${Math.min(100, (share() ?? 0) * 100).toFixed(1)}%` }} />
          </span>
        </Show>
      </div>
      <RequestsCell row={props.row} />
      <LatencyCell id="p50" value={props.row.p50} />
      <LatencyCell id="p95" value={props.row.p95} />
      <LatencyCell id="p99" value={props.row.p99} />
      <LastCell row={props.row} incident={props.incident} />
    </div>
  );
}

function LatencyCell(props: { id: string; value: number | null }): JSX.Element {
  return (
    <div role="cell" class={`cell-${props.id}`}>
      <span class="inline-label" aria-hidden="true">
        {props.id}{' '}
      </span>
      <Num text={millis(props.value)} />
    </div>
  );
}

function RequestsCell(props: { row: AppRow }): JSX.Element {
  const rate = (name: string) => props.row.codes[name] ?? 0;
  const spoken = () => CODE_CLASSES.filter((name) => rate(name) > 0).map((name) => `${name} ${count(rate(name))}`).join(', ');
  return (
    <div role="cell" class="cell-requests" title={spoken()}>
      <span class="requests-line">
        <Num text={count(props.row.requests)} />
        <span class="inline-label" aria-hidden="true">
          req/s
        </span>
        <span class="requests-codes" aria-hidden="true">
          <Show when={rate('4xx') >= 0.005}>
            <span class="tone-code-4">{count(rate('4xx'))}</span>
          </Show>
          <Show when={rate('5xx') >= 0.005}>
            <span class="tone-code-5">{count(rate('5xx'))}</span>
          </Show>
        </span>
        <span class="sr-only">{spoken()}</span>
      </span>
      <span class="codes" aria-hidden="true">
        <For each={CODE_CLASSES}>{(name) => <i class={`fill-${name}`} style={{ 'flex-grow': rate(name) * 1000 }} />}</For>
      </span>
    </div>
  );
}

function LastCell(props: { row: AppRow; incident: Incident | undefined }): JSX.Element {
  const total = () => (props.incident === undefined ? null : totalSeconds(props.incident));
  const age = () => (props.row.started === null ? null : now() - props.row.started);
  return (
    <div role="cell" class="cell-last">
      <Show
        when={props.incident}
        fallback={
          <>
            <span class="quiet">no incident</span>
            <span class="quiet">up {uptime(age())}</span>
          </>
        }
      >
        {(incident) => (
          <>
            <span title={`${incident().target.instance}, ${summary(incident())}`}>
              {incident().cause} <span class="quiet">{ago(now() - incident().start / 1000)}</span>
            </span>
            <span class="quiet">{total() === null ? WORDS[incident().phase] : `recovered in ${duration(total())}`}</span>
          </>
        )}
      </Show>
    </div>
  );
}
