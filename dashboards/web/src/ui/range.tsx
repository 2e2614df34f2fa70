// Chooses the stretch of time that a page shows.

import { For, Show, type JSX } from 'solid-js';
import { clock, dateTime } from '../lib/format';
import { RANGES, type Range } from '../lib/route';

export function RangePicker(props: { range: Range; onPick: (range: Range) => void }): JSX.Element {
  const fixed = () => ('name' in props.range ? null : props.range);
  return (
    <div class="range">
      <Show when={fixed()}>
        {(span) => (
          <button type="button" class="chip" title="Back to live" onClick={() => props.onPick({ name: '5m' })}>
            <span title={dateTime(span().from)}>
              {clock(span().from)} to {clock(span().to)}
            </span>
            <span class="chip-act">back to live</span>
          </button>
        )}
      </Show>
      <div class="segments" role="group" aria-label="Range">
        <For each={RANGES}>
          {(name) => (
            <button type="button" aria-pressed={'name' in props.range && props.range.name === name} onClick={() => props.onPick({ name })}>
              {name}
            </button>
          )}
        </For>
      </div>
    </div>
  );
}
