import type { JSX } from 'preact';
import { useRouter } from '../../parts/context.ts';
import { useText } from '../../parts/use-text.ts';
import { readComments } from '../changes/comments.ts';
import { s } from '../screen-speech.ts';

/** How many comments on the changes wait to be sent. The changes themselves show it where they are open. */
export function UnsentComments({ id }: { id: string }): JSX.Element | null {
  const place = useRouter().place.value;
  return place.name === 'changes' ? null : <Count id={id} />;
}

function Count({ id }: { id: string }): JSX.Element | null {
  const count = readComments(useText(`comments ${id}`).value).length;
  return count === 0 ? null : <small class="unsent-comments">{s.changes.unsent(count)}</small>;
}
