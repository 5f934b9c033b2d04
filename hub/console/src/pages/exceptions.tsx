import { useEffect, useMemo, useState } from 'preact/hooks';
import { useKeys } from '../lib/use';
import { nameOf, type ExceptionFilter } from '../lib/act';
import { count, display, plural } from '../lib/format';
import { usePages } from '../lib/pages_of';
import { refine, route } from '../lib/route';
import { may } from '../lib/session';
import { kindOf, kinds, objects } from '../lib/shared';
import { millis, now } from '../lib/time';
import type { Exception, ExceptionPage, Severity } from '../lib/types';
import { agentsByName } from '../lib/live';
import { Badge, Button, SeverityMark, When, cls, type Tone } from '../parts/basics';
import { Empty, Failed, Loading } from '../parts/states';
import { VirtualList } from '../parts/virtual_list';
import { Bulk } from './exceptions_bulk';
import { Detail } from './exceptions_detail';

const pageSize = 500;
const rowHeight = 34;

export const keyOf = (one: Exception): string => `${one.object}/${one.entity}/${nameOf(one)}`;

const tones: Record<Severity, Tone> = { critical: 'bad', error: 'bad', warning: 'warn',
  info: 'info' };

export function filterOf(query: Record<string, string>): ExceptionFilter {
  const filter: ExceptionFilter = {};
  for (const name of ['kind', 'platform', 'object', 'severity', 'assignee', 'tag'] as const) {
    if (query[name] !== undefined) filter[name] = query[name];
  }
  if (query['unassigned'] !== undefined) filter.unassigned = true;
  if (query['overdue'] !== undefined) filter.overdue = true;
  return filter;
}

function KindCards({ byKind, chosen }: { byKind: Record<string, number>; chosen: string }) {
  const order: Severity[] = ['critical', 'error', 'warning', 'info'];
  const rank = (kind: string): number => order.indexOf(kindOf.value[kind]?.severity ?? 'info');
  const cards = Object.entries(byKind).filter(([, many]) => many > 0)
    .sort(([one, many], [other, more]) => rank(one) - rank(other) || more - many);
  if (cards.length === 0) return null;
  return (
    <nav class="kinds" aria-label="Exceptions by kind">
      {cards.map(([kind, many]) => {
        const about = kindOf.value[kind];
        const on = chosen === kind;
        return (
          <a key={kind} class={cls('kind-card', about && tones[about.severity])}
            href={`#/exceptions${on ? '' : `?kind=${encodeURIComponent(kind)}`}`}
            title={about?.meaning} aria-current={on ? 'true' : undefined}>
            <b>{count(many)}</b><span>{kind}</span>
          </a>
        );
      })}
    </nav>
  );
}

function Choice({ name, label, options, query }: {
  name: string; label: string; options: string[]; query: Record<string, string>;
}) {
  const chosen = query[name] ?? '';
  const all = chosen === '' || options.includes(chosen) ? options : [chosen, ...options];
  return (
    <select aria-label={label} value={chosen}
      onChange={(event) => refine({ [name]: event.currentTarget.value, sel: '' })}>
      <option value="">{label}: any</option>
      {all.map((one) => <option key={one} value={one}>{one}</option>)}
    </select>
  );
}

function Filters({ query }: { query: Record<string, string> }) {
  const flag = (name: string, label: string) => (
    <label class="check">
      <input type="checkbox" checked={query[name] !== undefined}
        onChange={(event) => refine({ [name]: event.currentTarget.checked ? '1' : '', sel: '' })} />
      {label}
    </label>
  );
  const text = (name: string, label: string) => (
    <input type="text" aria-label={label} placeholder={label} value={query[name] ?? ''} size={12}
      onChange={(event) => refine({ [name]: event.currentTarget.value.trim(), sel: '' })} />
  );
  return (
    <div class="filters" role="group" aria-label="Filters">
      <Choice name="severity" label="Severity" options={['info', 'warning', 'error', 'critical']}
        query={query} />
      <Choice name="kind" label="Kind" options={kinds.value.map((one) => one.kind)} query={query} />
      <Choice name="platform" label="Platform" options={Object.keys(agentsByName.value)} query={query} />
      <Choice name="object" label="Object" options={objects.value} query={query} />
      {text('assignee', 'Assignee')}
      {text('tag', 'Tag')}
      {flag('overdue', 'overdue')}
      {flag('unassigned', 'unassigned')}
      {flag('all', 'settled too')}
      {Object.keys(query).some((name) => name !== 'sel') &&
        <Button tone="quiet" onClick={() => { location.hash = '#/exceptions'; }}>Clear</Button>}
    </div>
  );
}

/** What it is about, in as few words as it takes: the first value, or the reason. */
function What({ one }: { one: Exception }) {
  const fields = Object.keys(one.proposed);
  const first = fields[0];
  if (first === undefined) return <span role="cell" title={one.reason}>{one.reason}</span>;
  const before = display(one.canonical[first] ?? null);
  const after = display(one.proposed[first]);
  return (
    <span role="cell" title={`${first}: ${before} -> ${after}\n${one.reason}`}>
      <b>{first}</b> {before} &rarr; {after}
      {fields.length > 1 && <span class="dim"> and {fields.length - 1} more</span>}
    </span>
  );
}

