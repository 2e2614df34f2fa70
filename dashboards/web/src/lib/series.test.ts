import { describe, expect, it } from 'vitest';
import {
  append,
  emptyFrame,
  extentOf,
  frameOf,
  lastOf,
  sampleRows,
  stack,
  stepFor,
  toCell,
  trim,
  valuesOf,
  zeroSpans,
} from './series';

const values = (object: Record<string, number>) => new Map(Object.entries(object));

describe('frameOf', () => {
  it('puts series on one axis and adds those of one key', () => {
    const frame = frameOf(
      [
        { metric: { code: '200' }, values: [[1, '1'], [2, '2']] },
        { metric: { code: '204' }, values: [[2, '10'], [3, 'NaN']] },
        { metric: { code: '500' }, values: [[3, '5']] },
        { metric: { code: '302' } },
      ],
      (metric) => metric['code']?.charAt(0) ?? '',
    );
    expect(frame.times).toEqual([1, 2, 3]);
    expect(frame.columns.get('2')).toEqual([1, 12, null]);
    expect(frame.columns.get('5')).toEqual([null, null, 5]);
    expect(frame.columns.get('3')).toEqual([null, null, null]);
  });
});

describe('valuesOf', () => {
  it('skips what cannot be drawn', () => {
    const vector = [
      { metric: { a: 'x' }, value: [1, '2'] as [number, string] },
      { metric: { a: 'x' }, value: [1, '0.5'] as [number, string] },
      { metric: { a: 'y' }, value: [1, '+Inf'] as [number, string] },
      { metric: { a: 'z' } },
    ];
    expect([...valuesOf(vector, (metric) => metric['a'] ?? '')]).toEqual([['x', 2.5]]);
  });
});

describe('append', () => {
  it('adds rows and columns, with gaps where there was nothing', () => {
    const frame = emptyFrame();
    append(frame, 1, values({ a: 1 }), 1);
    append(frame, 2, values({ b: 2 }), 1);
    append(frame, 3, values({ a: 3, b: 3 }), 1);
    expect(frame.times).toEqual([1, 2, 3]);
    expect(frame.columns.get('a')).toEqual([1, null, 3]);
    expect(frame.columns.get('b')).toEqual([null, 2, 3]);
  });

  it('ignores what is not newer', () => {
    const frame = emptyFrame();
    append(frame, 5, values({ a: 1 }), 1);
    append(frame, 5, values({ a: 2 }), 1);
    append(frame, 4, values({ a: 2 }), 1);
    expect(frame).toEqual({ times: [5], columns: new Map([['a', [1]]]) });
  });

  it('keeps one live row in a step', () => {
    const frame = emptyFrame();
    for (let time = 60; time <= 125; time += 1) append(frame, time, values({ a: time }), 60);
    expect(frame.times).toEqual([119, 125]);
    append(frame, 126, values({ b: 7 }), 60);
    expect(frame.times).toEqual([119, 126]);
    expect(frame.columns.get('a')).toEqual([119, null]);
    expect(frame.columns.get('b')).toEqual([null, 7]);
  });

  it('does not eat the rows that a range query has put closer together than the step', () => {
    const frame = { times: [60, 61], columns: new Map([['a', [1, 2]]]) };
    append(frame, 62, values({ a: 3 }), 60);
    expect(frame.times).toEqual([60, 61, 62]);
  });

  it('leaves a gap after a pause', () => {
    const frame = emptyFrame();
    append(frame, 1, values({ a: 1 }), 1);
    append(frame, 30, values({ a: 2 }), 1);
    expect(frame.times).toEqual([1, 2, 30]);
    expect(frame.columns.get('a')).toEqual([1, null, 2]);
  });

  it('keeps every column as long as the axis', () => {
    const frame = emptyFrame();
    let seed = 1;
    const next = () => (seed = (seed * 48_271) % 2_147_483_647);
    let time = 0;
    for (let i = 0; i < 500; i += 1) {
      time += (next() % 90) / 10;
      append(frame, time, values({ [`s${next() % 5}`]: i }), 1 + (i % 3));
      if (i % 50 === 0) trim(frame, time - 40);
      for (const column of frame.columns.values()) expect(column.length).toBe(frame.times.length);
      for (let row = 1; row < frame.times.length; row += 1) {
        expect(frame.times[row]).toBeGreaterThan(frame.times[row - 1] ?? Infinity);
      }
    }
  });
});

describe('trim', () => {
  it('forgets old rows and empty columns', () => {
    const frame = frameOf(
      [
        { metric: { a: 'old' }, values: [[1, '1']] },
        { metric: { a: 'new' }, values: [[1, '1'], [2, '2']] },
      ],
      (metric) => metric['a'] ?? '',
    );
    trim(frame, 2);
    expect(frame).toEqual({ times: [2], columns: new Map([['new', [2]]]) });
  });
});

describe('shapes', () => {
  it('stacks, gaps counting as nothing', () => {
    expect(stack([[1, null, null], [2, 3, null]])).toEqual([
      [1, null, null],
      [3, 3, null],
    ]);
  });
  it('finds the last value and the extent', () => {
    expect(lastOf([1, 2, null])).toBe(2);
    expect(lastOf([null])).toBeNull();
    expect(extentOf([null, 3, -1])).toEqual([-1, 3]);
    expect(extentOf([null])).toBeNull();
  });
  it('finds where a column is zero', () => {
    expect(zeroSpans([1, 2, 3, 4, 5], [1, 0, 0, 1, 0])).toEqual([
      [2, 4],
      [5, 5],
    ]);
    expect(zeroSpans([1, 2], [null, 1])).toEqual([]);
  });
  it('samples rows from the newest', () => {
    expect(sampleRows(5, 10)).toEqual([4, 3, 2, 1, 0]);
    expect(sampleRows(100, 4)).toEqual([99, 74, 49, 24]);
    expect(sampleRows(0, 4)).toEqual([]);
  });
  it('picks round steps', () => {
    expect([300, 900, 3600, 21_600].map((range) => stepFor(range, 500))).toEqual([1, 2, 10, 60]);
    expect(stepFor(1e9, 10)).toBe(86_400);
  });
  it('reads numbers', () => {
    expect(['1', '+Inf', 'NaN', '', undefined, '1e3'].map(toCell)).toEqual([1, null, null, null, null, 1000]);
  });
});
