import { describe, expect, it } from 'vitest';
import {
  instanceState,
  isOpen,
  joinIncidents,
  summary,
  totalSeconds,
  worst,
  type EventKind,
  type TimelineEvent,
} from './incidents';

type Extra = Partial<Omit<TimelineEvent, 'target'>> & { instance?: string };

/** Events `[milliseconds, kind, extra]` of acme/shop. */
function events(...list: [number, EventKind, Extra?][]): TimelineEvent[] {
  return list.map(([time, kind, extra], index) => {
    const { instance = 'shop-1', ...rest } = extra ?? {};
    return {
      id: index + 1,
      time: 1_700_000_000_000 + time,
      kind,
      target: { tenant: 'acme', app: 'shop', component: 'web', instance, node: 'n1' },
      reason: '',
      incident: '',
      details: {},
      ...rest,
    };
  });
}

const plain = (text: string) => text.replace(/[\u202f\u00a0]/g, ' ');

describe('joinIncidents', () => {
  it('tells a hang from fault to recovery as one story', () => {
    const [incident, ...others] = joinIncidents(
      events(
        [0, 'fault_injected', { details: { fault: 'hang' } }],
        [1200, 'probe_failed'],
        [1212, 'restart_decided', { incident: 'i1' }],
        [1342, 'restarted', { incident: 'i1' }],
        [2100, 'probe_recovered'],
        [2142, 'recovered', { incident: 'i1' }],
      ),
    );
    expect(others).toEqual([]);
    expect(incident?.phase).toBe('recovered');
    expect(incident?.name).toBe('i1');
    expect(incident?.injected).toBe(true);
    expect(plain(summary(incident!))).toBe(
      'hang: detected 1.2 s, restarted +0.14 s, recovered +0.80 s',
    );
    expect(totalSeconds(incident!)).toBeCloseTo(2.142);
  });

  it('starts with what was seen when nothing was injected', () => {
    const [incident] = joinIncidents(
      events(
        [0, 'exited', { reason: 'killed: memory limit reached' }],
        [20, 'restart_decided', { incident: 'i1' }],
        [150, 'restarted', { incident: 'i1' }],
        [900, 'recovered', { incident: 'i1' }],
      ),
    );
    expect(plain(summary(incident!))).toBe(
      'out of memory: detected, restarted +0.15 s, recovered +0.75 s',
    );
  });

  it('keeps instances apart', () => {
    const incidents = joinIncidents(
      events([0, 'probe_failed'], [5, 'probe_failed', { instance: 'shop-2' }], [10, 'restart_decided', { incident: 'x' }]),
    );
    expect(incidents.map((incident) => [incident.target.instance, incident.phase])).toEqual([
      ['shop-2', 'failing'],
      ['shop-1', 'restarting'],
    ]);
  });

  it('keeps two incidents of one instance apart', () => {
    const incidents = joinIncidents(
      events(
        [0, 'exited'],
        [10, 'restart_decided', { incident: 'a' }],
        [20, 'restarted', { incident: 'a' }],
        [30, 'recovered', { incident: 'a' }],
        [40, 'exited'],
        [50, 'restart_decided', { incident: 'b' }],
      ),
    );
    expect(incidents.map((incident) => [incident.name, incident.events.length, isOpen(incident)])).toEqual([
      ['b', 2, true],
      ['a', 4, false],
    ]);
  });

  it('takes a late probe recovery into the incident that is over', () => {
    const incidents = joinIncidents(
      events([0, 'exited'], [10, 'restart_decided', { incident: 'a' }], [30, 'recovered', { incident: 'a' }], [900, 'probe_recovered']),
    );
    expect(incidents.length).toBe(1);
    expect(incidents[0]?.phase).toBe('recovered');
  });

  it('tells a decision by itself only while it is news or was slow', () => {
    const until = (...list: [number, EventKind, Extra?][]) => plain(summary(joinIncidents(events(...list))[0]!));
    expect(until([0, 'exited'], [20, 'restart_decided', { incident: 'a' }])).toBe('crash: detected, decided +20 ms');
    expect(until([0, 'exited'], [5000, 'restart_decided', { incident: 'a' }], [5100, 'restarted', { incident: 'a' }])).toBe(
      'crash: detected, decided +5 s, restarted +0.10 s',
    );
  });

  it('closes what recovered by itself', () => {
    const [incident] = joinIncidents(events([0, 'probe_failed'], [3000, 'probe_recovered']));
    expect(incident?.phase).toBe('recovered');
    expect(plain(summary(incident!))).toBe('probe failing: detected, recovered +3 s');
  });

  it('counts the restarts of a crash loop up to quarantine, and ends it when a person resumes', () => {
    const list = events(
      [0, 'fault_injected', { details: { fault: 'crash_loop' } }],
      [500, 'exited'],
      [510, 'restart_decided', { incident: 'c' }],
      [600, 'restarted', { incident: 'c' }],
      [1500, 'exited'],
      [1510, 'restart_decided', { incident: 'c' }],
      [1600, 'restarted', { incident: 'c' }],
      [2500, 'exited'],
      [2510, 'quarantined', { incident: 'c' }],
      [2511, 'paged', { incident: 'c' }],
    );
    const [incident, ...others] = joinIncidents(list);
    expect(others).toEqual([]);
    expect(incident?.phase).toBe('quarantined');
    expect(incident?.restarts).toBe(2);
    expect(plain(summary(incident!))).toBe(
      'crash loop: detected 0.50 s, restarted 2× +1.1 s, quarantined +0.91 s',
    );
    expect(totalSeconds(incident!)).toBeNull();
    const hour = 3_600_000;
    const resumed = events(...list.map((event): [number, EventKind, Extra] => [event.time - 1_700_000_000_000, event.kind, { incident: event.incident ?? '', details: event.details ?? {} }]), [hour, 'resumed'], [hour + 100, 'restarted'], [hour + 900, 'recovered']);
    const after = joinIncidents(resumed);
    expect(after.length).toBe(1);
    expect(after[0]?.phase).toBe('recovered');
    expect(after[0]?.steps.map((step) => step.name)).toEqual(['injected', 'detected', 'restarted', 'quarantined', 'resumed', 'recovered']);
    expect(after[0]?.steps[2]?.times).toBe(2);
  });

  it('tells another story after a long silence', () => {
    const incidents = joinIncidents(events([0, 'fault_injected', { reason: '5xx burst' }], [600_000, 'exited']));
    expect(incidents.map((incident) => [incident.cause, incident.phase])).toEqual([
      ['crash', 'failing'],
      ['5xx burst', 'injected'],
    ]);
  });

  it('leaves a first start as a notice', () => {
    const incidents = joinIncidents(events([0, 'started'], [10, 'exited']));
    expect(incidents.map((incident) => incident.phase)).toEqual(['failing', 'notice']);
  });

  it('says when a restart was refused', () => {
    const [incident] = joinIncidents(events([0, 'probe_failed'], [10, 'restart_refused', { incident: 'r' }]));
    expect(incident?.phase).toBe('refused');
    expect(plain(summary(incident!))).toBe('probe failing: detected, refused +10 ms');
  });

  it('survives kinds that it does not know and clocks that disagree', () => {
    const [incident] = joinIncidents(
      events([100, 'probe_failed'], [50, 'restart_decided', { incident: 'a' }], [120, 'teleported' as EventKind, { incident: 'a' }]),
    );
    expect(incident?.phase).toBe('restarting');
    expect(incident?.steps.map((step) => step.after)).toEqual([0, 0]);
  });

  it('loses no event, whatever comes', () => {
    const kinds: EventKind[] = ['started', 'exited', 'probe_failed', 'probe_recovered', 'restart_decided', 'restart_refused', 'restarted', 'restart_failed', 'recovered', 'quarantined', 'paged', 'resumed', 'fault_injected'];
    let seed = 7;
    const next = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    let time = 0;
    const list = events(
      ...Array.from({ length: 2000 }, (): [number, EventKind, Extra] => {
        time += next(30_000);
        return [time, kinds[next(kinds.length)] ?? 'started', { incident: next(2) === 0 ? '' : `i${next(50)}`, instance: `shop-${next(4)}` }];
      }),
    );
    const ids = joinIncidents(list).flatMap((incident) => incident.events.map((event) => event.id));
    expect(ids.sort((a, b) => a - b)).toEqual(list.map((event) => event.id));
    const keys = new Set(joinIncidents(list).map((incident) => incident.key));
    expect(keys.size).toBe(joinIncidents(list).length);
  });
});

