import { signal } from '@preact/signals';
import { BASE } from '../store/routes.ts';

// The build writes the address of the style of the screens.
declare const SCREENS_STYLE: string;

const importScreens = () => import('./screens.ts');
export type Screens = Awaited<ReturnType<typeof importScreens>>;

/**
 * The screens beside the list, once their part is there. The service worker brings that part ahead of its first use.
 * `missing`: it could not be loaded.
 */
export const screens = signal<Screens | 'missing' | undefined>(undefined);

/** Loads the screens and their style. Without them the next call tries again; some browsers load them then. */
export async function loadScreens(): Promise<void> {
  try {
    const [, loaded] = await Promise.all([loadStyle(), importScreens()]);
    screens.value = loaded;
  } catch {
    screens.value = 'missing';
  }
}

/** The screens, if they are there. */
export function loadedScreens(): Screens | undefined {
  return typeof screens.value === 'object' ? screens.value : undefined;
}

let style: Promise<unknown> | undefined;

/** What the screens look like: they are drawn once it is there. */
function loadStyle(): Promise<unknown> {
  style ??= new Promise((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = BASE + SCREENS_STYLE;
    link.addEventListener('load', resolve);
    link.addEventListener('error', () => {
      link.remove();
      style = undefined;
      reject(new Error('The style of the screens could not be loaded.'));
    });
    document.head.append(link);
  });
  return style;
}
