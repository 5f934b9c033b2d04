// Hash routing: #/exceptions?kind=command.rejected. Everything that changes what is seen stands in
// the URL, so that it can be sent to a colleague.
import { signal } from '@preact/signals';

export interface Route {
  page: string;
  /** The path behind the page, each part decoded. */
  parts: string[];
  query: Record<string, string>;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A percent sign that somebody typed.
  }
}

export function parse(hash: string): Route {
  const text = hash.replace(/^#\/?/, '');
  const cut = text.indexOf('?');
  const path = cut < 0 ? text : text.slice(0, cut);
  const [page = '', ...parts] = path.split('/').map(decode);
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1))) {
    query[name] = value;
  }
  return { page: page === '' ? 'overview' : page, parts: parts.filter((one) => one !== ''), query };
}

type Words = Record<string, string | number | boolean | null | undefined>;

export function link(page: string, parts: string[] = [], query: Words = {}): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '' || value === false) continue;
    words.set(name, String(value));
  }
  const path = [page, ...parts.map(encodeURIComponent)].join('/');
  const text = words.toString();
  return `#/${path}${text === '' ? '' : `?${text}`}`;
}

export const route = signal<Route>(parse(location.hash));

window.addEventListener('hashchange', () => {
  route.value = parse(location.hash);
});

export function go(to: string): void {
  location.hash = to;
}

/** Changes words of the query; one that does not lead anywhere new makes no step to go back by. */
export function refine(changes: Words, how: 'push' | 'replace' = 'replace'): void {
  const now = route.value;
  const to = link(now.page, now.parts, { ...now.query, ...changes });
  if (how === 'push') return go(to);
  history.replaceState(null, '', to);
  route.value = parse(to);
}
