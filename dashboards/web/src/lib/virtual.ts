// Which rows of a long table are worth having in the document.

/** Rows up to which a table is simply drawn whole. */
export const WHOLE_UP_TO = 60;

export interface Window {
  first: number;
  /** One past the last. */
  end: number;
}

/** Where each row starts, and at the end the height of all. */
export function offsetsOf(heights: readonly number[]): number[] {
  const offsets = [0];
  let sum = 0;
  for (const height of heights) {
    sum += height;
    offsets.push(sum);
  }
  return offsets;
}

function firstAfter(offsets: readonly number[], position: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? Infinity) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The rows in view, with `margin` pixels more above and below.
 * `scrolled` is how far the top of the table lies above the top of the view (negative: below it).
 */
export function windowOf(offsets: readonly number[], scrolled: number, viewHeight: number, margin = 400): Window {
  const rows = offsets.length - 1;
  if (rows <= WHOLE_UP_TO) return { first: 0, end: rows };
  const first = Math.min(rows, Math.max(0, firstAfter(offsets, scrolled - margin) - 1));
  const end = Math.min(rows, Math.max(first, firstAfter(offsets, scrolled + viewHeight + margin)));
  return { first, end };
}
