// A small platform that never was: apps with load, faults and the remediation that follows, second by
// second. Development only; the numbers are made up, their shapes are what the page has to cope with.

const MIB = 1024 * 1024;
const CODES = ['200', '302', '404', '500', '503'];

/** Repeatable noise. */
function generator(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const FLEET = [
  ['acme', 'storefront', 'web', 2, { rps: 84, latency: 18, cpu: 0.42, memory: 210, limit: 512 }],
  ['acme', 'checkout', 'api', 2, { rps: 31, latency: 42, cpu: 0.27, memory: 148, limit: 256 }],
  ['globex', 'catalog', 'api', 3, { rps: 140, latency: 9, cpu: 0.61, memory: 320, limit: 768 }],
  ['globex', 'search', 'worker', 1, { rps: 22, latency: 96, cpu: 0.88, memory: 611, limit: 1024 }],
  ['initech', 'reports', 'web', 1, { rps: 3.4, latency: 310, cpu: 0.12, memory: 96, limit: 256 }],
  ['initech', 'billing', 'api', 2, { rps: 12, latency: 27, cpu: 0.09, memory: 120, limit: 256 }],
];

export function fleet(extraApps = 0) {
  const apps = [...FLEET];
  const random = generator(99);
  for (let i = 0; i < extraApps; i += 1) {
    const tenant = `tenant-${String(Math.floor(i / 8)).padStart(3, '0')}`;
    apps.push([tenant, `service-${i}`, 'web', 1 + Math.floor(random() * 3), {
      rps: 1 + random() * 60, latency: 5 + random() * 80, cpu: random() * 0.6, memory: 40 + random() * 300, limit: 512,
    }]);
  }
  return apps;
}

export class Simulation {
  constructor({ seconds, now, extraApps = 0, quiet = false }) {
    this.capacity = seconds + 3700;
    this.instances = [];
    this.events = [];
    this.pending = [];
    this.incidents = 0;
    this.listeners = new Set();
    let seed = 1;
    for (const [tenant, app, component, count, shape] of fleet(extraApps)) {
      for (let i = 1; i <= count; i += 1) {
        seed += 1;
        this.instances.push(this.#instance(tenant, app, component, `${app}-${i}`, shape, seed, now - seconds));
      }
    }
    this.start = now - seconds;
    this.time = this.start;
    if (!quiet) this.#past(seconds, now);
    while (this.time < now) this.tick();
  }

  #instance(tenant, app, component, instance, shape, seed, start) {
    const column = () => new Float32Array(this.capacity);
    return {
      labels: { tenant, app, component, instance, container: component, node: `node-${1 + (seed % 3)}` },
      shape,
      random: generator(seed * 7919),
      wander: 0,
      started: start - 3600 * (1 + (seed % 50)),
      starts: [[-Infinity, start - 3600 * (1 + (seed % 50))]],
      effects: [],
      ooms: 0,
      columns: {
        cpu: column(), memory: column(), reads: column(), writes: column(), latency: column(),
        probe: column(), probeTime: column(), codes: CODES.map(column),
      },
    };
  }

  /** Faults of the hours before the page was opened, so that graphs and timeline have something to say. */
  #past(seconds, now) {
    const plan = [
      [9000, 'crash', 'checkout-1'], [5400, 'hang', 'storefront-2'], [2700, 'http_5xx', 'billing-1'],
      [1500, 'memory_leak', 'catalog-2'], [640, 'crash', 'reports-1'], [200, 'hang', 'storefront-1'],
      [150, 'crash_loop', 'billing-2'], [95, 'memory_leak', 'checkout-2'], [38, 'hang', 'catalog-1'],
    ];
    for (const [before, kind, instance] of plan) {
      if (before < seconds) this.inject(kind, instance, now - before + 0.213);
    }
  }

  inject(kind, instanceName, at) {
    const target = this.instances.find((i) => i.labels.instance === instanceName) ?? this.instances[0];
    const incident = `inc-${(this.incidents += 1).toString(36).padStart(4, '0')}`;
    const r = target.random;
    const say = (after, eventKind, reason, named, details = {}) =>
      this.pending.push({ at: at + after, target, kind: eventKind, reason, incident: named ? incident : '', details });
    const effect = (from, to, name) => target.effects.push({ from: at + from, to: at + to, name });
    const restart = (after, why) => {
      say(after, 'restart_decided', why, true, { attempt: '1', budget: '2 of 3 left' });
      say(after + 0.11 + r() * 0.06, 'restarted', 'container started again', true, { run: '2', took: '131 ms' });
      this.pending.push({ at: at + after + 0.13, target, restart: true });
    };
    const recover = (after) => {
      say(after - 0.05, 'probe_recovered', 'http probe answered 200 in 4 ms', false);
      say(after, 'recovered', 'healthy for 2 probes in a row', true);
    };
    if (kind === 'hang') {
      say(0, 'fault_injected', 'stop answering requests', false, { fault: 'hang' });
      const seen = 1.1 + r() * 0.4;
      say(seen, 'probe_failed', 'http probe timed out after 500 ms, twice in a row', false, { class: 'timeout' });
      restart(seen + 0.012, 'liveness probe failed twice; 1 of 2 replicas is ready');
      recover(seen + 0.95);
      effect(0, seen + 0.95, 'hang');
    } else if (kind === 'crash') {
      say(0, 'exited', 'exit code 134 (SIGABRT)', false, { exit_code: '134' });
      restart(0.02, 'process ended by itself');
      recover(0.9);
      effect(0, 1.2, 'down');
    } else if (kind === 'memory_leak') {
      say(0, 'fault_injected', 'leak 8 MiB each second', false, { fault: 'memory_leak' });
      say(40, 'exited', 'killed: memory limit of the container reached', false, { exit_code: '137' });
      restart(40.02, 'out of memory');
      recover(40.9);
      effect(0, 40, 'leak');
      effect(40, 41, 'down');
      this.pending.push({ at: at + 40, target, oom: true });
    } else if (kind === 'http_5xx') {
      say(0, 'fault_injected', 'answer 500 to a third of requests', false, { fault: 'http_5xx' });
      say(6, 'probe_failed', 'http probe got 503, three times in a row', false, { class: 'status' });
      say(6.01, 'restart_refused', 'all replicas of the app fail alike: a restart would not help', true);
      say(31, 'probe_recovered', 'http probe answered 200 in 4 ms', false);
      effect(0, 30, 'errors');
    } else if (kind === 'crash_loop') {
      say(0, 'fault_injected', 'exit one second after each start', false, { fault: 'crash_loop' });
      let after = 0.4;
      for (let i = 0; i < 3; i += 1) {
        say(after, 'exited', 'exit code 1', false, { exit_code: '1' });
        restart(after + 0.015 + i * 2 ** i * 0.5, 'process ended by itself');
        after += 1.4 + i * 2 ** i;
      }
      say(after, 'exited', 'exit code 1', false, { exit_code: '1' });
      say(after + 0.01, 'quarantined', 'three restarts within 30 s did not help', true);
      say(after + 0.02, 'paged', 'called the on-call engineer', true, { receiver: 'platform-oncall' });
      effect(0.4, Infinity, 'down');
    }
    this.pending.sort((a, b) => a.at - b.at);
  }

  resume(target) {
    for (const instance of this.instances) {
      if (instance.labels.instance !== target.instance) continue;
      instance.effects = instance.effects.filter((effect) => effect.to !== Infinity);
      const at = this.time;
      this.pending.push({ at, target: instance, kind: 'resumed', reason: 'ended by operator', incident: '', details: {} });
      this.pending.push({ at: at + 0.2, target: instance, kind: 'restarted', reason: 'container started again', incident: '', details: {} });
      this.pending.push({ at: at + 0.2, target: instance, restart: true });
      this.pending.push({ at: at + 1.1, target: instance, kind: 'recovered', reason: 'healthy for 2 probes in a row', incident: '', details: {} });
    }
    this.pending.sort((a, b) => a.at - b.at);
  }

  tick() {
    this.time += 1;
    while (this.pending.length > 0 && this.pending[0].at <= this.time) this.#happen(this.pending.shift());
    const row = this.time % this.capacity;
    for (const instance of this.instances) this.#sample(instance, row);
  }

  #happen({ at, target, kind, reason, incident, details, restart, oom }) {
    if (restart) {
      target.started = at;
      target.starts.push([at, at]);
      return;
    }
    if (oom) {
      target.ooms += 1;
      return;
    }
    const { tenant, app, component, instance, node } = target.labels;
    const event = {
      id: this.events.length + 1, time: Math.round(at * 1000), kind,
      target: { tenant, app, component, instance, node }, reason, incident, details,
    };
    this.events.push(event);
    for (const listener of this.listeners) listener(event);
  }

  #sample(instance, row) {
    const { shape, random, columns } = instance;
    const t = this.time;
    const has = (name) => instance.effects.some((effect) => effect.name === name && effect.from <= t && t < effect.to);
    instance.wander = instance.wander * 0.97 + (random() - 0.5) * 0.12;
    const load = Math.max(0.05, 1 + 0.22 * Math.sin(t / 210 + shape.latency) + instance.wander);
    const down = has('down');
    const hang = has('hang');
    const works = down || hang ? 0 : 1;
    columns.cpu[row] = down ? 0 : shape.cpu * (hang ? 0.05 : load) * (0.94 + random() * 0.12);
    const leak = instance.effects.find((effect) => effect.name === 'leak' && effect.from <= t && t < effect.to);
    const rest = shape.memory * MIB * (0.97 + 0.04 * Math.sin(t / 400 + shape.cpu * 10)) + random() * MIB;
    const young = Math.min(1, 0.55 + (t - instance.started) / 60);
    const limit = shape.limit * MIB;
    columns.memory[row] = down ? 0 : leak ? Math.min(limit, rest + ((limit - rest) * (t - leak.from)) / 39) : rest * young;
    const rps = shape.rps * load * (0.9 + random() * 0.2);
    const bad = has('errors') ? 0.33 : random() < 0.03 ? 0.02 : 0;
    columns.codes[0][row] = works * rps * (0.93 - bad);
    columns.codes[1][row] = works * rps * 0.05;
    columns.codes[2][row] = works * rps * 0.02 * random() * 2;
    columns.codes[3][row] = works * rps * bad;
    columns.codes[4][row] = hang || down ? rps * 0.4 : 0;
    columns.latency[row] = works ? shape.latency * (0.8 + 0.35 * load + random() * 0.15) * (bad > 0.1 ? 2.5 : 1) : hang ? 900 : NaN;
    columns.probe[row] = works && !has('errors') ? 1 : 0;
    columns.probeTime[row] = works ? 0.002 + random() * 0.003 + shape.latency / 10_000 : hang ? 0.5 : 0.001;
    columns.reads[row] = down ? 0 : Math.max(0, (random() < 0.1 ? 900_000 : 20_000) * random() * load);
    columns.writes[row] = down ? 0 : 60_000 * load * (0.5 + random());
  }

  /** Mean of a column over the `window` seconds up to `time`; null outside of what is kept. */
  mean(column, time, window) {
    let sum = 0;
    let n = 0;
    for (let t = Math.floor(time) - window + 1; t <= Math.floor(time); t += 1) {
      if (t <= this.start || t > this.time || t <= this.time - this.capacity) continue;
      const value = column[t % this.capacity];
      if (Number.isNaN(value)) continue;
      sum += value;
      n += 1;
    }
    return n === 0 ? null : sum / n;
  }

  startedAt(instance, time) {
    let found = null;
    for (const [from, start] of instance.starts) if (from <= time) found = start;
    return found;
  }
}

export { CODES };
