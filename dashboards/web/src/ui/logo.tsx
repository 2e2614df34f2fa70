import type { JSX } from 'solid-js';

export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
      <path class="logo-wave" d="M2 13.500c3.300 0 3.300-3 6.700-3s3.300 3 6.600 3 3.400-3 6.700-3" />
      <path class="logo-swell" d="M2 18.500c3.300 0 3.300-3 6.700-3s3.300 3 6.600 3 3.400-3 6.700-3" />
      <circle class="logo-sun" cx="15.500" cy="5.500" r="2.400" />
    </svg>
  );
}
