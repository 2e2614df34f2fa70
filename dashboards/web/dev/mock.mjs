// The aggregator's part of the conversation, for developing the page without one.
//   node dev/mock.mjs [--port N] [--apps N] [--quiet] [--log]
// Tokens: `operator` sees all, `acme` its own. POST /dev/fault?kind=hang&instance=NAME injects.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { evaluate, parse, QueryError } from './promql.mjs';
import { Simulation } from './sim.mjs';

const web = new URL('..', import.meta.url);
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const USERS = {
  operator: { name: 'operator', operator: true, tenants: null },
  acme: { name: 'acme', operator: false, tenants: ['acme'] },
};

export async function startMock({ port = 0, apps = 0, quiet = false, seconds = apps > 0 ? 400 : 22_000, log = false } = {}) {
  const sim = new Simulation({ seconds, now: Math.floor(Date.now() / 1000), extraApps: apps, quiet });
  const timer = setInterval(() => {
    while (sim.time < Math.floor(Date.now() / 1000)) sim.tick();
  }, 50);
  const csp = (await readFile(new URL('csp.txt', web), 'utf8')).trim();
  const server = createServer((request, response) => {
    if (log) process.stderr.write(`${request.method} ${decodeURIComponent(request.url).slice(0, 200)}\n`);
    handle(sim, csp, request, response).catch((error) => {
      const known = error instanceof QueryError;
      json(response, known ? 400 : 500, { status: 'error', errorType: known ? 'bad_data' : 'internal', error: known ? error.message : String(error.stack) });
    });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () => {
    clearInterval(timer);
    server.closeAllConnections();
    server.close();
  };
  return { sim, server, close, url: `http://127.0.0.1:${server.address().port}/` };
}

function json(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

const success = (response, data, extra = {}) => json(response, 200, { status: 'success', data, ...extra });

function stream(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(': hello\n\n');
  const ping = setInterval(() => response.write(': ping\n\n'), 5000);
  response.on('close', () => clearInterval(ping));
}

async function handle(sim, csp, request, response) {
  const url = new URL(request.url, 'http://mock');
  if (url.pathname === '/dev/fault') {
    const kind = url.searchParams.get('kind') ?? 'hang';
    sim.inject(kind, url.searchParams.get('instance') ?? 'storefront-1', Date.now() / 1000);
    return json(response, 200, {});
  }
  if (!url.pathname.startsWith('/api/')) return asset(url.pathname, csp, response);
  const user = USERS[(request.headers.authorization ?? '').replace(/^Bearer /, '')];
  if (user === undefined) return json(response, 401, { status: 'error', errorType: 'unauthorized', error: 'unknown token' });
  const all = [...new Set(sim.instances.map((instance) => instance.labels.tenant))];
  const tenant = user.operator ? null : user.tenants[0];
  const q = url.searchParams;
  switch (url.pathname) {
    case '/api/v1/me':
      return success(response, { ...user, tenants: user.tenants ?? all });
    case '/api/v1/query': {
      const time = Number(q.get('time') ?? Date.now() / 1000);
      return success(response, instant(sim, q.get('query') ?? '', time, tenant), q.get('query')?.includes('[1s]') ? { warnings: ['a window of one second holds a single sample'] } : {});
    }
    case '/api/v1/query_range': {
      const tree = parse(q.get('query') ?? '');
      const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(q.get(name)));
      const series = new Map();
      for (let t = start; t <= end + 1e-6; t += step) {
        const result = evaluate(sim, tree, t, tenant);
        for (const { metric, value } of typeof result === 'number' ? [{ metric: {}, value: result }] : result) {
          const key = JSON.stringify(metric);
          if (!series.has(key)) series.set(key, { metric, values: [] });
          series.get(key).values.push([t, String(value)]);
        }
      }
      return success(response, { resultType: 'matrix', result: [...series.values()] });
    }
    case '/api/v1/query_live':
      return live(sim, q.getAll('query'), tenant, response);
    case '/api/v1/label/__name__/values':
      return success(response, ['container_cpu_usage_seconds_total', 'container_fs_reads_bytes_total', 'container_fs_writes_bytes_total', 'container_memory_working_set_bytes', 'container_oom_events_total', 'container_spec_memory_limit_bytes', 'container_start_time_seconds', 'istio_request_duration_milliseconds', 'istio_requests_total', 'probe_duration_seconds', 'probe_success', 'up']);
    case '/api/v1/events': {
      const after = Number(q.get('after') ?? 0);
      const limit = Number(q.get('limit') ?? 500);
      const mine = sim.events.filter((event) => tenant === null || event.target.tenant === tenant);
      return success(response, { events: mine.filter((event) => event.id > after).slice(0, limit), last: mine.at(-1)?.id ?? 0 });
    }
    case '/api/v1/events/stream': {
      const send = (event) => {
        if (tenant === null || event.target.tenant === tenant) response.write(`id: ${event.id}\nevent: event\ndata: ${JSON.stringify(event)}\n\n`);
      };
      stream(response);
      for (const event of sim.events) if (event.id > Number(q.get('after') ?? 0)) send(event);
      sim.listeners.add(send);
      response.on('close', () => sim.listeners.delete(send));
      return undefined;
    }
    case '/api/v1/remediation/resume': {
      if (!user.operator) return json(response, 403, { status: 'error', errorType: 'forbidden', error: 'operators only' });
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      sim.resume(JSON.parse(Buffer.concat(chunks)).target);
      return success(response, {});
    }
    default:
      return json(response, 404, { status: 'error', errorType: 'not_found', error: 'no such endpoint' });
  }
}

function instant(sim, query, time, tenant) {
  const result = evaluate(sim, parse(query), time, tenant);
  if (typeof result === 'number') return { resultType: 'scalar', result: [time, String(result)] };
  return { resultType: 'vector', result: result.map(({ metric, value }) => ({ metric, value: [time, String(value)] })) };
}

function live(sim, queries, tenant, response) {
  stream(response);
  const send = () => {
    const time = Date.now() / 1000;
    const results = queries.map((query) => {
      try {
        return instant(sim, query, time, tenant);
      } catch (error) {
        return { error: error.message };
      }
    });
    response.write(`event: sample\ndata: ${JSON.stringify({ time, results })}\n\n`);
  };
  send();
  const timer = setInterval(send, 1000);
  response.on('close', () => clearInterval(timer));
}

async function asset(path, csp, response) {
  const name = path === '/' ? 'index.html' : path.slice(1);
  try {
    if (name.includes('..')) throw new Error('outside');
    const body = await readFile(new URL(`dist/${name}`, web));
    response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', 'content-security-policy': csp, 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' });
    response.end(body);
  } catch {
    response.writeHead(404, { 'content-type': 'text/plain', 'content-security-policy': csp });
    response.end('not found\n');
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const flag = (name, fallback) => {
    const at = process.argv.indexOf(name);
    return at < 0 ? fallback : Number(process.argv[at + 1]);
  };
  const mock = await startMock({ port: flag('--port', 9099), apps: flag('--apps', 0), quiet: process.argv.includes('--quiet'), log: process.argv.includes('--log') });
  process.stdout.write(`${mock.url}#token=operator\n`);
}
