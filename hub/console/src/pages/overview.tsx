import { useEffect, useMemo } from 'preact/hooks';
import { count, number, plural, rate } from '../lib/format';
import { heard, line, perSecond, points, status } from '../lib/live';
import { link, refine, route } from '../lib/route';
import { alerts as raisedAlerts, approvals, byKind, kinds } from '../lib/shared';
import { ago, now, span } from '../lib/time';
import type { Alert, Indicator, Pair, Status } from '../lib/types';
import { useLoad } from '../lib/use';
import { todosOf, verdictOf } from '../lib/verdict';
import { Badge, Icon, Panel, Table, When, cls } from '../parts/basics';
import { Chart } from '../parts/chart';
import { Quota } from '../parts/quota';
import { Empty, Loading, Show } from '../parts/states';
import { Topology } from '../parts/topology';

const todosMost = 12;

function Answer({ one }: { one: Status | null }) {
  const verdict = verdictOf(one, line.value === 'lost', now.value);
  const todos = one === null ? []
    : todosOf(one, byKind.value, kinds.value, approvals.value.length, raisedAlerts.value);
  return (
    <section class={cls('answer', verdict.tone)} aria-label="Is the business in agreement?">
      <div class="answer-say">
        <h1>{verdict.title}</h1>
        <p>{verdict.why}</p>
        <p class="dim">
          {heard.value === 0 ? 'nothing heard yet' : `as of ${ago(heard.value, now.value)}`}
          {one !== null && one.exceptions.overdue > 0 &&
            <> · <Badge tone="bad">{plural(one.exceptions.overdue, 'is', 'are')} overdue</Badge></>}
          {one !== null && one.exceptions.unassigned > 0 &&
            <> · {count(one.exceptions.unassigned)} seen to by nobody</>}
        </p>
      </div>
      {todos.length === 0
        ? <Empty title={one === null ? 'Waiting for news' : 'Nothing to do'}>
            {one !== null && <p class="dim">Everything flows; no exception is open.</p>}
          </Empty>
        : (
          <ul class="todo" aria-label="What to do" tabIndex={0}>
            {todos.slice(0, todosMost).map((todo, at) => (
              <li key={at}>
                <Badge tone={todo.tone}>
                  {todo.tone === 'bad' ? 'act' : todo.tone === 'warn' ? 'look' : 'note'}
                </Badge>
                <div><p>{todo.what}</p>{todo.hint !== '' && <p class="dim">{todo.hint}</p>}</div>
                <a href={todo.href}>{todo.action}</a>
              </li>
            ))}
            {todos.length > todosMost && <li><span /><span>and {todos.length - todosMost} more</span></li>}
          </ul>
        )}
    </section>
  );
}

function Flow({ one }: { one: Status }) {
  const all = points.value;
  const series = useMemo(() => {
    const steps = all.slice(1).map((_, at) => all.slice(Math.max(0, at - 4), at + 2));
    return {
      times: all.slice(1).map((point) => point.at),
      inputs: steps.map((step) => perSecond(step, (point) => point.inputs)),
      commands: steps.map((step) => perSecond(step, (point) => point.commands)),
    };
  }, [all]);
  const lag = one.partitions.reduce((sum, part) => sum + part.lag, 0);
  const held = one.partitions.filter((part) => part.held).length;
  const rateOf = (name: 'inputs' | 'decisions' | 'commands'): string =>
    rate(perSecond(all, (point) => point[name]));
  return (
    <Panel title="Flow" flush aside={<span class="dim">since this page was opened</span>}>
      <dl class="numbers">
        <div><dt>inputs</dt><dd>{rateOf('inputs')}<small> /s</small></dd></div>
        <div><dt>decisions</dt><dd>{rateOf('decisions')}<small> /s</small></dd></div>
        <div><dt>commands</dt><dd>{rateOf('commands')}<small> /s</small></dd></div>
        <div><dt>lag</dt><dd>{count(lag)}<small> waiting</small></dd></div>
        <div><dt>partitions held</dt><dd>{held}<small> of {one.partitions.length}</small></dd></div>
      </dl>
      <div class="panel-body">
        <Chart times={series.times} summary={`Inputs ${rateOf('inputs')} and commands `
          + `${rateOf('commands')} a second`}
          series={[
            { label: 'inputs a second', colour: 'line-1', values: series.inputs, fill: true },
            { label: 'commands a second', colour: 'line-2', values: series.commands }]} />
      </div>
    </Panel>
  );
}

