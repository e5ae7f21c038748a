import { now } from '../parts/now.ts';
import { format } from '../parts/speech.ts';
import { s } from './screen-speech.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** How long ago a time was, for a sentence: `2 min ago`; earlier its weekday or its date. */
export function ago(iso: string): string {
  const ms = now.value - Date.parse(iso);
  const age = format.age(iso, now.value);
  return ms >= MINUTE_MS && ms < DAY_MS ? s.settings.ago(age) : age;
}
