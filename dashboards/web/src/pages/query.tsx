// A question in PromQL, answered as a graph or a table.

import { createMemo, createSignal, For, Match, onMount, Show, Switch, type JSX } from 'solid-js';
import { count, duration, millis, plural, significant } from '../lib/format';
import { errorPlace } from '../lib/promql';
import type { QueryRoute } from '../lib/route';
import { toCell } from '../lib/series';
import { createQueryRun, loadMetricNames, metricNames, type QueryResult, type ResultRow } from '../state/query';
import { go } from '../state/route';
import { me } from '../state/session';
import { Chart, type SeriesSpec } from '../ui/chart';
import { QueryEditor } from '../ui/query-editor';
import { RangePicker } from '../ui/range';
import { createRowsInView } from '../ui/window';

/** Lines drawn; all series are in the table. */
const LINES_MAX = 40;
const ROW_HEIGHT = 30;

const EXAMPLES: readonly [string, string][] = [
  ['CPU by app', 'sum by (app) (rate(container_cpu_usage_seconds_total[10s]))'],
  ['Share of requests that fail', 'sum by (app) (rate(istio_requests_total{response_code=~"5.."}[30s])) / sum by (app) (rate(istio_requests_total[30s]))'],
  ['Latency p95', 'histogram_quantile(0.95, sum by (app) (rate(istio_request_duration_milliseconds[30s])))'],
  ['Memory in use, of the limit', 'sum by (app) (container_memory_working_set_bytes) / sum by (app) (container_spec_memory_limit_bytes)'],
  ['Failing probes', 'probe_success == 0'],
];

export default function QueryPage(props: { route: QueryRoute }): JSX.Element {
  const run = createQueryRun(() => props.route);
  onMount(() => {
    if (metricNames().length === 0) void loadMetricNames();
    if (props.route.expr === '') document.querySelector<HTMLElement>('[data-search]')?.focus();
  });
  const ask = (expr: string) => {
    if (expr === props.route.expr) run.again();
    else go({ ...props.route, expr });
  };
  const place = createMemo(() => {
    const error = run.error();
    return error === null ? null : errorPlace(error.query, error.message);
  });
  return (
    <main class="query-page">
      <h1 class="sr-only">Query</h1>
      <QueryEditor value={props.route.expr} busy={run.busy()} invalid={run.error() !== null} onRun={ask} />
      <div class="query-bar">
        <div class="segments" role="group" aria-label="Result as">
          <For each={['graph', 'table'] as const}>
            {(view) => (
              <button type="button" aria-pressed={props.route.view === view} onClick={() => go({ ...props.route, view }, true)}>
                {view === 'graph' ? 'Graph' : 'Table'}
              </button>
            )}
          </For>
        </div>
        <RangePicker range={props.route.range} onPick={(range) => go({ ...props.route, range }, true)} />
        <span class="query-stats quiet" role="status">
          <Show when={run.result()}>{(result) => <>{stats(result())}, {millis(run.milliseconds())}</>}</Show>
        </span>
      </div>
      <Show when={run.error()}>
        {(error) => (
          <div class="notice bad" role="alert">
            <p>{place()?.message ?? error().message}</p>
            <Show when={place()}>
              {(at) => (
                <pre class="error-place">
                  <span class="quiet">{`${at().line}:${at().column}  `}</span>
                  {at().text}
                  {'\n'}
                  {' '.repeat(`${at().line}:${at().column}  `.length + at().column - 1)}
                  <b>^</b>
                </pre>
              )}
            </Show>
          </div>
        )}
      </Show>
      <For each={run.warnings()}>{(warning) => <p class="notice warn">{warning}</p>}</For>
      <Switch>
        <Match when={props.route.expr === ''}>
          <Examples onPick={ask} />
        </Match>
        <Match when={graphOf(run.result())}>{(result) => <Graph result={result()} route={props.route} />}</Match>
        <Match when={tableOf(run.result())}>{(result) => <Rows rows={result().rows} />}</Match>
      </Switch>
    </main>
  );
}

