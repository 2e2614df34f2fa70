import { describe, expect, it } from 'vitest';
import * as format from './format';

/** No-break spaces are shown as plain ones. */
const plain = (text: string) => text.replace(/[\u202f\u00a0]/g, ' ');
const table = <T>(f: (value: T) => string, cases: [T, string][]) => {
  for (const [value, expected] of cases) it(`${String(value)} → ${expected}`, () => expect(plain(f(value))).toBe(expected));
};

describe('count', () =>
  table<number | null>(format.count, [
    [null, '–'],
    [NaN, '–'],
    [Infinity, '–'],
    [0, '0'],
    [3, '3'],
    [9999, '9999'],
    [0.001, '0'],
    [4.3, '4.30'],
    [12.34, '12.3'],
    [431.2, '431'],
    [999.4, '999'],
    [999.7, '1.00 k'],
    [12_400, '12.4 k'],
    [7_000_000, '7.00 M'],
    [-2.5, '-2.50'],
  ]));

describe('bytes', () =>
  table<number>(format.bytes, [
    [0, '0 B'],
    [0.2, '0 B'],
    [512, '512 B'],
    [1023.9, '1.00 KiB'],
    [190_840_832, '182 MiB'],
    [1_300_000_000, '1.21 GiB'],
    [-2048, '-2.00 KiB'],
  ]));

describe('cores', () =>
  table<number>(format.cores, [
    [0, '0.00'],
    [0.0123, '0.01'],
    [0.0047, '0.005'],
    [0.312, '0.31'],
    [1.5, '1.50'],
    [12.34, '12.3'],
    [120.4, '120'],
  ]));

describe('percent', () =>
  table<number>(format.percent, [
    [0, '0 %'],
    [0.000_01, '<0.01 %'],
    [0.0012, '0.12 %'],
    [0.5, '50 %'],
    [0.994, '99 %'],
    [0.9997, '99.97 %'],
    [0.999999, '99.99 %'],
    [1, '100 %'],
  ]));

describe('millis', () =>
  table<number>(format.millis, [
    [0, '0 ms'],
    [0.001, '<0.01 ms'],
    [0.84, '0.84 ms'],
    [12.34, '12.3 ms'],
    [250, '250 ms'],
    [999.6, '1.00 s'],
    [1234, '1.23 s'],
  ]));

describe('duration', () =>
  table<number>(format.duration, [
    [0, '0 s'],
    [0.000_2, '1 ms'],
    [0.012, '12 ms'],
    [0.0994, '99 ms'],
    [0.13, '0.13 s'],
    [0.996, '1.0 s'],
    [1.23, '1.2 s'],
    [5, '5 s'],
    [5.01, '5.0 s'],
    [9.96, '10 s'],
    [59.6, '1 min'],
    [130, '2 min 10 s'],
    [3600, '1 h'],
    [11_040, '3 h 4 min'],
    [90_000, '1 d 1 h'],
    [-0.2, '-0.20 s'],
  ]));

describe('ago', () =>
  table<number>(format.ago, [
    [-1, 'now'],
    [1, 'now'],
    [12.9, '12 s ago'],
    [61, '1 min ago'],
    [7200, '2 h ago'],
    [200_000, '2 d ago'],
  ]));

describe('significant', () => {
  it('never uses an exponent', () => {
    for (let exponent = -9; exponent < 15; exponent += 1) {
      expect(format.significant(1.234_56 * 10 ** exponent)).not.toMatch(/e/);
    }
  });
});

describe('splitUnit', () => {
  it('parts number and unit', () => {
    expect(format.splitUnit(format.millis(12.34))).toEqual(['12.3', 'ms']);
    expect(format.splitUnit('431')).toEqual(['431', '']);
  });
});
