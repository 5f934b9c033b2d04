import { useState } from 'preact/hooks';
import { backfill, fullRead, replay } from '../lib/act';
import { Failure } from '../lib/api';
import { count, plural } from '../lib/format';
import { agentsByName, status } from '../lib/live';
import { link, refine, route } from '../lib/route';
import { may } from '../lib/session';
import { kinds, objects } from '../lib/shared';
import type { Finding, LogEntry } from '../lib/types';
import { useLoad } from '../lib/use';
import { Badge, Button, Fact, Field, Id, Meter, Panel, Table, When } from '../parts/basics';
import { Confirm } from '../parts/dialog';
import { Findings } from '../parts/findings';
import { LogList } from '../parts/log_list';
import { Empty, Failed, Loading, Show } from '../parts/states';
import { say } from '../parts/toast';

interface DryRun {
  first_sequence?: number;
  last_sequence?: number;
  policy: string;
  changes?: number;
  repeated_messages?: number;
  undecodable?: number;
  unplaceable?: number;
  not_in_policy?: number;
  counts?: { platform: string; object: string; changes: number; known: number; no_effect: number;
    decided: number; commands: number }[];
  decisions?: { object?: string; entity: string; sequence?: number; decision: LogEntry | null }[];
  entities?: number;
  would_change?: number;
  commands?: number;
  kept_inputs?: number;
  published?: number;
  findings?: Finding[];
}

type Mode = 'dry' | 'live';

function useForm(): Record<string, string> {
  const query = route.value.query;
  return { from: query['from'] ?? '24h', to: query['to'] ?? '', platform: query['platform'] ?? '',
    object: query['object'] ?? '', record: query['record'] ?? '',
    exception: query['exception'] ?? '', anew: query['anew'] ?? '' };
}

function bodyOf(form: Record<string, string>, mode: Mode): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const name of ['from', 'to', 'platform', 'object', 'record']) {
    if (form[name] !== '') body[name] = form[name];
  }
  if (mode === 'live') {
    body['live'] = true;
    if (form['exception'] !== '') body['exception'] = form['exception'];
  } else if (form['anew'] !== '') body['anew'] = true;
  return body;
}

function Result({ result }: { result: DryRun }) {
  const decided = (result.decisions ?? []).filter((one) => one.decision !== null);
  return (
    <Panel title="What would come of it" aside={<Badge tone="info">nothing was published</Badge>}>
      <div class="stack">
        <dl class="facts">
          {result.changes !== undefined && <Fact name="changes read">{count(result.changes)}</Fact>}
          {result.first_sequence !== undefined &&
            <Fact name="inputs">{result.first_sequence} to {result.last_sequence}</Fact>}
          {result.entities !== undefined && <Fact name="entities">{count(result.entities)}</Fact>}
          {result.would_change !== undefined &&
            <Fact name="would change">{count(result.would_change)}</Fact>}
          {result.commands !== undefined && <Fact name="commands">{count(result.commands)}</Fact>}
          {result.kept_inputs !== undefined && result.kept_inputs > 0 &&
            <Fact name="kept inputs taken again">{count(result.kept_inputs)}</Fact>}
          <Fact name="by policy"><Id text={result.policy} most={13} /></Fact>
        </dl>
        <Findings list={result.findings ?? []} />
        {(result.counts ?? []).length > 0 && (
          <Table label="By platform and object" rows={result.counts!}
            rowKey={(one) => `${one.platform}/${one.object}`} columns={[
              { head: 'Platform', cell: (one) => one.platform },
              { head: 'Object', cell: (one) => one.object },
              { head: 'Changes', align: 'right', cell: (one) => count(one.changes) },
              { head: 'Known', align: 'right', cell: (one) => count(one.known) },
              { head: 'No effect', align: 'right', cell: (one) => count(one.no_effect) },
              { head: 'Decided', align: 'right', cell: (one) => count(one.decided) },
              { head: 'Commands', align: 'right', cell: (one) => count(one.commands) }]} />)}
        {decided.length > 0
          ? <section><h3>The first decisions</h3>
              <LogList withEntity entries={decided.map((one) => one.decision!)} /></section>
          : <p class="dim">No decision would come out otherwise than it stands.</p>}
      </div>
    </Panel>
  );
}

