// How uPlot draws our charts.

import uPlot from 'uplot';
import { clock, clockMinutes } from '../lib/format';
import { faded } from '../state/theme';
import type { SeriesSpec } from './chart';

export type Tone = 'bad' | 'act' | 'good' | 'held' | 'fault' | 'calm';

/** An event to be marked on the time axis. */
export interface Marker {
  /** Seconds since the epoch. */
  time: number;
  tone: Tone;
  label: string;
  text: string;
}

/** The events below the pointer, and where they are, in pixels from the left. */
export interface MarkersAt {
  markers: Marker[];
  left: number;
}

export interface ChartOptions {
  width: number;
  height: number;
  /** In the order of the columns drawn. */
  series: readonly SeriesSpec[];
  stacked: boolean;
  binary: boolean;
  fill: boolean;
  group: string;
  format: (value: number) => string;
  window: () => [number, number];
  atLeast: () => number;
  markers: () => readonly Marker[];
  spans: () => readonly [number, number][];
  colour: (variable: string) => string;
  onHover: (row: number | null) => void;
  onMarker: (at: MarkersAt | null) => void;
  onZoom?: (from: number, to: number) => void;
}

const FONT = '11px "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif';
/** The same for all charts, so that their time axes stand exactly below each other. */
const AXIS_WIDTH = 56;
const MARKER_REACH = 5;
const MARKERS_TOLD = 6;
/** Bytes between marks of the value axis: 256 MiB, not 300. */
const BINARY_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);
/** Seconds between marks of the time axis. */
const TIME_STEPS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

export function chartOptions(o: ChartOptions): uPlot.Options {
  const text = o.colour('--text-3');
  const grid = o.colour('--grid');
  return {
    width: o.width,
    height: o.height,
    padding: [10, 18, 0, 0],
    legend: { show: false },
    // The grid over areas, under lines. The type is an enum that exists only in the declarations.
    drawOrder: (o.stacked ? ['series', 'axes'] : ['axes', 'series']) as uPlot.DrawOrderKey[],
    cursor: {
      y: false,
      points: { show: !o.stacked, size: 5 },
      drag: { x: o.onZoom !== undefined, y: false, setScale: false, dist: 8 },
      sync: { key: o.group, setSeries: false },
    },
    scales: {
      x: { time: true, range: () => o.window() },
      y: { range: (_plot, _low, high) => [0, Math.max(o.atLeast(), (high ?? 0) * 1.12) || 1] },
    },
    axes: [
      {
        stroke: text,
        font: FONT,
        size: 22,
        gap: 3,
        space: 56,
        incrs: TIME_STEPS,
        grid: { show: false },
        ticks: { show: true, stroke: grid, width: 1, size: 3 },
        border: { show: true, stroke: grid, width: 1 },
        values: (_plot, splits, _axis, _space, step) => splits.map(step < 60 ? clock : clockMinutes),
      },
      {
        stroke: text,
        font: FONT,
        size: AXIS_WIDTH,
        gap: 6,
        space: 32,
        grid: { stroke: o.stacked ? faded(grid, 0.55) : grid, width: 1 },
        ticks: { show: false },
        ...(o.binary ? { incrs: BINARY_STEPS } : {}),
        values: (_plot, splits) => splits.map((value) => mark(o.format(value))),
      },
    ],
    series: [{}, ...o.series.map((series) => seriesOptions(o, series))],
    hooks: {
      drawClear: [(plot) => drawSpans(plot, o)],
      draw: [(plot) => drawMarkers(plot, o)],
      setCursor: [(plot) => follow(plot, o)],
      setSelect: [(plot) => zoom(plot, o)],
    },
  };
}

/** Marks are round numbers: `0.40` says no more than `0.4`. */
function mark(text: string): string {
  return text.replace(/^0\D.*$/, (zero) => (/[1-9]/.test(zero) ? zero : '0')).replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, '');
}

function seriesOptions(o: ChartOptions, series: SeriesSpec): uPlot.Series {
  const stroke = o.colour(series.colour);
  return {
    stroke,
    show: series.off !== true,
    width: o.stacked ? 0.5 : 1.5,
    points: { show: false },
    spanGaps: false,
    ...(series.dash === true ? { dash: [5, 4] } : {}),
    ...(o.stacked ? { fill: stroke } : o.fill ? { fill: faded(stroke, 0.14) } : {}),
  };
}

function drawSpans(plot: uPlot, o: ChartOptions): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = faded(o.colour('--bad'), 0.13);
  for (const [from, to] of o.spans()) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    if (right >= left) ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
  }
  ctx.restore();
}

function drawMarkers(plot: uPlot, o: ChartOptions): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.lineWidth = ratio;
  let flag = -Infinity;
  for (const marker of o.markers()) {
    const x = Math.round(plot.valToPos(marker.time, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const tone = o.colour(`--${marker.tone}`);
    ctx.strokeStyle = faded(tone, 0.7);
    ctx.fillStyle = tone;
    ctx.setLineDash(marker.tone === 'good' ? [] : [3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // Flags of events close together would cover each other: the first one stands for all.
    if (Math.abs(x - flag) < 7 * ratio) continue;
    flag = x;
    ctx.beginPath();
    ctx.moveTo(x - 4 * ratio, bbox.top - 6 * ratio);
    ctx.lineTo(x + 4 * ratio, bbox.top - 6 * ratio);
    ctx.lineTo(x, bbox.top);
    ctx.fill();
  }
  ctx.restore();
}

function follow(plot: uPlot, o: ChartOptions): void {
  const { idx, left } = plot.cursor;
  const over = left !== undefined && left >= 0;
  o.onHover(over && idx != null ? idx : null);
  // The crosshair is shared by all charts of a group, a tip belongs to the one below the pointer.
  if (!over || !plot.over.matches(':hover')) {
    o.onMarker(null);
    return;
  }
  const markers = o.markers().filter((marker) => Math.abs(plot.valToPos(marker.time, 'x') - left) <= MARKER_REACH);
  const first = markers[0];
  if (first === undefined) o.onMarker(null);
  else o.onMarker({ markers: markers.slice(0, MARKERS_TOLD), left: plot.valToPos(first.time, 'x') + AXIS_WIDTH });
}

function zoom(plot: uPlot, o: ChartOptions): void {
  const { left, width } = plot.select;
  if (width < 8 || o.onZoom === undefined) return;
  const from = plot.posToVal(left, 'x');
  const to = plot.posToVal(left + width, 'x');
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (to - from >= 2) o.onZoom(Math.floor(from), Math.ceil(to));
}
