// Small things that every page is made of. All text goes through JSX, so it is text.
import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ago, local, millis, now, utc } from '../lib/time';
import { display, same } from '../lib/format';
import type { Json, Moment, Severity } from '../lib/types';

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'plain';

export function cls(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}

/** Local time; UTC in the hint. `age`: how long ago instead, with both in the hint. */
export function When({ at, age = false, none = 'never' }:
{ at: Moment | undefined; age?: boolean; none?: string }) {
  const ms = millis(at ?? null);
  if (ms === null) return <span class="dim">{none}</span>;
  const title = age ? `${local(ms)}\n${utc(ms)} (UTC)` : `${utc(ms)} (UTC)`;
  return (
    <time class="num" dateTime={new Date(ms).toISOString()} title={title}>
      {age ? ago(ms, now.value) : local(ms)}
    </time>
  );
}

export function Badge({ tone = 'plain', children, title }:
{ tone?: Tone; children: ComponentChildren; title?: string }) {
  return <span class={`badge ${tone}`} title={title}>{children}</span>;
}

const severityTone: Record<Severity, Tone> = {
  info: 'info', warning: 'warn', error: 'bad', critical: 'bad',
};
export function SeverityMark({ severity }: { severity: Severity }) {
  return (
    <span class={cls('severity', severityTone[severity] ?? 'plain', severity)}>
      <i aria-hidden="true" />{severity}
    </span>
  );
}

/** An id that can be copied: shown cut, copied whole. */
export function Id({ text, href, most = 0 }: { text: string; href?: string; most?: number }) {
  const [done, setDone] = useState(false);
  if (text === '') return <span class="dim">-</span>;
  const shown = most > 0 && text.length > most ? `${text.slice(0, most - 1)}\u2026` : text;
  const copy = (event: Event): void => {
    event.preventDefault();
    event.stopPropagation();
    const told = navigator.clipboard?.writeText(text);
    void Promise.resolve(told).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 1200);
    }, () => undefined);
  };
  return (
    <span class="id">
      {href === undefined
        ? <code title={text}>{shown}</code>
        : <a href={href} title={text}><code>{shown}</code></a>}
      <button type="button" class="copy" aria-label={`Copy ${text}`} title="Copy" onClick={copy}>
        <Icon name={done ? 'check' : 'copy'} />
      </button>
    </span>
  );
}

/** A field's value, as text whatever it is. */
export function ValueText({ value, than }: { value: Json | undefined; than?: Json | undefined }) {
  if (value === undefined) return <span class="dim" title="it has no such field">-</span>;
  if (value === null) return <span class="dim">empty</span>;
  const text = display(value);
  const differs = than !== undefined && !same(value, than);
  return (
    <span class={cls('value', differs && 'differs', typeof value !== 'string' && 'num')}>
      {text === '' ? <span class="dim">""</span> : text}
    </span>
  );
}

const paths: Record<string, string> = {
  copy: 'M5.500 5.500V3.500A1 1 0 0 1 6.500 2.500h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-2M3.500 5.500h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1z',
  check: 'M3 8.500l3.200 3.200L13 4.800',
  close: 'M4 4l8 8M12 4l-8 8',
  next: 'M6 3.500L10.500 8 6 12.500',
  down: 'M3.500 6L8 10.500 12.500 6',
  search: 'M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10.300 10.300L13.500 13.500',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1.500v1.500M8 13v1.500M1.500 8H3M13 8h1.500M3.400 3.400l1 1M11.600 11.600l1 1M3.400 12.600l1-1M11.600 4.400l1-1',
  moon: 'M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7z',
  system: 'M2.500 3.500h11v7h-11zM6 13.500h4',
  warn: 'M8 2.500L14 13.500H2zM8 6.500v3.500M8 11.800v.4',
  help: 'M5.800 6a2.200 2.200 0 1 1 3.200 2c-.7.400-1 .8-1 1.500M8 12v.3',
};
export function Icon({ name }: { name: keyof typeof paths | string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name] ?? ''} fill="none" stroke="currentColor" stroke-width="1.4"
        stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

export function Panel({ title, aside, children, id, flush = false }: {
  title: ComponentChildren; aside?: ComponentChildren; children: ComponentChildren; id?: string;
  flush?: boolean;
}) {
  return (
    <section class={cls('panel', flush && 'flush')} id={id}>
      <header class="panel-head"><h2>{title}</h2>{aside !== undefined && <div>{aside}</div>}</header>
      <div class="panel-body">{children}</div>
    </section>
  );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div class="fact"><dt>{name}</dt><dd>{children}</dd></div>;
}

export function Field({ label, children, hint }:
{ label: string; children: ComponentChildren; hint?: string }) {
  return (
    <label class="field">
      <span>{label}</span>{children}{hint !== undefined && <small>{hint}</small>}
    </label>
  );
}

/** Tabs that are links: each has an address of its own. */
export function Tabs({ label, tabs, current, href }: {
  label: string; tabs: { id: string; name: string; count?: number }[]; current: string;
  href: (id: string) => string;
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.id} href={href(tab.id)} aria-current={tab.id === current ? 'page' : undefined}>
          {tab.name}{tab.count !== undefined && <span class="tab-count num">{tab.count}</span>}
        </a>
      ))}
    </nav>
  );
}

export interface Column<T> {
  head: ComponentChildren;
  cell: (row: T) => ComponentChildren;
  align?: 'right';
  class?: string;
}

export function Table<T>({ label, columns, rows, rowKey, current, onRow }: {
  label: string; columns: Column<T>[]; rows: T[]; rowKey: (row: T) => string;
  current?: string | undefined; onRow?: ((row: T) => void) | undefined;
}) {
  return (
    <div class="table-wrap" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th key={at} scope="col" class={cls(column.align, column.class)}>{column.head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const key = rowKey(row);
            return (
              <tr key={key} aria-current={key === current ? 'true' : undefined}
                class={cls(onRow !== undefined && 'clickable')}
                onClick={onRow === undefined ? undefined : () => onRow(row)}>
                {columns.map((column, at) => (
                  <td key={at} class={cls(column.align, column.class)}>{column.cell(row)}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function Button({ tone, ...rest }: { tone?: 'main' | 'danger' | 'quiet' } &
ButtonHTMLAttributes<HTMLButtonElement>) {
  return <button type="button" {...rest} class={cls('button', tone)} />;
}

/** A share of a whole, with what is kept back marked. */
export function Meter({ part, whole, mark, tone, label }: {
  part: number; whole: number; mark?: number; tone?: Tone; label: string;
}) {
  const x = whole > 0 ? Math.min(100, (part / whole) * 100) : 0;
  return (
    <svg class={cls('meter', tone)} viewBox="0 0 100 6" preserveAspectRatio="none" role="img"
      aria-label={label}>
      <rect class="meter-all" width="100" height="6" />
      <rect class="meter-part" width={x} height="6" />
      {mark !== undefined && whole > 0 &&
        <rect class="meter-mark" x={Math.min(99, (mark / whole) * 100)} width="1" height="6" />}
    </svg>
  );
}
