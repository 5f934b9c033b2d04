// One exception: what the platform wants beside what is canonical, what each answer comes to.
import { useEffect, useState } from 'preact/hooks';
import { actOn, nameOf, toRule, type Rule } from '../lib/act';
import { Failure, segment } from '../lib/api';
import { display, words } from '../lib/format';
import { link, refine } from '../lib/route';
import { may, session } from '../lib/session';
import { kindOf } from '../lib/shared';
import { toInput } from '../lib/time';
import type { EntityAnswer, Exception, ExceptionAction, Json } from '../lib/types';
import { keep, useKeys, useLoad } from '../lib/use';
import { Badge, Button, Fact, Field, Icon, Id, SeverityMark, Table, ValueText, When }
  from '../parts/basics';
import { Confirm } from '../parts/dialog';
import { Findings } from '../parts/findings';
import { Failed, Show } from '../parts/states';
import { say } from '../parts/toast';
import { Reason } from './exceptions_bulk';

const actions: ExceptionAction[] = ['accept', 'reject', 'retry', 'discard', 'edit'];
const keysOf: Record<string, ExceptionAction> = { a: 'accept', r: 'reject', t: 'retry',
  d: 'discard', e: 'edit' };
const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

function SideBySide({ one }: { one: Exception }) {
  const entity = useLoad<EntityAnswer>(one.entity.startsWith('_') ? null
    : `entities/${segment(one.object)}/${segment(one.entity)}`, {}, ['exceptions']);
  const fields = [...new Set([...Object.keys(one.proposed), ...Object.keys(one.canonical)])].sort();
  const others = (entity.data?.entity.records ?? []).filter((any) => any.platform !== one.platform);
  if (fields.length === 0) return null;
  return (
    <section class="side-by-side">
      <h3>Side by side</h3>
      <Table label="Values side by side" rows={fields} rowKey={(field) => field} columns={[
        { head: 'Field', cell: (field) => field },
        { head: one.platform === '' ? 'wanted' : one.platform, cell: (field) =>
          <ValueText value={one.proposed[field]} than={one.canonical[field] ?? null} /> },
        { head: 'canonical', cell: (field) => <ValueText value={one.canonical[field]} /> },
        ...others.map((other) => ({ head: other.platform, cell: (field: string) =>
          <ValueText value={other.mirror[field]} than={one.canonical[field] ?? null} /> })),
      ]} />
    </section>
  );
}

