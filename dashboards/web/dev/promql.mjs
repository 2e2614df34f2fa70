// As much PromQL as the page's own queries and a few by hand need: selectors with = and !=, rate and
// increase, aggregations with by, histogram_quantile, numbers, comparisons and arithmetic of a vector
// with a number. Development only.

import { CODES } from './sim.mjs';

export class QueryError extends Error {}

const AGGREGATIONS = new Set(['sum', 'avg', 'min', 'max', 'count']);

function lex(text) {
  const tokens = [];
  const pattern = /\s+|([a-zA-Z_:][\w:]*)|("(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?(?:ms|[smhd])?)|(==|!=|>=|<=|=~|!~|[(){}[\],=<>+\-*/])/gy;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw fail(text, at, `unexpected character: ${JSON.stringify(text.charAt(at))}`);
    if (match[1]) tokens.push({ at, type: 'name', text: match[1] });
    if (match[2]) tokens.push({ at, type: 'string', text: JSON.parse(match[2]) });
    if (match[3]) tokens.push({ at, type: 'number', text: match[3] });
    if (match[4]) tokens.push({ at, type: match[4], text: match[4] });
  }
  tokens.push({ at: text.length, type: 'end', text: 'end of input' });
  return tokens;
}

function fail(text, at, message) {
  const before = text.slice(0, at).split('\n');
  return new QueryError(`invalid parameter "query": ${before.length}:${before.at(-1).length + 1}: parse error: ${message}`);
}

const seconds = (text) => {
  const [, n, unit = 's'] = /^([\d.]+)(ms|[smhd])?$/.exec(text);
  return Number(n) * { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }[unit];
};

export function parse(text) {
  const tokens = lex(text);
  let i = 0;
  const peek = () => tokens[i];
  const next = () => tokens[i++];
  const expect = (type) => {
    if (peek().type !== type) throw fail(text, peek().at, `unexpected ${JSON.stringify(peek().text)}, expected ${JSON.stringify(type)}`);
    return next();
  };
  const names = () => {
    const list = [];
    expect('(');
    while (peek().type !== ')') {
      list.push(expect('name').text);
      if (peek().type === ',') next();
    }
    expect(')');
    return list;
  };
  const selector = (name) => {
    const node = { type: 'selector', name, matchers: [], window: 0 };
    if (peek().type === '{') {
      next();
      while (peek().type !== '}') {
        const label = expect('name').text;
        const op = next().type;
        node.matchers.push({ label, op, value: expect('string').text });
        if (peek().type === ',') next();
      }
      expect('}');
    }
    if (peek().type === '[') {
      next();
      node.window = seconds(expect('number').text);
      expect(']');
    }
    return node;
  };
  const primary = () => {
    const token = peek();
    if (token.type === 'number') return { type: 'number', value: seconds(next().text) };
    if (token.type === '(') {
      next();
      const inner = binary(0);
      expect(')');
      return inner;
    }
    const name = expect('name').text;
    if (AGGREGATIONS.has(name)) {
      let by = peek().text === 'by' ? (next(), names()) : null;
      expect('(');
      const inner = binary(0);
      expect(')');
      if (by === null && peek().text === 'by') by = (next(), names());
      return { type: 'aggregate', name, by: by ?? [], inner };
    }
    if (peek().type === '(') {
      next();
      const args = [];
      while (peek().type !== ')') {
        args.push(binary(0));
        if (peek().type === ',') next();
      }
      expect(')');
      if (!['rate', 'increase', 'min_over_time', 'histogram_quantile', 'time', 'vector'].includes(name)) throw fail(text, token.at, `unknown function with name ${JSON.stringify(name)}`);
      return { type: 'call', name, args };
    }
    return selector(name);
  };
  const LEVEL = { '==': 0, '!=': 0, '>': 0, '<': 0, '>=': 0, '<=': 0, '+': 1, '-': 1, '*': 2, '/': 2 };
  const binary = (level) => {
    let left = primary();
    while (LEVEL[peek().type] !== undefined && LEVEL[peek().type] >= level) {
      const op = next().type;
      left = { type: 'binary', op, left, right: binary(LEVEL[op] + 1) };
    }
    return left;
  };
  const tree = binary(0);
  if (peek().type !== 'end') throw fail(text, peek().at, `unexpected ${JSON.stringify(peek().text)}`);
  return tree;
}

/** Spread of a latency around its median, as a quantile function of made-up shape. */
const latencyAt = (quantile, median) => median * (0.55 + 0.9 * quantile + 0.09 / (1.012 - quantile));

