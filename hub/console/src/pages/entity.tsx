import { useEffect, useState } from 'preact/hooks';
import { segment } from '../lib/api';
import { display } from '../lib/format';
import { go, link, route } from '../lib/route';
import { objects } from '../lib/shared';
import type { BlameLine, EntityAnswer, Entity, EntityRecord, Fields, LogEntry, TimelineEvent }
  from '../lib/types';
import { useLoad } from '../lib/use';
import { usePages } from '../lib/pages_of';
import { Badge, Button, Fact, Field, Id, Panel, Table, Tabs, ValueText, When }
  from '../parts/basics';
import { Empty, Failed, Loading, Show } from '../parts/states';
import { VirtualList } from '../parts/virtual_list';
import { LogList } from '../parts/log_list';
import { Travel } from './entity_past';

function Search({ object, find }: { object: string; find: string }) {
  const [chosen, setChosen] = useState(object);
  const [key, setKey] = useState(find);
  useEffect(() => setChosen(object), [object]);
  useEffect(() => setKey(find), [find]);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (chosen === '') return;
    go(key.trim() === '' ? link('entity', [chosen]) : link('entity', [chosen, key.trim()]));
  };
  return (
    <form class="row foot" onSubmit={submit} role="search" aria-label="Entity">
      <Field label="Object">
        <input type="text" list="objects" value={chosen} size={14}
          onInput={(event) => setChosen(event.currentTarget.value.trim())} />
      </Field>
      <datalist id="objects">{objects.value.map((one) => <option key={one} value={one} />)}</datalist>
      <Field label="Key: an id, platform:record, or a match key such as an e-mail">
        <input type="text" value={key} size={44} onInput={(event) => setKey(event.currentTarget.value)} />
      </Field>
      <Button type="submit" tone="main">Find</Button>
    </form>
  );
}

// ---- All of an object. --------------------------------------------------------------------------

interface Summary {
  entity: string;
  version: number;
  deleted: boolean;
  merged_into: string | null;
  fields: Fields;
  records: { platform: string; record: string | null; pending: boolean }[];
  exceptions: number;
  stored_at: string | null;
}

function List({ object }: { object: string }) {
  const load = usePages<Summary, { entities: Summary[]; next?: string | null; total?: number }>(
    `entities/${segment(object)}`, {}, 100, (page) => page.entities, []);
  const [cursor, setCursor] = useState(-1);
  const open = (at: number): void => {
    const one = load.rows[at];
    if (one !== undefined) go(link('entity', [object, one.entity]));
  };
  const text = (fields: Fields): string =>
    Object.entries(fields).map(([name, value]) => `${name} ${display(value)}`).join('  \u00b7  ');
  if (load.rows.length === 0) {
    if (load.failure !== null) return <Failed failure={load.failure} again={load.again} />;
    return load.loading ? <Loading rows={8} /> : <Empty title={`There is no ${object} yet`} />;
  }
  return (
    <div class="list-pane entity-list tall">
      <VirtualList label={`Entities of ${object}`} rows={load.rows} total={load.total} rowHeight={34}
        cursor={cursor} onCursor={setCursor} onOpen={open} onMore={load.more}
        header={['Entity', 'Fields', 'Changed', 'Open'].map((head) => (
          <span key={head} role="columnheader" class={/Fields|Open/.test(head) ? 'mid' : ''}>
            {head}</span>))}>
        {(one) => (
          <>
            <span role="cell"><code>{one.entity}</code>{' '}
              {one.deleted && <Badge tone="warn">deleted</Badge>}
              {one.merged_into !== null && <Badge>merged</Badge>}</span>
            <span role="cell" class="mid" title={text(one.fields)}>{text(one.fields)}</span>
            <span role="cell"><When at={one.stored_at} age /></span>
            <span role="cell" class="mid">{one.exceptions > 0 ? <Badge tone="bad">{one.exceptions}</Badge> : ''}</span>
          </>
        )}
      </VirtualList>
    </div>
  );
}

// ---- One. ---------------------------------------------------------------------------------------

