import { signal } from '@preact/signals';

/** How much there is room for: one screen, two, or three. */
type Width = 'narrow' | 'wide' | 'full';

const wide = matchMedia('(min-width: 900px)');
const full = matchMedia('(min-width: 1300px)');
const read = (): Width => (full.matches ? 'full' : wide.matches ? 'wide' : 'narrow');
const width = signal(read());
for (const query of [wide, full]) query.addEventListener('change', () => (width.value = read()));

export function useWidth(): Width {
  return width.value;
}
