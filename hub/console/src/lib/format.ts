import type { Json } from './types';

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
export const count = (value: number): string => grouped.format(value).replaceAll(',', '\u202f');

/** For axes: "1.2 M". */
export function short(value: number): string {
  const units: [number, string][] = [[1e9, ' G'], [1e6, ' M'], [1e3, ' k']];
  const unit = units.find(([size]) => Math.abs(value) >= size);
  if (unit === undefined) return String(Math.round(value * 10) / 10);
  return `${Math.round((value / unit[0]) * 10) / 10}${unit[1]}`;
}

export function rate(value: number): string {
  if (value >= 100) return count(value);
  return value === 0 ? '0' : value.toFixed(value < 10 ? 1 : 0);
}

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    ++at;
  }
  return `${at === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[at]}`;
}

export function plural(many: number, one: string, more = `${one}s`): string {
  return `${count(many)} ${many === 1 ? one : more}`;
}

/** A value as a person reads it: texts bare, everything else as JSON. */
export function display(value: Json | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  return JSON.stringify(value);
}

export function same(one: Json | undefined, other: Json | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** "command.rejected" -> "Command rejected". */
export function words(code: string): string {
  const text = code.replace(/[._-]+/g, ' ').trim();
  return text === '' ? '' : text[0]!.toUpperCase() + text.slice(1);
}

export const number = (value: unknown): number => {
  const parsed = typeof value === 'number' ? value : Number(value);
  return Number.isFinite(parsed) ? parsed : 0;
};
