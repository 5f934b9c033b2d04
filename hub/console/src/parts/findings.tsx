import type { Finding } from '../lib/types';
import { Badge } from './basics';

export function Findings({ list, none }: { list: Finding[]; none?: string }) {
  if (list.length === 0) return none === undefined ? null : <p class="note good">{none}</p>;
  return (
    <ul class="lines" aria-label="Findings">
      {list.map((one, at) => (
        <li key={at}>
          <span>
            <Badge tone={one.severity === 'error' ? 'bad' : one.severity === 'warning' ? 'warn' : 'info'}>
              {one.severity}</Badge>{' '}
            {one.where !== '' && <code>{one.where} </code>}{one.message}{' '}
            <code class="dim">[{one.code}]</code>
          </span>
          {one.hint !== '' && <span class="dim">{one.hint}</span>}
        </li>
      ))}
    </ul>
  );
}
