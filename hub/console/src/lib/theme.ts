import { effect, signal } from '@preact/signals';
import { keep, kept } from './use';

export type Theme = 'system' | 'light' | 'dark';
export const theme = signal<Theme>(kept<Theme>('theme', 'system'));
const dark = matchMedia('(prefers-color-scheme: dark)');
export const isDark = signal(dark.matches);

function paint(): void {
  const chosen = theme.value;
  isDark.value = chosen === 'dark' || (chosen === 'system' && dark.matches);
  document.documentElement.dataset['theme'] = isDark.value ? 'dark' : 'light';
}
dark.addEventListener('change', paint);
effect(paint);

export function nextTheme(): void {
  const order: Theme[] = ['system', 'light', 'dark'];
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length]!;
  keep('theme', theme.value);
}
