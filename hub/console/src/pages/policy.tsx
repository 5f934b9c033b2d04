import { useState } from 'preact/hooks';
import { approveVersion, rollBackTo } from '../lib/act';
import { plural } from '../lib/format';
import { link, refine, route } from '../lib/route';
import { may } from '../lib/session';
import type { PolicyVersion } from '../lib/types';
import { useLoad } from '../lib/use';
import { Badge, Button, Field, Id, Panel, Table, Tabs, When, type Tone } from '../parts/basics';
import { Confirm } from '../parts/dialog';
import { DiffView } from '../parts/diff_view';
import { Empty, Show } from '../parts/states';
import { say } from '../parts/toast';
import { Change } from './policy_change';

export type Files = Record<string, string>;
interface VersionFiles {
  version: number;
  files: Files;
}

const tones: Record<string, Tone> = { 'in force': 'good', waits: 'warn', refused: 'bad' };

function Ask({ what, one, onClose, again }: {
  what: 'approve' | 'rollback'; one: PolicyVersion; onClose: () => void; again: () => void;
}) {
  const [reason, setReason] = useState('');
  const approve = what === 'approve';
  return (
    <Confirm title={approve ? `Approve version ${one.version}` : `Go back to version ${one.version}`}
      verb={approve ? 'Approve' : 'Go back'} danger={!approve} onClose={onClose}
      ready={reason.trim() !== ''}
      act={async () => {
        if (approve) await approveVersion(one.version, reason);
        else await rollBackTo(one.version, reason, false);
        say(approve ? `version ${one.version} is approved by you`
          : `the files of version ${one.version} are the next version`);
        again();
      }}>
      <p class={approve ? 'note' : 'note bad'}>{approve
        ? `${one.author} made it: ${one.reason}. With enough approvals it is in force at once, for all hubs.`
        : 'Its files become the next version and are in force at once for all hubs, unless another '
          + 'person has to approve. Entities are decided by it from then on.'}</p>
      <Field label="Reason (needed)"><input type="text" value={reason}
        onInput={(event) => setReason(event.currentTarget.value)} /></Field>
    </Confirm>
  );
}

function Versions({ versions, again }: { versions: PolicyVersion[]; again: () => void }) {
  const [asked, setAsked] = useState<['approve' | 'rollback', PolicyVersion] | null>(null);
  return (
    <Panel title="Versions" flush>
      <Table label="Versions" rows={versions} rowKey={(one) => String(one.version)} columns={[
        { head: 'Version', align: 'right', cell: (one) =>
          <a href={link('policy', [], { tab: 'files', version: one.version })}>{one.version}</a> },
        { head: 'Standing', cell: (one) => <>
          <Badge tone={tones[one.standing] ?? 'plain'}>{one.standing}</Badge>
          {one.refused !== undefined && <div class="dim">{one.refused}</div>}</> },
        { head: 'Policy', cell: (one) => <Id text={one.hash} most={13} /> },
        { head: 'Made', cell: (one) => <When at={one.at} /> },
        { head: 'By', cell: (one) => [one.author, ...one.approvals.map((any) => any.actor)].join(', ') },
        { head: 'Reason', cell: (one) => <>{one.restores !== undefined &&
          <span class="dim">as version {one.restores}: </span>}{one.reason}</> },
        { head: 'In force since', cell: (one) => <When at={one.in_force_at ?? null} none="" /> },
        { head: '', cell: (one) => (
          <span class="row">
            {one.version > 1 && <a href={link('policy', [], { tab: 'diff', version: one.version,
              against: one.base || one.version - 1 })}>diff</a>}
            {may('architect') && one.standing === 'waits' &&
              <Button onClick={() => setAsked(['approve', one])}>Approve</Button>}
            {may('architect') && one.standing === 'replaced' &&
              <Button onClick={() => setAsked(['rollback', one])}>Go back to it</Button>}
          </span>) },
      ]} />
      {asked !== null && <Ask what={asked[0]} one={asked[1]} again={again}
        onClose={() => setAsked(null)} />}
    </Panel>
  );
}

