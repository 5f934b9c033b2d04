// Decisions of the log, one after the other.
import { link } from '../lib/route';
import type { LogEntry } from '../lib/types';
import { Badge, Id, ValueText, When, type Tone } from './basics';

const tones: Record<string, Tone> = { accepted: 'good', reverted: 'warn', ignored: 'plain',
  review: 'bad', proposed: 'info' };

export function LogList({ entries, withEntity = false }: {
  entries: LogEntry[]; withEntity?: boolean;
}) {
  return (
    <ol class="timeline log">
      {entries.map((entry) => (
        <li key={`${entry.object}/${entry.entity}/${entry.version}/${entry.sequence ?? ''}`}>
          <When at={entry.at} />
          <span class="num">version {entry.version}</span>
          <div class="lines">
            {withEntity && <span>{entry.object} <Id text={entry.entity} most={26}
              href={link('entity', [entry.object, entry.entity])} /></span>}
            <span class="dim">{entry.inputs.join(', ')}</span>
            {entry.decisions.map((one, at) => (
              <span key={at}><b>{one.field}</b> <ValueText value={one.before} /> &rarr;{' '}
                <ValueText value={one.value} />{' '}
                <Badge tone={tones[one.verdict] ?? 'plain'}>{one.verdict}</Badge>{' '}
                <span class="dim">{one.from === '' ? 'a person' : one.from}, <code>{one.rule}</code></span>
              </span>))}
            {entry.commands.map((one, at) => (
              <span key={`c${at}`}>told {one.platform}: {one.kind} generation {one.generation},{' '}
                {one.fields.join(', ')}</span>))}
            {entry.notes.map((note, at) => <span key={`n${at}`} class="dim">{note}</span>)}
          </div>
        </li>
      ))}
    </ol>
  );
}
