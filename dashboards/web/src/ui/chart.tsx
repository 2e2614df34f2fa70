// A time chart: canvas by uPlot, a legend with values, marks of events, and the same data as a table.

import { createEffect, createMemo, createSignal, createUniqueId, For, on, onCleanup, onMount, Show, type JSX } from 'solid-js';
import uPlot from 'uplot';
import { clock } from '../lib/format';
import { extentOf, lastOf, stack, type Cell, type Frame } from '../lib/series';
import { colour, dark } from '../state/theme';
import { chartOptions, type Marker, type MarkersAt } from './chart-options';
import { DataTable } from './chart-table';
import { Icon } from './icon';

export type { Marker };

export interface SeriesSpec {
  /** The column of the frame. */
  key: string;
  label: string;
  /** A colour variable, `--c1`. */
  colour: string;
  dash?: boolean;
  /** Listed, but not drawn. */
  off?: boolean;
}

export interface ChartProps {
  title: string;
  /** What is measured and how, for the title's tooltip and for screen readers. */
  about: string;
  frame: Frame;
  series: readonly SeriesSpec[];
  /** Values for people. */
  format: (value: number | null | undefined) => string;
  /** Ends of the time axis, in seconds. */
  window: [number, number];
  /** Marks of the value axis at powers of two. */
  binary?: boolean;
  /** Draw values on top of each other, as areas. */
  stacked?: boolean;
  /** Tint below a lone line. */
  fill?: boolean;
  /** The value axis reaches at least so high. */
  atLeast?: number;
  markers?: readonly Marker[];
  /** Stretches of time to tint as bad, in seconds. */
  spans?: readonly [number, number][];
  /** Charts of one group share their crosshair. */
  group: string;
  height?: number;
  onZoom?: (from: number, to: number) => void;
  /** Shown in place of an empty chart. */
  empty?: string;
  extra?: JSX.Element;
  /** One series a line below the chart, each a button: for series that only a query names. */
  onLegend?: (key: string) => void;
}

const HEIGHT = 150;
/** Entries of a legend that stays on one line: a legend that wraps as its numbers change would make the chart jump. */
const LEGEND_ONE_LINE = 4;
let firstDrawn = false;

/** Tells tests, and whoever profiles, when there was first something to see. */
export function drewData(points: number): void {
  if (firstDrawn || points < 2) return;
  firstDrawn = true;
  performance.mark('first-graph');
}

