// What went wrong with the page's own questions.

import { For, Show, type JSX } from 'solid-js';

const SHOWN_MAX = 3;

export function Notices(props: { errors: readonly string[] }): JSX.Element {
  return (
    <div role="status" aria-live="polite">
      <Show when={props.errors.length > 0}>
        <div class="notice bad">
          <For each={props.errors.slice(0, SHOWN_MAX)}>{(error) => <p>{error}</p>}</For>
          <Show when={props.errors.length > SHOWN_MAX}>
            <p>and {props.errors.length - SHOWN_MAX} more</p>
          </Show>
        </div>
      </Show>
    </div>
  );
}
