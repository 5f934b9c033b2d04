import { useState } from 'preact/hooks';
import { actOnInstance } from '../lib/act';
import { Failure, segment } from '../lib/api';
import { display, plural, words } from '../lib/format';
import { go, link, refine, route } from '../lib/route';
import { may, session } from '../lib/session';
import type { Instance, InstanceHistory } from '../lib/types';
import { useLoad } from '../lib/use';
import { usePages } from '../lib/pages_of';
import { Badge, Button, Fact, Field, Icon, Id, Panel, Table, When, type Tone } from '../parts/basics';
import { Confirm } from '../parts/dialog';
import { Empty, Failed, Loading, Show } from '../parts/states';
import { say } from '../parts/toast';
import { Graph, type Definition } from './workflow_graph';

function standing(one: Instance): { tone: Tone; text: string } {
  if ((one.exceptions ?? []).length > 0) return { tone: 'bad', text: 'needs a person' };
  if (one.held !== undefined) return { tone: 'warn', text: `paused ${one.held}` };
  const tones: Record<string, Tone> = { done: 'good', running: 'info', compensated: 'plain' };
  return { tone: tones[one.status] ?? 'warn', text: one.status };
}

function standsAt(one: Instance): string {
  const first = one.steps[0];
  if (first === undefined) return '';
  const more = one.steps.length > 1 ? ` and ${one.steps.length - 1} more` : '';
  return `${first.step}${first.waits_for === undefined ? '' : `: waits for ${first.waits_for}`}${more}`;
}

interface Page {
  instances: Instance[];
  next?: string | null;
  total?: number;
  count?: number;
}

function Instances({ definitions }: { definitions: Definition[] }) {
  const query = route.value.query;
  const load = usePages<Instance, Page>('instances',
    { workflow: query['workflow'], status: query['status'], held: query['held'] }, 100,
    (page) => page.instances, ['instances', 'approvals']);
  return (
    <Panel title="Instances" flush aside={
      <div class="filters">
        <select aria-label="Workflow" value={query['workflow'] ?? ''}
          onChange={(event) => refine({ workflow: event.currentTarget.value })}>
          <option value="">Workflow: any</option>
          {definitions.map((one) => <option key={one.workflow} value={one.workflow}>{one.workflow}</option>)}
        </select>
        <select aria-label="Status" value={query['status'] ?? ''}
          onChange={(event) => refine({ status: event.currentTarget.value })}>
          <option value="">Status: any</option>
          {['running', 'compensating', 'done', 'compensated'].map((one) =>
            <option key={one} value={one}>{one}</option>)}
        </select>
        <label class="check"><input type="checkbox" checked={query['held'] !== undefined}
          onChange={(event) => refine({ held: event.currentTarget.checked ? '1' : '' })} />
          needs a person</label>
      </div>}>
      {load.failure !== null && load.rows.length === 0
        ? <Failed failure={load.failure} again={load.again} />
        : load.rows.length === 0
          ? load.loading ? <Loading /> : <Empty title="No instance is like that">
              <p class="dim">synclinectl workflows start begins one; most begin by an event.</p></Empty>
          : <>
              <Table label="Instances" rows={load.rows} rowKey={(one) => one.instance}
                onRow={(one) => go(link('workflows', [one.instance]))} columns={[
                  { head: 'Instance', cell: (one) => <Id text={one.instance}
                    href={link('workflows', [one.instance])} /> },
                  { head: 'Workflow', cell: (one) => one.workflow },
                  { head: 'Status', cell: (one) => {
                    const { tone, text } = standing(one);
                    return <Badge tone={tone}>{text}</Badge>;
                  } },
                  { head: 'Stands at', cell: standsAt },
                  { head: 'Since', cell: (one) => <When at={one.updated_at ?? null} age /> },
                  { head: 'Started', cell: (one) => <When at={one.started_at ?? null} age /> },
                ]} />
              {load.rows.length < load.total && (
                <div class="panel-body">
                  <Button onClick={() => load.more(load.rows.length + 100)}>Show more</Button>
                </div>)}
            </>}
    </Panel>
  );
}

