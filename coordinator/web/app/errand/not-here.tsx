import type { JSX } from 'preact';
import type { OpenErrand } from '../../store/open-errand.ts';
import { s } from '../screen-speech.ts';

/**
 * In the place of an errand that this device does not have: the server does not have it either, or was not asked yet.
 */
export function NotHere({ errand }: { errand: OpenErrand }): JSX.Element | null {
  if (errand.gone) return <p class="empty">{s.errand.gone}</p>;
  return errand.failed ? <p class="empty">{s.reading.not_here}</p> : null;
}
