import type { NeedKind, NeedOption } from '../../protocol/needs.ts';
import type { NoticeLanguage } from '../../protocol/notifications.ts';
import { whyLeftOut } from '../domain/egress-policy.ts';
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
    failed: 'Fehlgeschlagen',
    limit: 'An einer Grenze angehalten',
    test: 'Benachrichtigungen kommen hier an.',
  },
} as const satisfies Record<NoticeLanguage, Record<string, string>>;

/** What the server itself asks, in German: in English it is stored so. The agent's own questions stay as they are. */
const ASKED_DE: Record<Exclude<NeedKind, 'question'>, (host: string, budget_usd?: number) => string | undefined> = {
  push: () => 'Die Arbeit ist fertig. Pushen?',
  // Why it is not among the registries, the server says in English alone.
  host: (host) => (whyLeftOut(host) === null ? `Ein Befehl wollte ${host} erreichen. Erlauben?` : undefined),
  budget: (_, budget_usd) =>
    budget_usd === undefined
      ? undefined
      : `Das Budget von ${budget_usd.toLocaleString('de')} $ ist verbraucht. Soll es weitergehen?`,
  follow_up: () => 'Ein Pull Request hat neue Reviews oder fehlgeschlagene Checks. Soll es weitergehen?',
};
const OPTIONS_DE = new Map([
  ['approve', 'Pushen'],
  ['send_back', 'Überarbeiten lassen'],
  ['once', 'Für diesen Auftrag'],
  ['project', 'Für dieses Projekt'],
  ['no', 'Nein'],
  ['add_2', '+2 $, weitermachen'],
  ['add_5', '+5 $, weitermachen'],
  ['end', 'Hier beenden'],
  ['go_on', 'Weitermachen'],
  ['stop', 'Hier aufhören'],
]);

/** A push message has room for about 4,000 bytes in all, and a character takes up to 12 of them in JSON. */
const LINE_CHARS_MAX = 160;

/** A notification as two short texts. */
export function wordsOf(
  { occasion, task, schedule, text, need }: Message,
  language: NoticeLanguage,
): { title: string; line: string } {
  const words = WORDS[language];
  const about = task?.title ?? schedule?.name;
  if (occasion === null || about === undefined) return { title: 'Errand', line: words.test };
  const said = cut(plain(asked(task, need, language) ?? text), LINE_CHARS_MAX);
  return { title: plain(about), line: said === '' ? words[occasion] : `${words[occasion]}: ${said}` };
}

/** The words of an option: the agent's own, or those of the server in the language. */
export function optionWords(
  { need }: Pick<Message, 'need'>,
  { value, label }: NeedOption,
  language: NoticeLanguage,
): string {
  const is_own = need !== null && need.kind !== 'question';
  return (is_own && language === 'de' ? OPTIONS_DE.get(value) : undefined) ?? label;
}

function asked(task: Message['task'], need: Message['need'], language: NoticeLanguage): string | undefined {
  if (need === null || need.kind === 'question' || language === 'en') return undefined;
  return ASKED_DE[need.kind](need.host ?? '', task?.budget_usd);
}

/** One line without control characters, nor those that turn the direction of what follows. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\s]+/gu, ' ').trim();
}
