// Platforms on both sides, the hubs between them; wires say how much goes which way.
import { count, number, plural, rate } from '../lib/format';
import { perSecond, type Point } from '../lib/live';
import { link } from '../lib/route';
import { ago, millis, now } from '../lib/time';
import type { Agent, Status } from '../lib/types';
import { cls } from './basics';

const width = 820;
const boxWidth = 210;
const boxHeight = 88;
const gap = 18;

function troubleOf(agent: Agent): { tone: string; text: string } {
  const heard = millis(agent.heard_at);
  if (heard !== null && now.value - heard > 30_000) {
    return { tone: 'bad', text: `silent, heard ${ago(heard, now.value)}` };
  }
  if (agent.needs_credentials) return { tone: 'bad', text: 'credentials refused' };
  if (agent.breaker !== 'closed') return { tone: 'bad', text: `breaker ${agent.breaker}` };
  if (agent.held_lanes.length > 0) return { tone: 'warn', text: 'too many changes held' };
  if (agent.commands_in_doubt > 0) {
    return { tone: 'warn', text: `${plural(agent.commands_in_doubt, 'command')} in doubt` };
  }
  if (agent.trouble !== '') return { tone: 'warn', text: 'has trouble' };
  return { tone: '', text: 'breaker closed' };
}

const thickness = (perSec: number): number => 1.5 + Math.min(6, Math.log2(1 + perSec));

function Wire({ from, to, perSec, out, side }: {
  from: [number, number]; to: [number, number]; perSec: number; out: boolean; side: 1 | -1;
}) {
  const [x1, y1] = from;
  const [x2, y2] = to;
  const bend = (x2 - x1) / 2;
  const middle: [number, number] = [x1 + bend, (y1 + y2) / 2];
  return (
    <g>
      <path class={cls('wire', out && 'out', perSec > 0 && 'flows')} stroke-width={thickness(perSec)}
        d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`} />
      <text class="dim" x={middle[0]} y={middle[1] - 6} text-anchor="middle">
        {out === (side === 1) ? '\u2190' : '\u2192'} {rate(perSec)}
      </text>
    </g>
  );
}

function Platform({ agent, x, y }: { agent: Agent; x: number; y: number }) {
  const trouble = troubleOf(agent);
  const limit = number(agent.quota?.limit);
  const used = limit > 0 ? Math.min(1, number(agent.quota?.used) / limit) : 0;
  return (
    <a href={link('agents', [agent.platform])}>
      <rect class={cls('node', trouble.tone)} x={x} y={y} width={boxWidth} height={boxHeight} rx="7" />
      <text class="name" x={x + 12} y={y + 22}>{agent.platform}</text>
      <text class="dim" x={x + boxWidth - 12} y={y + 22} text-anchor="end">{agent.version}</text>
      <text class={trouble.tone === '' ? 'dim' : trouble.tone} x={x + 12} y={y + 42}>
        {trouble.text}
      </text>
      <text class="dim" x={x + 12} y={y + 59}>
        {count(agent.waiting_entries)} in spool, {count(agent.commands_waiting)} commands wait
      </text>
      {limit > 0 && (
        <>
          <rect class="bar-all" x={x + 12} y={y + 71} width={boxWidth - 84} height="5" rx="2.5" />
          <rect class={cls('bar', used > 0.8 && 'warn')} x={x + 12} y={y + 71} height="5" rx="2.5"
            width={(boxWidth - 84) * used} />
          <text class="dim" x={x + boxWidth - 12} y={y + 77} text-anchor="end">
            quota {Math.round(used * 100)} %
          </text>
        </>
      )}
    </a>
  );
}

function Hubs({ one, x, y, height }: { one: Status; x: number; y: number; height: number }) {
  const lag = one.partitions.reduce((sum, part) => sum + part.lag, 0);
  const held = one.partitions.filter((part) => part.held).length;
  const wrong = held < one.partitions.length || one.hubs.length === 0;
  return (
    <a href={link('agents', [], { tab: 'hubs' })}>
      <rect class={cls('node', 'hub', wrong && 'bad')} x={x} y={y} width="168" height={height} rx="9" />
      <text class="name" x={x + 84} y={y + height / 2 - 22} text-anchor="middle">
        {plural(one.hubs.length, 'hub')}
      </text>
      <text class={wrong ? 'bad' : 'dim'} x={x + 84} y={y + height / 2 - 2} text-anchor="middle">
        {held} of {one.partitions.length} partitions
      </text>
      <text class="dim" x={x + 84} y={y + height / 2 + 16} text-anchor="middle">lag {count(lag)}</text>
      <text class="dim" x={x + 84} y={y + height / 2 + 34} text-anchor="middle">
        NATS {one.server.version}
      </text>
    </a>
  );
}

export function Topology({ one, all }: { one: Status; all: Point[] }) {
  const agents = one.agents;
  const left = agents.slice(0, Math.ceil(agents.length / 2));
  const right = agents.slice(left.length);
  const rows = Math.max(left.length, right.length, 1);
  const height = Math.max(150, rows * (boxHeight + gap) - gap);
  const hubHeight = Math.min(height, 130);
  const hubX = (width - 168) / 2;
  const hubY = (height - hubHeight) / 2;
  const place = (side: Agent[], at: number): number => {
    const used = side.length * (boxHeight + gap) - gap;
    return (height - used) / 2 + at * (boxHeight + gap);
  };
  const draw = (side: Agent[], direction: 1 | -1) => side.map((agent, at) => {
    const y = place(side, at);
    const x = direction === 1 ? 1 : width - boxWidth - 1;
    const edge = direction === 1 ? x + boxWidth : x;
    const port = direction === 1 ? hubX : hubX + 168;
    const spread = hubHeight / (side.length + 1);
    const into = hubY + spread * (at + 1);
    const seen = perSecond(all, (point) => point.agents[agent.platform]?.changes);
    const done = perSecond(all, (point) => point.agents[agent.platform]?.applied);
    return (
      <g key={agent.platform}>
        <Wire from={[edge, y + 32]} to={[port, into - 10]} perSec={seen} out={false} side={direction} />
        <Wire from={[edge, y + 62]} to={[port, into + 14]} perSec={done} out side={direction} />
        <Platform agent={agent} x={x} y={y} />
      </g>
    );
  });
  return (
    <svg class="topology" viewBox={`-1 -1 ${width + 2} ${height + 2}`} role="group"
      aria-label={`${plural(agents.length, 'platform')} around ${plural(one.hubs.length, 'hub')}`}>
      {draw(left, 1)}
      {draw(right, -1)}
      <Hubs one={one} x={hubX} y={hubY} height={hubHeight} />
    </svg>
  );
}