function GoLive({ form, result, onClose }: {
  form: Record<string, string>; result: DryRun; onClose: () => void;
}) {
  const [reason, setReason] = useState('');
  return (
    <Confirm title="Decide again" verb="Decide again" danger onClose={onClose}
      ready={reason.trim() !== ''}
      act={async () => {
        const answer = await replay<DryRun>({ ...bodyOf(form, 'live'), reason, yes: true });
        say(`${plural(answer.published ?? 0, 'entity', 'entities')} given to the hubs`);
      }}>
      <p class="note warn">{plural(result.entities ?? 0, 'entity', 'entities')} are decided again by
        the hubs, {count(result.would_change ?? 0)} of which would change, with{' '}
        {plural(result.commands ?? 0, 'command')} to platforms. What a person said stands.</p>
      <Field label="Reason (needed)"><input type="text" value={reason}
        onInput={(event) => setReason(event.currentTarget.value)} /></Field>
    </Confirm>
  );
}

function Recorded() {
  const form = useForm();
  const [mode, setMode] = useState<Mode>('dry');
  const [result, setResult] = useState<DryRun | Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const [live, setLive] = useState(false);
  const set = (name: string) => (event: { currentTarget: { value: string } }): void => {
    setResult(null);
    refine({ [name]: event.currentTarget.value.trim() });
  };
  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setResult(null);
    try {
      setResult(await replay<DryRun>(bodyOf(form, mode)));
    } catch (error) {
      setResult(error instanceof Failure ? error : new Failure('failed', String(error)));
    }
    setBusy(false);
  };
  const text = (name: string, label: string, hint?: string) => (
    <Field label={label} {...(hint === undefined ? {} : { hint })}>
      <input type="text" value={form[name]} onChange={set(name)} /></Field>);
  const choice = (name: string, label: string, options: string[]) => (
    <Field label={label}>
      <select value={form[name]} onChange={set(name)}>
        <option value="">any</option>
        {options.map((one) => <option key={one} value={one}>{one}</option>)}
      </select>
    </Field>);
  return (
    <>
      <Panel title="Recorded changes, decided again">
        <form class="form" onSubmit={(event) => void run(event)}>
          <fieldset class="row">
            <legend class="hidden">How</legend>
            <label class="check"><input type="radio" name="how" checked={mode === 'dry'}
              onChange={() => { setMode('dry'); setResult(null); }} />
              what would these changes lead to now?</label>
            <label class="check"><input type="radio" name="how" checked={mode === 'live'}
              onChange={() => { setMode('live'); setResult(null); }} />
              have what they are about decided again</label>
          </fieldset>
          <div class="form-row">
            {text('from', 'From', 'a time, 24h, or a sequence')}
            {text('to', 'To', 'the same; empty: now')}
            {choice('platform', 'Platform', Object.keys(agentsByName.value))}
            {choice('object', 'Object', objects.value)}
            {text('record', 'Record')}
            {mode === 'live' && choice('exception', 'With an open exception',
              kinds.value.map((one) => one.kind))}
          </div>
          {mode === 'dry' && <label class="check"><input type="checkbox" checked={form['anew'] !== ''}
            onChange={(event) => { setResult(null); refine({ anew: event.currentTarget.checked ? '1' : '' }); }} />
            as if the newest change of each record had not been seen</label>}
          <div class="row">
            <Button type="submit" tone="main" disabled={busy}>
              {busy ? 'Deciding\u2026' : 'Dry run'}</Button>
            {mode === 'live' && may('operator') && result !== null && !(result instanceof Failure) &&
              <Button tone="danger" onClick={() => setLive(true)}>Decide again&hellip;</Button>}
            <span class="dim">Nothing is published by a dry run.</span>
          </div>
        </form>
      </Panel>
      {busy && <div class="panel"><Loading /></div>}
      {result instanceof Failure ? <div class="panel"><Failed failure={result} /></div>
        : result !== null && <Result result={result} />}
      {live && result !== null && !(result instanceof Failure) &&
        <GoLive form={form} result={result} onClose={() => setLive(false)} />}
    </>
  );
}