function Definitions({ all, instances }: { all: Definition[]; instances: Instance[] }) {
  const chosen = all.find((one) => one.workflow === route.value.query['workflow']);
  if (chosen === undefined) {
    return (
      <Panel title="Workflows" flush>
        {all.length === 0 ? <Empty title="The policy has no workflows" />
          : <Table label="Workflows" rows={all} rowKey={(one) => one.workflow}
            onRow={(one) => refine({ workflow: one.workflow }, 'push')} columns={[
              { head: 'Workflow', cell: (one) => <a href={link('workflows', [],
                { workflow: one.workflow })}>{one.workflow}</a> },
              { head: 'Owner', cell: (one) => one.owner },
              { head: 'Steps', align: 'right', cell: (one) => one.steps.length },
            ]} />}
      </Panel>
    );
  }
  return (
    <Panel title={chosen.workflow} aside={<span class="dim">numbers: instances at a step</span>}>
      <Graph definition={chosen} instances={instances.filter((one) =>
        one.workflow === chosen.workflow && one.status === 'running')} />
    </Panel>
  );
}

function Overview() {
  const definitions = useLoad<{ workflows: Definition[] }>('workflows', {}, ['policy']);
  const workflow = route.value.query['workflow'];
  const standingNow = useLoad<Page>(workflow === undefined ? null : 'instances',
    { workflow, status: 'running', limit: 500 }, ['instances']);
  const instances = standingNow.data?.instances ?? [];
  return (
    <>
      <div class="page-head">
        <h1>Workflows</h1>
        {workflow !== undefined && <p>{plural(instances.length, 'instance')} of {workflow} running</p>}
      </div>
      <div class="grid narrow-wide">
        <Show load={definitions}>
          {(data) => <Definitions all={data.workflows} instances={instances} />}
        </Show>
        <Instances definitions={definitions.data?.workflows ?? []} />
      </div>
    </>
  );
}

// ---- One instance. ------------------------------------------------------------------------------

interface Act {
  name: string;
  what: string;
  danger?: boolean;
  step?: boolean;
}
const acts: Act[] = [
  { name: 'pause', what: 'No more steps are begun until somebody resumes it.' },
  { name: 'resume', what: 'It goes on; what has failed is tried again.' },
  { name: 'retry', step: true, what: 'The step is tried again. If it is in doubt, you say by this '
    + 'that it was not applied: if it was, it is done twice.', danger: true },
  { name: 'skip', step: true, what: 'The step counts as done, without any effect.', danger: true },
  { name: 'applied', step: true, what: 'You say that the step was applied.' },
  { name: 'restart', step: true, what: 'It goes on from this step; what came after is done again.',
    danger: true },
  { name: 'migrate', what: "It goes on under the policy's definition of now." },
  { name: 'cancel', what: 'What was done is undone, and it ends. That cannot be taken back.',
    danger: true },
];

function ActOn({ one, act, onClose, again }: {
  one: Instance; act: Act; onClose: () => void; again: () => void;
}) {
  const [step, setStep] = useState(one.exceptions?.[0]?.step ?? one.steps[0]?.step ?? '');
  const [reason, setReason] = useState('');
  const undone = act.name === 'cancel' ? one.applied ?? [] : [];
  return (
    <Confirm title={`${words(act.name)} ${one.workflow}`} verb={words(act.name)} onClose={onClose}
      danger={act.danger === true} ready={act.step !== true || step !== ''}
      act={async () => {
        await actOnInstance(one.instance, act.name, { who: session.value?.name ?? '',
          ...(act.step === true ? { step } : {}), reason });
        say(`${act.name}: told`);
        again();
      }}>
      <p class={act.danger === true ? 'note bad' : 'note'}>{act.what}</p>
      {undone.length > 0 && <p>To be undone: {undone.map((any) => any.step).join(', ')}.</p>}
      {act.step === true && (
        <Field label="Step">
          <input type="text" list="steps" value={step}
            onInput={(event) => setStep(event.currentTarget.value)} />
        </Field>)}
      <datalist id="steps">{one.steps.map((any) => <option key={any.step} value={any.step} />)}</datalist>
      <Field label="Reason" hint="Kept in the history with your name.">
        <input type="text" value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </Field>
    </Confirm>
  );
}

type Answer = { instance: Instance; history?: InstanceHistory[] } | Instance;
const instanceOf = (answer: Answer): Instance =>
  typeof answer.instance === 'string' ? answer as Instance : answer.instance;
const historyOf = (answer: Answer): InstanceHistory[] =>
  typeof answer.instance === 'string' ? [] : (answer as { history?: InstanceHistory[] }).history ?? [];

function Trouble({ one }: { one: Instance }) {
  if (one.exceptions === undefined) return null;
  return (
    <div class="note bad">
      {one.exceptions.map((any, at) => (
        <p key={at}><Icon name="warn" /> {any.code}{any.step !== '' && ` at ${any.step}`}: {any.reason}</p>))}
    </div>
  );
}

