// What happened, newest first: one entry for each incident, with its steps to scale.

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { clock, dateTime, duration } from '../lib/format';
import { isOpen, stepText, totalSeconds, type Incident, type StepName } from '../lib/incidents';
import { now } from '../state/clock';
import { eventsError, eventsLoaded, resume } from '../state/events';
import { follow, href } from '../state/route';
import { errorText, me } from '../state/session';
import type { AppRoute } from '../lib/route';
import type { Tone } from './chart-options';
import { TONES, WORDS } from './phases';

const PAGE = 30;

const STEP_TONES: Record<StepName, Tone> = {
  injected: 'fault',
  detected: 'bad',
  decided: 'act',
  refused: 'bad',
  restarted: 'act',
  quarantined: 'held',
  resumed: 'act',
  recovered: 'good',
};

export function Timeline(props: { incidents: readonly Incident[]; showApp: boolean }): JSX.Element {
  const [limit, setLimit] = createSignal(PAGE);
  const shown = createMemo(() => props.incidents.slice(0, limit()));
  const byKey = createMemo(() => new Map(shown().map((incident) => [incident.key, incident])));
  return (
    <div class="timeline">
      <Show when={eventsError()}>
        <p class="notice bad" role="alert">
          Events cannot be loaded: {errorText(eventsError())}
        </p>
      </Show>
      <Show when={shown().length === 0 && eventsError() === null}>
        <p class="timeline-empty">{eventsLoaded() ? 'Nothing has happened yet. Failures, restarts and recoveries will appear here.' : 'Loading events'}</p>
      </Show>
      <ol>
        <For each={shown().map((incident) => incident.key)}>
          {(key) => <Show when={byKey().get(key)}>{(incident) => <Entry incident={incident()} showApp={props.showApp} />}</Show>}
        </For>
      </ol>
      <Show when={props.incidents.length > limit()}>
        <button type="button" class="button wide" onClick={() => setLimit(limit() + PAGE)}>
          Show older ({props.incidents.length - limit()})
        </button>
      </Show>
    </div>
  );
}

function Entry(props: { incident: Incident; showApp: boolean }): JSX.Element {
  const route = (): AppRoute => ({ page: 'app', tenant: props.incident.target.tenant, app: props.incident.target.app, range: { name: '5m' } });
  const total = () => totalSeconds(props.incident);
  const reason = () => {
    const events = props.incident.events;
    const kinds = props.incident.phase === 'recovered' ? ['exited', 'probe_failed'] : ['quarantined', 'restart_refused', 'restart_failed', 'exited', 'probe_failed'];
    const found = kinds.map((kind) => events.findLast((event) => event.kind === kind && event.reason !== '')).find((event) => event !== undefined);
    return (found ?? events[0])?.reason ?? '';
  };
  const since = () => (props.incident.phase === 'quarantined' ? props.incident.steps.at(-1)?.time : undefined) ?? props.incident.start;
  const start = () => props.incident.start / 1000;
  return (
    <li class={`entry tone-edge-${TONES[props.incident.phase]}`}>
      <div class="entry-head">
        <b class="entry-cause">{props.incident.cause}</b>
        <Show when={props.incident.injected}>
          <span class="tag" title="This fault was injected on purpose">
            injected
          </span>
        </Show>
        <time class="entry-time" dateTime={new Date(props.incident.start).toISOString()} title={dateTime(start())}>
          {clock(start())}
        </time>
      </div>
      <div class="entry-where">
        <Show when={props.showApp && props.incident.target.app !== ''}>
          <a href={href(route())} onClick={(event) => follow(event, route())}>
            {props.incident.target.tenant}/{props.incident.target.app}
          </a>
        </Show>
        <span>{props.incident.target.instance}</span>
        <Show when={!props.showApp && props.incident.target.node !== ''}>
          <span>{props.incident.target.node}</span>
        </Show>
        <Show when={props.incident.phase !== 'notice'}>
          <span class={`entry-phase tone-${TONES[props.incident.phase]}`}>
            {total() === null ? WORDS[props.incident.phase] : `recovered in ${duration(total())}`}
            <Show when={isOpen(props.incident) && props.incident.phase !== 'injected'}> for {duration(Math.max(0, Math.floor(now() - since() / 1000)))}</Show>
          </span>
        </Show>
      </div>
      <Show when={props.incident.steps.length > 1}>
        <Steps incident={props.incident} />
      </Show>
      <p class="entry-reason">{reason()}</p>
      <Show when={props.incident.phase === 'quarantined' && me()?.operator}>
        <Resume incident={props.incident} />
      </Show>
      <Show when={props.incident.events.length > 1}>
        <EventList incident={props.incident} />
      </Show>
    </li>
  );
}

function Steps(props: { incident: Incident }): JSX.Element {
  return (
    <div class="steps">
      <div class="steps-bar" aria-hidden="true">
        <For each={props.incident.steps.slice(1)}>
          {(step) => <i class={`fill-${STEP_TONES[step.name]}`} style={{ 'flex-grow': Math.max(step.after, 0.001) * 1000 }} />}
        </For>
      </div>
      <ol class="steps-text">
        <For each={props.incident.steps.filter((step) => step.name !== 'injected')}>
          {(step) => (
            <li>
              <i class={`dot fill-${STEP_TONES[step.name]}`} />
              {stepText(props.incident, step)}
            </li>
          )}
        </For>
      </ol>
    </div>
  );
}

function EventList(props: { incident: Incident }): JSX.Element {
  const first = () => props.incident.events[0]?.time ?? 0;
  return (
    <details class="entry-events">
      <summary>{props.incident.events.length} events</summary>
      <table>
        <tbody>
          <For each={props.incident.events}>
            {(event) => (
              <tr>
                <td class="offset" title={dateTime(event.time / 1000)}>
                  {event.time === first() ? clock(event.time / 1000) : `+${duration((event.time - first()) / 1000)}`}
                </td>
                <td>
                  <b>{event.kind.replace(/_/g, ' ')}</b> {event.reason}
                  <Show when={Object.keys(event.details ?? {}).length > 0}>
                    <span class="details">
                      {Object.entries(event.details ?? {})
                        .map(([name, value]) => `${name}=${value}`)
                        .join('  ')}
                    </span>
                  </Show>
                </td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </details>
  );
}

function Resume(props: { incident: Incident }): JSX.Element {
  const [asking, setAsking] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal('');
  const act = async () => {
    setBusy(true);
    setError('');
    try {
      await resume(props.incident.target);
    } catch (failure) {
      setError(errorText(failure));
    }
    setBusy(false);
    setAsking(false);
  };
  return (
    <div class="resume">
      <Show
        when={asking()}
        fallback={
          <button type="button" class="button" onClick={() => setAsking(true)}>
            Resume
          </button>
        }
      >
        <span>Let {props.incident.target.instance} be restarted again?</span>
        <button type="button" class="button primary" disabled={busy()} onClick={() => void act()}>
          Yes, resume
        </button>
        <button type="button" class="button" onClick={() => setAsking(false)}>
          No
        </button>
      </Show>
      <Show when={error() !== ''}>
        <p class="notice bad" role="alert">
          {error()}
        </p>
      </Show>
    </div>
  );
}