type GraphResult = Extract<QueryResult, { kind: 'graph' }>;
type TableResult = Extract<QueryResult, { kind: 'table' }>;
const graphOf = (result: QueryResult | null): GraphResult | undefined => (result?.kind === 'graph' ? result : undefined);
const tableOf = (result: QueryResult | null): TableResult | undefined => (result?.kind === 'table' ? result : undefined);

function stats(result: QueryResult): string {
  if (result.kind === 'table') return result.type === 'vector' || result.type === 'matrix' ? `${count(result.rows.length)} series` : result.type;
  return `${count(result.series)} series, a point each ${duration(result.step)}`;
}

function Examples(props: { onPick: (expr: string) => void }): JSX.Element {
  return (
    <section class="examples">
      <h2>Ask, for example</h2>
      <ul>
        <For each={EXAMPLES}>
          {([label, expr]) => (
            <li>
              <button type="button" data-row onClick={() => props.onPick(me()?.operator === true ? expr.replaceAll('by (app)', 'by (tenant, app)') : expr)}>
                <b>{label}</b>
                <code>{expr}</code>
              </button>
            </li>
          )}
        </For>
      </ul>
    </section>
  );
}

function Graph(props: { result: GraphResult; route: QueryRoute }): JSX.Element {
  const [only, setOnly] = createSignal<string | null>(null);
  const series = createMemo((): SeriesSpec[] =>
    [...props.result.frame.columns.keys()].slice(0, LINES_MAX).map((key, index) => ({
      key,
      label: key,
      colour: `--c${(index % 8) + 1}`,
      dash: index >= 8,
      off: only() !== null && only() !== key,
    })),
  );
  const value = (cell: number | null | undefined) => (cell == null ? '–' : Math.abs(cell) >= 1000 || Number.isInteger(cell) ? count(cell) : significant(cell, 4));
  return (
    <section class="query-graph" aria-labelledby="graph-title">
      <h2 id="graph-title" class="sr-only">
        Graph
      </h2>
      <Show when={props.result.histograms > 0}>
        <p class="notice warn">{plural(props.result.histograms, 'series')} of histograms cannot be drawn as lines: take a quantile, the count or the sum of them.</p>
      </Show>
      <Show when={props.result.frame.columns.size > LINES_MAX}>
        <p class="notice warn">
          {LINES_MAX} of {props.result.frame.columns.size} series are drawn; the table has all.
        </p>
      </Show>
      <Show when={props.result.series > 0} fallback={<p class="table-empty">The query is right, but no series matches in this range.</p>}>
        <Chart
          title="Result"
          about={props.route.expr}
          frame={props.result.frame}
          series={series()}
          format={value}
          window={props.result.window}
          fill={true}
          group="query"
          height={360}
          onZoom={(from, to) => go({ ...props.route, range: { from, to } })}
          onLegend={(key) => setOnly(only() === key ? null : key)}
          empty="No point could be drawn"
        />
      </Show>
    </section>
  );
}

function Rows(props: { rows: readonly ResultRow[] }): JSX.Element {
  let body: HTMLDivElement | undefined;
  const rows = createMemo(() => [...props.rows].sort((a, b) => (toCell(b.value) ?? -Infinity) - (toCell(a.value) ?? -Infinity)));
  const heights = createMemo(() => new Array<number>(rows().length).fill(ROW_HEIGHT));
  const view = createRowsInView(() => body, heights);
  return (
    <div class="result-table" role="table" aria-label="Result" aria-rowcount={rows().length}>
      <div ref={body} role="rowgroup" style={{ 'padding-top': `${view.before()}px`, 'padding-bottom': `${view.after()}px` }}>
        <For each={rows().slice(view.first(), view.end())}>
          {(row) => (
            <div role="row" class="result-row">
              <code role="cell" title={row.name}>
                {row.name}
              </code>
              <span role="cell">{row.value}</span>
            </div>
          )}
        </For>
      </div>
      <Show when={rows().length === 0}>
        <p class="table-empty">The query is right, but no series matches now.</p>
      </Show>
    </div>
  );
}
