// How something is: a shape, a colour and a word, never the colour alone.

import type { JSX } from 'solid-js';
import type { State } from '../lib/incidents';

const SHAPES: Record<State, string> = {
  healthy: 'M6 1.600a4.400 4.400 0 1 0 0 8.800 4.400 4.400 0 0 0 0-8.800z',
  failing: 'M6 1l5.200 9.400H.8z',
  restarting: 'M10.300 6A4.300 4.300 0 1 1 8.700 2.650 M8.500.600l.4 2.300-2.300.3',
  quarantined: 'M1.800 1.800h8.400v8.400H1.800z',
  unknown: 'M6 2.200a3.800 3.800 0 1 0 0 7.600 3.800 3.800 0 0 0 0-7.600z',
};

export function StateMark(props: { state: State }): JSX.Element {
  return (
    <svg class={`state-mark state-${props.state}`} viewBox="0 0 12 12" aria-hidden="true">
      <path d={SHAPES[props.state]} />
    </svg>
  );
}

export function StateBadge(props: { state: State }): JSX.Element {
  return (
    <span class={`badge badge-${props.state}`}>
      <StateMark state={props.state} />
      {props.state}
    </span>
  );
}
