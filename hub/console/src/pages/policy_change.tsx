// Changing the policy: edit, check, see what it would have done to the recorded traffic, apply. The
// draft is the browser's until it is applied, so that nothing typed is lost.
import { useEffect, useState } from 'preact/hooks';
import { applyPolicy, checkPolicy, planPolicy, type Rule } from '../lib/act';
import { Failure } from '../lib/api';
import { count, display, plural } from '../lib/format';
import { link, refine, route } from '../lib/route';
import { may } from '../lib/session';
import type { Finding, Json, Plan, PolicyVersion } from '../lib/types';
import { keep, kept, useLoad } from '../lib/use';
import { Badge, Button, Fact, Field, Id, Panel, Table } from '../parts/basics';
import { Confirm } from '../parts/dialog';
import { DiffView } from '../parts/diff_view';
import { Findings } from '../parts/findings';
import { Failed, Show } from '../parts/states';
import { say } from '../parts/toast';
import { FileList, type Files } from './policy';

interface Draft {
  base: number;
  files: Files;
}

function changedIn(files: Files, before: Files): Set<string> {
  const names = new Set([...Object.keys(files), ...Object.keys(before)]);
  return new Set([...names].filter((name) => files[name] !== before[name]));
}

type Row = { [key: string]: Json };
function Counts({ title, rows }: { title: string; rows: Row[] | undefined }) {
  if (rows === undefined || rows.length === 0) return null;
  const columns = Object.keys(rows[0]!);
  return (
    <section>
      <h3>{title}</h3>
      <Table label={title} rows={rows} rowKey={(row) => JSON.stringify(row)}
        columns={columns.map((name) => ({
          head: name.replaceAll('_', ' '),
          ...(typeof rows[0]![name] === 'number' ? { align: 'right' as const } : {}),
          cell: (row: Row) => display(row[name]),
        }))} />
    </section>
  );
}

function PlanView({ plan }: { plan: Plan }) {
  const nothing = plan.differing === 0 && plan.stored_differing === 0;
  return (
    <div class="stack">
      <dl class="facts">
        <Fact name="recorded inputs">{count(plan.inputs)}</Fact>
        <Fact name="decided otherwise">{count(plan.differing)}</Fact>
        <Fact name="entities stored">{count(plan.stored)}</Fact>
        <Fact name="with other commands at once">{count(plan.stored_differing)}</Fact>
        {plan.plan !== undefined && <Fact name="plan"><Id text={plan.plan} most={24} /></Fact>}
      </dl>
      <Findings list={plan.findings ?? []} />
      {nothing && <p class="note good">It would have decided everything as before, and changes nothing at once.</p>}
      <Counts title="Fields decided otherwise" rows={plan.fields as Row[] | undefined} />
      <Counts title="Commands that the recorded inputs lead to" rows={plan.commands as Row[] | undefined} />
      <Counts title="Commands at once" rows={plan.commands_at_once as Row[] | undefined} />
      <Counts title="Exceptions" rows={plan.exceptions as Row[] | undefined} />
      {(plan.examples ?? []).length > 0 && (
        <section>
          <h3>The first differences</h3>
          <ul class="lines">
            {plan.examples!.map((one, at) => (
              <li key={at}>
                <span><a href={link('entity', [one.object, one.entity])}>{one.object} {one.entity}</a>{' '}
                  <span class="dim">{one.sequence === 0 ? 'as stored' : `input ${one.sequence}`}</span></span>
                {one.fields.map((field, i) => (
                  <span key={i}>{field.field} of {field.from} = {display(field.value)}:{' '}
                    <Badge>{field.now ?? 'not decided'}</Badge> &rarr; <Badge tone="info">
                      {field.then ?? 'not decided'}</Badge></span>))}
              </li>))}
          </ul>
        </section>)}
    </div>
  );
}

function Apply({ files, plan, onClose, onDone }: {
  files: Files; plan: Plan; onClose: () => void; onDone: () => void;
}) {
  const [reason, setReason] = useState('');
  return (
    <Confirm title="Apply this policy" verb="Apply" danger onClose={onClose}
      ready={reason.trim() !== '' && plan.plan !== undefined}
      act={async () => {
        const answer = await applyPolicy(files, plan.plan ?? '', reason);
        say(answer.in_force === true ? `version ${answer.version} is in force`
          : answer.approvals_missing !== undefined && answer.approvals_missing > 0
            ? `version ${answer.version} waits for ${plural(answer.approvals_missing, 'more person',
              'more people')}` : `version ${answer.version} is stored`);
        onDone();
      }}>
      <p class="note warn">It becomes the next version and rules all hubs from one input on.
        {plan.stored_differing > 0
          ? ` ${plural(plan.stored_differing, 'entity', 'entities')} get other commands at once.`
          : ' No entity gets another command at once.'}</p>
      <p class="dim">Refused if another version came into force since the plan, or the files are others
        than were planned.</p>
      <Field label="Reason (needed)"><input type="text" value={reason}
        onInput={(event) => setReason(event.currentTarget.value)} /></Field>
    </Confirm>
  );
}

