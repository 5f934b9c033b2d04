// How fast a platform's quota burns: what was seen since the page was opened, and a straight line on.
import { useMemo } from 'preact/hooks';
import { count, number } from '../lib/format';
import { points } from '../lib/live';
import { millis } from '../lib/time';
import type { Agent } from '../lib/types';
import { Badge, Meter, When } from './basics';
import { Chart } from './chart';

export function Quota({ agent }: { agent: Agent }) {
  const quota = agent.quota ?? {};
  const limit = number(quota.limit);
  const used = number(quota.used);
  const reserve = number(quota.reserve);
  const slowed = Object.entries(quota.slowed ?? {});
  const runsOut = millis(quota.used_up_at);
  const resets = millis(quota.resets_at);
  const tone = runsOut !== null || slowed.length > 0 ? 'warn' : used >= limit ? 'bad' : 'plain';
  const all = points.value;
  const end = Math.min(runsOut ?? Infinity, resets ?? Infinity);
  const chart = useMemo(() => {
    const seen = all.filter((point) => point.agents[agent.platform] !== undefined);
    const left = seen.map((point) => limit - point.agents[agent.platform]!.used);
    const times = seen.map((point) => point.at);
    const last = times[times.length - 1];
    if (last === undefined) return { times: [], left: [], ahead: [] };
    const ahead: (number | null)[] = left.map((_, at) => at === left.length - 1 ? left[at]! : null);
    if (Number.isFinite(end) && end > last) {
      const first = times[0]!;
      const burn = last > first ? (left[0]! - left[left.length - 1]!) / (last - first) : 0;
      times.push(Math.min(end, last + 3_600_000));
      const at = times[times.length - 1]!;
      ahead.push(runsOut !== null && at === runsOut ? 0
        : Math.max(0, left[left.length - 1]! - burn * (at - last)));
    }
    return { times, left: [...left, ...(times.length > left.length ? [null] : [])], ahead };
  }, [all, limit, end]);
  const part = limit > 0 ? Math.round((used / limit) * 100) : 0;
  return (
    <div class="quota">
      <div class="quota-head">
        <strong>{agent.platform}</strong>
        <span class="num">{count(used)} of {count(limit)} used ({part} %)
          {quota.learned === true && <span class="dim"> as it tells</span>}</span>
      </div>
      <Meter part={used} whole={limit} mark={limit - reserve} tone={tone}
        label={`${agent.platform}: ${part} percent of the quota is used`} />
      <div class="row dim">
        <span>{count(reserve)} kept for others</span>
        {resets !== null && <span>new at <When at={quota.resets_at ?? null} /></span>}
        {runsOut !== null && <Badge tone="warn">
          used up <When at={quota.used_up_at ?? null} age /></Badge>}
        {slowed.map(([lane, how]) => <Badge key={lane} tone="warn">{lane} {how}</Badge>)}
      </div>
      {chart.times.length > 1 && (
        <Chart times={chart.times} height={90} most={limit}
          summary={`${count(limit - used)} of ${count(limit)} are left`}
          series={[
            { label: 'left', colour: 'line-1', values: chart.left, fill: true },
            { label: 'forecast', colour: 'line-2', values: chart.ahead, dash: true }]} />
      )}
    </div>
  );
}
