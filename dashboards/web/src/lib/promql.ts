// The little that the page must know of PromQL: quoting, where an error is, what may be completed.

export type Labels = Readonly<Record<string, string>>;

/** A string literal. */
export function quote(value: string): string {
  return `"${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

/** `{a="1",b="2"}`; labels with an empty value are left out, they would match absence. */
export function selector(labels: Labels): string {
  const parts = Object.entries(labels).flatMap(([name, value]) => (value === '' ? [] : [`${name}=${quote(value)}`]));
  return `{${parts.join(',')}}`;
}

/** A series as it would be written in a query: `up{job="x"}`. */
export function seriesName(labels: Labels): string {
  const { __name__: name = '', ...rest } = labels;
  const names = Object.keys(rest).sort();
  if (names.length === 0) return name === '' ? '{}' : name;
  return `${name}{${names.map((label) => `${label}=${quote(rest[label] ?? '')}`).join(', ')}}`;
}

/** The class of an HTTP status: `2xx` … `5xx`, `other` for all else (0 is a connection that ended early). */
export function codeClass(code: string): string {
  return /^[2-5]\d\d$/.test(code) ? `${code.charAt(0)}xx` : 'other';
}

export const CODE_CLASSES = ['2xx', '3xx', '4xx', '5xx', 'other'] as const;

export interface ErrorPlace {
  /** The message without its position. */
  message: string;
  /** The line of the query that it is about. */
  text: string;
  /** Line, from 1. */
  line: number;
  /** Column, from 1, within that line. */
  column: number;
}

/**
 * Where in `query` a message points, for messages as Prometheus words them: `1:5: parse error: …`,
 * `1:5-9: …`, or `char 12` counted from 1 over the whole query.
 */
export function errorPlace(query: string, message: string): ErrorPlace | null {
  const lines = query.split('\n');
  const pair = /(?:^|[\s"])(\d+):(\d+)(?:-\d+(?::\d+)?)?: (.*)$/s.exec(message);
  if (pair !== null) {
    const line = Number(pair[1]);
    const text = lines[line - 1];
    if (text !== undefined) return { message: pair[3] ?? '', text, line, column: Number(pair[2]) };
  }
  const single = /\b(?:char|position|offset) (\d+)\b/.exec(message);
  if (single !== null) {
    let rest = Number(single[1]);
    for (const [index, text] of lines.entries()) {
      if (rest <= text.length + 1) return { message, text, line: index + 1, column: Math.max(1, rest) };
      rest -= text.length + 1;
    }
  }
  return null;
}

const FUNCTIONS = (
  'abs absent absent_over_time acos asin atan avg avg_over_time bottomk ceil changes clamp clamp_max clamp_min ' +
  'count count_over_time count_values day_of_month day_of_week days_in_month delta deriv exp floor group ' +
  'histogram_avg histogram_count histogram_fraction histogram_quantile histogram_sum hour idelta increase irate ' +
  'label_join label_replace last_over_time ln log10 log2 max max_over_time min min_over_time minute month ' +
  'predict_linear present_over_time quantile quantile_over_time rate resets round scalar sgn sort sort_desc sqrt ' +
  'stddev stddev_over_time sum sum_over_time time timestamp topk vector year'
).split(' ');
const KEYWORDS = 'and bool by group_left group_right ignoring offset on or unless without'.split(' ');

export interface Word {
  start: number;
  end: number;
  text: string;
}

/** The identifier that ends at the caret, unless the caret stands inside a string or a selector's braces. */
export function wordAt(query: string, caret: number): Word | null {
  let quoteChar = '';
  let braces = 0;
  for (let i = 0; i < caret; i += 1) {
    const char = query.charAt(i);
    if (quoteChar !== '') {
      if (char === '\\' && quoteChar !== '`') i += 1;
      else if (char === quoteChar) quoteChar = '';
    } else if (char === '"' || char === "'" || char === '`') quoteChar = char;
    else if (char === '{') braces += 1;
    else if (char === '}') braces -= 1;
  }
  if (quoteChar !== '' || braces > 0) return null;
  const text = /[a-zA-Z_:][a-zA-Z0-9_:]*$/.exec(query.slice(0, caret))?.[0];
  return text === undefined ? null : { start: caret - text.length, end: caret, text };
}

export interface Completion {
  text: string;
  kind: 'metric' | 'function' | 'keyword';
}

/** What `word` may become, best first: prefixes before words inside, metrics before functions. */
export function complete(word: string, metrics: readonly string[], limit = 8): Completion[] {
  const wanted = word.toLowerCase();
  const all: Completion[] = [
    ...metrics.map((text) => ({ text, kind: 'metric' as const })),
    ...FUNCTIONS.map((text) => ({ text, kind: 'function' as const })),
    ...KEYWORDS.map((text) => ({ text, kind: 'keyword' as const })),
  ];
  const starts: Completion[] = [];
  const contains: Completion[] = [];
  for (const candidate of all) {
    const at = candidate.text.toLowerCase().indexOf(wanted);
    if (at === 0 && candidate.text !== word) starts.push(candidate);
    else if (at > 0) contains.push(candidate);
  }
  return [...starts, ...contains].slice(0, limit);
}
