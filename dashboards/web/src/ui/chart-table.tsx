// A chart's numbers, for those who cannot see it or want them exact.

import { createMemo, For, type JSX } from 'solid-js';
import { clock } from '../lib/format';
import { sampleRows, type Cell } from '../lib/series';

const ROWS_MAX = 60;

export function DataTable(props: {
  title: string;
  times: readonly number[];
  labels: readonly string[];
  columns: readonly (readonly Cell[])[];
  format: (value: number | null) => string;
}): JSX.Element {
  const rows = createMemo(() => sampleRows(props.times.length, ROWS_MAX));
  return (
    <div class="data-table" tabindex="0" role="region" aria-label={`${props.title}, numbers`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            <For each={props.labels}>{(label) => <th scope="col">{label}</th>}</For>
          </tr>
        </thead>
        <tbody>
          <For each={rows()}>
            {(row) => (
              <tr>
                <th scope="row">{clock(props.times[row] ?? 0)}</th>
                <For each={props.columns}>{(column) => <td>{props.format(column[row] ?? null)}</td>}</For>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}
