// Joins the events of the timeline into incidents: one story from the first sign to recovery.
//
// Only a decision gives an incident its name, so what led to it (a fault, an exit, a failed probe)
// carries none and is joined by its target.

import { duration } from './format';

export type EventKind =
  | 'started'
  | 'exited'
  | 'probe_failed'
  | 'probe_recovered'
  | 'restart_decided'
  | 'restart_refused'
  | 'restarted'
  | 'restart_failed'
  | 'recovered'
  | 'quarantined'
  | 'paged'
  | 'resumed'
  | 'fault_injected';

export interface Target {
  tenant: string;
  app: string;
  component?: string;
  instance: string;
  node: string;
}

export interface TimelineEvent {
  /** Rising; assigned by the aggregator. */
  id: number;
  /** Milliseconds since the Unix epoch. */
  time: number;
  kind: EventKind;
  target: Target;
  reason: string;
  incident?: string;
  details?: Record<string, string>;
}

/**
 * `notice` is an event that belongs to no failure; `injected` a fault that nothing has noticed yet.
 */
export type Phase =
  | 'notice'
  | 'injected'
  | 'failing'
  | 'refused'
  | 'restarting'
  | 'verifying'
  | 'quarantined'
  | 'resumed'
  | 'recovered';

export type StepName = 'injected' | 'detected' | 'decided' | 'refused' | 'restarted' | 'quarantined' | 'resumed' | 'recovered';

export interface Step {
  name: StepName;
  /** Milliseconds since the Unix epoch. */
  time: number;
  /** Seconds since the step before, 0 for the first. */
  after: number;
  /** How often it happened in this incident. */
  times: number;
}

export interface Incident {
  /** The same from the first event on, whatever joins later. */
  key: string;
  /** The name that a decision gave it, empty until then. */
  name: string;
  target: Target;
  /** By rising id. */
  events: TimelineEvent[];
  phase: Phase;
  /** What went wrong, in two or three words. */
  cause: string;
  injected: boolean;
  /** Milliseconds since the Unix epoch of the first and of the newest event. */
  start: number;
  latest: number;
  restarts: number;
  steps: Step[];
}

/** How long unnamed signs wait for a decision before what follows counts as another story. */
const JOIN_WITHIN_MS = 120_000;
/** How long after its end an incident still takes the trailing events of its target. */
const TRAIL_WITHIN_MS = 60_000;

/** A decision within this time of the first sign is not told as a step. */
const QUICK_MS = 100;

const OPENS: ReadonlySet<EventKind> = new Set([
  'fault_injected',
  'exited',
  'probe_failed',
  'restart_decided',
  'restart_refused',
  'restart_failed',
  'quarantined',
]);

/** Whether more is to come: not yet recovered, and not merely a notice. */
export function isOpen(incident: Incident): boolean {
  return incident.phase !== 'recovered' && incident.phase !== 'notice';
}

/** Names an instance; the component is left out because not every source of events knows it. */
export function targetKey(target: Target): string {
  return `${target.tenant}/${target.app}/${target.instance}`;
}

/** Incidents, newest first, of events in rising order of id. */
export function joinIncidents(events: readonly TimelineEvent[]): Incident[] {
  const incidents: Incident[] = [];
  const byName = new Map<string, Incident>();
  const current = new Map<string, Incident>();
  for (const event of events) {
    const key = targetKey(event.target);
    const candidate = current.get(key);
    const name = event.incident ?? '';
    let incident = name === '' ? undefined : byName.get(name);
    if (incident === undefined && candidate !== undefined && continues(candidate, event)) incident = candidate;
    if (incident === undefined) {
      incident = {
        key: `${key}#${event.id}`,
        name: '',
        target: event.target,
        events: [],
        phase: 'notice',
        cause: '',
        injected: false,
        start: event.time,
        latest: event.time,
        restarts: 0,
        steps: [],
      };
      incidents.push(incident);
    }
    if (name !== '' && incident.name === '') {
      incident.name = name;
      byName.set(name, incident);
    }
    incident.events.push(event);
    incident.start = Math.min(incident.start, event.time);
    incident.latest = Math.max(incident.latest, event.time);
    incident.phase = nextPhase(incident.phase, event.kind, incident);
    if (incident.phase !== 'notice') current.set(key, incident);
  }
  for (const incident of incidents) {
    incident.injected = incident.events.some((event) => event.kind === 'fault_injected');
    incident.restarts = incident.events.filter((event) => event.kind === 'restarted').length;
    incident.cause = causeOf(incident);
    incident.steps = stepsOf(incident);
  }
  return incidents.sort((a, b) => b.start - a.start || (b.events[0]?.id ?? 0) - (a.events[0]?.id ?? 0));
}