function InstanceBody({ one, history, definition }: {
  one: Instance; history: InstanceHistory[]; definition: Definition | undefined;
}) {
  return (
    <div class="grid narrow-wide">
      <Panel title="Where it stands">
        {definition === undefined
          ? <Table label="Stands at" rows={one.steps} rowKey={(step) => step.step} columns={[
              { head: 'Step', cell: (step) => step.step },
              { head: 'Phase', cell: (step) => step.phase },
              { head: 'Waits for', cell: (step) => step.waits_for ?? '' }]} />
          : <Graph definition={definition} instances={[one]} only={one} history={history} />}
      </Panel>
      <div class="stack">
        <Trouble one={one} />
        {one.steps.length > 0 && (
          <Panel title="Waits for" flush>
            <Table label="Steps that it stands at" rows={one.steps} rowKey={(step) => step.step}
              columns={[
                { head: 'Step', cell: (step) => <b>{step.step}</b> },
                { head: 'Phase', cell: (step) => step.phase },
                { head: 'Waits for', cell: (step) => step.waits_for === 'an approval'
                  ? <a href={link('approvals')}>an approval</a> : step.waits_for ?? '' },
                { head: 'Attempt', align: 'right', cell: (step) => step.attempt ?? '' },
                { head: 'Due', cell: (step) => step.due === undefined ? ''
                  : <When at={step.due} age /> }]} />
          </Panel>)}
        <Panel title="Context">
          <dl class="facts">
            {Object.entries(one.context).map(([name, value]) =>
              <Fact key={name} name={name}><span class="value">{display(value)}</span></Fact>)}
          </dl>
        </Panel>
        {history.length > 0 && (
          <Panel title="History" flush aside={<span class="dim">{plural(history.length, 'decision')}</span>}>
            <ol class="timeline">
              {history.map((entry) => (
                <li key={entry.revision}>
                  <When at={entry.at} /><span class="num">{entry.revision}</span>
                  <div class="lines">{entry.decided.map((line, at) => <span key={at}>{line}</span>)}
                    {entry.inputs.length > 0 && <span class="dim">{entry.inputs.join(', ')}</span>}</div>
                </li>))}
            </ol>
          </Panel>)}
      </div>
    </div>
  );
}

function One({ id }: { id: string }) {
  const load = useLoad<Answer>(`instances/${segment(id)}/history`, {}, ['instances', 'approvals']);
  const definitions = useLoad<{ workflows: Definition[] }>('workflows', {}, ['policy']);
  const [act, setAct] = useState<Act | null>(null);
  return (
    <Show load={load} rows={8}>
      {(data) => {
        const one = instanceOf(data);
        if (one === undefined) {
          return <Failed failure={new Failure('not_found', 'no instance has this id')} />;
        }
        const { tone, text } = standing(one);
        const ended = one.status === 'done' || one.status === 'compensated';
        return (
          <>
            <div class="page-head">
              <h1>{one.workflow}</h1><Id text={one.instance} /><Badge tone={tone}>{text}</Badge>
              {may('operator') && !ended && (
                <div class="end">
                  {acts.filter((any) => any.name !== (one.held === undefined ? 'resume' : 'pause')
                    || (one.exceptions ?? []).length > 0)
                    .map((any) => <Button key={any.name} onClick={() => setAct(any)}>
                      {words(any.name)}</Button>)}
                </div>)}
            </div>
            <dl class="facts lead">
              <Fact name="started"><When at={one.started_at ?? null} /></Fact>
              <Fact name="changed"><When at={one.updated_at ?? null} age /></Fact>
              {one.requester !== undefined && <Fact name="for">{one.requester}</Fact>}
              {one.deadline !== undefined && <Fact name="deadline"><When at={one.deadline} age /></Fact>}
              {one.variant !== undefined && <Fact name="variant">{one.variant}</Fact>}
              {one.parent !== undefined && <Fact name="called by"><Id text={one.parent} /></Fact>}
              {one.reason !== undefined && <Fact name="reason">{one.reason}</Fact>}
            </dl>
            <InstanceBody one={one} history={historyOf(data)}
              definition={definitions.data?.workflows.find((any) => any.workflow === one.workflow)} />
            {act !== null && <ActOn one={one} act={act} onClose={() => setAct(null)} again={load.again} />}
          </>
        );
      }}
    </Show>
  );
}

export function Workflows() {
  const [id] = route.value.parts;
  return id === undefined ? <Overview /> : <One key={id} id={id} />;
}
