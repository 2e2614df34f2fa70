// Follows what part of a long table is in view.

import { createMemo, createSignal, onCleanup, onMount } from 'solid-js';
import { offsetsOf, windowOf } from '../lib/virtual';

export interface RowsInView {
  first: () => number;
  end: () => number;
  /** Pixels that stand for the rows not drawn. */
  before: () => number;
  after: () => number;
}

/** `container` holds the rows; the page itself scrolls. */
export function createRowsInView(container: () => HTMLElement | undefined, heights: () => readonly number[]): RowsInView {
  const [scrolled, setScrolled] = createSignal(0);
  const [view, setView] = createSignal(innerHeight);
  let frame = 0;
  const measure = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      setScrolled(-(container()?.getBoundingClientRect().top ?? 0));
      setView(innerHeight);
    });
  };
  onMount(() => {
    addEventListener('scroll', measure, { passive: true });
    addEventListener('resize', measure, { passive: true });
    measure();
  });
  onCleanup(() => {
    cancelAnimationFrame(frame);
    removeEventListener('scroll', measure);
    removeEventListener('resize', measure);
  });
  const offsets = createMemo(() => offsetsOf(heights()));
  const range = createMemo(() => windowOf(offsets(), scrolled(), view()), undefined, {
    equals: (a, b) => a.first === b.first && a.end === b.end,
  });
  return {
    first: () => range().first,
    end: () => range().end,
    before: () => offsets()[range().first] ?? 0,
    after: () => (offsets()[offsets().length - 1] ?? 0) - (offsets()[range().end] ?? 0),
  };
}

/** Whether the view is as narrow as a phone's. */
export function createNarrow(): () => boolean {
  const query = matchMedia('(max-width: 760px)');
  const [narrow, setNarrow] = createSignal(query.matches);
  const change = () => setNarrow(query.matches);
  query.addEventListener('change', change);
  onCleanup(() => query.removeEventListener('change', change));
  return narrow;
}