/** Whether an event of the same target goes on with the story that was last told about it. */
function continues(incident: Incident, event: TimelineEvent): boolean {
  const name = event.incident ?? '';
  if (name !== '' && incident.name !== '') return false; // another name is another story
  const pause = event.time - incident.latest;
  if (incident.phase === 'recovered') return !OPENS.has(event.kind) && pause <= TRAIL_WITHIN_MS;
  if (event.kind === 'fault_injected') return incident.phase === 'quarantined';
  if (incident.phase === 'quarantined' || incident.phase === 'resumed') return true;
  if (incident.name !== '' && !OPENS.has(event.kind)) return true;
  return pause <= JOIN_WITHIN_MS;
}

function nextPhase(phase: Phase, kind: EventKind, incident: Incident): Phase {
  switch (kind) {
    case 'fault_injected':
      return phase === 'notice' ? 'injected' : phase;
    case 'exited':
    case 'probe_failed':
      return phase === 'quarantined' || phase === 'restarting' ? phase : 'failing';
    case 'restart_decided':
      return 'restarting';
    case 'restart_refused':
      return phase === 'quarantined' ? phase : 'refused';
    case 'restart_failed':
      return phase === 'quarantined' ? phase : 'failing';
    case 'restarted':
      return phase === 'quarantined' || phase === 'recovered' ? phase : 'verifying';
    case 'recovered':
      return 'recovered';
    case 'probe_recovered': {
      // Without a decision nobody else will close it; after one, `recovered` says when it is over.
      const decided = incident.events.some((event) => event.kind === 'restart_decided');
      return !decided && (phase === 'failing' || phase === 'injected' || phase === 'refused') ? 'recovered' : phase;
    }
    case 'quarantined':
      return 'quarantined';
    case 'resumed':
      return phase === 'quarantined' ? 'resumed' : phase;
    case 'started':
    case 'paged':
      return phase;
  }
  return phase; // a kind that this page does not know yet
}

function causeOf(incident: Incident): string {
  const find = (...kinds: EventKind[]) => incident.events.find((event) => kinds.includes(event.kind));
  const fault = find('fault_injected');
  const named = fault?.details?.['fault'] ?? fault?.details?.['kind'];
  if (named !== undefined && named !== '') return named.replace(/_/g, ' ');
  if (fault !== undefined && fault.reason.length <= 24) return fault.reason;
  const sign = find('exited', 'probe_failed');
  if (sign?.kind === 'exited') return /memory|\boom\b/i.test(sign.reason) ? 'out of memory' : 'crash';
  if (sign?.kind === 'probe_failed') return 'probe failing';
  if (find('restart_decided', 'restarted') !== undefined) return 'restart';
  return (incident.events[0]?.kind ?? 'started').replace(/_/g, ' ');
}

