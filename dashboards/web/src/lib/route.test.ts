import { describe, expect, it } from 'vitest';
import { formatRoute, parseRoute, tokenOf, type Route } from './route';

describe('route', () => {
  const cases: [string, Route][] = [
    ['?', { page: 'overview', filter: '', unhealthy: false, sort: '' }],
    ['?filter=a+b&show=unhealthy&sort=cpu', { page: 'overview', filter: 'a b', unhealthy: true, sort: 'cpu' }],
    ['?app=acme/shop', { page: 'app', tenant: 'acme', app: 'shop', range: { name: '5m' } }],
    ['?app=acme/a/b&range=1h', { page: 'app', tenant: 'acme', app: 'a/b', range: { name: '1h' } }],
    ['?app=/shop&from=1&to=2.5', { page: 'app', tenant: '', app: 'shop', range: { from: 1, to: 2.5 } }],
    ['?query=up%7Ba%3D%22b%22%7D&view=table', { page: 'query', expr: 'up{a="b"}', view: 'table', range: { name: '15m' } }],
    ['?query=', { page: 'query', expr: '', view: 'graph', range: { name: '15m' } }],
  ];
  for (const [search, route] of cases) {
    it(search, () => {
      expect(parseRoute(search)).toEqual(route);
      expect(formatRoute(route)).toBe(search);
    });
  }

  it('falls back where the address is wrong', () => {
    expect(parseRoute('?app=acme').page).toBe('overview');
    expect(parseRoute('?app=acme/shop&range=2y')).toMatchObject({ range: { name: '5m' } });
    expect(parseRoute('?app=acme/shop&from=5&to=5')).toMatchObject({ range: { name: '5m' } });
    expect(parseRoute('?app=acme/shop&from=x&to=9')).toMatchObject({ range: { name: '5m' } });
  });
});

describe('tokenOf', () => {
  it('takes the token and leaves the rest', () => {
    expect(tokenOf('#token=abc%2B1')).toEqual({ token: 'abc+1', rest: '' });
    expect(tokenOf('#x=1&token=t')).toEqual({ token: 't', rest: '#x=1' });
    expect(tokenOf('#token=')).toEqual({ token: null, rest: '' });
    expect(tokenOf('#other')).toEqual({ token: null, rest: '#other' });
    expect(tokenOf('')).toEqual({ token: null, rest: '' });
  });
});
