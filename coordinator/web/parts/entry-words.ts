import type { Entry } from '../../client/sync/outbox-entry.ts';
import type { LiveState } from '../../client/sync/live.ts';
import { format, t } from './speech.ts';

/** What became of an entry of the outbox, in words. Nothing is on its way without a connection. */
export function entryWords({ refused, failed, tried, gone }: Entry, live: LiveState | undefined): string {
  if (refused) return t.errand.refused(gone ? t.errand.gone : why(refused));
  if (failed) return t.errand.not_sent(why(failed), format.clock(failed.at));
  const is_connected = live?.kind === 'live' || live?.kind === 'catching_up';
  return tried && is_connected ? t.errand.sending : t.errand.waits_to_be_sent;
}

/** Why it was not done: in the words of the app, where it has some. */
function why({ code, detail }: { code?: string; detail: string }): string {
  return code === undefined ? t.in_english(detail) : (t.problem[code] ?? t.server_says(detail));
}
