// What Syncline did, counted from the streams, times what each is worth to you. The costs are this
// browser's; the counts are the hub's, and each lists its entries.
import { useState } from 'preact/hooks';
import { count } from '../lib/format';
import { link, refine, route } from '../lib/route';
import type { Facts } from '../lib/types';
import { keep, kept, useLoad } from '../lib/use';
import { Badge, Button, Field, Icon, Panel, Table, When } from '../parts/basics';
import { Empty, Show } from '../parts/states';

const meanings: Record<string, string> = {
  changes: 'different changes that agents told of',
  duplicates: 'changes and outcomes that came again, and were dropped',
  echoes: 'changes without effect: most are our own writes come back',
  accepted: 'values that became canonical',
  blocked: 'values that were reverted, ignored, outdated, or broke a contract',
  healed: 'changes that only a reconciliation found',
  commands: 'commands decided',
  saved: 'commands that a newer one replaced before a platform was called',
  'exceptions-opened': 'exceptions opened',
  'exceptions-closed': 'exceptions closed by themselves',
  'exceptions-settled': 'exceptions settled by people',
};
/** Minutes of a person that one of it saves; what a person has to do costs. */
const defaults: Record<string, number> = {
  duplicates: 2, echoes: 1, blocked: 15, healed: 20, saved: 0.05, 'exceptions-settled': -3,
};

interface Costs {
  perHour: number;
  currency: string;
  minutes: Record<string, number>;
}
const fresh = (): Costs => ({ perHour: 48, currency: 'EUR', minutes: { ...defaults } });

function Entries({ fact, from, to }: { fact: string; from: string; to: string }) {
  const [limit, setLimit] = useState(50);
  const load = useLoad<Facts>('facts', { from, to, show: fact, limit });
  return (
    <Panel title={`Of ${fact}`} flush aside={
      <button type="button" class="icon-button" aria-label="Close the entries"
        onClick={() => refine({ show: '' })}><Icon name="close" /></button>}>
      <Show load={load} empty={(data) => (data.entries ?? []).length === 0}
        none={<Empty title="None in this time" />}>
        {(data) => (
          <>
            <Table label={`Entries of ${fact}`} rows={data.entries ?? []}
              rowKey={(one) => `${one.stream} ${one.sequence} ${one.what}`} columns={[
                { head: 'Stream', cell: (one) => <code>{one.stream}</code> },
                { head: 'Sequence', align: 'right', cell: (one) => one.sequence },
                { head: 'At', cell: (one) => <When at={one.at} /> },
                { head: 'What', cell: (one) => one.what }]} />
            {(data.facts[fact] ?? 0) > (data.entries ?? []).length && (
              <div class="panel-body row">
                <span class="dim">{count(data.entries!.length)} of {count(data.facts[fact] ?? 0)}</span>
                <Button disabled={limit >= 500}
                  onClick={() => setLimit(500)}>Show more</Button>
              </div>)}
          </>
        )}
      </Show>
    </Panel>
  );
}