function FieldsOf({ one }: { one: Entity }) {
  const names = new Set(Object.keys(one.canonical));
  for (const record of one.records) for (const name of Object.keys(record.mirror)) names.add(name);
  const rows = [...names].sort();
  if (rows.length === 0) return <Empty title="It has no fields" />;
  const mirror = (record: EntityRecord) => ({
    head: record.platform,
    cell: (name: string) => {
      const canonical = one.canonical[name]?.value;
      const value = record.mirror[name];
      return (
        <>
          <ValueText value={value} {...(canonical === undefined ? {} : { than: canonical })} />
          {record.held.includes(name) && <Badge>left alone</Badge>}
        </>
      );
    },
  });
  return (
    <Table label="Fields" rows={rows} rowKey={(name) => name} columns={[
      { head: 'Field', cell: (name) => <b>{name}</b> },
      { head: 'Canonical', cell: (name) => <ValueText value={one.canonical[name]?.value} /> },
      { head: 'From', cell: (name) => {
        const from = one.canonical[name];
        return from === undefined ? '' : from.from === '' ? 'a person' : from.from;
      } },
      { head: 'Since', cell: (name) => one.canonical[name] === undefined ? ''
        : <When at={one.canonical[name]!.at} age /> },
      ...one.records.map(mirror),
    ]} />
  );
}

function Records({ one }: { one: Entity }) {
  return (
    <Panel title="Records" flush>
      {one.records.length === 0 ? <Empty title="No platform has a record of it" />
        : <Table label="Records" rows={one.records} rowKey={(record) => record.platform} columns={[
          { head: 'Platform', cell: (record) => record.platform },
          { head: 'Record', cell: (record) => <Id text={record.record ?? ''} /> },
          { head: 'Presence', cell: (record) => record.presence },
          { head: 'Generation', align: 'right', cell: (record) => record.generation },
          { head: 'On its way', cell: (record) => record.pending === null
            ? record.blocked ? <Badge tone="warn">blocked: waits for a change or a person</Badge>
              : <span class="dim">nothing</span>
            : <>{record.pending.kind} of {Object.keys(record.pending.fields).join(', ')},{' '}
                <When at={record.pending.decided_at} age /></> },
        ]} />}
    </Panel>
  );
}

function Now({ data }: { data: EntityAnswer }) {
  const one = data.entity;
  return (
    <div class="stack">
      {one.exceptions.length > 0 && (
        <Panel title="Waits for a person" flush>
          <Table label="Open exceptions" rows={one.exceptions}
            rowKey={(any) => any.kind + any.platform} columns={[
              { head: 'Kind', cell: (any) => {
                const name = any.platform === '' ? any.kind : `${any.kind}@${any.platform}`;
                return <a href={link('exceptions', [],
                  { sel: `${one.object}/${one.entity}/${name}` })}>{name}</a>;
              } },
              { head: 'Fields', cell: (any) => any.fields.join(', ') },
              { head: 'Reason', cell: (any) => any.reason },
              { head: 'Since', cell: (any) => <When at={any.since} age /> },
            ]} />
        </Panel>)}
      <Panel title="Fields" flush aside={<span class="dim">marked: not as canonical</span>}>
        <FieldsOf one={one} />
      </Panel>
      <Records one={one} />
      {one.proposals.length > 0 && (
        <Panel title="Proposed to the owner" flush>
          <Table label="Proposals" rows={one.proposals} rowKey={(any) => any.field + any.from}
            columns={[{ head: 'Field', cell: (any) => any.field },
              { head: 'Value', cell: (any) => <ValueText value={any.value} /> },
              { head: 'By', cell: (any) => any.from }]} />
        </Panel>)}
    </div>
  );
}

function Blame({ base }: { base: string }) {
  const load = useLoad<{ fields?: BlameLine[]; lines?: BlameLine[] }>(`${base}/blame`);
  return (
    <Show load={load}>
      {(data) => (
        <Panel title="Why it holds what it holds" flush>
          <Table label="Blame" rows={data.fields ?? data.lines ?? []} rowKey={(line) => line.field}
            columns={[
              { head: 'Field', cell: (line) => <b>{line.field}</b> },
              { head: 'Value', cell: (line) => <ValueText value={line.value} /> },
              { head: 'Instead of', cell: (line) => <ValueText value={line.before} /> },
              { head: 'By', cell: (line) => <>{line.from ?? 'a person'}
                {line.asked_by !== undefined && <span class="dim">, asked by {line.asked_by}</span>}</> },
              { head: 'Rule', cell: (line) => <code>{line.rule ?? line.action ?? ''}</code> },
              { head: 'Since', cell: (line) => <When at={line.since} /> },
              { head: 'Policy', align: 'right', cell: (line) => line.policy_version ?? '' },
              { head: 'Refused since', align: 'right', cell: (line) => line.refused_since },
              { head: 'Trace', cell: (line) => line.trace === undefined ? ''
                : <Id text={line.trace} most={10} href={link('entity', [], { trace: line.trace })} /> },
            ]} />
        </Panel>
      )}
    </Show>
  );
}

