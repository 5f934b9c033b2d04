import { diff, type DiffLine } from '../lib/diff';
import { plural } from '../lib/format';

const around = 3;

/** Lines near a change; null stands for a gap. */
function shown(lines: DiffLine[]): (DiffLine | number)[] {
  const keep = new Set<number>();
  lines.forEach((line, at) => {
    if (line.what === 'same') return;
    for (let near = at - around; near <= at + around; ++near) keep.add(near);
  });
  const out: (DiffLine | number)[] = [];
  let gap = 0;
  lines.forEach((line, at) => {
    if (!keep.has(at)) return void ++gap;
    if (gap > 0) out.push(gap);
    gap = 0;
    out.push(line);
  });
  if (gap > 0) out.push(gap);
  return out;
}

const signs = { same: ' ', add: '+', del: '-' };

export function DiffView({ before, after, name }: { before: string; after: string; name: string }) {
  if (before === after) return <p class="dim">{name}: the same</p>;
  return (
    <div class="diff" role="region" aria-label={`Differences in ${name}`} tabIndex={0}>
      {shown(diff(before, after)).map((line, at) => typeof line === 'number'
        ? <div key={at} class="gap">{plural(line, 'line')} alike</div>
        : <div key={at} class={line.what}>
            <span>{line.before ?? ''}</span><span>{line.after ?? ''}</span>
            <span aria-label={line.what === 'same' ? undefined : line.what}>{signs[line.what]}</span>
            <span>{line.text}</span>
          </div>)}
    </div>
  );
}
