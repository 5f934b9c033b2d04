// The steps of a workflow from top to bottom, blocks beside each other inside the step that runs them;
// on it where an instance stands, or how many stand at each step.
import type { Instance, InstanceHistory } from '../lib/types';
import { span } from '../lib/time';
import { Badge, cls } from '../parts/basics';

export interface Step {
  step: string;
  action: string;
  when?: string;
  operation?: string;
  object?: string;
  event?: string;
  until?: string;
  length_ms?: number;
  roles?: string[];
  quorum?: number;
  choices?: { when: string; block: string }[];
  blocks?: string[];
  of?: string;
  as?: string;
  block?: string;
  workflow?: string;
  outcome?: string;
  deadline_ms?: number;
  compensated_by?: string | null;
  because?: string;
}

export interface Definition {
  workflow: string;
  version: number;
  owner: string;
  steps: Step[];
  blocks: Record<string, Step[]>;
  variants?: { variant: string; when: string; steps: Step[] }[];
  triggers?: { on: string; object?: string; event?: string; when?: string }[];
}

function saying(step: Step): string {
  switch (step.action) {
    case 'ask': return `asks ${step.operation}`;
    case 'operation': return `has ${step.operation} done`;
    case 'set': return `sets a ${step.object}`;
    case 'let': return 'computes';
    case 'wait':
      if (step.event) return `waits for ${step.event}`;
      return step.until ? `waits until ${step.until}` : `waits ${span((step.length_ms ?? 0) / 1000)}`;
    case 'approve': return `asks ${(step.roles ?? []).join(', then ')}`;
    case 'choose': return 'chooses';
    case 'parallel': return 'at the same time';
    case 'for_each': return `for each ${step.as} of ${step.of}`;
    case 'call': return `runs ${step.workflow}`;
    case 'emit': return `tells ${step.event}`;
    case 'end': return `ends ${step.outcome}`;
    default: return step.action;
  }
}

/** "lines.3/ship" -> "lines/ship": which item of a loop does not matter to where it stands. */
const plain = (path: string): string => path.replace(/\.\d+(?=\/|$)/g, '');

interface Standing {
  here: Map<string, number>;
  trouble: Map<string, number>;
  done: Set<string>;
  undone: Set<string>;
}

function gather(instances: Instance[], only: Instance | undefined,
  history: InstanceHistory[]): Standing {
  const here = new Map<string, number>();
  const trouble = new Map<string, number>();
  for (const one of instances) {
    for (const step of one.steps) {
      const path = plain(step.step);
      here.set(path, (here.get(path) ?? 0) + 1);
      if (step.waits_for === 'a person') trouble.set(path, (trouble.get(path) ?? 0) + 1);
    }
    for (const any of one.exceptions ?? []) {
      const path = plain(any.step);
      trouble.set(path, Math.max(1, trouble.get(path) ?? 0));
    }
  }
  const done = new Set<string>();
  const undone = new Set<string>();
  for (const one of only?.applied ?? []) {
    (one.stands === 'applied' || one.stands === 'stays' ? done : undone).add(plain(one.step));
  }
  // Steps without effects leave no mark but in the history.
  for (const entry of history) {
    for (const line of entry.decided) {
      const name = /^(\S+) is (?:done|approved|passed over)/.exec(line)?.[1];
      if (name !== undefined && !here.has(plain(name))) done.add(plain(name));
    }
  }
  return { here, trouble, done, undone };
}

/** The path of a step inside a block is the path of the step that runs the block, and its name. */
const inside = (list: Map<string, number>, path: string): number => {
  let sum = 0;
  for (const [name, many] of list) if (name === path || name.startsWith(`${path}/`)) sum += many;
  return sum;
};

function Steps({ steps, prefix, definition, standing, alone, depth }: {
  steps: Step[]; prefix: string; definition: Definition; standing: Standing; alone: boolean;
  depth: number;
}) {
  return (
    <ol class="flow">
      {steps.map((step) => {
        const path = `${prefix}${step.step}`;
        const many = standing.here.get(path) ?? 0;
        const wrong = standing.trouble.get(path) ?? 0;
        const within = inside(standing.here, path);
        const blocks = step.choices?.map((one) => ({ name: one.block, when: one.when }))
          ?? step.blocks?.map((name) => ({ name, when: '' }))
          ?? (step.block !== undefined ? [{ name: step.block, when: '' }] : []);
        const state = wrong > 0 ? 'trouble' : many > 0 || within > 0 ? 'here'
          : standing.undone.has(path) ? 'undone' : standing.done.has(path) ? 'done' : '';
        return (
          <li key={step.step} class={cls(state)}>
            <span class="step-name">{step.step}</span>{' '}
            {!alone && many > 0 && <Badge tone={wrong > 0 ? 'bad' : 'info'}>{many}</Badge>}
            {alone && state === 'here' && many > 0 && <Badge tone="info">here</Badge>}
            {alone && state === 'trouble' && <Badge tone="bad">needs a person</Badge>}
            {state === 'undone' && <Badge tone="warn">undone</Badge>}
            {state === 'done' && <span class="hidden">done</span>}
            <div class="dim">{saying(step)}
              {step.when !== undefined && step.when !== '' && <> if <code>{step.when}</code></>}
              {step.compensated_by !== null && step.compensated_by !== undefined &&
                <>; undone by {step.compensated_by}</>}
            </div>
            {blocks.length > 0 && depth < 8 && (
              <div class="blocks">
                {blocks.map((block) => (
                  <div class="block" key={block.name}>
                    <h3>{block.name}{block.when !== '' && <> if <code>{block.when}</code></>}</h3>
                    <Steps steps={definition.blocks[block.name] ?? []} prefix={`${path}/`}
                      definition={definition} standing={standing} alone={alone} depth={depth + 1} />
                  </div>
                ))}
              </div>)}
          </li>
        );
      })}
    </ol>
  );
}

export function Graph({ definition, instances, only, history = [] }: {
  definition: Definition; instances: Instance[]; only?: Instance; history?: InstanceHistory[];
}) {
  const standing = gather(instances, only, history);
  const variant = (definition.variants ?? []).find((one) => one.variant === only?.variant);
  return (
    <div aria-label={`Steps of ${definition.workflow}`} role="group">
      <Steps steps={variant?.steps ?? definition.steps} prefix="" definition={definition}
        standing={standing} alone={only !== undefined} depth={0} />
    </div>
  );
}
