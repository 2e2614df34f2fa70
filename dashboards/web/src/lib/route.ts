// Everything that the page shows is in its address, so that a link shows the same to a colleague.
// The page is one document at one path; what it shows is in the query, so it works under any prefix.

export const RANGES = ['5m', '15m', '1h', '6h'] as const;
export type RangeName = (typeof RANGES)[number];

export const RANGE_SECONDS: Readonly<Record<RangeName, number>> = { '5m': 300, '15m': 900, '1h': 3600, '6h': 21_600 };

/** A range that ends now, or a fixed stretch of time in seconds. */
export type Range = { name: RangeName } | { from: number; to: number };

export interface OverviewRoute {
  page: 'overview';
  filter: string;
  /** Only apps that are not well. */
  unhealthy: boolean;
  sort: string;
}

export interface AppRoute {
  page: 'app';
  tenant: string;
  app: string;
  range: Range;
}

export interface QueryRoute {
  page: 'query';
  expr: string;
  view: 'table' | 'graph';
  range: Range;
}

export type Route = OverviewRoute | AppRoute | QueryRoute;

export const OVERVIEW: OverviewRoute = { page: 'overview', filter: '', unhealthy: false, sort: '' };

function rangeOf(params: URLSearchParams, fallback: RangeName): Range {
  const from = Number(params.get('from') ?? NaN);
  const to = Number(params.get('to') ?? NaN);
  if (Number.isFinite(from) && Number.isFinite(to) && from >= 0 && from < to) return { from, to };
  const name = params.get('range');
  return { name: RANGES.find((range) => range === name) ?? fallback };
}

function putRange(params: URLSearchParams, range: Range, fallback: RangeName): void {
  if ('name' in range) {
    if (range.name !== fallback) params.set('range', range.name);
  } else {
    params.set('from', String(range.from));
    params.set('to', String(range.to));
  }
}

/** Reads the query part of an address; whatever is wrong in it falls back to a default. */
export function parseRoute(search: string): Route {
  const params = new URLSearchParams(search);
  const app = params.get('app');
  if (app !== null) {
    const slash = app.indexOf('/');
    if (slash >= 0 && slash < app.length - 1) {
      return {
        page: 'app',
        tenant: app.slice(0, slash),
        app: app.slice(slash + 1),
        range: rangeOf(params, '5m'),
      };
    }
  }
  if (params.has('query')) {
    return {
      page: 'query',
      expr: params.get('query') ?? '',
      view: params.get('view') === 'table' ? 'table' : 'graph',
      range: rangeOf(params, '15m'),
    };
  }
  return {
    page: 'overview',
    filter: params.get('filter') ?? '',
    unhealthy: params.get('show') === 'unhealthy',
    sort: params.get('sort') ?? '',
  };
}

/** The query part that `parseRoute` reads back to the same, `?` included, empty when nothing is needed. */
export function formatRoute(route: Route): string {
  const params = new URLSearchParams();
  switch (route.page) {
    case 'app':
      params.set('app', `${route.tenant}/${route.app}`);
      putRange(params, route.range, '5m');
      break;
    case 'query':
      params.set('query', route.expr);
      if (route.view === 'table') params.set('view', 'table');
      putRange(params, route.range, '15m');
      break;
    case 'overview':
      if (route.filter !== '') params.set('filter', route.filter);
      if (route.unhealthy) params.set('show', 'unhealthy');
      if (route.sort !== '') params.set('sort', route.sort);
  }
  // A slash needs no escape in a query, and without one the address can be read.
  const text = params.toString().replace(/%2F/g, '/');
  return text === '' ? '?' : `?${text}`;
}

/** Takes `#token=…` out of a fragment: the token, and the fragment without it. */
export function tokenOf(fragment: string): { token: string | null; rest: string } {
  const params = new URLSearchParams(fragment.replace(/^#/, ''));
  const token = params.get('token');
  if (token === null) return { token: null, rest: fragment };
  params.delete('token');
  const rest = params.toString();
  return { token: token.trim() === '' ? null : token.trim(), rest: rest === '' ? '' : `#${rest}` };
}
