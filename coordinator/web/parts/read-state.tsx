import type { JSX } from 'preact';
import { t } from './speech.ts';

/** In place of what the server is asked for: that it still is, or why that failed. `known`: there is something. */
export function ReadState({ known, fault }: { known: boolean; fault: string }): JSX.Element {
  return (
    <>
      <p class="fault" role="alert">
        {fault}
      </p>
      {!known && fault === '' && <p class="soft">{t.loading}</p>}
    </>
  );
}