export function FileList({ names, chosen, marked, href }: {
  names: string[]; chosen: string; marked?: Set<string>; href: (name: string) => string;
}) {
  return (
    <nav aria-label="Files">
      {names.map((name) => (
        <a key={name} href={href(name)} aria-current={name === chosen ? 'true' : undefined}>
          {name}{marked?.has(name) === true && <> <Badge tone="info">changed</Badge></>}
        </a>))}
    </nav>
  );
}

function FilesTab({ version }: { version: number }) {
  const load = useLoad<VersionFiles>(`policy/versions/${version}`);
  return (
    <Show load={load} rows={8}>
      {({ files }) => {
        const names = Object.keys(files).sort();
        const chosen = route.value.query['file'] ?? (names.includes('policy.toml') ? 'policy.toml'
          : names[0] ?? '');
        return (
          <Panel title={`Version ${version}`}>
            <div class="files">
              <FileList names={names} chosen={chosen} href={(file) =>
                link('policy', [], { tab: 'files', version, file })} />
              <pre class="text" tabIndex={0} aria-label={chosen}>{files[chosen] ?? ''}</pre>
            </div>
          </Panel>
        );
      }}
    </Show>
  );
}

function DiffTab({ versions, version, against }: {
  versions: PolicyVersion[]; version: number; against: number;
}) {
  const one = useLoad<VersionFiles>(`policy/versions/${against}`);
  const other = useLoad<VersionFiles>(`policy/versions/${version}`);
  const choose = (name: string, value: number) => (
    <select aria-label={name} value={String(value)}
      onChange={(event) => refine({ [name]: event.currentTarget.value })}>
      {versions.map((any) => <option key={any.version} value={String(any.version)}>
        version {any.version}</option>)}
    </select>
  );
  return (
    <Panel title="What differs" aside={
      <span class="row">{choose('against', against)} &rarr; {choose('version', version)}</span>}>
      <Show load={one}>
        {(before) => (
          <Show load={other}>
            {(after) => {
              const names = [...new Set([...Object.keys(before.files), ...Object.keys(after.files)])];
              const differing = names.sort().filter((name) => before.files[name] !== after.files[name]);
              return differing.length === 0 ? <Empty title="Both have the same files" /> : (
                <div class="stack">
                  <p class="dim">{plural(differing.length, 'file')} of {names.length} differ</p>
                  {differing.map((name) => (
                    <section key={name}><h3>{name}</h3>
                      <DiffView name={name} before={before.files[name] ?? ''}
                        after={after.files[name] ?? ''} /></section>))}
                </div>
              );
            }}
          </Show>)}
      </Show>
    </Panel>
  );
}

export function Policy() {
  const load = useLoad<{ versions: PolicyVersion[] }>('policy/versions', {}, ['policy']);
  const query = route.value.query;
  const tab = query['tab'] ?? 'versions';
  return (
    <>
      <div class="page-head"><h1>Policy</h1></div>
      <Show load={load} rows={8} empty={(data) => data.versions.length === 0}
        none={<div class="panel"><Empty title="There is no policy yet">
          <p class="dim">synclinectl policy apply DIR --reason TEXT</p></Empty></div>}>
        {({ versions }) => {
          const active = versions.find((one) => one.standing === 'in force') ?? versions[0]!;
          const version = Number(query['version'] ?? active.version);
          const against = Number(query['against'] ?? Math.max(1, version - 1));
          return (
            <>
              <Tabs label="Of the policy" current={tab}
                href={(name) => link('policy', [], name === 'versions' ? {} : { tab: name })}
                tabs={[{ id: 'versions', name: 'Versions', count: versions.length },
                  { id: 'files', name: 'Files' }, { id: 'diff', name: 'Diff' },
                  { id: 'change', name: 'Change' }]} />
              {tab === 'versions' && <Versions versions={versions} again={load.again} />}
              {tab === 'files' && <FilesTab version={version} />}
              {tab === 'diff' && <DiffTab versions={versions} version={version} against={against} />}
              {tab === 'change' && <Change active={active} again={load.again} />}
            </>
          );
        }}
      </Show>
    </>
  );
}
