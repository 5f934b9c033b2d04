// What stands where data would: nothing there, not there yet, gone wrong, not allowed, out of touch.
import type { ComponentChildren } from 'preact';
import { Icon, cls } from './basics';
import { Button } from './basics';
import type { Loaded } from '../lib/use';
import type { Failure } from '../lib/api';

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return <div class="state empty"><p class="state-title">{title}</p>{children}</div>;
}

export function Loading({ rows = 4 }: { rows?: number }) {
  return (
    <div class="state loading" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, at) => <i key={at} class={cls('bone', `w${at % 3}`)} />)}
    </div>
  );
}

const titles: Partial<Record<Failure['kind'], string>> = {
  unreachable: 'The hub does not answer',
  denied: 'You may not see this',
  not_found: 'There is no such thing',
  busy: 'The hub has too much to do',
  refused: 'The hub refuses this',
};

export function Failed({ failure, again }: { failure: Failure; again?: () => void }) {
  const denied = failure.kind === 'denied';
  return (
    <div class={cls('state', denied ? 'denied' : 'failed')} role="alert">
      <p class="state-title"><Icon name="warn" /> {titles[failure.kind] ?? 'That did not work'}</p>
      <p>{failure.message}</p>
      {failure.hint !== '' && <p class="dim">{failure.hint}</p>}
      {denied && <p class="dim">Ask an administrator for a role that includes it.</p>}
      {again !== undefined && !denied && <Button onClick={again}>Ask again</Button>}
    </div>
  );
}

/** One of the states, or what `children` makes of the data. Old data stays while newer is fetched. */
export function Show<T>({ load, empty, none, children, rows }: {
  load: Loaded<T>; rows?: number;
  empty?: (data: T) => boolean; none?: ComponentChildren;
  children: (data: T) => ComponentChildren;
}) {
  if (load.data === null) {
    if (load.failure !== null) return <Failed failure={load.failure} again={load.again} />;
    return <Loading {...(rows === undefined ? {} : { rows })} />;
  }
  return (
    <>
      {load.failure !== null && (
        <p class="stale" role="alert">
          <Icon name="warn" /> As it was before: {load.failure.message}
        </p>
      )}
      {empty?.(load.data) === true ? none : children(load.data)}
    </>
  );
}
