import type { JSX } from 'preact';

/** The size of a change: `+42 −18`. */
export function Stat({ insertions, deletions }: { insertions: number; deletions: number }): JSX.Element | null {
  if (insertions + deletions === 0) return null;
  return (
    <span class="stat" dir="ltr">
      <ins>+{insertions}</ins> <del>−{deletions}</del>
    </span>
  );
}
