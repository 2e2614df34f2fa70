// The frame around the pages: who is looking, how live it is, where to go.

import { createEffect, createSignal, Match, on, onCleanup, onMount, Show, Switch, type JSX } from 'solid-js';
import { clock } from './lib/format';
import { OVERVIEW, RANGES, type AppRoute, type QueryRoute, type Route } from './lib/route';
import AppPage from './pages/app';
import Overview from './pages/overview';
import QueryPage from './pages/query';
import { SignIn } from './pages/sign-in';
import { followEvents } from './state/events';
import { lastSample, liveState, type LiveState } from './state/live';
import { follow, go, href, route } from './state/route';
import { errorText, loadMe, me, signOut, token } from './state/session';
import { retrying } from './state/stream';
import { applyTheme, dark, toggleTheme } from './state/theme';
import { Help } from './ui/help';
import { Icon } from './ui/icon';
import { Logo } from './ui/logo';

const QUERY: QueryRoute = { page: 'query', expr: '', view: 'graph', range: { name: '15m' } };

export function App(): JSX.Element {
  const [help, setHelp] = createSignal(false);
  const [failure, setFailure] = createSignal('');
  applyTheme();
  createEffect(
    on(token, (used) => {
      if (used === null) return;
      onCleanup(
        retrying(
          loadMe,
          () => setFailure(''),
          (error) => setFailure(errorText(error)),
        ),
      );
    }),
  );
  createEffect(
    on(me, (who) => {
      if (who !== null) onCleanup(followEvents());
    }),
  );
  createEffect(() => {
    const at = route();
    const place = at.page === 'app' ? `${at.app} · ${at.tenant}` : at.page === 'query' ? 'Query' : 'Overview';
    document.title = `${place} · Tidewatch`;
  });
  onMount(() => {
    const listener = (event: KeyboardEvent) => onKey(event, () => setHelp(true));
    addEventListener('keydown', listener);
    onCleanup(() => removeEventListener('keydown', listener));
  });
  return (
    <Show when={token() !== null} fallback={<SignIn />}>
      <TopBar onHelp={() => setHelp(true)} />
      <Show
        when={me()}
        keyed
        fallback={
          <main class="wait" role="status">
            {failure() === '' ? '' : <p class="notice bad">{failure()} Trying again.</p>}
          </main>
        }
      >
        {(_who) => <Page />}
      </Show>
      <Show when={help()}>
        <Help onClose={() => setHelp(false)} />
      </Show>
    </Show>
  );
}

function Page(): JSX.Element {
  const at = <P extends Route['page']>(page: P) => {
    const now = route();
    return now.page === page ? (now as Extract<Route, { page: P }>) : undefined;
  };
  // A page is made anew for another app, but not for another range of the same app.
  const app = () => {
    const now = at('app');
    return now === undefined ? undefined : `${now.tenant}/${now.app}`;
  };
  return (
    <Switch>
      <Match when={at('overview')}>{(now) => <Overview route={now()} />}</Match>
      <Match when={app()} keyed>
        {(_id) => <AppPage route={at('app') as AppRoute} />}
      </Match>
      <Match when={at('query')}>{(now) => <QueryPage route={now()} />}</Match>
    </Switch>
  );
}

function TopBar(props: { onHelp: () => void }): JSX.Element {
  const link = (to: Route, label: string) => (
    <a href={href(to)} aria-current={route().page === to.page ? 'page' : undefined} onClick={(event) => follow(event, to)}>
      {label}
    </a>
  );
  return (
    <header class="top">
      <a class="brand" href="?" onClick={(event) => follow(event, OVERVIEW)} aria-label="Tidewatch, overview">
        <Logo />
        <span>Tidewatch</span>
      </a>
      <nav aria-label="Pages">
        {link(OVERVIEW, 'Overview')}
        {link(QUERY, 'Query')}
      </nav>
      <div class="top-right">
        <Live />
        <span class="who" title={me()?.operator === true ? 'Operator: sees every tenant' : 'Customer: sees its own apps'}>
          {me()?.name ?? ''}
        </span>
        <button type="button" class="icon-button" aria-label={dark() ? 'Light colours' : 'Dark colours'} title={dark() ? 'Light colours (t)' : 'Dark colours (t)'} onClick={toggleTheme}>
          <Icon name={dark() ? 'sun' : 'moon'} />
        </button>
        <button type="button" class="icon-button" aria-label="Keyboard help" title="Keyboard help (?)" onClick={() => props.onHelp()}>
          <Icon name="help" />
        </button>
        <button type="button" class="icon-button" aria-label="Sign out" title="Sign out" onClick={signOut}>
          <Icon name="out" />
        </button>
      </div>
    </header>
  );
}

const LIVE_WORDS: Record<LiveState, string> = {
  idle: '',
  connecting: 'connecting',
  live: 'live',
  stale: 'no new data',
  retrying: 'reconnecting',
  paused: 'paused',
};

function Live(): JSX.Element {
  return (
    <Show when={liveState() !== 'idle'}>
      <span class={`live live-${liveState()}`} classList={{ beat: Math.round(lastSample()) % 2 === 1 }}>
        <i aria-hidden="true" />
        <span role="status">{LIVE_WORDS[liveState()]}</span>
        <Show when={lastSample() > 0}>
          <time class="quiet" title="Time of the newest sample">
            {clock(lastSample())}
          </time>
        </Show>
      </span>
    </Show>
  );
}

function onKey(event: KeyboardEvent, help: () => void): void {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
  const target = event.target as HTMLElement;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) {
    if (event.key === 'Escape') target.blur();
    return;
  }
  if (me() === null || document.querySelector('dialog[open]') !== null) return;
  const at = route();
  const range = RANGES[Number(event.key) - 1];
  if (event.key === '/') document.querySelector<HTMLElement>('[data-search]')?.focus();
  else if (event.key === '?') help();
  else if (event.key === 'j' || event.key === 'k') step(event.key === 'j' ? 1 : -1);
  else if (event.key === 'o') go(OVERVIEW);
  else if (event.key === 'q') go(QUERY);
  else if (event.key === 't') toggleTheme();
  else if (range !== undefined && at.page !== 'overview') go({ ...at, range: { name: range } }, true);
  else if (event.key === 'Escape' && at.page === 'app' && !('name' in at.range)) go({ ...at, range: { name: '5m' } }, true);
  else if (event.key === 'Escape' && at.page === 'overview') go(OVERVIEW, true);
  else return;
  event.preventDefault();
}

/** Moves the focus by rows, starting at the first in view. */
function step(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const inView = rows.findIndex((row) => row.getBoundingClientRect().top >= 80);
  const next = rows[at < 0 ? Math.max(0, inView) : Math.min(rows.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}
