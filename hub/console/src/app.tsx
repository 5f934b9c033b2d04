// The frame: who is asking, where they are, whether the line to the hub holds. Pages come as needed.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Failure, get, post } from './lib/api';
import { onKeys, shortcuts } from './lib/keys';
import { changes, close, line, open, status } from './lib/live';
import { go, link, route } from './lib/route';
import { csrf, locked, mainRoles, session } from './lib/session';
import { approvals, askAlerts, askApprovals, askExceptions, askKinds, askObjects, byKind, kindOf, openTotal }
  from './lib/shared';
import { nextTheme, theme } from './lib/theme';
import { now } from './lib/time';
import { count } from './lib/format';
import type { Session } from './lib/types';
import { verdictOf } from './lib/verdict';
import { Icon, cls } from './parts/basics';
import { Dialog } from './parts/dialog';
import { Empty, Failed, Loading } from './parts/states';
import { Toasts } from './parts/toast';
import { Login } from './pages/login';
import { useSignalEffect } from '@preact/signals';

interface Page {
  name: string;
  key: string;
  load: () => Promise<ComponentType>;
}
const pages: Record<string, Page> = {
  overview: { name: 'Overview', key: 'o', load: async () => (await import('./pages/overview')).Overview },
  exceptions: { name: 'Exceptions', key: 'x',
    load: async () => (await import('./pages/exceptions')).Exceptions },
  approvals: { name: 'Approvals', key: 'a',
    load: async () => (await import('./pages/approvals')).Approvals },
  entity: { name: 'Entity', key: 'e', load: async () => (await import('./pages/entity')).EntityPage },
  workflows: { name: 'Workflows', key: 'w',
    load: async () => (await import('./pages/workflows')).Workflows },
  policy: { name: 'Policy', key: 'p', load: async () => (await import('./pages/policy')).Policy },
  reconciliation: { name: 'Reconciliation', key: 'r',
    load: async () => (await import('./pages/reconciliation')).ReconciliationPage },
  replay: { name: 'Replay', key: 'y', load: async () => (await import('./pages/replay')).Replay },
  agents: { name: 'Agents', key: 'n', load: async () => (await import('./pages/agents')).Agents },
  value: { name: 'Value', key: 'v', load: async () => (await import('./pages/value')).ValuePage },
};
const loaded: Record<string, ComponentType> = {};

function usePage(name: string): ComponentType | null | Failure {
  const [, draw] = useState(0);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    const page = pages[name];
    if (page === undefined || loaded[name] !== undefined) return;
    setFailure(null);
    page.load().then(
      (component) => {
        loaded[name] = component;
        draw((one) => one + 1);
      },
      () => setFailure(new Failure('unreachable', 'this page could not be loaded', 0,
        'The hub may have been upgraded: load the console anew.')));
  }, [name]);
  return failure ?? loaded[name] ?? null;
}

function Rail({ current }: { current: string }) {
  const worst = Object.keys(byKind.value).some((kind) =>
    ['error', 'critical'].includes(kindOf.value[kind]?.severity ?? ''));
  const pills: Record<string, { text: string; tone: string } | undefined> = {
    exceptions: openTotal.value === 0 ? undefined
      : { text: count(openTotal.value), tone: worst ? 'bad' : 'warn' },
    approvals: approvals.value.length === 0 ? undefined
      : { text: count(approvals.value.length), tone: '' },
  };
  return (
    <nav class="rail" aria-label="Pages">
      <div class="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M4 12c6 0 6-6 12-6s6 6 12 6M4 24c6 0 6-8 12-8s6 8 12 8" fill="none"
            stroke="#7fc4ff" stroke-width="2.6" stroke-linecap="round" />
        </svg>
        Syncline
      </div>
      {Object.entries(pages).map(([id, page]) => (
        <a key={id} href={link(id)} aria-current={id === current ? 'page' : undefined}
          title={`g ${page.key}`}>
          <span>{page.name}</span>
          {pills[id] !== undefined && <b class={cls('pill', pills[id]!.tone)}>{pills[id]!.text}</b>}
        </a>
      ))}
      <div class="rail-foot">
        {session.value !== null && (
          <div>
            <div class="who">{session.value.name}</div>
            <div>{mainRoles(session.value.roles).join(', ')}</div>
            {session.value.masked === true && <div>personal data is hidden</div>}
          </div>
        )}
        <button type="button" onClick={nextTheme}
          title="System, light, dark">
          <Icon name={theme.value === 'system' ? 'system' : theme.value === 'dark' ? 'moon' : 'sun'} />
          {theme.value === 'system' ? 'as the system' : theme.value}
        </button>
        {csrf.value !== '' && (
          <button type="button" onClick={() => void logOut()}>Log out</button>
        )}
      </div>
    </nav>
  );
}

async function logOut(): Promise<void> {
  try {
    const { sign_out: there } = await post<{ sign_out?: string }>('logout');
    // Whoever has signed in elsewhere is still signed in there.
    if (there !== undefined) location.assign(there);
  } finally {
    close();
    status.value = null;
    session.value = null;
    locked.value = true;
  }
}

