import { bytes, count, number, plural } from '../lib/format';
import { perSecond, points, status } from '../lib/live';
import { go, link, route } from '../lib/route';
import { millis, now, span } from '../lib/time';
import type { Agent, Standby, Status } from '../lib/types';
import { useLoad } from '../lib/use';
import { Badge, Fact, Icon, Id, Panel, Table, Tabs, When, type Tone } from '../parts/basics';
import { Chart } from '../parts/chart';
import { Quota } from '../parts/quota';
import { Empty, Loading, Show } from '../parts/states';

const silentAfter = 30_000;

function stateOf(one: Agent): { tone: Tone; text: string } {
  const heard = millis(one.heard_at);
  if (heard !== null && now.value - heard > silentAfter) return { tone: 'bad', text: 'silent' };
  if (one.needs_credentials) return { tone: 'bad', text: 'credentials refused' };
  if (one.breaker !== 'closed') return { tone: 'bad', text: `breaker ${one.breaker}` };
  if (one.held_lanes.length > 0) return { tone: 'warn', text: 'holds changes' };
  if (one.reading_paused) return { tone: 'warn', text: 'reading paused' };
  if (one.trouble !== '') return { tone: 'warn', text: 'trouble' };
  return { tone: 'good', text: 'well' };
}

/** What differs between agents, or between hubs, that should be alike. */
function drifts(one: Status): string[] {
  const out: string[] = [];
  const versions = new Set([...one.hubs, ...one.agents].map((any) => any.version));
  if (versions.size > 1) {
    out.push(`They run different versions: ${[...one.hubs.map((hub) => `${hub.hub} ${hub.version}`),
      ...one.agents.map((agent) => `${agent.platform} ${agent.version}`)].join(', ')}`);
  }
  const policies = new Set(one.hubs.map((hub) => hub.policy));
  if (policies.size > 1) {
    out.push(`Hubs decide by different policies: ${one.hubs.map((hub) =>
      `${hub.hub} version ${hub.policy_version ?? '?'} (${hub.policy.slice(0, 12)})`).join(', ')}`);
  }
  const partitions = one.partitions.length;
  for (const agent of one.agents) {
    if (agent.partitions !== 0 && partitions !== 0 && agent.partitions !== partitions) {
      out.push(`${agent.platform} numbers for ${agent.partitions} partitions, there are ${partitions}`);
    }
  }
  for (const finding of one.findings ?? []) {
    if (/differ|older|denied|absent/.test(finding.code)) out.push(finding.message);
  }
  return [...new Set(out)];
}

function Drift({ one }: { one: Status }) {
  const found = drifts(one);
  if (found.length === 0) {
    return <p class="note good">No drift: hubs and agents run one version, by one policy.</p>;
  }
  return (
    <div class="note warn" role="status">
      {found.map((text) => <p key={text}><Icon name="warn" /> {text}</p>)}
    </div>
  );
}

function Agents_({ one }: { one: Status }) {
  const chosen = route.value.parts[0];
  return (
    <Panel title="Agents" flush>
      {one.agents.length === 0
        ? <Empty title="No agent is heard of">
            <p class="dim">systemctl start syncline-agent@&lt;platform&gt;</p></Empty>
        : <Table label="Agents" rows={one.agents} rowKey={(agent) => agent.platform} current={chosen}
          onRow={(agent) => go(link('agents', [agent.platform]))} columns={[
            { head: 'Platform', cell: (agent) => <a href={link('agents', [agent.platform])}>
              {agent.platform}</a> },
            { head: 'State', cell: (agent) => {
              const { tone, text } = stateOf(agent);
              return <Badge tone={tone}>{text}</Badge>;
            } },
            { head: 'Version', cell: (agent) => agent.version },
            { head: 'Waiting', align: 'right', cell: (agent) => count(agent.waiting_entries) },
            { head: 'Spool', align: 'right', cell: (agent) => bytes(agent.spool_bytes) },
            { head: 'Commands', align: 'right', cell: (agent) =>
              count(agent.commands_waiting + agent.commands_running) },
            { head: 'In doubt', align: 'right', cell: (agent) => agent.commands_in_doubt === 0
              ? <span class="dim">0</span>
              : <Badge tone="warn">{count(agent.commands_in_doubt)}</Badge> },
            { head: 'Rejects', align: 'right', cell: (agent) => agent.rejects === 0
              ? <span class="dim">0</span> : <Badge tone="warn">{count(agent.rejects)}</Badge> },
            { head: 'Quota', align: 'right', cell: (agent) => number(agent.quota?.limit) === 0 ? '-'
              : `${Math.round((number(agent.quota?.used) / number(agent.quota?.limit)) * 100)} %` },
            { head: 'Read', cell: (agent) => <When at={agent.last_read_at} age /> },
            { head: 'Heard', cell: (agent) => <When at={agent.heard_at} age /> },
          ]} />}
    </Panel>
  );
}

