// The one door to the hub. Every answer is JSON; every refusal is a problem (RFC 9457) and becomes a
// Failure, which says what to do and never loses what the person has typed.
import type { Json } from './types';
import { csrf, dropSession } from './session';

export type FailureKind = 'unreachable' | 'unauthenticated' | 'denied' | 'not_found' | 'refused'
  | 'busy' | 'failed';

export class Failure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
    readonly status = 0,
    readonly hint = '',
  ) {
    super(message);
    this.name = 'Failure';
  }
}

export type Query = Record<string, string | number | boolean | undefined | null>;

/** Relative to the page, so that the console works under any path of a proxy. */
export function url(path: string, query: Query = {}): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '' || value === false) continue;
    words.set(name, String(value));
  }
  const text = words.toString();
  return `v1/${path}${text === '' ? '' : `?${text}`}`;
}

/** One segment of a path: keys hold slashes, colons, anything. */
export const segment = (text: string): string => encodeURIComponent(text);

const statusKinds: Record<number, FailureKind> = {
  401: 'unauthenticated', 403: 'denied', 404: 'not_found', 409: 'refused', 412: 'refused',
  422: 'refused', 429: 'busy', 503: 'busy',
};

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

async function failureOf(response: Response): Promise<Failure> {
  const kind = statusKinds[response.status] ?? 'failed';
  let detail = '';
  let hint = '';
  try {
    const problem = (await response.json()) as Record<string, unknown>;
    detail = textOf(problem['detail']) || textOf(problem['title']);
    hint = textOf(problem['hint']);
    const old = problem['error'] as Record<string, unknown> | undefined;
    if (detail === '' && old !== undefined) detail = textOf(old['text']) || textOf(old['message']);
  } catch {
    // Not the hub's own answer: a proxy's page.
  }
  if (detail === '') detail = `the hub answered ${response.status} ${response.statusText}`.trim();
  return new Failure(kind, detail, response.status, hint);
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, credentials: 'same-origin' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Failure('unreachable', 'the hub does not answer',
      0, 'Is it running? The page asks again by itself.');
  }
  if (response.ok) return response;
  if (response.status === 401) dropSession();
  throw await failureOf(response);
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { headers: { accept: 'application/json' } };
  if (signal !== undefined) init.signal = signal;
  const response = await send(url(path, query), init);
  return (await response.json()) as T;
}

/** Once-only: the same key goes with a request that a person sends twice by impatience. */
export async function post<T>(path: string, body: Json | object = {}, key?: string): Promise<T> {
  const headers: Record<string, string> = {
    'content-type': 'application/json', accept: 'application/json',
    'idempotency-key': key ?? crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
  };
  if (csrf.value !== '') headers['x-csrf-token'] = csrf.value;
  const response = await send(url(path), { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  return (text === '' ? {} : JSON.parse(text)) as T;
}