function ReadAgain({ platform, what, onClose }: {
  platform: string; what: 'backfill' | 'count' | 'full_read'; onClose: () => void;
}) {
  const texts = {
    backfill: 'It reads the whole platform beside everything else and tells what it never told. '
      + 'That spends quota, and what is new is decided as any change.',
    count: 'It reads the whole platform and counts what it never told. Nothing is told; it spends quota.',
    full_read: 'It reads everything and sends all of it again. That spends quota; use it when streams '
      + 'or states were lost.',
  };
  return (
    <Confirm title={`${platform}: read everything`} verb="Read" danger={what !== 'count'}
      onClose={onClose}
      act={async () => {
        if (what === 'full_read') await fullRead(platform);
        else await backfill(platform, what === 'count');
        say(`the agent of ${platform} is asked`);
      }}>
      <p class="note warn">{texts[what]}</p>
    </Confirm>
  );
}

function Loads() {
  const agents = status.value?.agents ?? [];
  const [asked, setAsked] = useState<[string, 'backfill' | 'count' | 'full_read'] | null>(null);
  return (
    <Panel title="Platforms, read anew" flush>
      {agents.length === 0 ? <Empty title="No agent is heard of" />
        : <Table label="Loads" rows={agents} rowKey={(one) => one.platform} columns={[
          { head: 'Platform', cell: (one) => <b>{one.platform}</b> },
          { head: 'Load', cell: (one) => {
            const load = one.backfill?.phase === 'reading' || one.backfill?.phase === 'waiting'
              ? one.backfill : one.load;
            if (load === undefined) {
              return one.backfill?.ended_at
                ? <span class="dim">last: {count(one.backfill.unknown)} never told,{' '}
                    {count(one.backfill.different)} different, <When at={one.backfill.ended_at} age /></span>
                : <span class="dim">none</span>;
            }
            return (
              <div>
                {count(load.records)}{load.total !== undefined && ` of ${count(load.total)}`} records,{' '}
                {count(load.per_second)} a second
                {load.total !== undefined && <Meter part={load.records} whole={load.total}
                  label={`${one.platform}: ${load.records} of ${load.total}`} />}
              </div>);
          } },
          { head: '', cell: (one) => may('operator') ? (
            <span class="row">
              <Button onClick={() => setAsked([one.platform, 'count'])}>Count&hellip;</Button>
              <Button onClick={() => setAsked([one.platform, 'backfill'])}>Backfill&hellip;</Button>
              <Button onClick={() => setAsked([one.platform, 'full_read'])}>Full read&hellip;</Button>
            </span>) : <span class="dim">needs the role operator</span> },
        ]} />}
      {asked !== null && <ReadAgain platform={asked[0]} what={asked[1]} onClose={() => setAsked(null)} />}
    </Panel>
  );
}

function Newest() {
  const load = useLoad<{ entries: LogEntry[]; next?: string | number | null }>('log', { limit: 25 },
    ['exceptions']);
  return (
    <Panel title="The newest decisions" flush aside={<a href={link('entity')}>find an entity</a>}>
      <Show load={load} empty={(data) => data.entries.length === 0}
        none={<Empty title="Nothing was decided yet" />}>
        {(data) => <LogList withEntity entries={data.entries} />}
      </Show>
    </Panel>
  );
}

export function Replay() {
  return (
    <>
      <div class="page-head"><h1>Replay</h1>
        <p>What recorded changes would lead to, and reading platforms anew.</p></div>
      <div class="stack"><Recorded /><Loads /><Newest /></div>
    </>
  );
}
