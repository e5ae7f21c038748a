import type { Entry } from '../../client/sync/outbox-entry.ts';
import { format, t } from './speech.ts';

/** What became of an entry of the outbox, in words. */
export function entryWords({ refused, failed, tried, gone }: Entry): string {
  if (refused) return t.errand.refused(gone ? t.errand.gone : why(refused));
  if (failed) return t.errand.not_sent(why(failed), format.clock(failed.at));
  return tried ? t.errand.sending : t.errand.waits_to_be_sent;
}

/** Why it was not done: in the words of the app, where it has some. */
function why({ code, detail }: { code?: string; detail: string }): string {
  return code === undefined ? detail : (t.problem[code] ?? t.server_says(detail));
}
