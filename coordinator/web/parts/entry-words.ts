import { filesOf, type Entry } from '../../client/sync/outbox-entry.ts';
import type { LiveState } from '../../client/sync/live.ts';
import type { Progress } from '../store/files.ts';
import { format, t } from './speech.ts';

/**
 * What became of an entry of the outbox, in words. Nothing is on its way without a connection. `progress`: what is
 * being sent of its files; not where each word is read aloud.
 */
export function entryWords(entry: Entry, live: LiveState | undefined, progress: Progress = {}): string {
  const { refused, failed, tried, gone } = entry;
  if (refused) return t.errand.refused(gone ? t.errand.gone : why(refused));
  if (failed) return t.errand.not_sent(why(failed), format.clock(failed.at));
  const is_connected = live?.kind === 'live' || live?.kind === 'catching_up';
  const [file] = filesOf(entry)
    .flatMap((id) => progress[id] ?? [])
    .filter(({ sent, bytes }) => sent < bytes);
  if (file && is_connected) return `${file.name}: ${t.errand.of(format.bytes(file.sent), format.bytes(file.bytes))}`;
  return tried && is_connected ? t.errand.sending : t.errand.waits_to_be_sent;
}

type Why = Partial<NonNullable<Entry['refused']>> & { detail: string };

/** Why it was not done: in the words of the app, where it has some. */
function why({ code, detail, reason, params }: Why): string {
  if (reason === 'needs_no_answer') return t.errand.needs_no_answer;
  const { answer = '', by = '', at } = params ?? {};
  if (reason === 'already_answered' && at !== undefined) return t.errand.answered(answer, by, format.clock(at));
  return code === undefined ? t.in_english(detail) : (t.problem[code] ?? t.server_says(detail));
}