function Row({ one, marked, onMark }: {
  one: Exception; marked: boolean; onMark: () => void;
}) {
  const due = millis(one.care.due);
  const late = due !== null && due < now.value && one.status === 'open';
  return (
    <>
      <span role="cell">
        <input type="checkbox" checked={marked} tabIndex={-1}
          aria-label={`Mark ${one.kind} of ${one.object} ${one.entity}`}
          onClick={(event) => event.stopPropagation()} onChange={onMark} />
      </span>
      <span role="cell"><SeverityMark severity={one.care.severity} /></span>
      <span role="cell" class="mid" title={one.kind}>
        {one.status !== 'open' && <Badge tone="good">{one.status}</Badge>} {one.kind}
      </span>
      <span role="cell" class="far">{one.platform}</span>
      <What one={one} />
      <span role="cell" class="mid" title={`${one.object} ${one.entity}`}>
        {one.object} <code>{one.entity}</code></span>
      <span role="cell"><When at={one.opened_at ?? one.updated_at} age /></span>
      <span role="cell" class="far">
        {late ? <Badge tone="bad">overdue</Badge> : one.care.assignee === ''
          ? <span class="dim">nobody</span> : one.care.assignee}
      </span>
    </>
  );
}

/** Those that are `far` give way to an open exception, `mid` to a narrow window. */
const heads: [string, string][] = [['Severity', ''], ['Kind', 'mid'], ['Platform', 'far'],
  ['What', ''], ['Entity', 'mid'], ['Since', ''], ['Seen to by', 'far']];

function useMarks(key: string): [Set<string>, (one: Exception) => void, () => void,
  Map<string, Exception>] {
  const [marks, setMarks] = useState<Map<string, Exception>>(new Map());
  useEffect(() => setMarks(new Map()), [key]);
  const toggle = (one: Exception): void => setMarks((old) => {
    const next = new Map(old);
    if (!next.delete(keyOf(one))) next.set(keyOf(one), one);
    return next;
  });
  const names = useMemo(() => new Set(marks.keys()), [marks]);
  return [names, toggle, () => setMarks(new Map()), marks];
}

export function Exceptions() {
  const query = route.value.query;
  const { sel: chosen = '', ...words } = query;
  const load = usePages<Exception, ExceptionPage>('exceptions', words, pageSize,
    (page) => page.exceptions, ['exceptions']);
  const [names, toggle, clear, marks] = useMarks(JSON.stringify(words));
  const [cursor, setCursor] = useState(-1);
  useEffect(() => setCursor(-1), [JSON.stringify(words)]);
  const found = chosen === '' ? -1 : load.rows.findIndex((one) => keyOf(one) === chosen);
  const openAt = (at: number): void => {
    const one = load.rows[at];
    if (one !== undefined) refine({ sel: keyOf(one) });
  };
  useKeys((event) => {
    if (event.key === 'x' && load.rows[cursor] !== undefined) toggle(load.rows[cursor]!);
    else if (event.key === 'Escape' && chosen !== '') refine({ sel: '' });
    else if (event.key === 'Escape' && names.size > 0) clear();
    else return false;
    return true;
  });
  const narrowed = Object.keys(words).length > 0;
  const hidden = load.first?.immaterial_hidden ?? 0;
  return (
    <>
      <div class="page-head">
        <h1>Exceptions</h1>
        <p role="status">
          {load.first === null ? '' : `${plural(load.total, 'exception')}${narrowed ? ' like this' : ''}`}
          {hidden > 0 && `, ${count(hidden)} more not material`}
        </p>
      </div>
      <KindCards byKind={load.first?.by_kind ?? {}} chosen={query['kind'] ?? ''} />
      <div class={cls('split', chosen !== '' && 'open')}>
        <div class="list-pane">
          <Filters query={words} />
          {may('operator') && (names.size > 0 || narrowed) && load.total > 0 &&
            <Bulk filter={filterOf(words)} narrowed={narrowed} total={load.total}
              marked={[...marks.values()]} clear={clear} again={load.again} />}
          {load.failure !== null && load.rows.length > 0 &&
            <p class="stale" role="alert">As it was before: {load.failure.message}</p>}
          {load.rows.length === 0
            ? load.failure !== null ? <Failed failure={load.failure} again={load.again} />
              : load.loading ? <Loading rows={8} />
                : <Empty title={narrowed ? 'Nothing is like that' : 'No exception is open'}>
                    <p class="dim">{narrowed ? 'Clear a filter to see more.'
                      : 'Everything flows. What needs a person will stand here.'}</p>
                  </Empty>
            : <div class="exception-list vlist">
                <VirtualList label="Exceptions" rows={load.rows} total={load.total}
                  rowHeight={rowHeight} cursor={cursor >= 0 ? cursor : found} onCursor={setCursor}
                  onOpen={openAt} onMore={load.more}
                  markOf={(one: Exception | undefined) => one !== undefined && names.has(keyOf(one))}
                  header={<>
                    <span role="columnheader"><span class="hidden">Marked</span></span>
                    {heads.map(([head, far]) => <span role="columnheader" key={head}
                      class={far}>{head}</span>)}
                  </>}>
                  {(one) => <Row one={one} marked={names.has(keyOf(one))}
                    onMark={() => toggle(one)} />}
                </VirtualList>
              </div>}
        </div>
        {chosen !== '' && <Detail key={chosen} name={chosen} again={load.again} />}
      </div>
    </>
  );
}
