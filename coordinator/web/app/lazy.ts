import { signal } from '@preact/signals';
import type * as screensModule from './screens.ts';

export type Screens = typeof screensModule;

/**
 * The screens beside the list, once their part is there. The service worker brings that part ahead of its first use.
 */
export const screens = signal<Screens | 'unavailable' | undefined>(undefined);

export function loadScreens(): void {
  import('./screens.ts').then(
    (loaded) => (screens.value = loaded),
    () => (screens.value = 'unavailable'),
  );
}

/**
 * The part that speaks with the server could not be loaded. A browser keeps that failure for as long as the page
 * lives.
 */
export const incomplete = signal(false);