function stepsOf(incident: Incident): Step[] {
  const found: [StepName, TimelineEvent, number][] = [];
  const put = (name: StepName, newest: boolean, ...kinds: EventKind[]) => {
    const matching = incident.events.filter((event) => kinds.includes(event.kind));
    const event = newest ? matching[matching.length - 1] : matching[0];
    if (event !== undefined) found.push([name, event, matching.length]);
  };
  put('injected', false, 'fault_injected');
  put('detected', false, 'exited', 'probe_failed');
  put('decided', false, 'restart_decided');
  if (incident.restarts === 0) put('refused', false, 'restart_refused');
  // What is restarted after a quarantine is a person's doing, told by `resumed`.
  const held = incident.events.findIndex((event) => event.kind === 'quarantined');
  const before = held < 0 ? incident.events : incident.events.slice(0, held);
  const restarts = before.filter((event) => event.kind === 'restarted');
  const restart = restarts[restarts.length - 1];
  if (restart !== undefined) found.push(['restarted', restart, restarts.length]);
  put('quarantined', false, 'quarantined');
  put('resumed', true, 'resumed');
  if (incident.phase === 'recovered') {
    if (incident.events.some((event) => event.kind === 'recovered')) put('recovered', true, 'recovered');
    else put('recovered', true, 'probe_recovered');
  }
  // A quick decision is part of the restart that followed; a slow one is worth a step of its own.
  const detected = found.find(([name]) => name === 'detected')?.[1].time;
  const decided = found.findIndex(([name]) => name === 'decided');
  const next = found[decided + 1]?.[0];
  const quick = detected !== undefined && (found[decided]?.[1].time ?? 0) - detected < QUICK_MS;
  if (decided >= 0 && quick && next === 'restarted') found.splice(decided, 1);
  return found.map(([name, event, times], index) => {
    const before = found[index - 1]?.[1].time ?? event.time;
    return { name, time: event.time, after: Math.max(0, (event.time - before) / 1000), times };
  });
}

/** Seconds from the first sign (or the injected fault) to recovery; null while it lasts. */
export function totalSeconds(incident: Incident): number | null {
  const first = incident.steps[0];
  const last = incident.steps[incident.steps.length - 1];
  if (first === undefined || last?.name !== 'recovered') return null;
  return Math.max(0, (last.time - first.time) / 1000);
}

/** One step in words: `detected 1.2 s`, later ones with a plus sign as they add up. */
export function stepText(incident: Incident, step: Step): string {
  const index = incident.steps.indexOf(step);
  if (index === 0) return step.name;
  const word = step.times > 1 && step.name === 'restarted' ? `restarted ${step.times}×` : step.name;
  const first = incident.steps[index - 1]?.name === 'injected';
  return `${word} ${first ? '' : '+'}${duration(step.after)}`;
}

/** The story in a line: `hang: detected 1.2 s, restarted +0.13 s, recovered +0.80 s`. */
export function summary(incident: Incident): string {
  const steps = incident.steps.filter((step) => step.name !== 'injected').map((step) => stepText(incident, step));
  return steps.length === 0 ? incident.cause : `${incident.cause}: ${steps.join(', ')}`;
}

/** How an app is; in rising order of how much it needs a person. */
export const STATES = ['healthy', 'unknown', 'restarting', 'failing', 'quarantined'] as const;
export type State = (typeof STATES)[number];

/** A sign older than this no longer overrules a probe that says all is well. */
const SIGN_COUNTS_MS = 30_000;

/**
 * How an instance is, from its probe (null: none) and its newest incident.
 * The timeline is quicker than the probe's series, but only a quarantine outlives a healthy probe.
 */
export function instanceState(probe: boolean | null, incident: Incident | undefined, now: number): State {
  if (incident?.phase === 'quarantined') return 'quarantined';
  const fresh = incident !== undefined && now - incident.latest <= SIGN_COUNTS_MS;
  const phase = incident?.phase;
  if ((phase === 'restarting' || phase === 'verifying' || phase === 'resumed') && (fresh || probe === false)) {
    return 'restarting';
  }
  if ((phase === 'failing' || phase === 'refused') && (fresh || probe === false)) return 'failing';
  if (probe === null) return 'unknown';
  return probe ? 'healthy' : 'failing';
}

/** The state that needs most attention; `unknown` for nothing at all. */
export function worst(states: readonly State[]): State {
  let rank = -1;
  for (const state of states) rank = Math.max(rank, STATES.indexOf(state));
  return STATES[rank] ?? 'unknown';
}
