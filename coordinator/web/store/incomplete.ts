import { signal } from '@preact/signals';

/**
 * A part of the app could not be loaded. Most browsers keep that failure for as long as the page lives; some load the
 * part after all.
 */
export const incomplete = signal(false);
