import type { JSX } from 'preact';

/** The mark of Errand: from here, around a corner, to there. */
export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 36 36" aria-hidden="true">
      <rect width="36" height="36" rx="9" />
      <g fill="none" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round">
        <circle cx="11.5" cy="25.5" r="3.4" />
        <path d="M11.5 22V10.5M11.5 19c0-5 4-6.8 9.3-6.8H26M21.8 7.8l4.5 4.5-4.5 4.5" />
      </g>
    </svg>
  );
}
