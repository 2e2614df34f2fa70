// Light, dark, or as the system has it; and the theme's colours for canvases, which know no variables.

import { createEffect, createSignal } from 'solid-js';

export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'tidewatch.theme';

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : 'auto';
}

const [theme, setTheme] = createSignal<Theme>(stored());
const system = matchMedia('(prefers-color-scheme: dark)');
const [systemDark, setSystemDark] = createSignal(system.matches);
system.addEventListener('change', () => setSystemDark(system.matches));

export { theme };

export function dark(): boolean {
  return theme() === 'auto' ? systemDark() : theme() === 'dark';
}

/** The other of light and dark; `auto` again when that is what the system wants anyway. */
export function toggleTheme(): void {
  const wanted = dark() ? 'light' : 'dark';
  setTheme(wanted === (systemDark() ? 'dark' : 'light') ? 'auto' : wanted);
}

/** Call once, inside a root. */
export function applyTheme(): void {
  createEffect(() => {
    const root = document.documentElement;
    if (theme() === 'auto') {
      delete root.dataset['theme'];
      localStorage.removeItem(KEY);
    } else {
      root.dataset['theme'] = theme();
      localStorage.setItem(KEY, theme());
    }
  });
}

let probe: HTMLElement | undefined;

/** The colour that a variable stands for now, such as `rgb(1, 2, 3)`. Read `dark()` to be told of changes. */
export function colour(variable: string): string {
  if (probe === undefined) {
    probe = document.createElement('span');
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${variable})`;
  return getComputedStyle(probe).color;
}

/** The same colour, see-through. */
export function faded(rgb: string, alpha: number): string {
  const parts = rgb.match(/[\d.]+/g);
  return parts === null ? rgb : `rgba(${parts.slice(0, 3).join(', ')}, ${alpha})`;
}
