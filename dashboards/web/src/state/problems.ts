// What is wrong right now with the questions that a page keeps asking.

import { createMemo, createSignal } from 'solid-js';

export interface Problems {
  /** Replaces what was known of one question; null when it has been answered. */
  set: (question: string, message: string | null) => void;
  /** Each message once. */
  list: () => string[];
}

export function createProblems(): Problems {
  const [known, setKnown] = createSignal<ReadonlyMap<string, string>>(new Map());
  const list = createMemo(() => [...new Set(known().values())], undefined, { equals: (a, b) => a.join('\n') === b.join('\n') });
  return {
    list,
    set: (question, message) => {
      if ((known().get(question) ?? null) === message) return;
      const next = new Map(known());
      if (message === null) next.delete(question);
      else next.set(question, message);
      setKnown(next);
    },
  };
}