function Standbys({ one }: { one: Status }) {
  const rows = one.standbys ?? [];
  if (rows.length === 0) return null;
  const alone = (row: Standby): boolean => row.active && (one.findings ?? []).some((finding) =>
    finding.code === 'status.standby_missing' && finding.where === `agent ${row.platform}`);
  return (
    <Panel title="Stand-by" flush>
      <Table label="Stand-by" rows={rows} rowKey={(row) => `${row.platform} ${row.store}`} columns={[
        { head: 'Platform', cell: (row) => row.platform },
        { head: 'Host', cell: (row) => row.host },
        { head: 'State', cell: (row) => <>
          <Badge tone={row.active ? 'good' : 'info'}>{row.active ? 'active' : 'stands by'}</Badge>{' '}
          {alone(row) && <Badge tone="warn">nobody stands by</Badge>}</> },
        { head: 'Since', cell: (row) => row.active ? <When at={row.since} /> : '-' },
        { head: 'Store', cell: (row) => <Id text={row.store} most={20} /> },
        { head: 'Version', cell: (row) => row.version },
        { head: 'Heard', cell: (row) => <When at={row.heard_at} age /> },
      ]} />
    </Panel>
  );
}

function Counts({ one }: { one: Agent }) {
  return (
    <dl class="facts">
      <Fact name="epoch"><Id text={one.epoch} /></Fact>
      <Fact name="instance"><Id text={one.instance} most={20} /></Fact>
      <Fact name="run"><Id text={one.run} most={20} /></Fact>
      <Fact name="started"><When at={one.started_at} /></Fact>
      <Fact name="last read"><When at={one.last_read_at} age /> {one.read_origin}</Fact>
      <Fact name="changes told">{count(one.changes)}</Fact>
      <Fact name="spool">{bytes(one.spool_bytes)}, {plural(one.waiting_entries, 'entry', 'entries')} without
        receipt ({bytes(one.waiting_bytes)})</Fact>
      <Fact name="in flight">{count(one.in_flight)}</Fact>
      <Fact name="commands applied">{count(one.commands_applied)}</Fact>
      <Fact name="failed">{count(one.commands_failed)}</Fact>
      <Fact name="replaced before the call">{count(one.commands_superseded)}</Fact>
      <Fact name="operations applied">{count(one.operations_applied)}</Fact>
      <Fact name="operations in doubt">{count(one.operations_in_doubt)}</Fact>
      <Fact name="questions asked">{count(one.asked)}</Fact>
      <Fact name="rate">{one.rate_per_second === 0 ? 'no limit' : `${count(one.rate_per_second)} a second`},
        {' '}{plural(one.concurrency, 'call')} at once</Fact>
      {one.paused_ms > 0 && <Fact name="pauses for">{span(one.paused_ms / 1000)}</Fact>}
    </dl>
  );
}

function One({ one }: { one: Agent }) {
  const all = points.value;
  const times = all.map((point) => point.at);
  const series = (read: (at: number) => number): number[] => all.map((_, at) => read(at));
  const of = (at: number) => all[at]?.agents[one.platform];
  const windowed = (name: 'changes' | 'applied'): number[] => series((at) =>
    perSecond(all.slice(Math.max(0, at - 5), at + 1), (point) => point.agents[one.platform]?.[name]));
  const { tone, text } = stateOf(one);
  return (
    <Panel title={<>{one.platform} <Badge tone={tone}>{text}</Badge></>} aside={
      <a href={link('exceptions', [], { platform: one.platform })}>its exceptions</a>}>
      <div class="stack">
        {one.trouble !== '' && <p class="note warn">{one.trouble}</p>}
        {one.operations_error !== '' && <p class="note warn">operations: {one.operations_error}</p>}
        {one.held_lanes.map((lane) => (
          <p key={lane.object + lane.direction} class="note bad">
            {plural(lane.held, 'change')} of {lane.object} ({lane.direction}) are held: too many at once.{' '}
            <a href={link('exceptions', [], { platform: one.platform, object: lane.object,
              kind: lane.direction === 'in' ? 'breaker.held_in' : 'breaker.held_out' })}>Decide</a></p>))}
        <div class="grid two">
          <Chart times={times} summary={`Changes and commands of ${one.platform} a second`} series={[
            { label: 'changes a second', colour: 'line-1', values: windowed('changes'), fill: true },
            { label: 'applied a second', colour: 'line-2', values: windowed('applied') }]} />
          <Chart times={times} summary={`${one.waiting_entries} entries wait in the spool`} series={[
            { label: 'waiting in the spool', colour: 'line-4',
              values: series((at) => of(at)?.waiting ?? 0), fill: true }]} />
        </div>
        {number(one.quota?.limit) > 0 && <Quota agent={one} />}
        <Counts one={one} />
      </div>
    </Panel>
  );
}

