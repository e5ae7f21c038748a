import type { JSX } from 'preact';

/** The strokes of each icon, in a square of 24. */
const PATHS = {
  back: 'M15 5l-7 7 7 7',
  send: 'M12 19V5M6 11l6-6 6 6',
  stop: 'M8 8h8v8H8z',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M14 7a2 2 0 104 0 2 2 0 10-4 0M6 17a2 2 0 104 0 2 2 0 10-4 0',
  search: 'M11 5a6 6 0 100 12 6 6 0 100-12M20 20l-4.5-4.5',
  down: 'M12 5v14M6 13l6 6 6-6',
  open: 'M9 6l6 6-6 6',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  wrap: 'M4 6h16M4 12h13a3 3 0 010 6h-4M15 16l-2 2 2 2M4 18h4',
  attach: 'M20 11l-8.5 8.5a5 5 0 01-7-7L13 4a3.5 3.5 0 015 5l-8.5 8.5a2 2 0 01-3-3L14 7',
  plus: 'M12 5v14M5 12h14',
  again: 'M5 12a7 7 0 1 1 2 5M5 19v-4h4',
} as const;

/** An icon in the colour of the text. Its button or link says what it does. */
export function Icon({ name }: { name: keyof typeof PATHS }): JSX.Element {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
