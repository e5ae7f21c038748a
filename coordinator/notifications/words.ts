import type { NoticeLanguage } from '../../protocol/notifications.ts';
import { cut, type Message } from './message.ts';

/** What the server itself writes: the app may not run where a notification shows. */
const WORDS = {
  en: {
    needs_you: 'Needs you',
    done: 'Done',
    failed: 'Failed',
    limit: 'Stopped at a limit',
    test: 'Notifications arrive here.',
  },
  de: {
    needs_you: 'Braucht dich',
    done: 'Fertig',
    failed: 'Gescheitert',
    limit: 'An einer Grenze angehalten',
    test: 'Benachrichtigungen kommen hier an.',
  },
} as const satisfies Record<NoticeLanguage, Record<string, string>>;

/** A push message has room for about 4,000 bytes in all, and a character takes up to 12 of them in JSON. */
const LINE_CHARS_MAX = 160;

/** A notification as two short texts. */
export function wordsOf(
  { occasion, task, schedule, text }: Message,
  language: NoticeLanguage,
): { title: string; line: string } {
  const words = WORDS[language];
  const about = task?.title ?? schedule?.name;
  if (occasion === null || about === undefined) return { title: 'Errand', line: words.test };
  const said = cut(plain(text), LINE_CHARS_MAX);
  return { title: plain(about), line: said === '' ? words[occasion] : `${words[occasion]}: ${said}` };
}

/** One line without control characters, nor those that turn the direction of what follows. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\s]+/gu, ' ').trim();
}