/** A rule that an exception was made into. */
function takeRule(): Rule | null {
  if (route.peek().query['from'] !== 'rule') return null;
  return kept<Rule | null>('rule', null);
}

function Editor({ active, before, again }: {
  active: PolicyVersion; before: Files; again: () => void;
}) {
  const rule = takeRule();
  const [draft, setDraft] = useState<Draft>(() => {
    const stored = kept<Draft | null>('draft', null);
    if (rule?.changed !== undefined) {
      return { base: active.version, files: { ...before, ...rule.changed } };
    }
    return stored !== null && stored.base === active.version ? stored
      : { base: active.version, files: before };
  });
  const [found, setFound] = useState<Finding[] | null>(null);
  const [plan, setPlan] = useState<Plan | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState('');
  const [applying, setApplying] = useState(false);
  const [from, setFrom] = useState('30d');
  const [shows, setShows] = useState<'edit' | 'diff'>('edit');
  useEffect(() => keep('draft', draft), [draft]);
  const changed = changedIn(draft.files, before);
  const names = Object.keys(draft.files).sort();
  const chosen = route.value.query['file'] ?? [...changed][0] ?? names[0] ?? '';
  const edit = (text: string): void => {
    setPlan(null);
    setFound(null);
    setDraft({ ...draft, files: { ...draft.files, [chosen]: text } });
  };
  const run = async (what: 'check' | 'plan'): Promise<void> => {
    setBusy(what);
    setFailure(null);
    try {
      if (what === 'check') setFound((await checkPolicy(draft.files)).findings ?? []);
      else setPlan(await planPolicy(draft.files, from));
    } catch (error) {
      setFailure(error instanceof Failure ? error : new Failure('failed', String(error)));
    }
    setBusy('');
  };
  const discard = (): void => {
    setDraft({ base: active.version, files: before });
    setPlan(null);
    setFound(null);
    keep('rule', null);
    refine({ from: '' });
  };
  return (
    <div class="stack">
      {rule !== null && (
        <div class="note"><p>{rule.meaning}</p>
          {rule.changed === undefined && <>
            <p>Put this at {rule.where}:</p>
            <pre class="text" tabIndex={0} aria-label="The rule">{rule.rule}</pre></>}
        </div>)}
      <Panel title={`Draft on version ${active.version}`} aside={
        <span class="row">
          <Button aria-pressed={shows === 'diff'} disabled={changed.size === 0}
            onClick={() => setShows(shows === 'diff' ? 'edit' : 'diff')}>
            {shows === 'diff' ? 'Edit' : `Diff (${changed.size})`}</Button>
          <Button disabled={changed.size === 0} onClick={discard}>Discard the draft</Button>
          <Button disabled={busy !== '' || !may('architect')} onClick={() => void run('check')}>
            {busy === 'check' ? 'Checking\u2026' : 'Check'}</Button>
          <label class="row"><span>traffic of the last</span><input type="text" value={from} size={5}
            onInput={(event) => setFrom(event.currentTarget.value)} /></label>
          <Button tone="main" disabled={busy !== '' || changed.size === 0 || !may('architect')}
            onClick={() => void run('plan')}>{busy === 'plan' ? 'Planning\u2026' : 'Plan'}</Button>
        </span>}>
        {shows === 'diff'
          ? <div class="stack">{[...changed].sort().map((name) => <section key={name}><h3>{name}</h3>
              <DiffView name={name} before={before[name] ?? ''} after={draft.files[name] ?? ''} />
            </section>)}</div>
          : <div class="files">
              <FileList names={names} chosen={chosen} marked={changed} href={(file) =>
                link('policy', [], { ...route.value.query, file })} />
              <textarea class="editor" aria-label={chosen} spellcheck={false} wrap="off" rows={26}
                value={draft.files[chosen] ?? ''}
                onInput={(event) => edit(event.currentTarget.value)} />
            </div>}
      </Panel>
      {failure !== null && <div class="panel"><Failed failure={failure} /></div>}
      {found !== null && <Panel title="Check">
        <Findings list={found} none="No errors, no warnings." /></Panel>}
      {plan !== null && (
        <Panel title="Plan: what it would have done" aside={
          <Button tone="danger" disabled={!may('architect') || plan.plan === undefined
            || (plan.findings ?? []).some((one) => one.severity === 'error')}
            onClick={() => setApplying(true)}>Apply&hellip;</Button>}>
          <PlanView plan={plan} />
        </Panel>)}
      {applying && plan !== null && <Apply files={draft.files} plan={plan}
        onClose={() => setApplying(false)}
        onDone={() => {
          keep('draft', null);
          keep('rule', null);
          location.hash = link('policy');
          again();
        }} />}
    </div>
  );
}

export function Change({ active, again }: { active: PolicyVersion; again: () => void }) {
  const load = useLoad<{ files: Files }>(`policy/versions/${active.version}`);
  return (
    <Show load={load} rows={8}>
      {({ files }) => <Editor key={active.version} active={active} before={files} again={again} />}
    </Show>
  );
}
