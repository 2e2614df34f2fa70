// The address bar as a signal.

import { createSignal } from 'solid-js';
import { formatRoute, parseRoute, type Route } from '../lib/route';

const [route, setRoute] = createSignal<Route>(parseRoute(location.search));

addEventListener('popstate', () => setRoute(parseRoute(location.search)));

export { route };

/** The address of a route, for links. */
export function href(to: Route): string {
  return formatRoute(to);
}

/** Goes there; a change within one page replaces the entry in the history instead of adding one. */
export function go(to: Route, replace = false): void {
  const search = formatRoute(to);
  const path = location.pathname + (search === '?' ? '' : search);
  if (replace) history.replaceState(null, '', path);
  else history.pushState(null, '', path);
  const moved = route().page !== to.page;
  setRoute(to);
  if (moved && !replace) scrollTo(0, 0);
}

/** Click handler of a link within the page; leaves clicks that ask for a new tab to the browser. */
export function follow(event: MouseEvent, to: Route): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(to);
}
