import type { JSX } from 'preact';
import { useSession } from './context.ts';
import { t } from './speech.ts';

/**
 * In place of what the server is asked for: that it still is, that it cannot be, or why that failed. `known`: there is
 * something.
 */
export function ReadState({ known, fault }: { known: boolean; fault: string }): JSX.Element {
  const away = useSession().live.value?.kind === 'away';
  return (
    <>
      <p class="fault" role="alert">
        {fault}
      </p>
      {!known && fault === '' && <p class="soft">{away ? t.problem['unreachable'] : t.loading}</p>}
    </>
  );
}
