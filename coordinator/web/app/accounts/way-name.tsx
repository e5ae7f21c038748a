import type { JSX } from 'preact';
import type { SignInWay } from '../../../../protocol/forges.ts';

/** The marks of the forges that people know by theirs, 24 units wide. */
const MARKS: Partial<Record<SignInWay['kind'], string>> = {
  github:
    'M12 2a10 10 0 00-3.2 19.5c.5.1.7-.2.7-.5v-1.8c-2.8.6-3.4-1.3-3.4-1.3-.5-1.2-1.1-1.5-1.1-1.5-.9-.6.1-.6.1-.6 1 .1 1.5 1 1.5 1 .9 1.6 2.4 1.1 3 .9.1-.7.4-1.1.6-1.4-2.2-.3-4.6-1.1-4.6-5 0-1.1.4-2 1-2.7-.1-.3-.4-1.3.1-2.7 0 0 .8-.3 2.8 1a9.600 9.600 0 015 0c1.900-1.300 2.700-1 2.700-1 .6 1.400.2 2.400.1 2.700.6.7 1 1.600 1 2.700 0 3.900-2.300 4.700-4.600 5 .4.3.7.9.7 1.900v2.800c0 .3.2.6.7.5A10 10 0 0012 2z',
};

/** The name of a way to sign in within a text, behind its mark. */
export function WayName({ way, text }: { way: SignInWay; text: (name: string) => string }): JSX.Element {
  const name = way.name === 'github.com' ? 'GitHub' : way.name;
  const mark = MARKS[way.kind];
  return (
    <span class="way">
      {mark !== undefined && (
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d={mark} fill="currentColor" />
        </svg>
      )}
      {text(name)}
    </span>
  );
}
