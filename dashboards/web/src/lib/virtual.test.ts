import { describe, expect, it } from 'vitest';
import { offsetsOf, windowOf } from './virtual';

const rows = (n: number, height = 20) => offsetsOf(new Array<number>(n).fill(height));

describe('windowOf', () => {
  it('draws short tables whole', () => {
    expect(windowOf(rows(60), 10_000, 100)).toEqual({ first: 0, end: 60 });
    expect(windowOf(rows(0), 0, 100)).toEqual({ first: 0, end: 0 });
  });

  it('draws what is in view and a margin', () => {
    expect(windowOf(rows(1000), 4000, 200, 40)).toEqual({ first: 198, end: 213 });
  });

  it('stays inside the table at both ends', () => {
    expect(windowOf(rows(1000), -500, 200, 0)).toEqual({ first: 0, end: 0 });
    expect(windowOf(rows(1000), 1e9, 200, 0)).toEqual({ first: 1000, end: 1000 });
    expect(windowOf(rows(1000), 0, 200, 0)).toEqual({ first: 0, end: 11 });
  });

  it('covers the view for any heights and any scroll', () => {
    const heights = Array.from({ length: 300 }, (_, row) => 10 + ((row * 37) % 41));
    const offsets = offsetsOf(heights);
    const all = offsets[300] ?? 0;
    for (let scrolled = -300; scrolled < all + 300; scrolled += 13) {
      const { first, end } = windowOf(offsets, scrolled, 150, 0);
      for (let row = 0; row < 300; row += 1) {
        const seen = (offsets[row] ?? 0) < scrolled + 150 && (offsets[row + 1] ?? 0) > scrolled;
        if (seen) expect(row >= first && row < end).toBe(true);
      }
      expect(end - first).toBeLessThan(20);
    }
  });
});
