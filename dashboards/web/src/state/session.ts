// Who is looking: the token, and every call to the aggregator made with it.

import { createSignal } from 'solid-js';
import { tokenOf } from '../lib/route';

export interface Me {
  name: string;
  operator: boolean;
  tenants: string[];
}

const KEY = 'tidewatch.token';

/** What the aggregator answered when it refused. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.type = type;
  }
}

/** A token in the address is taken out of it at once: addresses are copied, logged and shown. */
function firstToken(): string | null {
  const { token, rest } = tokenOf(location.hash);
  if (token !== null) {
    history.replaceState(history.state, '', location.pathname + location.search + rest);
    sessionStorage.setItem(KEY, token);
  }
  return token ?? sessionStorage.getItem(KEY);
}

const [token, setToken] = createSignal<string | null>(firstToken());
const [me, setMe] = createSignal<Me | null>(null);
const [refused, setRefused] = createSignal(false);

export { me, refused, token };

/** Seconds by which the aggregator's clock is ahead of this machine's. */
let ahead = 0;

/** Now, in seconds, by the aggregator's clock as far as it is known. */
export function serverNow(): number {
  return Date.now() / 1000 + ahead;
}

/** Learns the aggregator's clock from a time that it has just sent. */
export function observeServerTime(seconds: number): void {
  const seen = seconds - Date.now() / 1000;
  // Samples come with some delay; only a clock that is really off is worth correcting.
  ahead = Math.abs(seen) > 2 ? seen : 0;
}

export function signIn(value: string): void {
  sessionStorage.setItem(KEY, value);
  setRefused(false);
  setToken(value);
}

export function signOut(): void {
  sessionStorage.removeItem(KEY);
  setMe(null);
  setToken(null);
}

/** Addresses are relative to the page, so it works behind any path prefix. */
export function apiUrl(path: string, params?: URLSearchParams): string {
  const url = new URL(path, document.baseURI);
  url.search = params?.toString() ?? '';
  return url.href;
}

/** A call whose answer is read by the caller. Throws `ApiError` for every status but success. */
export async function open(path: string, params?: URLSearchParams, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const used = token();
  if (used !== null) headers.set('authorization', `Bearer ${used}`);
  const response = await fetch(apiUrl(path, params), { ...init, headers, cache: 'no-store', credentials: 'omit' });
  if (response.ok) return response;
  if (response.status === 401 && used === token()) {
    setRefused(used !== null);
    signOut();
  }
  throw await errorOf(response);
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  try {
    const body = JSON.parse(text) as { error?: string; errorType?: string; message?: string };
    const message = body.error ?? body.message;
    if (message !== undefined) return new ApiError(response.status, body.errorType ?? '', message);
  } catch {
    // Not JSON: a proxy's own page, say. Its first line will do.
  }
  const line = text.startsWith('<') ? '' : (text.split('\n')[0] ?? '').slice(0, 300);
  return new ApiError(response.status, '', line === '' ? `${response.status} ${response.statusText}` : line);
}

export interface Answer<T> {
  data: T;
  warnings: string[];
}

/** A call in the Prometheus envelope. */
export async function call<T>(path: string, params?: URLSearchParams, init?: RequestInit): Promise<Answer<T>> {
  const response = await open(path, params, init);
  const date = Date.parse(response.headers.get('date') ?? '');
  if (path === 'api/v1/me' && Number.isFinite(date)) observeServerTime(date / 1000);
  const body = (await response.json()) as { data: T; warnings?: string[]; infos?: string[] };
  return { data: body.data, warnings: [...(body.warnings ?? []), ...(body.infos ?? [])] };
}

export async function loadMe(): Promise<void> {
  setMe((await call<Me>('api/v1/me')).data);
}

/** A customer's series carry no tenant label; all of them are of the one tenant that the token may see. */
export function tenantOf(labels: Readonly<Record<string, string>>): string {
  const own = me()?.tenants;
  return labels['tenant'] ?? (own?.length === 1 ? (own[0] ?? '') : '');
}

/** Matchers that select one app, as this token must write them. */
export function appLabels(tenant: string, app: string): Record<string, string> {
  return me()?.operator === true && tenant !== '' ? { tenant, app } : { app };
}

export function errorText(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  // fetch says no more than "Failed to fetch" when it cannot connect.
  if (error instanceof TypeError) return 'The aggregator cannot be reached.';
  return error instanceof Error ? error.message : String(error);
}
