import { useState } from 'preact/hooks';
import { decideApproval } from '../lib/act';
import { display, plural } from '../lib/format';
import { link, refine, route } from '../lib/route';
import { may, session } from '../lib/session';
import { millis, now } from '../lib/time';
import type { Approval } from '../lib/types';
import { useLoad } from '../lib/use';
import { Badge, Button, Fact, Field, Id, Panel, Table, When } from '../parts/basics';
import { Confirm } from '../parts/dialog';
import { Empty, Show } from '../parts/states';
import { say } from '../parts/toast';

function Answer({ one, word, onClose, again }: {
  one: Approval; word: 'approve' | 'reject'; onClose: () => void; again: () => void;
}) {
  const [comment, setComment] = useState('');
  const [who, setWho] = useState(session.value?.name ?? '');
  // Where nobody logs in the hub believes the name; where people do, it takes theirs.
  const asked = session.value?.csrf === undefined || session.value.csrf === '';
  return (
    <Confirm title={word === 'approve' ? 'Approve' : 'Reject'} onClose={onClose}
      verb={word === 'approve' ? 'Approve' : 'Reject'} danger={word === 'reject'}
      ready={who.trim() !== ''}
      act={async () => {
        await decideApproval(one.key, word, { seen: one.seen, who, comment });
        say(word === 'approve' ? 'approved' : 'rejected');
        again();
      }}>
      <p>{word === 'approve' ? 'The process goes on' : 'The process takes its way for a rejection'},
        as it was shown to you. If what is asked for has changed meanwhile, the hub refuses the
        answer and you are shown the new values.</p>
      <Shown one={one} />
      {asked && (
        <Field label="Who you are"><input type="text" value={who}
          onInput={(event) => setWho(event.currentTarget.value)} /></Field>)}
      <Field label="Comment"><input type="text" value={comment}
        onInput={(event) => setComment(event.currentTarget.value)} /></Field>
    </Confirm>
  );
}

function Shown({ one }: { one: Approval }) {
  return (
    <dl class="facts inline">
      {Object.entries(one.shown).map(([field, value]) =>
        <Fact key={field} name={field}><span class="value">{display(value)}</span></Fact>)}
    </dl>
  );
}

function Until({ one }: { one: Approval }) {
  const until = millis(one.until ?? null);
  if (until === null) return <span class="dim">no limit</span>;
  const near = until - now.value < 3_600_000;
  return near ? <Badge tone="warn"><When at={one.until ?? null} age /></Badge>
    : <When at={one.until ?? null} age />;
}

export function Approvals() {
  const load = useLoad<{ approvals: Approval[] }>('approvals', {}, ['approvals', 'instances']);
  const query = route.value.query;
  const role = query['role'] ?? '';
  const [answer, setAnswer] = useState<[Approval, 'approve' | 'reject'] | null>(null);
  const mayAnswer = may('approver');
  return (
    <>
      <div class="page-head">
        <h1>Approvals</h1>
        <p>{load.data === null ? '' : `${plural(load.data.approvals.length, 'answer')} waited for`}</p>
      </div>
      <Show load={load} empty={(data) => data.approvals.length === 0}
        none={<div class="panel"><Empty title="Nothing waits for an approval">
          <p class="dim">Steps of workflows that ask people stand here, the most urgent first.</p>
        </Empty></div>}>
        {({ approvals }) => {
          const roles = [...new Set(approvals.map((one) => one.role))].sort();
          const rows = approvals.filter((one) => role === '' || one.role === role);
          return (
            <Panel title="What is asked" flush aside={
              <select aria-label="Role" value={role}
                onChange={(event) => refine({ role: event.currentTarget.value })}>
                <option value="">Role: any</option>
                {roles.map((one) => <option key={one} value={one}>{one}</option>)}
              </select>}>
              {rows.length === 0 ? <Empty title="Nothing is asked of this role" />
                : <Table label="Approvals" rows={rows} rowKey={(one) => one.key}
                  current={query['sel']} columns={[
                    { head: 'What', cell: (one) => <Shown one={one} /> },
                    { head: 'Process', cell: (one) => (
                      <>{one.workflow}<br />
                        <Id text={one.instance} most={16}
                          href={link('workflows', [one.instance])} /></>) },
                    { head: 'Step', cell: (one) => one.step },
                    { head: 'Role', cell: (one) => <Badge>{one.role}</Badge> },
                    { head: 'For', cell: (one) => one.requester ?? '' },
                    { head: 'Missing', align: 'right', cell: (one) => one.missing },
                    { head: 'Until', cell: (one) => <Until one={one} /> },
                    { head: '', cell: (one) => mayAnswer
                      ? <span class="row">
                          <Button tone="main" onClick={() => setAnswer([one, 'approve'])}>Approve</Button>
                          <Button onClick={() => setAnswer([one, 'reject'])}>Reject</Button>
                        </span>
                      : <span class="dim">needs the role approver</span> },
                  ]} />}
            </Panel>
          );
        }}
      </Show>
      {answer !== null && <Answer one={answer[0]} word={answer[1]} again={load.again}
        onClose={() => setAnswer(null)} />}
    </>
  );
}
