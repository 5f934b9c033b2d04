// Several at once. By filter the hub says first what it would do to which; only what was shown is done.
import { useState } from 'preact/hooks';
import { actOn, actOnAll, nameOf, type ActionAnswer, type ExceptionFilter } from '../lib/act';
import { Failure } from '../lib/api';
import { count, plural } from '../lib/format';
import { kindOf } from '../lib/shared';
import type { Exception, ExceptionAction } from '../lib/types';
import { Button, Field, Table } from '../parts/basics';
import { Confirm, Dialog } from '../parts/dialog';
import { Failed, Loading } from '../parts/states';
import { say } from '../parts/toast';

const actions: ExceptionAction[] = ['accept', 'reject', 'retry', 'discard'];
/** More than this is not done in one go: a person cannot have looked at it. */
const most = 1000;

type Named = { kind: string; platform: string; object: string; entity: string };

function Preview({ rows, action }: { rows: Named[]; action: ExceptionAction }) {
  return (
    <Table label="What would be done" rows={rows.slice(0, 200)}
      rowKey={(one) => `${one.object}/${one.entity}/${nameOf(one)}`} columns={[
        { head: 'Kind', cell: (one) => nameOf(one) },
        { head: 'Entity', cell: (one) => <>{one.object} <code>{one.entity}</code></> },
        { head: 'Comes to', cell: (one) => kindOf.value[one.kind]?.actions[action] ?? '' },
      ]} />
  );
}

function tell(action: string, done: number, answer: ActionAnswer): void {
  const open = (answer.findings ?? []).filter((one) => one.severity !== 'info');
  if (open.length === 0) return say(`${plural(done, 'exception')}: ${action} done`);
  say(`${plural(done, 'exception')}: ${action}; ${open[0]!.message}`
    + (open.length > 1 ? ` (and ${open.length - 1} more)` : ''), true);
}

function ByFilter({ action, filter, onClose, again }: {
  action: ExceptionAction; filter: ExceptionFilter; onClose: () => void; again: () => void;
}) {
  const [reason, setReason] = useState('');
  const [plan, setPlan] = useState<ActionAnswer | Failure | null>(null);
  const [asked, setAsked] = useState(false);
  if (!asked) {
    setAsked(true);
    actOnAll(action, filter, true, most, { reason: 'dry run' }).then(setPlan, (error: unknown) =>
      setPlan(error instanceof Failure ? error : new Failure('failed', String(error))));
  }
  const title = `${action[0]!.toUpperCase()}${action.slice(1)} all that are like this`;
  if (plan === null || plan instanceof Failure) {
    return (
      <Dialog title={title} onClose={onClose}>
        {plan === null ? <Loading /> : <Failed failure={plan} />}
      </Dialog>
    );
  }
  const rows = plan.exceptions ?? [];
  return (
    <Confirm wide title={title} danger={action === 'discard'} onClose={onClose}
      verb={`${action[0]!.toUpperCase()}${action.slice(1)} ${count(rows.length)}`}
      ready={rows.length > 0 && (action !== 'discard' || reason.trim() !== '')}
      act={async () => {
        const answer = await actOnAll(action, filter, false, rows.length, { reason });
        tell(action, (answer.exceptions ?? rows).length, answer);
        again();
      }}>
      <p>This is a dry run: nothing was done yet. {plural(rows.length, 'exception')} would change
        {(plan.left_out ?? 0) > 0 && `; ${count(plan.left_out!)} cannot be answered like this and stay`}.
      </p>
      <Preview rows={rows} action={action} />
      {rows.length > 200 && <p class="dim">and {count(rows.length - 200)} more</p>}
      <Reason action={action} reason={reason} onReason={setReason} />
    </Confirm>
  );
}

export function Reason({ action, reason, onReason }: {
  action: string; reason: string; onReason: (text: string) => void;
}) {
  return (
    <Field label={action === 'discard' ? 'Reason (needed)' : 'Reason'}
      hint="Stands in the decision log with your name.">
      <input type="text" value={reason} onInput={(event) => onReason(event.currentTarget.value)} />
    </Field>
  );
}

function OfMarked({ action, marked, onClose, again }: {
  action: ExceptionAction; marked: Exception[]; onClose: () => void; again: () => void;
}) {
  const [reason, setReason] = useState('');
  const fit = marked.filter((one) => kindOf.value[one.kind]?.actions[action] !== undefined);
  return (
    <Confirm wide title={`${action[0]!.toUpperCase()}${action.slice(1)} what is marked`}
      danger={action === 'discard'} onClose={onClose}
      verb={`${action[0]!.toUpperCase()}${action.slice(1)} ${count(fit.length)}`}
      ready={fit.length > 0 && (action !== 'discard' || reason.trim() !== '')}
      act={async () => {
        let done = 0;
        const wrong: string[] = [];
        for (const one of fit) {
          try {
            const answer = await actOn(action, one, { reason });
            const finding = (answer.findings ?? []).find((any) => any.severity !== 'info');
            if (finding === undefined) ++done;
            else wrong.push(`${one.object} ${one.entity}: ${finding.message}`);
          } catch (error) {
            wrong.push(`${one.object} ${one.entity}: ${error instanceof Error ? error.message : error}`);
          }
        }
        if (done > 0) say(`${plural(done, 'exception')}: ${action} done`);
        if (wrong.length > 0) say(`${plural(wrong.length, 'was', 'were')} not done: ${wrong[0]}`, true);
        again();
      }}>
      <p>{plural(fit.length, 'exception')} would change
        {fit.length < marked.length &&
          `; ${count(marked.length - fit.length)} of the marked cannot be answered like this and stay`}.
      </p>
      <Preview rows={fit} action={action} />
      <Reason action={action} reason={reason} onReason={setReason} />
    </Confirm>
  );
}

export function Bulk({ filter, narrowed, total, marked, clear, again }: {
  filter: ExceptionFilter; narrowed: boolean; total: number; marked: Exception[];
  clear: () => void; again: () => void;
}) {
  const [action, setAction] = useState<ExceptionAction | null>(null);
  const some = marked.length > 0;
  const done = (): void => {
    clear();
    again();
  };
  return (
    <div class="bulk" role="group" aria-label="Several at once">
      <strong>{some ? `${count(marked.length)} marked` : `all ${count(total)} like this`}</strong>
      {actions.map((one) => (
        <Button key={one} disabled={!some && !narrowed} onClick={() => setAction(one)}>
          {one[0]!.toUpperCase() + one.slice(1)}&hellip;
        </Button>
      ))}
      {some && <Button tone="quiet" onClick={clear}>Unmark</Button>}
      {action !== null && (some
        ? <OfMarked action={action} marked={marked} onClose={() => setAction(null)} again={done} />
        : <ByFilter action={action} filter={filter} onClose={() => setAction(null)} again={done} />)}
    </div>
  );
}
