import { signal } from '@preact/signals';
import { Icon } from './basics';

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}
const toasts = signal<Toast[]>([]);
let next = 1;

export function drop(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

/** Said to the person, and to a screen reader; what went wrong stays until it is closed. */
export function say(text: string, bad = false): void {
  const id = next++;
  toasts.value = [...toasts.value.slice(-3), { id, text, bad }];
  if (!bad) setTimeout(() => drop(id), 6000);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((one) => (
        <div key={one.id} class={one.bad ? 'toast bad' : 'toast'}>
          <span>{one.text}</span>
          <button type="button" class="icon-button" aria-label="Close this message"
            onClick={() => drop(one.id)}><Icon name="close" /></button>
        </div>
      ))}
    </div>
  );
}