function* series(sim, name, time, window) {
  for (const instance of sim.instances) {
    const c = instance.columns;
    const w = Math.max(1, Math.round(window));
    const one = (column) => sim.mean(column, time, w);
    const l = instance.labels;
    const probeLabels = { tenant: l.tenant, app: l.app, component: l.component, instance: l.instance, node: l.node, probe: 'http' };
    const requestLabels = { tenant: l.tenant, app: l.app, component: l.component, instance: l.instance };
    if (time <= sim.start || time > sim.time + 1) continue;
    if (name === 'container_cpu_usage_seconds_total') yield [l, window > 0 ? one(c.cpu) : 1000 + time % 1e6];
    else if (name === 'container_memory_working_set_bytes') yield [l, one(c.memory)];
    else if (name === 'container_spec_memory_limit_bytes') yield [l, instance.shape.limit * 1024 * 1024];
    else if (name === 'container_fs_reads_bytes_total') yield [l, one(c.reads)];
    else if (name === 'container_fs_writes_bytes_total') yield [l, one(c.writes)];
    else if (name === 'container_start_time_seconds') yield [l, sim.startedAt(instance, time)];
    else if (name === 'container_oom_events_total') yield [l, window > 0 ? 0 : instance.ooms];
    else if (name === 'probe_success') yield [probeLabels, one(c.probe) < 1 && w === 1 ? 0 : one(c.probe)];
    else if (name === 'probe_duration_seconds') yield [probeLabels, one(c.probeTime)];
    else if (name === 'istio_requests_total') {
      for (const [i, code] of CODES.entries()) yield [{ ...requestLabels, response_code: code }, one(c.codes[i])];
    } else if (name === 'istio_request_duration_milliseconds') {
      yield [requestLabels, one(c.latency)];
    } else if (name === 'up') yield [{ job: 'agent', instance: l.node, node: l.node }, 1];
    else return;
  }
}

export function evaluate(sim, tree, time, tenant) {
  const run = (node) => {
    switch (node.type) {
      case 'number':
        return node.value;
      case 'selector': {
        const out = [];
        const seen = new Set();
        for (const [labels, value] of series(sim, node.name, time, node.window)) {
          if (value === null || (tenant !== null && labels.tenant !== tenant)) continue;
          const shown = tenant === null ? labels : Object.fromEntries(Object.entries(labels).filter(([k]) => k !== 'tenant'));
          const fits = node.matchers.every(({ label, op, value: wanted }) => {
            const have = shown[label] ?? '';
            if (op === '=') return have === wanted;
            if (op === '!=') return have !== wanted;
            const matches = new RegExp(`^(?:${wanted})$`).test(have);
            return op === '=~' ? matches : !matches;
          });
          const key = JSON.stringify(shown);
          if (fits && !seen.has(key)) out.push({ metric: { __name__: node.name, ...shown }, value });
          seen.add(key);
        }
        return out;
      }
      case 'call': {
        if (node.name === 'time') return time;
        if (node.name === 'vector') return [{ metric: {}, value: run(node.args[0]) }];
        if (node.name === 'histogram_quantile') {
          const q = run(node.args[0]);
          return run(node.args[1]).map(({ metric, value }) => ({ metric, value: latencyAt(q, value) }));
        }
        return run(node.args[0]).map(({ metric: { __name__, ...metric }, value }) => ({ metric, value }));
      }
      case 'aggregate': {
        const groups = new Map();
        for (const { metric, value } of run(node.inner)) {
          const labels = Object.fromEntries(node.by.filter((label) => metric[label] !== undefined).map((label) => [label, metric[label]]));
          const key = JSON.stringify(labels);
          if (!groups.has(key)) groups.set(key, { metric: labels, values: [] });
          groups.get(key).values.push(value);
        }
        // Latency stands for a histogram here, whose sum over instances is a mean of its shape.
        const mean = JSON.stringify(node.inner).includes('istio_request_duration');
        return [...groups.values()].map(({ metric, values }) => {
          const sum = values.reduce((a, b) => a + b, 0);
          const value = { sum: mean ? sum / values.length : sum, avg: sum / values.length, min: Math.min(...values), max: Math.max(...values), count: values.length }[node.name];
          return { metric, value };
        });
      }
      default: {
        const left = run(node.left);
        const right = run(node.right);
        const apply = (a, b) => ({ '+': a + b, '-': a - b, '*': a * b, '/': a / b, '>': a > b, '<': a < b, '>=': a >= b, '<=': a <= b, '==': a === b, '!=': a !== b })[node.op];
        if (typeof left === 'number' && typeof right === 'number') return Number(apply(left, right));
        const strip = ({ __name__, ...metric }) => metric;
        const keep = (sample, value) => (typeof value === 'boolean' ? (value ? [sample] : []) : [{ metric: strip(sample.metric), value }]);
        if (typeof right === 'number') return left.flatMap((s) => keep(s, apply(s.value, right)));
        if (typeof left === 'number') return right.flatMap((s) => keep(s, apply(left, s.value)));
        const others = new Map(right.map((s) => [JSON.stringify(strip(s.metric)), s.value]));
        return left.flatMap((s) => {
          const other = others.get(JSON.stringify(strip(s.metric)));
          return other === undefined ? [] : keep(s, apply(s.value, other));
        });
      }
    }
  };
  return run(tree);
}
