// Time travel: the slider stands on the versions of the log; what was canonical then, and what of it
// is otherwise now.
import { millis } from '../lib/time';
import { refine, route } from '../lib/route';
import type { Entity, LogEntry, PastAnswer } from '../lib/types';
import { useLoad } from '../lib/use';
import { Badge, Button, Panel, Table, ValueText, When } from '../parts/basics';
import { Empty, Show } from '../parts/states';

function Marks({ times, at }: { times: number[]; at: number }) {
  const first = times[0]!;
  const last = times[times.length - 1]!;
  const x = (ms: number): number => last === first ? 50 : ((ms - first) / (last - first)) * 98 + 1;
  return (
    <svg class="travel-marks" viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">
      {times.map((ms, i) => <line key={i} class={i === at ? 'on' : ''} x1={x(ms)} x2={x(ms)} y1="1"
        y2="13" vector-effect="non-scaling-stroke" />)}
    </svg>
  );
}

function Then({ base, at, one }: { base: string; at: string; one: Entity }) {
  const load = useLoad<PastAnswer>(base, { at });
  return (
    <Show load={load}>
      {(past) => {
        const names = [...new Set([...Object.keys(past.canonical), ...Object.keys(one.canonical)])];
        return (
          <Table label="What was canonical then" rows={names.sort()} rowKey={(name) => name} columns={[
            { head: 'Field', cell: (name) => <b>{name}</b> },
            { head: 'Then', cell: (name) => <ValueText value={past.canonical[name]?.value}
              than={one.canonical[name]?.value ?? null} /> },
            { head: 'Now', cell: (name) => <ValueText value={one.canonical[name]?.value} /> },
            { head: 'By', cell: (name) => past.canonical[name] === undefined ? ''
              : past.canonical[name]!.from === '' ? 'a person' : past.canonical[name]!.from },
            { head: 'Since', cell: (name) => past.canonical[name] === undefined ? ''
              : <When at={past.canonical[name]!.at} none="before the log" /> },
            { head: 'Rule', cell: (name) => <code>{past.canonical[name]?.rule ?? ''}</code> },
          ]} />
        );
      }}
    </Show>
  );
}

export function Travel({ base, one }: { base: string; one: Entity }) {
  const load = useLoad<{ entries: LogEntry[] }>(`${base}/log`);
  return (
    <Show load={load} empty={(data) => data.entries.length === 0}
      none={<Empty title="The log says nothing of it, so there is no way back" />}>
      {({ entries }) => {
        const times = entries.map((entry) => millis(entry.at) ?? 0);
        // Without a moment it is the newest: the browser's clock may stand behind the hub's.
        const asked = millis(route.value.query['at'] ?? null) ?? Infinity;
        let at = 0;
        while (at + 1 < times.length && times[at + 1]! <= asked) ++at;
        const entry = entries[at]!;
        const set = (to: number): void =>
          refine({ at: entries[Math.min(entries.length - 1, Math.max(0, to))]!.at });
        return (
          <Panel title="Time travel" flush aside={<Badge>version {entry.version} of {one.version}</Badge>}>
            <div class="panel-body travel">
              <div class="row">
                <Button disabled={at === 0} onClick={() => set(at - 1)}>Earlier</Button>
                <strong><When at={entry.at} /></strong>
                <Button disabled={at === entries.length - 1} onClick={() => set(at + 1)}>Later</Button>
                <span class="dim">{entry.inputs.join(', ')}</span>
              </div>
              <input type="range" min="0" max={entries.length - 1} step="1" value={at}
                aria-label="Version" aria-valuetext={`version ${entry.version}`}
                onInput={(event) => set(Number(event.currentTarget.value))} />
              <Marks times={times} at={at} />
            </div>
            <Then base={base} at={entry.at ?? ''} one={one} />
          </Panel>
        );
      }}
    </Show>
  );
}
