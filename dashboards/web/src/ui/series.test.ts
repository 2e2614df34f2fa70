import { describe, expect, it } from 'vitest';
import { codeSeries, LINES_MAX, lineSeries } from './series';

describe('lineSeries', () => {
  it('orders names as people do, each with its colour', () => {
    const columns = new Map([['web-10', [1]], ['web-9', [1]]]);
    expect(lineSeries(columns).map(({ key, colour }) => [key, colour])).toEqual([
      ['web-9', '--c1'],
      ['web-10', '--c2'],
    ]);
  });

  it('keeps the highest where there are too many', () => {
    const columns = new Map(Array.from({ length: 30 }, (_, n) => [`s${n}`, [null, n % 10 === 0 ? 100 + n : n, 0]]));
    const keys = lineSeries(columns).map((series) => series.key);
    expect(keys.length).toBe(LINES_MAX);
    expect(keys.slice(0, 3)).toEqual(['s0', 's10', 's20']);
    expect(keys).toContain('s29');
  });
});

describe('codeSeries', () => {
  it('shows other codes only where there are such', () => {
    expect(codeSeries(new Map()).map((series) => series.key)).toEqual(['2xx', '3xx', '4xx', '5xx']);
    expect(codeSeries(new Map([['other', [0, null]]])).length).toBe(4);
    expect(codeSeries(new Map([['other', [0, 2]]])).length).toBe(5);
  });
});
