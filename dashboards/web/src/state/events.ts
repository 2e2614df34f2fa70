// The timeline: loaded once, then followed.

import { createMemo, createRoot, createSignal } from 'solid-js';
import { joinIncidents, targetKey, type Incident, type Target, type TimelineEvent } from '../lib/incidents';
import { call } from './session';
import { openStream, retrying } from './stream';

/** Events kept in memory; the aggregator has the rest. */
const EVENTS_MAX = 3000;
const PAGE = 500;

const [events, setEvents] = createSignal<TimelineEvent[]>([]);
const [eventsError, setEventsError] = createSignal<unknown>(null);
const [eventsLoaded, setEventsLoaded] = createSignal(false);

export { events, eventsError, eventsLoaded };

function add(more: readonly TimelineEvent[]): void {
  setEvents((known) => {
    const last = known[known.length - 1]?.id ?? 0;
    const fresh = more.filter((event) => event.id > last);
    return fresh.length === 0 ? known : [...known, ...fresh].slice(-EVENTS_MAX);
  });
}

async function loadAll(signal: AbortSignal): Promise<void> {
  let after = events()[events().length - 1]?.id ?? 0;
  for (let page = 0; page <= EVENTS_MAX / PAGE + 1; page += 1) {
    const params = new URLSearchParams({ after: String(after), limit: String(PAGE) });
    const { data } = await call<{ events: TimelineEvent[]; last: number }>('api/v1/events', params, { signal });
    add(data.events);
    const newest = data.events[data.events.length - 1]?.id ?? 0;
    if (data.events.length < PAGE || newest <= after) return;
    // A long history is not read from its beginning, only its end.
    after = Math.max(newest, data.last - EVENTS_MAX);
  }
}

/** Whether the aggregator counts from the beginning again, so that its new ids look old. */
async function startedAnew(): Promise<boolean> {
  const last = events()[events().length - 1]?.id ?? 0;
  if (last === 0) return false;
  const params = new URLSearchParams({ after: String(last), limit: '1' });
  const answer = await call<{ last: number }>('api/v1/events', params).catch(() => null);
  return answer !== null && answer.data.last > 0 && answer.data.last < last;
}

/** Loads and follows until the returned function is called. */
export function followEvents(): () => void {
  setEvents([]);
  setEventsLoaded(false);
  let stopStream = () => {};
  let stopLoad = () => {};
  let opened = false;
  const restart = () => {
    stopLoad();
    stopStream();
    setEvents([]);
    opened = false;
    stopLoad = load();
  };
  const load = () => retrying(
    loadAll,
    () => {
      setEventsError(null);
      setEventsLoaded(true);
      stopStream = openStream({
        request: () => ({
          path: 'api/v1/events/stream',
          params: new URLSearchParams({ after: String(events()[events().length - 1]?.id ?? 0) }),
        }),
        onEvent: (message) => {
          if (message.event === 'event') add([JSON.parse(message.data) as TimelineEvent]);
        },
        onOpen: () => {
          if (opened) void startedAnew().then((anew) => (anew ? restart() : undefined));
          opened = true;
        },
        quietMs: 60_000,
      });
    },
    setEventsError,
  );
  stopLoad = load();
  return () => {
    stopLoad();
    stopStream();
  };
}

/** Newest first. */
export const incidents = createRoot(() => createMemo((): Incident[] => joinIncidents(events())));

/** The newest incident that says something of an instance's health, by `targetKey`. */
export const incidentByInstance = createRoot(() => createMemo(() => {
  const newest = new Map<string, Incident>();
  for (const incident of incidents()) {
    const key = targetKey(incident.target);
    if (incident.phase !== 'notice' && !newest.has(key)) newest.set(key, incident);
  }
  return newest;
}));

/** Ends a quarantine. */
export async function resume(target: Target): Promise<void> {
  await call('api/v1/remediation/resume', undefined, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ target }),
  });
}
