import { failedChecks } from '../../../client/errand/failed-checks.ts';
import type { Note } from '../../../client/errand/items.ts';
import { choiceWords } from '../../parts/need-words.ts';
import { format, t } from '../../parts/speech.ts';
import { firstLine, missingWords, reasonWords } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';

const LINE_CHARS_MAX = 300;

/** What happened, in one line. */
export function noteWords(note: Note): string {
  switch (note.what) {
    case 'attempt':
      return t.note.attempt(note.n);
    case 'attempt_over':
      return t.note.attempt_over(
        reasonWords(note.reason) ?? t.in_english(note.detail ?? ''),
        format.clock(note.retry_at),
      );
    case 'retried':
      return t.note.retried(t.in_english(cut(note.reason)), format.clock(note.retry_at));
    case 'shortened':
      return t.note.shortened;
    case 'limit':
      return limitWords(note);
    case 'pushed':
      return pushedWords(note);
    case 'pull':
      return pullWords(note);
    case 'thread':
      return threadWords(note);
    case 'budget':
      return t.note.budget(format.money(note.budget_usd));
    case 'schedule_paused':
      return t.note.schedule_paused(note.name, note.failures);
    case 'withdrawn':
      return t.note.withdrawn;
    case 'model':
      return t.note.model(note.model, t.effort[note.effort]);
    case 'cancelling':
      return t.note.cancelling;
    case 'decided':
      return decisionWords(note);
    case 'ended':
      return [t.status[note.status], ...endWords(note)].join('. ');
    case 'log':
      return workerWords(note.text);
    case 'other':
      return cut(note.text);
    case 'harness':
      return s.errand.told_agent(workerWords(firstLine(note.text).replace(/^\[Errand\] /, '')));
  }
}

/** What a worker says: in the language of the person where its words are known, and whole then. */
function workerWords(text: string): string {
  return s.errand.worker_note(text) ?? cut(text);
}

/** Why it did not succeed. */
function endWords({ reason, detail }: Extract<Note, { what: 'ended' }>): string[] {
  if (reason === null) return [];
  if (reason === 'repository_not_found') return [missingWords(detail)];
  if (detail === null) return [t.reason[reason]];
  return [
    t.reason[reason],
    (reason === 'spending_cap' && capWords(detail)) || s.errand.worker_note(detail) || t.in_english(detail),
  ];
}

const CAP = /^(Your|All) errands .*?may cost \$([\d.]+) a month.* A new month begins on (\S+) \(UTC\)/s;

/** The limit of a month, and when the next one begins. Undefined: the server says something else. */
function capWords(detail: string): string | undefined {
  const [, whose, usd, day] = CAP.exec(detail) ?? [];
  if (usd === undefined || day === undefined) return undefined;
  return s.errand.capped[whose === 'All' ? 'server' : 'person'](format.money(Number(usd)), format.clock(day));
}

function limitWords({ limit, used, of }: Extract<Note, { what: 'limit' }>): string {
  const write = {
    turns: (value: number) => format.number(value),
    context: (value: number) => format.number(value),
    budget: (value: number) => format.money(value),
    time: (value: number) => format.duration(value),
  }[limit];
  return t.note.limit[limit](write(used), write(of));
}

/** An event names a further repository; the first goes without saying. */
function pushedWords({ wip, branch, repository }: Extract<Note, { what: 'pushed' }>): string {
  if (repository === undefined) return wip ? t.note.pushed_wip(branch) : t.note.pushed(branch);
  return wip ? s.repositories.pushed_wip(branch, repository) : s.repositories.pushed(branch, repository);
}

/** Why one was not opened, its card says. */
function pullWords({ happened, pull: { number, checks } }: Extract<Note, { what: 'pull' }>): string {
  const words = s.pulls.happened[happened](number === null ? t.pull.untitled : s.pulls.name(number));
  const failed = happened === 'checks_failed' && checks ? failedChecks(checks) : [];
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  return failed.length > 0
    ? cut(`${sentence}: ${failed.map(({ name, state }) => s.pulls.check[state](name)).join(', ')}`)
    : sentence;
}

function threadWords({ number, repository = '', title, problem }: Extract<Note, { what: 'thread' }>): string {
  const name = `${repository}#${number}`;
  return problem === null ? s.pulls.read(`${name} ${title ?? ''}`) : s.pulls.not_read(name, s.pulls.unread[problem]);
}

/** What one says to work that is sent back is a message of its own. */
function decisionWords({ need, answer }: Extract<Note, { what: 'decided' }>): string {
  const is_sent_back = need.kind === 'push' && !answer.choose.includes('approve');
  const what = choiceWords(need, is_sent_back ? ['send_back'] : answer.choose).join(': ');
  const about = need.host === undefined ? what : t.needs.decided_host(need.host, what);
  return t.needs.decided(about, answer.by ?? '');
}

function cut(text: string): string {
  return text.length > LINE_CHARS_MAX ? `${text.slice(0, LINE_CHARS_MAX)}…` : text;
}
