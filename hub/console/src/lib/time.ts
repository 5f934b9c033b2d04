// Moments come as UTC with up to nine digits of a second, and are shown in the browser's zone.
import { signal } from '@preact/signals';

/** Ticks each second, so that ages stay true. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);

export function millis(moment: string | null | undefined): number | null {
  if (moment === null || moment === undefined || moment === '') return null;
  const ms = Date.parse(moment.replace(/(\.\d{3})\d+/, '$1'));
  return Number.isNaN(ms) ? null : ms;
}

const two = (value: number): string => String(value).padStart(2, '0');

export function local(ms: number): string {
  const at = new Date(ms);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function clock(ms: number, seconds: boolean): string {
  const at = new Date(ms);
  const text = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return seconds ? `${text}:${two(at.getSeconds())}` : text;
}

export const utc = (ms: number): string =>
  new Date(ms).toISOString().replace('T', ' ').replace(/\.000Z$/, 'Z');

const units: [string, number][] = [['d', 86_400], ['h', 3_600], ['min', 60], ['s', 1]];

/** "2 d 4 h", "12 s": two units at most, the second one only where it matters. */
export function span(seconds: number): string {
  const all = Math.max(0, Math.round(seconds));
  for (let i = 0; i < units.length; ++i) {
    const [name, size] = units[i]!;
    if (all < size && name !== 's') continue;
    const count = Math.floor(all / size);
    const next = units[i + 1];
    const rest = next === undefined ? 0 : Math.floor((all % size) / next[1]);
    return count < 10 && rest > 0 ? `${count} ${name} ${rest} ${next![0]}` : `${count} ${name}`;
  }
  return '0 s';
}

export function ago(ms: number, at: number): string {
  const seconds = (at - ms) / 1000;
  if (seconds < -1) return `in ${span(-seconds)}`;
  return seconds < 1 ? 'now' : `${span(seconds)} ago`;
}

/** What <input type="datetime-local"> holds. */
export function toInput(ms: number): string {
  return local(ms).replace(' ', 'T');
}