function Counted({ data, costs, change, query }: {
  data: Facts; costs: Costs; change: (costs: Costs) => void; query: Record<string, string>;
}) {
  const worth = (fact: string): number =>
    ((data.facts[fact] ?? 0) * (costs.minutes[fact] ?? 0) * costs.perHour) / 60;
  const money = (value: number): string => `${count(Math.round(value))} ${costs.currency}`;
  const names = Object.keys(meanings).filter((name) => data.facts[name] !== undefined);
  const total = names.reduce((sum, name) => sum + worth(name), 0);
  const hours = names.reduce((sum, name) =>
    sum + ((data.facts[name] ?? 0) * (costs.minutes[name] ?? 0)) / 60, 0);
  return (
    <>
      <Panel title="What it was worth">
        <div class="row">
          <span class="total">{money(total)}</span>
          <span class="dim">{hours.toFixed(1)} hours of people. The counts are the streams'; the
            minutes are assumptions until you put in your own, which this browser keeps.</span>
        </div>
      </Panel>
      <Panel title="Counted" flush aside={
        <span class="row">
          <label class="row"><span>an hour costs</span><input type="number" min="0" step="1"
            value={costs.perHour} onInput={(event) =>
              change({ ...costs, perHour: Number(event.currentTarget.value) || 0 })} /></label>
          <input type="text" aria-label="Currency" size={4} maxLength={8} value={costs.currency}
            onInput={(event) => change({ ...costs, currency: event.currentTarget.value })} />
          <Button onClick={() => change(fresh())}>As it was</Button>
        </span>}>
        <div class="value-table">
          <Table label="Facts and what they are worth" rows={names} rowKey={(name) => name}
            current={query['show']} columns={[
              { head: 'Fact', cell: (name) => <a href={link('value', [], { ...query, show: name })}>
                {name}</a> },
              { head: 'Counts', cell: (name) => <span class="dim">{meanings[name]}</span> },
              { head: 'Count', align: 'right', cell: (name) =>
                <a href={link('value', [], { ...query, show: name })}>{count(data.facts[name] ?? 0)}</a> },
              { head: 'Minutes each', align: 'right', cell: (name) => (
                <input type="number" step="0.05" aria-label={`Minutes that one of ${name} saves`}
                  value={costs.minutes[name] ?? 0} onInput={(event) => change({ ...costs, minutes:
                    { ...costs.minutes, [name]: Number(event.currentTarget.value) || 0 } })} />) },
              { head: 'Worth', align: 'right', cell: (name) => worth(name) === 0
                ? <span class="dim">-</span> : money(worth(name)) },
            ]} />
        </div>
      </Panel>
      <Panel title="How long it took" flush>
        <Table label="Times" rows={[
          ['from the platform\u2019s own stamp until its agent saw it', data.until_seen] as const,
          ['from there until a hub had decided it', data.until_decided] as const]}
          rowKey={(row) => row[0]} columns={[
            { head: 'Way', cell: (row) => row[0] },
            { head: 'Of', align: 'right', cell: (row) => count(row[1].count) },
            { head: 'Half within', align: 'right', cell: (row) => `${count(row[1].median_ms)} ms` },
            { head: '99 of 100 within', align: 'right', cell: (row) => `${count(row[1].p99_ms)} ms` }]} />
      </Panel>
      {data.unreadable > 0 && <p><Badge tone="warn">{count(data.unreadable)} inputs cannot be read</Badge>{' '}
        <a href={link('exceptions', [], { kind: 'input.undecodable' })}>which</a></p>}
    </>
  );
}

export function ValuePage() {
  const query = route.value.query;
  const from = query['from'] ?? '30d';
  const to = query['to'] ?? '';
  const [costs, setCosts] = useState<Costs>(() => {
    const stored = kept<Partial<Costs>>('costs', {});
    return { ...fresh(), ...stored, minutes: { ...defaults, ...stored.minutes } };
  });
  const load = useLoad<Facts>('facts', { from, to });
  const change = (next: Costs): void => {
    setCosts(next);
    keep('costs', next);
  };
  return (
    <>
      <div class="page-head">
        <h1>Value</h1>
        <div class="end row">
          <Field label="From"><input type="text" value={from} size={12}
            onChange={(event) => refine({ from: event.currentTarget.value.trim() })} /></Field>
          <Field label="To"><input type="text" value={to} placeholder="now" size={12}
            onChange={(event) => refine({ to: event.currentTarget.value.trim() })} /></Field>
        </div>
      </div>
      <div class="stack">
        <Show load={load} rows={8}>
          {(data) => <Counted data={data} costs={costs} change={change} query={query} />}
        </Show>
        {query['show'] !== undefined &&
          <Entries key={query['show']} fact={query['show']} from={from} to={to} />}
      </div>
    </>
  );
}
