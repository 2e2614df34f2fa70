import { describe, expect, it } from 'vitest';
import { codeClass, complete, errorPlace, quote, selector, seriesName, wordAt } from './promql';

describe('quoting', () => {
  it('escapes what would end the string', () => {
    expect(quote('a"b\\c\nd')).toBe('"a\\"b\\\\c\\nd"');
    expect(selector({ tenant: '', app: 'x"} or up{' })).toBe('{app="x\\"} or up{"}');
    expect(selector({})).toBe('{}');
  });

  it('names series', () => {
    expect(seriesName({ __name__: 'up', b: '2', a: '1' })).toBe('up{a="1", b="2"}');
    expect(seriesName({ __name__: 'up' })).toBe('up');
    expect(seriesName({})).toBe('{}');
    expect(seriesName({ a: '1' })).toBe('{a="1"}');
  });
});

describe('codeClass', () => {
  const cases = { 200: '2xx', 301: '3xx', 404: '4xx', 599: '5xx', 0: 'other', 101: 'other', '': 'other', '2000': 'other' };
  for (const [code, expected] of Object.entries(cases)) it(code, () => expect(codeClass(code)).toBe(expected));
});

describe('errorPlace', () => {
  it('reads line and column', () => {
    const message = 'invalid parameter "query": 1:9: parse error: unexpected end of input';
    expect(errorPlace('sum(rate(', message)).toEqual({
      message: 'parse error: unexpected end of input',
      text: 'sum(rate(',
      line: 1,
      column: 9,
    });
  });

  it('finds the line of a query of several', () => {
    expect(errorPlace('sum(\n  foo bar\n)', '2:7: parse error: x')?.text).toBe('  foo bar');
  });

  it('reads positions over the whole query', () => {
    expect(errorPlace('a +\nb c', 'parse error at char 7: unexpected "c"')).toMatchObject({ line: 2, column: 3 });
    expect(errorPlace('abc', 'error at position 0')).toMatchObject({ line: 1, column: 1 });
  });

  it('has nothing to show for other messages or lines that are not there', () => {
    expect(errorPlace('up', 'query timed out')).toBeNull();
    expect(errorPlace('up', '7:1: parse error: x')).toBeNull();
    expect(errorPlace('up', 'at char 99')).toBeNull();
  });
});

describe('wordAt', () => {
  it('takes the identifier before the caret', () => {
    expect(wordAt('sum(rat', 7)).toEqual({ start: 4, end: 7, text: 'rat' });
    expect(wordAt('sum(', 4)).toBeNull();
  });

  it('keeps out of strings and selectors', () => {
    expect(wordAt('up{ap', 5)).toBeNull();
    expect(wordAt('up{app="che', 11)).toBeNull();
    expect(wordAt('up{app="}"} + ra', 16)?.text).toBe('ra');
    expect(wordAt('label_replace(up, "a\\"b", ra', 28)?.text).toBe('ra');
  });
});

describe('complete', () => {
  const metrics = ['probe_success', 'container_spec', 'rates_total'];
  it('puts prefixes before words inside and metrics before functions', () => {
    expect(complete('rat', metrics).map((c) => c.text)).toEqual(['rates_total', 'rate', 'irate']);
  });
  it('does not offer what is already there', () => {
    expect(complete('probe_success', metrics)).toEqual([]);
  });
  it('keeps to its limit', () => expect(complete('a', metrics, 3).length).toBe(3));
});