describe('instanceState', () => {
  const now = 1_700_000_100_000;
  const at = (ago: number, ...kinds: EventKind[]) =>
    joinIncidents(events(...kinds.map((kind): [number, EventKind, Extra] => [100_000 - ago, kind, { incident: 'a' }])))[0];

  it('believes the probe when nothing happened', () => {
    expect([true, false, null].map((probe) => instanceState(probe, undefined, now))).toEqual(['healthy', 'failing', 'unknown']);
  });
  it('is quicker than the probe', () => {
    expect(instanceState(true, at(500, 'exited'), now)).toBe('failing');
    expect(instanceState(true, at(500, 'exited', 'restart_decided'), now)).toBe('restarting');
    expect(instanceState(true, at(500, 'exited', 'restart_decided', 'restarted'), now)).toBe('restarting');
  });
  it('lets an old sign go when the probe is well', () => {
    expect(instanceState(true, at(60_000, 'exited'), now)).toBe('healthy');
    expect(instanceState(false, at(60_000, 'exited', 'restart_decided'), now)).toBe('restarting');
  });
  it('keeps a quarantine until it is ended', () => {
    expect(instanceState(true, at(90_000, 'quarantined'), now)).toBe('quarantined');
    expect(instanceState(true, at(90_000, 'quarantined', 'resumed', 'recovered'), now)).toBe('healthy');
  });
  it('does not blame an injected fault that nothing noticed', () => {
    expect(instanceState(true, at(10, 'fault_injected'), now)).toBe('healthy');
  });
});

describe('worst', () => {
  it('picks what needs a person', () => {
    expect(worst([])).toBe('unknown');
    expect(worst(['healthy', 'unknown'])).toBe('unknown');
    expect(worst(['healthy', 'failing', 'restarting'])).toBe('failing');
    expect(worst(['quarantined', 'failing'])).toBe('quarantined');
  });
});