function Proven({ pairs }: { pairs: Pair[] }) {
  return (
    <Panel title="Proven equal" flush aside={<a href={link('reconciliation')}>Reconciliation</a>}>
      {pairs.length === 0
        ? <Empty title="Nothing is proven yet">
            <p class="dim">A reconciliation reads both sides whole and compares them.</p>
          </Empty>
        : <Table label="Proven equal" rows={pairs} rowKey={(pair) => pair.object + pair.platforms}
            columns={[
              { head: 'Object', cell: (pair) => pair.object },
              { head: 'Between', cell: (pair) => pair.platforms.join(' \u2013 ') },
              { head: 'Verified through', cell: (pair) => pair.verified_through === null
                ? <Badge tone="warn">never</Badge> : <When at={pair.verified_through} age /> },
            ]} />}
    </Panel>
  );
}

const seconds = (value: unknown): string =>
  value === null || value === undefined ? '-' : span(number(value));

function Indicators() {
  const load = useLoad<{ indicators: Indicator[] }>('indicators');
  useEffect(() => {
    const timer = setInterval(load.again, 15_000);
    return () => clearInterval(timer);
  }, []);
  const chosen = route.value.query['indicator'];
  const raised = (name: string): Alert[] =>
    raisedAlerts.value.filter((one) => one.indicator === name && one.raised);
  return (
    <Panel title="How the business does" flush>
      <Show load={load} empty={(data) => data.indicators.length === 0}
        none={<Empty title="The policy has no indicators">
          <p class="dim">[indicators.&lt;name&gt;] in the policy counts and times business events.</p>
        </Empty>}>
        {({ indicators }) => (
          <Table label="Business indicators" rows={indicators} rowKey={(one) => one.indicator}
            current={chosen} onRow={(one) => refine({ indicator: one.indicator })}
            columns={[
              { head: 'Indicator', cell: (one) => (
                <>
                  {one.indicator}{' '}
                  {raised(one.indicator).map((alert) => (
                    <Badge key={alert.alert} tone={alert.silenced === '' ? 'bad' : 'warn'}
                      title={`${alert.if}${alert.silenced === '' ? '' : `, silent: ${alert.silenced}`}`}>
                      {alert.alert}
                    </Badge>))}
                </>) },
              { head: 'Count', align: 'right', cell: (one) =>
                one.count === undefined ? '-' : count(one.count) },
              { head: 'Half within', align: 'right', cell: (one) => seconds(one.p50_s) },
              { head: '9 of 10', align: 'right', cell: (one) => seconds(one.p90_s) },
              { head: 'Open', align: 'right', cell: (one) =>
                one.open === undefined ? '-' : count(one.open) },
              { head: 'Oldest', align: 'right', cell: (one) => seconds(one.oldest_s) },
              { head: 'As of', cell: (one) => <When at={one.at} age /> },
            ]} />
        )}
      </Show>
      {chosen !== undefined && <Late indicator={load.data?.indicators.find((one) =>
        one.indicator === chosen)} />}
    </Panel>
  );
}

/** What an indicator has been open for the longest, each with the way to it. */
function Late({ indicator }: { indicator: Indicator | undefined }) {
  const late = indicator?.late ?? [];
  if (late.length === 0) return <p class="panel-body dim">Nothing of it is open.</p>;
  return (
    <div class="panel-body">
      <h3>{indicator!.indicator}: open for the longest</h3>
      <ul class="lines">
        {late.map((one) => {
          const [object = '', ...rest] = one.key.split(' ');
          return <li key={one.key}><span><a href={link('entity', [object, rest.join(' ')])}>{one.key}</a>{' '}
            <span class="dim">{seconds(one.seconds)}</span></span></li>;
        })}
      </ul>
    </div>
  );
}

export function Overview() {
  const one = status.value;
  const quotas = (one?.agents ?? []).filter((agent) => number(agent.quota?.limit) > 0);
  return (
    <>
      <Answer one={one} />
      {one === null ? <Loading rows={6} /> : (
        <div class="stack">
          <div class="grid wide-narrow">
            <Panel title="Topology" aside={<span class="dim">a second, right now</span>}>
              {one.agents.length === 0
                ? <Empty title="No agent is heard of">
                    <p class="dim">
                      <Icon name="help" /> Start one: systemctl start syncline-agent@&lt;platform&gt;
                    </p>
                  </Empty>
                : <Topology one={one} all={points.value} />}
            </Panel>
            <Proven pairs={one.pairs ?? []} />
          </div>
          <div class="grid two">
            <Flow one={one} />
            <Indicators />
          </div>
          {quotas.length > 0 && (
            <Panel title="What the platforms still allow" aside={
              <span class="dim">dashed: if it goes on like this</span>}>
              <div class="grid two">
                {quotas.map((agent) => <Quota key={agent.platform} agent={agent} />)}
              </div>
            </Panel>
          )}
        </div>
      )}
    </>
  );
}
