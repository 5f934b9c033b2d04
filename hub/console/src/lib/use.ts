import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useSignalEffect } from '@preact/signals';
import { Failure, get, type Query } from './api';
import { changes } from './live';
import { url } from './api';
import { onKeys } from './keys';

export interface Loaded<T> {
  data: T | null;
  failure: Failure | null;
  /** Something newer is being asked for; `data` may still be of before. */
  loading: boolean;
  again: () => void;
}

/** GETs `path` and again whenever it, the query or one of `about` changes. null: nothing yet. */
export function useLoad<T>(path: string | null, query: Query = {}, about: string[] = []): Loaded<T> {
  const key = path === null ? null : url(path, query);
  const [state, setState] = useState<{ key: string | null; data: T | null;
    failure: Failure | null; loading: boolean }>(
    { key, data: null, failure: null, loading: key !== null });
  const [turn, setTurn] = useState(0);
  const seen = useRef<string>('');
  useSignalEffect(() => {
    const counts = [...about, 'again'].map((name) => changes.value[name] ?? 0).join();
    if (seen.current !== '' && seen.current !== counts) setTurn((one) => one + 1);
    seen.current = counts;
  });
  useEffect(() => {
    if (path === null) return;
    const ending = new AbortController();
    // What belongs to another address is not shown as if it were this one's.
    setState((old) => ({ key, data: old.key === key ? old.data : null, failure: null,
      loading: true }));
    get<T>(path, query, ending.signal).then(
      (data) => setState({ key, data, failure: null, loading: false }),
      (error: unknown) => {
        if (ending.signal.aborted) return;
        const failure = error instanceof Failure ? error : new Failure('failed', String(error));
        setState((old) => ({ ...old, failure, loading: false }));
      });
    return () => ending.abort();
  }, [key, turn]);
  const current = state.key === key ? state : { data: null, failure: null, loading: key !== null };
  return { data: current.data, failure: current.failure, loading: current.loading,
    again: () => setTurn((one) => one + 1) };
}

/** Keys, from the moment that what they act on is seen, and by the handler of the newest rendering: a key
 * may come before effects have run. */
export function useKeys(handler: (event: KeyboardEvent) => boolean | void): void {
  const newest = useRef(handler);
  newest.current = handler;
  useLayoutEffect(() => onKeys((event) => newest.current(event)), []);
}

/** A value that the browser keeps; what is broken in there counts as never written. */
export function kept<T>(name: string, fallback: T): T {
  try {
    const text = localStorage.getItem(`syncline.${name}`);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(`syncline.${name}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing; the page works without.
  }
}