export function Chart(props: ChartProps): JSX.Element {
  const id = createUniqueId();
  const [table, setTable] = createSignal(false);
  const [hover, setHover] = createSignal<number | null>(null);
  const [marker, setMarker] = createSignal<MarkersAt | null>(null);
  let host!: HTMLDivElement;
  let plot: uPlot | undefined;

  const columns = createMemo(() => {
    const { columns: known, times } = props.frame;
    return props.series.map((series): readonly Cell[] => known.get(series.key) ?? new Array<Cell>(times.length).fill(null));
  });
  const data = createMemo((): uPlot.AlignedData => {
    const drawn = props.stacked === true ? stack([...columns()]).reverse() : [...columns()];
    return [props.frame.times.slice(), ...drawn] as uPlot.AlignedData;
  });
  const points = createMemo(() => columns().reduce((most, column) => Math.max(most, column.filter((cell) => cell !== null).length), 0));
  const valueOf = (index: number): Cell => {
    const column = columns()[index] ?? [];
    const row = hover();
    return row === null ? lastOf(column.slice(-10)) : (column[row] ?? null);
  };
  const spoken = createMemo(() => {
    const parts = props.series.slice(0, 6).map((series, index) => {
      const column = columns()[index] ?? [];
      const extent = extentOf(column);
      if (extent === null) return `${series.label}: no data`;
      return `${series.label}: now ${props.format(lastOf(column))}, from ${props.format(extent[0])} to ${props.format(extent[1])}`;
    });
    return `${props.title}. ${parts.join('; ')}.`;
  });

  function build(): void {
    plot?.destroy();
    const width = host.clientWidth;
    if (width === 0) return;
    const options = chartOptions({
      width,
      height: props.height ?? HEIGHT,
      series: props.stacked === true ? [...props.series].reverse() : props.series,
      stacked: props.stacked === true,
      binary: props.binary === true,
      fill: props.fill === true && props.series.length === 1,
      group: props.group,
      format: (value) => props.format(value),
      window: () => props.window,
      atLeast: () => props.atLeast ?? 0,
      markers: () => props.markers ?? [],
      spans: () => props.spans ?? [],
      colour,
      onHover: setHover,
      onMarker: setMarker,
      ...(props.onZoom === undefined ? {} : { onZoom: props.onZoom }),
    });
    plot = new uPlot(options, data(), host);
  }

  onMount(() => {
    build();
    const observer = new ResizeObserver(() => {
      if (plot === undefined) build();
      else if (host.clientWidth > 0 && plot.width !== host.clientWidth) {
        plot.setSize({ width: host.clientWidth, height: props.height ?? HEIGHT });
      }
    });
    observer.observe(host);
    onCleanup(() => {
      observer.disconnect();
      plot?.destroy();
      plot = undefined;
    });
  });
  const shape = createMemo(() => props.series.map((series) => `${series.key}\n${series.colour}\n${series.off === true}`).join('\t'));
  createEffect(on([shape, dark, () => props.stacked], build, { defer: true }));
  createEffect(() => {
    // Read all that a drawing depends on, then draw once.
    const next = data();
    void props.window;
    void props.markers;
    void props.spans;
    plot?.setData(next);
    drewData(points());
  });

  const time = () => {
    const row = hover();
    const at = row === null ? undefined : props.frame.times[row];
    return at === undefined ? '' : clock(at);
  };

  return (
    <figure class="chart" data-points={points()} aria-labelledby={`${id}-title`}>
      <figcaption class="chart-head">
        <h3 id={`${id}-title`} title={props.about}>
          {props.title}
        </h3>
        <span class="chart-time">{time()}</span>
        {props.extra}
        <button
          type="button"
          class="icon-button quiet"
          aria-pressed={table()}
          aria-label={`${props.title} as a ${table() ? 'graph' : 'table'}`}
          title={table() ? 'Show the graph' : 'Show the numbers'}
          onClick={() => setTable(!table())}
        >
          <Icon name={table() ? 'graph' : 'table'} />
        </button>
      </figcaption>
      <Show when={props.onLegend === undefined}>
        <ul class="legend" classList={{ wrap: props.series.length > LEGEND_ONE_LINE }} aria-hidden="true">
          <For each={props.series}>
            {(series, index) => (
              <li>
                <Key series={series} stacked={props.stacked === true} value={props.format(valueOf(index()))} />
              </li>
            )}
          </For>
        </ul>
      </Show>
      <div class="plot" classList={{ hidden: table() }} style={{ height: `${props.height ?? HEIGHT}px` }}>
        <div ref={host} class="plot-host" role="img" aria-label={spoken()} />
        <Show when={points() === 0}>
          <p class="plot-empty">{props.empty ?? 'Waiting for data'}</p>
        </Show>
        <Show when={marker()}>
          {(shown) => (
            <div class="marker-tip" style={{ transform: `translateX(${shown().left}px)` }} classList={{ left: shown().left > host.clientWidth * 0.6 }}>
              <For each={shown().markers}>
                {(one) => (
                  <div>
                    <b class={`tone-${one.tone}`}>{one.label}</b>
                    <span>{clock(one.time)}</span>
                    <p>{one.text}</p>
                  </div>
                )}
              </For>
            </div>
          )}
        </Show>
      </div>
      <Show when={props.onLegend} keyed>
        {(pick) => (
          <ul class="legend-rows">
            <For each={props.series}>
              {(series, index) => (
                <li>
                  <button type="button" aria-pressed={series.off !== true} onClick={() => pick(series.key)}>
                    <Key series={series} stacked={false} value={props.format(valueOf(index()))} />
                  </button>
                </li>
              )}
            </For>
          </ul>
        )}
      </Show>
      <Show when={table()}>
        <DataTable title={props.title} times={props.frame.times} labels={props.series.map((series) => series.label)} columns={columns()} format={props.format} />
      </Show>
    </figure>
  );
}

function Key(props: { series: SeriesSpec; stacked: boolean; value: string }): JSX.Element {
  return (
    <>
      <i class="swatch" classList={{ dash: props.series.dash === true, area: props.stacked }} style={{ '--swatch': `var(${props.series.colour})` }} />
      <span class="legend-label" title={props.series.label}>
        {props.series.label}
      </span>
      <b>{props.value}</b>
    </>
  );
}
