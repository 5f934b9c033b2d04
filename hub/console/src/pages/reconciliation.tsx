import { useState } from 'preact/hooks';
import { reconcile } from '../lib/act';
import { segment } from '../lib/api';
import { count, number, plural } from '../lib/format';
import { agentsByName } from '../lib/live';
import { link, refine, route } from '../lib/route';
import { may } from '../lib/session';
import type { Finding, Pair, Reconciliation } from '../lib/types';
import { useLoad } from '../lib/use';
import { Badge, Button, Fact, Icon, Id, Panel, Table, When } from '../parts/basics';
import { Confirm } from '../parts/dialog';
import { Findings } from '../parts/findings';
import { Empty, Show } from '../parts/states';
import { say } from '../parts/toast';

const counted = ['different', 'missing', 'extra', 'unreadable', 'waiting', 'open', 'left'];

function Ask({ onClose, again }: { onClose: () => void; again: () => void }) {
  const platforms = Object.keys(agentsByName.value);
  const [chosen, setChosen] = useState<string[]>([]);
  const [mode, setMode] = useState('');
  const modes: [string, string, string][] = [
    ['', 'Mend', 'What differs is decided by the policy: platforms are told to change.'],
    ['report', 'Report only', 'What differs is counted and listed; nothing is changed.'],
    ['review', 'Ask a person', 'Each value that differs becomes an exception, whoever owns it.'],
  ];
  return (
    <Confirm title="Have platforms read and compared" verb="Compare" onClose={onClose}
      danger={mode === ''}
      act={async () => {
        const { asked } = await reconcile(chosen, mode);
        say(`asked ${asked.join(', ')} to read everything`);
        again();
      }}>
      <p class="note warn">Each agent reads its whole platform: that spends its quota.</p>
      <fieldset class="form">
        <legend>Platforms (none marked: all)</legend>
        {platforms.map((one) => (
          <label key={one} class="check"><input type="checkbox" checked={chosen.includes(one)}
            onChange={() => setChosen(chosen.includes(one) ? chosen.filter((any) => any !== one)
              : [...chosen, one])} />{one}</label>))}
      </fieldset>
      <fieldset class="form">
        <legend>What becomes of a difference</legend>
        {modes.map(([value, name, what]) => (
          <label key={value} class="check"><input type="radio" name="mode" checked={mode === value}
            onChange={() => setMode(value)} /><span><b>{name}.</b> {what}</span></label>))}
      </fieldset>
    </Confirm>
  );
}

interface Drifts {
  reconciliation: Reconciliation;
  drifts: { record: string; was: string; partition: number }[];
  partitions_differing: number[];
  findings?: Finding[];
}

function Found({ platform, object }: { platform: string; object: string }) {
  const load = useLoad<Drifts>(`reconciliations/${segment(platform)}/${segment(object)}`, {},
    ['reconciliations']);
  return (
    <Panel title={`${object} on ${platform}: what was found`} flush aside={
      <button type="button" class="icon-button" aria-label="Close"
        onClick={() => refine({ sel: '' })}><Icon name="close" /></button>}>
      <Show load={load}>
        {(data) => (
          <>
            {(data.findings ?? []).length > 0 &&
              <div class="panel-body"><Findings list={data.findings!} /></div>}
            {data.drifts.length === 0
              ? <Empty title="No record differed, was missing or extra in the newest run" />
              : <Table label="Records that differed" rows={data.drifts}
                rowKey={(one) => `${one.record} ${one.was}`} columns={[
                  { head: 'Record', cell: (one) => <Id text={one.record}
                    href={link('entity', [object, `${platform}:${one.record}`])} /> },
                  { head: 'Was', cell: (one) => <Badge tone="warn">{one.was}</Badge> },
                  { head: 'Partition', align: 'right', cell: (one) => one.partition }]} />}
          </>
        )}
      </Show>
    </Panel>
  );
}

function Runs({ rows }: { rows: Reconciliation[] }) {
  const names = counted.filter((name) => rows.some((row) => row[name] !== undefined));
  return (
    <Table label="The newest runs" rows={rows} rowKey={(one) => `${one.platform}/${one.object}`}
      current={route.value.query['sel']}
      onRow={(one) => refine({ sel: `${one.platform}/${one.object}` })} columns={[
        { head: 'Object', cell: (one) => <a href={link('reconciliation', [],
          { sel: `${one.platform}/${one.object}` })}>{one.object}</a> },
        { head: 'Platform', cell: (one) => one.platform },
        { head: 'Began', cell: (one) => <When at={one.began_at} age /> },
        { head: 'Records', align: 'right', cell: (one) => count(one.records) },
        ...names.map((name) => ({ head: name, align: 'right' as const, cell: (one: Reconciliation) => {
          const many = number(one[name]);
          return many === 0 ? <span class="dim">0</span>
            : <Badge tone={['left', 'waiting'].includes(name) ? 'info' : 'warn'}>{count(many)}</Badge>;
        } })),
        { head: 'Unlinked', align: 'right', cell: (one) => count(one.unlinked) },
        { head: 'Verified through', cell: (one) => one.verified_through === null
          ? <Badge tone="warn">never</Badge> : <When at={one.verified_through} /> },
      ]} />
  );
}

export function ReconciliationPage() {
  const load = useLoad<{ reconciliations: Reconciliation[]; pairs: Pair[]; findings?: Finding[] }>(
    'reconciliations', {}, ['reconciliations']);
  const [asking, setAsking] = useState(false);
  const [platform = '', object = ''] = (route.value.query['sel'] ?? '').split('/');
  const running = Object.values(agentsByName.value).filter((one) =>
    one.reconciling !== '' && one.reconciling !== 'idle');
  return (
    <>
      <div class="page-head">
        <h1>Reconciliation</h1>
        <p>Both sides read whole and compared: the proof that nothing was missed.</p>
        {may('operator') && <div class="end">
          <Button tone="main" onClick={() => setAsking(true)}>Compare now&hellip;</Button></div>}
      </div>
      <div class="stack">
        {running.length > 0 && (
          <p class="note" role="status">{running.map((one) =>
            `${one.platform} is ${one.reconciling}`).join(', ')}</p>)}
        <Show load={load} empty={(data) => data.reconciliations.length === 0}
          none={<div class="panel"><Empty title="Nothing was reconciled yet">
            <p class="dim">The policy's schedule starts runs by itself: [reconcile].</p></Empty></div>}>
          {(data) => (
            <>
              <Findings list={data.findings ?? []} />
              <Panel title="Proven equal">
                <dl class="facts">
                  {data.pairs.map((pair) => (
                    <Fact key={pair.object + pair.platforms} name={`${pair.object}: `
                      + pair.platforms.join(' \u2013 ')}>
                      {pair.verified_through === null ? <Badge tone="warn">never</Badge>
                        : <When at={pair.verified_through} />}
                    </Fact>))}
                </dl>
                {data.pairs.length === 0 && <p class="dim">No object is on two reconciled platforms.</p>}
              </Panel>
              <Panel title="The newest runs" flush aside={<span class="dim">
                {plural(data.reconciliations.length, 'object')} of a platform</span>}>
                <Runs rows={data.reconciliations} />
              </Panel>
            </>
          )}
        </Show>
        {platform !== '' && object !== '' &&
          <Found key={`${platform}/${object}`} platform={platform} object={object} />}
      </div>
      {asking && <Ask onClose={() => setAsking(false)} again={load.again} />}
    </>
  );
}