function Events({ path, trace }: { path: string; trace?: string }) {
  const load = useLoad<{ events: TimelineEvent[] }>(path,
    trace === undefined ? {} : { trace }, ['exceptions']);
  return (
    <Show load={load} empty={(data) => data.events.length === 0}
      none={<Empty title="Nothing is recorded of it" />}>
      {(data) => (
        <Panel title="What happened" flush aside={<span class="dim">the oldest first</span>}>
          <ol class="timeline">
            {data.events.map((event) => (
              <li key={`${event.subject} ${event.sequence}`}>
                <When at={event.at} />
                <Badge tone={event.kind === 'exception' ? 'bad' : event.kind === 'decision' ? 'info'
                  : 'plain'}>{event.kind}</Badge>
                <details>
                  <summary>{event.line}</summary>
                  <p class="dim"><Id text={event.subject} /> sequence {event.sequence}</p>
                  <pre class="text wrap" tabIndex={0} aria-label="The message">
                    {JSON.stringify(event.message, null, 2)}</pre>
                </details>
              </li>
            ))}
          </ol>
        </Panel>
      )}
    </Show>
  );
}

function Log({ base }: { base: string }) {
  const load = useLoad<{ entries: LogEntry[] }>(`${base}/log`, {}, ['exceptions']);
  return (
    <Show load={load} empty={(data) => data.entries.length === 0}
      none={<Empty title="The log says nothing of it" />}>
      {(data) => <Panel title="Decisions" flush><LogList entries={data.entries} /></Panel>}
    </Show>
  );
}

function One({ object, id }: { object: string; id: string }) {
  const tab = route.value.query['tab'] ?? 'now';
  const base = `entities/${segment(object)}/${segment(id)}`;
  const load = useLoad<EntityAnswer>(base, {}, ['exceptions']);
  return (
    <Show load={load} rows={8}>
      {(data) => {
        const one = data.entity;
        return (
          <>
            <div class="page-head">
              <h1>{one.object} <Id text={one.entity} /></h1>
              {one.deleted && <Badge tone="warn">deleted</Badge>}
              {one.merged_into !== null && <Badge tone="warn">
                merged into <a href={link('entity', [one.object, one.merged_into])}>{one.merged_into}</a>
              </Badge>}
            </div>
            <dl class="facts lead">
              <Fact name="found by">{data.found_by}</Fact>
              <Fact name="version">{one.version}</Fact>
              <Fact name="policy">{one.policy_version} <code>{one.policy.slice(0, 12)}</code></Fact>
              <Fact name="stored"><When at={data.stored_at} age /></Fact>
            </dl>
            <Tabs label="Of this entity" current={tab} href={(name) =>
              link('entity', [object, id], name === 'now' ? {} : { tab: name })}
              tabs={[{ id: 'now', name: 'Now' }, { id: 'blame', name: 'Blame' },
                { id: 'timeline', name: 'Timeline' }, { id: 'log', name: 'Decisions' },
                { id: 'past', name: 'Time travel' }]} />
            {tab === 'now' && <Now data={data} />}
            {tab === 'blame' && <Blame base={base} />}
            {tab === 'timeline' && <Events path={`${base}/timeline`} />}
            {tab === 'log' && <Log base={base} />}
            {tab === 'past' && <Travel base={base} one={one} />}
          </>
        );
      }}
    </Show>
  );
}

export function EntityPage() {
  const [object = '', id = ''] = route.value.parts;
  const { find = '', trace } = route.value.query;
  return (
    <div class="stack">
      {id === '' && <h1 class="hidden">Entity</h1>}
      <Search object={object} find={id === '' ? find : id} />
      {trace !== undefined ? <Events path="timeline" trace={trace} />
        : object === ''
          ? <div class="panel"><Empty title={find === '' ? 'Which one?' : 'Of which object?'}>
              <p class="dim">Choose an object{objects.value.length > 0 && <>: {objects.value.map((one) => (
                <><a key={one} href={find === '' ? link('entity', [one]) : link('entity', [one, find])}>
                  {one}</a>{' '}</>))}</>}</p>
            </Empty></div>
          : id === '' ? <List object={object} /> : <One key={`${object}/${id}`} object={object} id={id} />}
    </div>
  );
}
