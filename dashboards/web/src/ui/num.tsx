// A number whose unit stands back.

import { Show, type JSX } from 'solid-js';
import { splitUnit } from '../lib/format';

export function Num(props: { text: string }): JSX.Element {
  const parts = () => splitUnit(props.text);
  return (
    <span class="num">
      {parts()[0]}
      <Show when={parts()[1] !== ''}>
        <span class="unit">
          {'\u202f'}
          {parts()[1]}
        </span>
      </Show>
    </span>
  );
}
