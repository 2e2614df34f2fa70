// Which events are worth a line through a chart.

import { summary, type EventKind, type Incident, type TimelineEvent } from '../lib/incidents';
import type { Marker, Tone } from './chart-options';
import { TONES } from './phases';

const MARKED: Partial<Record<EventKind, [Tone, string]>> = {
  fault_injected: ['fault', 'Fault injected'],
  exited: ['bad', 'Exited'],
  probe_failed: ['bad', 'Probe failed'],
  restarted: ['act', 'Restarted'],
  restart_refused: ['bad', 'Restart refused'],
  restart_failed: ['bad', 'Restart failed'],
  quarantined: ['held', 'Quarantined'],
  resumed: ['act', 'Resumed'],
  recovered: ['good', 'Recovered'],
};

/** Beyond so many the lines would hide the chart: only the newest are drawn. */
const MARKERS_MAX = 120;

/** Every step of an app's events. */
export function eventMarkers(events: readonly TimelineEvent[], from: number, to: number): Marker[] {
  const markers: Marker[] = [];
  for (const event of events) {
    const marked = MARKED[event.kind];
    const time = event.time / 1000;
    if (marked === undefined || time < from || time > to) continue;
    markers.push({ time, tone: marked[0], label: marked[1], text: `${event.target.instance}: ${event.reason}` });
  }
  return markers.slice(-MARKERS_MAX);
}

/** One line for each incident of the fleet, where it began. */
export function incidentMarkers(incidents: readonly Incident[], from: number, to: number): Marker[] {
  const markers: Marker[] = [];
  for (const incident of incidents) {
    const time = incident.start / 1000;
    if (incident.phase === 'notice' || time < from || time > to) continue;
    const { tenant, app, instance } = incident.target;
    markers.push({ time, tone: TONES[incident.phase], label: `${tenant}/${app}`, text: `${instance}, ${summary(incident)}` });
  }
  return markers.slice(0, MARKERS_MAX);
}