interface Checks {
  checks: { health: string; code: string; message: string; hint: string }[];
}

function Doctor() {
  const load = useLoad<Checks>('doctor');
  return (
    <Panel title="Doctor" flush>
      <Show load={load}>
        {({ checks }) => (
          <Table label="Checks" rows={checks} rowKey={(one) => `${one.code} ${one.message}`} columns={[
            { head: '', cell: (one) => <Badge tone={one.health === 'ok' ? 'good'
              : one.health.startsWith('warn') ? 'warn' : 'bad'}>{one.health}</Badge> },
            { head: 'Check', cell: (one) => <>{one.message}
              {one.hint !== '' && <div class="dim">{one.hint}</div>}</> },
            { head: 'Code', cell: (one) => <code>{one.code}</code> }]} />)}
      </Show>
    </Panel>
  );
}

function Hubs({ one }: { one: Status }) {
  const lagging = one.partitions.filter((part) => part.lag > 0 || !part.held)
    .sort((a, b) => b.lag - a.lag).slice(0, 30);
  return (
    <div class="stack">
      <Panel title="Hubs" flush>
        {one.hubs.length === 0 ? <Empty title="No hub is heard of" />
          : <Table label="Hubs" rows={one.hubs} rowKey={(hub) => hub.hub} columns={[
            { head: 'Hub', cell: (hub) => <b>{hub.hub}</b> },
            { head: 'Version', cell: (hub) => hub.version },
            { head: 'Policy', cell: (hub) => <>{hub.policy_version ?? ''} <code>{hub.policy.slice(0, 12)}</code></> },
            { head: 'Held', align: 'right', cell: (hub) => hub.partitions.length },
            { head: 'In work', align: 'right', cell: (hub) => count(hub.in_work) },
            { head: 'Inputs', align: 'right', cell: (hub) => count(hub.counts['inputs'] ?? 0) },
            { head: 'Decisions', align: 'right', cell: (hub) => count(hub.counts['decisions'] ?? 0) },
            { head: 'Commands', align: 'right', cell: (hub) => count(hub.counts['commands'] ?? 0) },
            { head: 'Conflicts', align: 'right', cell: (hub) => count(hub.counts['conflicts'] ?? 0) },
            { head: 'Heard', cell: (hub) => <When at={hub.heard_at} age /> }]} />}
      </Panel>
      <div class="grid two">
        <Panel title="Partitions that wait" flush>
          {lagging.length === 0 ? <Empty title="All are held, none waits" />
            : <Table label="Partitions" rows={lagging} rowKey={(part) => String(part.partition)} columns={[
              { head: 'Partition', align: 'right', cell: (part) => part.partition },
              { head: 'Holder', cell: (part) => part.held ? part.holder : <Badge tone="bad">nobody</Badge> },
              { head: 'Floor', align: 'right', cell: (part) => count(part.floor) },
              { head: 'Waiting', align: 'right', cell: (part) => count(part.lag) }]} />}
        </Panel>
        <Panel title="Streams" flush>
          <Table label="Streams" rows={one.streams} rowKey={(stream) => stream.stream} columns={[
            { head: 'Stream', cell: (stream) => stream.exists ? stream.stream
              : <>{stream.stream} <Badge tone="bad">missing</Badge></> },
            { head: 'Messages', align: 'right', cell: (stream) => count(stream.messages ?? 0) },
            { head: 'Size', align: 'right', cell: (stream) => bytes(stream.bytes ?? 0) },
            { head: 'Last', align: 'right', cell: (stream) => count(stream.last_sequence ?? 0) }]} />
        </Panel>
      </div>
      <Doctor />
    </div>
  );
}

export function Agents() {
  const one = status.value;
  const tab = route.value.query['tab'] ?? 'agents';
  const chosen = one?.agents.find((agent) => agent.platform === route.value.parts[0]);
  return (
    <>
      <div class="page-head"><h1>Agents</h1></div>
      <Tabs label="Of the installation" current={tab}
        href={(name) => link('agents', [], name === 'agents' ? {} : { tab: name })}
        tabs={[{ id: 'agents', name: 'Agents', ...(one === null ? {} : { count: one.agents.length }) },
          { id: 'hubs', name: 'Hubs and streams' }]} />
      {one === null ? <div class="panel"><Loading rows={6} /></div>
        : tab === 'hubs' ? <Hubs one={one} />
          : <div class="stack">
              <Drift one={one} />
              <Agents_ one={one} />
              <Standbys one={one} />
              {chosen !== undefined && <One one={chosen} />}
              {route.value.parts[0] !== undefined && chosen === undefined &&
                <div class="panel"><Empty title={`No agent of ${route.value.parts[0]} is heard of`} /></div>}
            </div>}
    </>
  );
}