/** JSON where it is that, else text. */
function read(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function Settle({ one, action, onClose, again }: {
  one: Exception; action: ExceptionAction; onClose: () => void; again: () => void;
}) {
  const [reason, setReason] = useState('');
  const fields = [...new Set([...Object.keys(one.canonical), ...Object.keys(one.proposed)])].sort();
  const before = (field: string): string =>
    display(one.canonical[field] ?? one.proposed[field] ?? '');
  const [values, setValues] = useState<Record<string, string>>(
    () => Object.fromEntries(fields.map((field) => [field, before(field)])));
  const changed = fields.filter((field) => values[field] !== before(field));
  const comesTo = kindOf.value[one.kind]?.actions[action] ?? '';
  const ready = (action !== 'discard' || reason.trim() !== '') &&
    (action !== 'edit' || changed.length > 0);
  return (
    <Confirm title={`${capital(action)}: ${nameOf(one)}`} verb={capital(action)} onClose={onClose}
      danger={action === 'discard' || one.kind === 'delete.review' && action === 'accept'}
      ready={ready}
      act={async () => {
        const set = Object.fromEntries(changed.map((field) => [field, read(values[field]!)]));
        const answer = await actOn(action, one,
          { reason, ...(action === 'edit' ? { set } : {}) });
        const finding = (answer.findings ?? []).find((any) => any.severity !== 'info');
        if (finding === undefined) say(`${nameOf(one)}: ${action} done`);
        else say(`${finding.message}${finding.hint === '' ? '' : `. ${finding.hint}`}`, true);
        again();
      }}>
      <p class="note">What it comes to: {comesTo === '' ? 'not told' : comesTo}.</p>
      {action === 'edit' && fields.map((field) => (
        <Field key={field} label={field}>
          <input type="text" value={values[field]} onInput={(event) =>
            setValues({ ...values, [field]: event.currentTarget.value })} />
        </Field>
      ))}
      {action === 'edit' && fields.length === 0 && <p>This exception is about no field.</p>}
      <Reason action={action} reason={reason} onReason={setReason} />
    </Confirm>
  );
}

function ToRule({ one, onClose }: { one: Exception; onClose: () => void }) {
  const [as, setAs] = useState<ExceptionAction | 'immaterial' | ''>(
    one.closed_by === '' ? 'accept' : '');
  const [rule, setRule] = useState<Rule | Failure | null>(null);
  useEffect(() => {
    setRule(null);
    toRule(one, as).then(setRule, (error: unknown) =>
      setRule(error instanceof Failure ? error : new Failure('failed', String(error))));
  }, [as]);
  const found = rule instanceof Failure ? null : rule;
  return (
    <Confirm wide title="Make it a rule" verb="Take it to the policy" onClose={onClose}
      ready={found !== null}
      act={async () => {
        keep('rule', found);
        location.hash = link('policy', [], { tab: 'change', from: 'rule' });
      }}>
      <Field label="What is to be decided from now on">
        <select value={as} onChange={(event) =>
          setAs(event.currentTarget.value as ExceptionAction | 'immaterial' | '')}>
          {one.closed_by !== '' && <option value="">as it was settled</option>}
          <option value="accept">accept</option>
          <option value="reject">reject</option>
          <option value="discard">discard</option>
          <option value="immaterial">not material: tell nobody</option>
        </select>
      </Field>
      {rule instanceof Failure && <Failed failure={rule} />}
      {found !== null && (
        <>
          <p>{found.meaning}</p>
          <pre class="text" tabIndex={0} aria-label="The rule">{found.rule}</pre>
          <p class="dim">at {found.where}. Nothing is changed here: the policy page shows what it
            would have done, and applies it.</p>
          <Findings list={found.findings ?? []} />
        </>
      )}
    </Confirm>
  );
}

function Care({ one, again }: { one: Exception; again: () => void }) {
  const [failure, setFailure] = useState('');
  const act = async (action: string, extra: Record<string, unknown>): Promise<void> => {
    setFailure('');
    try {
      await actOn(action, one, extra);
      again();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };
  const submit = (action: string, name: string) => (event: Event): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const input = form.elements.namedItem(name) as HTMLInputElement;
    const text = input.value.trim();
    if (text === '') return;
    const extra = name === 'at' ? { at: new Date(text).toISOString() } : { [name]: text };
    void act(action, extra).then(() => { input.value = ''; });
  };
  const me = session.value?.name ?? '';
  return (
    <section class="form">
      <h3>Care</h3>
      <div class="row">
        <span>{one.care.assignee === '' ? 'Nobody sees to it.' : <>Seen to by <b>{one.care.assignee}</b>.</>}</span>
        {one.care.assignee !== me && me !== '' &&
          <Button onClick={() => void act('assign', { to: me })}>I do</Button>}
        {one.care.assignee !== '' &&
          <Button onClick={() => void act('assign', { nobody: true })}>Nobody</Button>}
        {one.care.due !== null && <span>Due <When at={one.care.due} age />.</span>}
        <span class="tags">
          {one.care.tags.map((tag) => (
            <Badge key={tag}>{tag}{' '}
              <button type="button" class="copy" aria-label={`Take the tag ${tag} off`}
                onClick={() => void act('untag', { name: tag })}><Icon name="close" /></button>
            </Badge>))}
        </span>
      </div>
      <div class="row">
        <form class="row" onSubmit={submit('assign', 'to')}>
          <input name="to" type="text" size={12} placeholder="Assign to" aria-label="Assign to" />
        </form>
        <form class="row" onSubmit={submit('tag', 'name')}>
          <input name="name" type="text" size={10} placeholder="Add a tag" aria-label="Add a tag" />
        </form>
        <form class="row" onSubmit={submit('due', 'at')}>
          <input name="at" type="datetime-local" aria-label="Due"
            min={toInput(Date.now())} /><Button type="submit">Due</Button>
        </form>
      </div>
      <form class="row" onSubmit={submit('note', 'text')}>
        <input name="text" type="text" class="grow" placeholder="Write a note" aria-label="Write a note" />
        <Button type="submit">Keep</Button>
      </form>
      {failure !== '' && <p class="problem" role="alert">{failure}</p>}
    </section>
  );
}

function Facts({ one }: { one: Exception }) {
  const about = kindOf.value[one.kind];
  return (
    <>
      {one.reason !== '' && <p class={`note ${one.care.severity === 'info' ? '' : one.care.severity
        === 'warning' ? 'warn' : 'bad'}`}>{one.reason}</p>}
      {about !== undefined && (
        <p><b>{words(about.meaning)}.</b> {words(about.advice)}. <span class="dim">
          It closes {about.closes}.</span></p>)}
      <dl class="facts">
        <Fact name="entity"><Id text={one.entity} href={link('entity', [one.object, one.entity])} /></Fact>
        {one.record !== '' && <Fact name="record"><Id text={one.record} /></Fact>}
        <Fact name="opened"><When at={one.opened_at} /></Fact>
        <Fact name="changed"><When at={one.updated_at} age /></Fact>
        {one.source !== '' && <Fact name="source"><code>{one.source}</code></Fact>}
        {one.closed_by !== '' && <Fact name="settled by">{one.closed_by}</Fact>}
        {one.closing !== '' && <Fact name="settled">{one.closing}</Fact>}
      </dl>
    </>
  );
}

function More({ one }: { one: Exception }) {
  const violations = one.violations ?? [];
  const raw = typeof one.raw === 'object' ? one.raw : null;
  const notes = one.care.notes;
  const history = one.history ?? [];
  return (
    <>
      {violations.length > 0 && (
        <section>
          <h3>What breaks the contract</h3>
          <Table label="Violations" rows={violations} rowKey={(any) => JSON.stringify(any)} columns={[
            { head: 'Where', cell: (any) => <code>{any.pointer}</code> },
            { head: 'Expected', cell: (any) => any.expected },
            { head: 'Found', cell: (any) => <>{any.found}{any.taken_by_now &&
              <> <Badge tone="good">the policy of now takes it: retry</Badge></>}</> }]} />
        </section>)}
      {raw !== null && (raw.decoded !== undefined || raw.hex !== undefined) && (
        <section>
          <h3>The input</h3>
          {raw.error !== undefined && <p class="dim">does not decode: {raw.error}</p>}
          <pre class="text wrap" tabIndex={0} aria-label="The input">
            {raw.decoded !== undefined ? JSON.stringify(raw.decoded, null, 2) : raw.hex}</pre>
        </section>)}
      {notes.length > 0 && (
        <section>
          <h3>Notes</h3>
          <ul class="lines">{notes.map((note, at) => (
            <li key={at}><span class="dim">{note.by}, <When at={note.at} age /></span>{note.text}</li>))}
          </ul>
        </section>)}
      {history.length > 1 && (
        <section>
          <h3>History</h3>
          <ul class="lines">{history.map((any, at) => (
            <li key={at}><span class="dim"><When at={any.at} /> {any.status}</span>{any.reason}</li>))}
          </ul>
        </section>)}
    </>
  );
}

function One({ one, again }: { one: Exception; again: () => void }) {
  const [action, setAction] = useState<ExceptionAction | null>(null);
  const [rule, setRule] = useState(false);
  const open = one.status === 'open';
  const possible = kindOf.value[one.kind]?.actions ?? {};
  const offered = may('operator') && open ? actions.filter((any) => possible[any] !== undefined) : [];
  useKeys((event) => {
    const wanted = keysOf[event.key];
    if (wanted === undefined || !offered.includes(wanted)) return false;
    setAction(wanted);
    return true;
  });
  return (
    <>
      <header>
        <div class="row">
          <SeverityMark severity={one.care.severity} />
          <h2 class="grow">{nameOf(one)}</h2>
          {!open && <Badge tone="good">{one.status}</Badge>}
          <button type="button" class="icon-button" aria-label="Close the exception"
            onClick={() => refine({ sel: '' })}><Icon name="close" /></button>
        </div>
        <div class="actions">
          {offered.map((any) => (
            <Button key={any} tone={any === 'accept' ? 'main' : undefined} title={possible[any]}
              onClick={() => setAction(any)}>{capital(any)}</Button>))}
          {may('operator') && <Button onClick={() => setRule(true)}>Make it a rule&hellip;</Button>}
          {open && !may('operator') && <span class="dim">You may look; answering needs the role operator.</span>}
        </div>
      </header>
      <div class="detail-body">
        <Facts one={one} />
        <SideBySide one={one} />
        {open && may('operator') && <Care one={one} again={again} />}
        <More one={one} />
      </div>
      {action !== null &&
        <Settle one={one} action={action} onClose={() => setAction(null)} again={again} />}
      {rule && <ToRule one={one} onClose={() => setRule(false)} />}
    </>
  );
}

export function Detail({ name, again }: { name: string; again: () => void }) {
  const [object = '', entity = '', kind = ''] = splitName(name);
  const load = useLoad<{ exceptions: Exception[] }>(
    `exceptions/${segment(object)}/${segment(entity)}`, { kind }, ['exceptions']);
  return (
    <aside class="detail" aria-label="The exception">
      <Show load={load} rows={8}>
        {(data) => data.exceptions[0] === undefined
          ? <Failed failure={new Failure('not_found', 'It was settled, or never was.')} />
          : <One one={data.exceptions[0]} again={() => { load.again(); again(); }} />}
      </Show>
    </aside>
  );
}

/** object/entity/kind@platform; an entity's id may hold slashes. */
export function splitName(name: string): [string, string, string] {
  const first = name.indexOf('/');
  const last = name.lastIndexOf('/');
  return [name.slice(0, first), name.slice(first + 1, last), name.slice(last + 1)];
}