function Find() {
  const submit = (event: Event): void => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).elements.namedItem('key');
    const text = (input as HTMLInputElement).value.trim();
    if (text === '') return;
    const words = /^([a-z][a-z0-9_]*)\s+(.+)$/.exec(text);
    go(words === null ? link('entity', [], { find: text }) : link('entity', [words[1]!, words[2]!]));
    (input as HTMLInputElement).blur();
  };
  return (
    <form class="find" role="search" onSubmit={submit}>
      <Icon name="search" />
      <input id="find" name="key" type="search" aria-label="Find an entity" autocomplete="off"
        placeholder="customer ada@example.com" />
    </form>
  );
}

const lineText = { opening: 'connecting', live: 'live', lost: 'out of touch' };

function TopBar({ onHelp }: { onHelp: () => void }) {
  const verdict = verdictOf(status.value, line.value === 'lost', now.value);
  return (
    <header class="topbar">
      <a class={cls('verdict', verdict.tone)} href={link('overview')} title={verdict.why}>
        <i aria-hidden="true" />{verdict.title}
      </a>
      <span class={cls('link-state', line.value)} role="status">
        <i aria-hidden="true" />{lineText[line.value]}
      </span>
      <Find />
      <button type="button" class="icon-button" aria-label="Keyboard shortcuts" title="?"
        onClick={onHelp}><Icon name="help" /></button>
    </header>
  );
}

function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <div class="dialog-body">
        <div class="keys">
          {shortcuts.map((one) => (
            <>
              <span key={one.keys}>{one.keys.split(/\s+/).map((key) => <kbd key={key}>{key}</kbd>)}</span>
              <span>{one.what}</span>
              <span class="dim">{one.where}</span>
            </>
          ))}
        </div>
      </div>
    </Dialog>
  );
}

function useKeyboard(help: () => void): void {
  useEffect(() => {
    let waits = 0;
    return onKeys((event) => {
      if (Date.now() - waits < 1000) {
        waits = 0;
        const found = Object.entries(pages).find(([, page]) => page.key === event.key);
        if (found === undefined) return false;
        go(link(found[0]));
        return true;
      }
      if (event.key === 'g') waits = Date.now();
      else if (event.key === '?') help();
      else if (event.key === '/') document.getElementById('find')?.focus();
      else return false;
      return true;
    });
  }, []);
}

function Frame() {
  const [help, setHelp] = useState(false);
  const current = route.value.page;
  const page = usePage(current);
  useKeyboard(() => setHelp(true));
  useEffect(() => {
    document.title = `${pages[current]?.name ?? 'Nowhere'} - Syncline`;
  }, [current]);
  useSignalEffect(() => {
    void [changes.value['exceptions'], changes.value['again']];
    void askExceptions();
  });
  useSignalEffect(() => {
    void [changes.value['approvals'], changes.value['again']];
    void askApprovals();
  });
  useEffect(() => {
    void askKinds();
    void askObjects();
    void askAlerts();
    const timer = setInterval(() => void askAlerts(), 15_000);
    open();
    return () => {
      clearInterval(timer);
      close();
    };
  }, []);
  const Shown = page instanceof Failure ? null : page;
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        document.getElementById('main')?.focus();
      }}>To the page</a>
      <Rail current={current} />
      <div class="main">
        <TopBar onHelp={() => setHelp(true)} />
        {line.value === 'lost' && (
          <div class="banner" role="alert">
            <Icon name="warn" />
            Out of touch with the hub: what you see is as it was. It is tried again by itself;
            nothing that you do now is sent twice.
          </div>
        )}
        <main id="main" tabIndex={-1} class={cls('page', current === 'exceptions' && 'fill')}>
          {pages[current] === undefined
            ? <Empty title="There is no such page">
                <p><a href={link('overview')}>To the overview</a></p></Empty>
            : page instanceof Failure ? <Failed failure={page} />
              : Shown === null ? <Loading /> : <Shown />}
        </main>
      </div>
      {help && <Help onClose={() => setHelp(false)} />}
      <Toasts />
    </div>
  );
}

export function App() {
  const [failure, setFailure] = useState<Failure | null>(null);
  const ask = (): void => {
    setFailure(null);
    get<Session>('session').then(
      (one) => {
        session.value = one;
        locked.value = false;
      },
      (error: unknown) => {
        if (error instanceof Failure && error.kind === 'unauthenticated') locked.value = true;
        else setFailure(error instanceof Failure ? error : new Failure('failed', String(error)));
      });
  };
  useEffect(ask, []);
  useEffect(() => {
    if (failure?.kind !== 'unreachable') return undefined;
    const timer = setTimeout(ask, 3000);
    return () => clearTimeout(timer);
  }, [failure]);
  if (locked.value) return <Login onDone={ask} />;
  if (failure !== null) return <main class="page"><Failed failure={failure} again={ask} /></main>;
  if (session.value === null) return <main class="page"><Loading /></main>;
  return <Frame />;
}
