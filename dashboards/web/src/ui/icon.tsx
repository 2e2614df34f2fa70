// The few drawings that the page needs, as strokes on a 16 by 16 grid.

import type { JSX } from 'solid-js';

const PATHS = {
  table: 'M2.5 3.500h11v9h-11z M2.500 6.500h11 M2.500 9.500h11 M6.500 3.500v9',
  graph: 'M2.500 2.500v11h11 M4.500 10.500l2.500-3 2.500 2 3.500-5',
  sun: 'M8 5.200a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600z M8 1.500v1.300 M8 13.200v1.300 M1.500 8h1.300 M13.200 8h1.300 M3.400 3.400l.9.9 M11.700 11.700l.9.9 M3.400 12.600l.9-.9 M11.700 4.300l.9-.9',
  moon: 'M13.200 9.600A5.600 5.600 0 0 1 6.400 2.800a5.600 5.600 0 1 0 6.800 6.800z',
  help: 'M5.800 6.200a2.200 2.200 0 1 1 3.100 2c-.6.3-.9.700-.9 1.300v.3 M8 12.100v.1',
  search: 'M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9z M10.300 10.300l3.200 3.200',
  out: 'M6.500 2.500h-4v11h4 M6 8h7.500 M10.500 5l3 3-3 3',
  chevron: 'M6 3.500L10.500 8 6 12.500',
  up: 'M4 10l4-4.500L12 10',
  down: 'M4 6l4 4.500L12 6',
  close: 'M4 4l8 8 M12 4l-8 8',
  play: 'M5 3.500l7.500 4.500L5 12.500z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon(props: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[props.name]} />
    </svg>
  );
}
