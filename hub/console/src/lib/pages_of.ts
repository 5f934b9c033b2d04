// A list that comes in pages by cursor: loaded one after the other, as far as it is looked at.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useSignalEffect } from '@preact/signals';
import { Failure, get, url, type Query } from './api';
import { changes } from './live';

export interface Paged<T, Page> {
  rows: T[];
  total: number;
  first: Page | null;
  failure: Failure | null;
  loading: boolean;
  more: (upTo: number) => void;
  again: () => void;
}

interface State<T, Page> {
  key: string;
  rows: T[];
  total: number;
  first: Page | null;
  failure: Failure | null;
  loading: boolean;
}

/**
 * `rowsOf` takes a page apart. When something changes, as many rows as were loaded are loaded again
 * and then shown at once, so that nothing jumps under the pointer.
 */
export function usePages<T, Page extends { next?: string | null; total?: number }>(
  path: string, query: Query, size: number, rowsOf: (page: Page) => T[], about: string[]):
Paged<T, Page> {
  const key = url(path, query);
  const fresh = (): State<T, Page> =>
    ({ key, rows: [], total: 0, first: null, failure: null, loading: true });
  const [state, setState] = useState<State<T, Page>>(fresh);
  const [turn, setTurn] = useState(0);
  const run = useRef<{ wanted: number; busy: boolean; next: string | null; rows: T[];
    first: Page | null; ended: AbortController } | null>(null);
  const seen = useRef('');
  const pause = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const loadedRows = useRef(0);
  useSignalEffect(() => {
    const counts = [...about, 'again'].map((name) => changes.value[name] ?? 0).join();
    const news = seen.current !== '' && seen.current !== counts;
    seen.current = counts;
    if (!news) return;
    // Loading thousands anew is work for the hub: the more there are, the less often.
    if (pause.current !== undefined) return;
    pause.current = setTimeout(() => {
      pause.current = undefined;
      setTurn((one) => one + 1);
    }, 200 + loadedRows.current * 2);
  });

  const load = async (): Promise<void> => {
    const mine = run.current;
    if (mine === null || mine.busy) return;
    mine.busy = true;
    try {
      while (mine.next !== null && mine.rows.length < mine.wanted) {
        const page: Page = await get<Page>(path,
          { ...query, limit: size, after: mine.next === '' ? undefined : mine.next },
          mine.ended.signal);
        mine.first ??= page;
        mine.rows = [...mine.rows, ...rowsOf(page)];
        mine.next = page.next === undefined || page.next === '' ? null : page.next;
        if (mine.rows.length < mine.wanted && mine.next !== null && run.current !== mine) return;
        const rows = mine.rows;
        const total = Math.max(rows.length + (mine.next === null ? 0 : 1), page.total ?? 0);
        setState((old) => old.key === key && rows.length < old.rows.length && mine.next !== null
          ? old
          : { key, rows, total: mine.next === null ? rows.length : total, first: mine.first,
            failure: null, loading: mine.next !== null && rows.length < mine.wanted });
      }
    } catch (error) {
      if (mine.ended.signal.aborted) return;
      const failure = error instanceof Failure ? error : new Failure('failed', String(error));
      setState((old) => ({ ...(old.key === key ? old : fresh()), failure, loading: false }));
    } finally {
      mine.busy = false;
    }
  };

  useEffect(() => {
    const before = state.key === key ? state.rows.length : 0;
    if (state.key !== key) setState(fresh());
    run.current = { wanted: Math.max(before, size), busy: false, next: '', rows: [], first: null,
      ended: new AbortController() };
    void load();
    const mine = run.current;
    return () => mine.ended.abort();
  }, [key, turn]);

  useEffect(() => () => clearTimeout(pause.current), []);
  const current = state.key === key ? state : fresh();
  loadedRows.current = current.rows.length;
  return {
    rows: current.rows, total: current.total, first: current.first, failure: current.failure,
    loading: current.loading,
    more: (upTo) => {
      if (run.current === null || upTo <= run.current.wanted - size / 2) return;
      run.current.wanted = upTo + size;
      void load();
    },
    again: () => setTurn((one) => one + 1),
  };
}
