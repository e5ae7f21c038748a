import test from 'ava';
import { statusWord } from '../../../../coordinator/cli/render/status.ts';
import type { LogEvent } from '../../../../protocol/events.ts';
import type { Task } from '../../../../protocol/task.ts';
import { newId } from '../../../../protocol/ids.ts';
import { Drafts } from '../../../../coordinator/client/errand/drafts.ts';
import { fold } from '../../../../coordinator/cli/render/fold.ts';
import { block, paint, type Line } from '../../../../coordinator/cli/render/line.ts';
import type { News } from '../../../../coordinator/client/follow.ts';
import { View } from '../../../../coordinator/cli/render/view.ts';
import { Screen } from '../../../../coordinator/cli/render/screen.ts';
import { clean, headAndTail, oneLine, wrap } from '../../../../coordinator/cli/render/text.ts';

// oxlint-disable-next-line no-control-regex -- control characters are what a terminal reads.
const PIECES = /\u001B\[[?\d;]*[A-Za-z]|[\r\n]|[^\u001B\r\n]+/g;

/** As much of a terminal as the screen uses: it writes over what is there, and clears from the cursor on. */
class Terminal {
  readonly columns = 20;
  readonly rows = 8;
  lines: string[] = [''];
  #row = 0;

  write(text: string): boolean {
    for (const [piece] of text.matchAll(PIECES)) {
      if (piece === '\n') this.lines[++this.#row] ??= '';
      else if (piece.endsWith('A') && piece.startsWith('\u001B')) this.#row -= Number(piece.slice(2, -1));
      else if (piece === '\u001B[J') this.lines.splice(this.#row, Infinity, '');
      else if (!piece.startsWith('\u001B') && piece !== '\r') this.lines[this.#row] += piece;
    }
    return true;
  }

  get text(): string {
    return this.lines.join('\n');
  }
}

test('an errand that waits for its person is called waiting, with a worker or without', (t) => {
  t.is(statusWord('parked'), 'waiting');
  t.is(statusWord('waiting'), 'waiting');
});

test('the footer stays below the log, and is removed at the end', (t) => {
  const terminal = new Terminal();
  let footer: Line[] = [['status 1']];
  const screen = new Screen(terminal, false, () => footer);
  screen.print([['first']]);
  t.is(terminal.text, 'first\nstatus 1\n');
  footer = [['plan'], ['status 2']];
  screen.print([['second'], ['third']]);
  t.is(terminal.text, 'first\nsecond\nthird\nplan\nstatus 2\n');
  footer = [['status 3']];
  screen.print([]);
  t.is(terminal.text, 'first\nsecond\nthird\nstatus 3\n');
  screen.close();
  t.is(terminal.text, 'first\nsecond\nthird\n');
});

test('a line of the footer that is too long is broken between words, and erased as a whole', (t) => {
  const terminal = new Terminal();
  let footer: Line[] = [['● ', ['cyan', 'running'], ['dim', ' · runs npm test · turn 3']]];
  const screen = new Screen(terminal, false, () => footer);
  screen.print([['first']]);
  t.is(terminal.text, 'first\n● running · runs npm\ntest · turn 3\n');
  footer = [['short']];
  screen.print([['second']]);
  t.is(terminal.text, 'first\nsecond\nshort\n');
  screen.close();
});

test('the footer has no more lines than can be erased', (t) => {
  const terminal = new Terminal();
  const screen = new Screen(terminal, false, () => Array.from({ length: 30 }, (_, n) => [`line ${n}`]));
  screen.print([['log']]);
  t.deepEqual(terminal.lines.slice(0, 3), ['log', 'line 24', 'line 25']);
  screen.close();
  t.is(terminal.text, 'log\n');
});

test('no text of an agent brings control characters to the terminal', (t) => {
  const cases = [
    ['\u001B]0;title\u0007after', 'after'],
    ['\u001B[2J\u001B[1;1Htop', 'top'],
    ['\u009B31mred\u0090', 'red'],
    ['\u001B\u001B[31m[32mtwice', '[32mtwice'],
    ['a\u0008b\u0000c\u007F', 'abc'],
    ['10%\r20%\rdone\r\nnext', 'done\nnext'],
    ['abc\u202Edef\u2066', 'abcdef'],
    ['a\tb', 'a  b'],
  ] as const;
  for (const [text, shown] of cases) t.is(clean(text), shown);
  // Whatever comes: fuzzed from the characters that matter.
  const alphabet = [
    '\u001B',
    '[',
    ']',
    '\u009B',
    '\u0007',
    '\\',
    'm',
    '3',
    ';',
    '\r',
    '\n',
    '\u0090',
    'P',
    'x',
    '\u202E',
    '\u009C',
  ];
  for (let round = 0; round < 2_000; round++) {
    const text = Array.from({ length: 12 }, () => alphabet[Math.floor(Math.random() * alphabet.length)]).join('');
    t.notRegex(clean(text), /(?!\n)[\p{Cc}\u202E]/u, JSON.stringify(text));
  }
  t.is(paint([['red', 'one\u001B[0m\ntwo']], true), '\u001B[31mone two\u001B[39m');
});

test('long text is shortened to its first and last lines', (t) => {
  const text = Array.from({ length: 100 }, (_, n) => `line ${n}`).join('\n');
  t.deepEqual(headAndTail(text, 2, 1), ['line 0', 'line 1', '… 97 more lines …', 'line 99']);
  t.deepEqual(headAndTail('a\nb\nc\nd', 2, 1), ['a', 'b', 'c', 'd']);
  t.is(oneLine(`  a\n b ${'c'.repeat(50)}`, 10), 'a b ccccc…');
  t.deepEqual(wrap(`${'a'.repeat(22)}\ngh`, 20), ['a'.repeat(20), 'aa', 'gh']);
  t.deepEqual(wrap('one two three four five', 20), ['one two three four', 'five']);
  t.deepEqual(wrap('  one two three four five', 20), ['  one two three four', '  five'], 'an indent is kept');
  t.deepEqual(wrap(`    ${'b'.repeat(18)}`, 20), [`    ${'b'.repeat(16)}`, 'bb']);
  t.deepEqual(wrap('one two three four five', -3), ['one two three four', 'five'], 'no room beside an indent');
  t.deepEqual(wrap(`a\n${' '.repeat(30)}\nb  `, 20), ['a', '', 'b'], 'a line of spaces alone has nothing to break');
  t.deepEqual(wrap(`${' '.repeat(18)}one two`, 20), [`${' '.repeat(18)}on`, 'e two'], 'no indent leaves no room');
  const folded = block(['one two three four five'], '  │ ', 'dim').flatMap((line) => fold(line, 24));
  t.deepEqual(
    folded.map((line) => paint(line, false)),
    ['  │ one two three four', '  │ five'],
  );
});

test('an event replaces its draft, also if a late delta follows', (t) => {
  const drafts = new Drafts();
  drafts.add({ ref: 'turn-1', kind: 'thinking', text: 'Hm' });
  drafts.add({ ref: 'turn-1', kind: 'text', text: 'I ' });
  drafts.add({ ref: 'turn-1', kind: 'text', text: 'see' });
  t.deepEqual(drafts.all(), [{ ref: 'turn-1', kind: 'text', text: 'I see' }]);
  drafts.event(event('turn.retried', { ref: 'turn-1' }));
  t.deepEqual(drafts.all(), []);
  drafts.add({ ref: 'turn-1', kind: 'text', text: 'Again' });
  drafts.event(event('turn.finished', { ref: 'turn-1' }));
  drafts.add({ ref: 'turn-1', kind: 'text', text: ' late' });
  t.deepEqual(drafts.all(), []);
});

test('streamed text is shown below the log until its event comes', (t) => {
  const terminal = new Terminal();
  const view = new View(TASK);
  const screen = new Screen(terminal, false, (size) => view.footer(size, Date.parse(TASK.created_at)));
  const take = (news: News) => screen.print(view.take(news, true));
  take({
    type: 'events',
    events: [event('task.status', { from: 'queued', to: 'running', reason: null, detail: null })],
  });
  take({ type: 'events', events: [event('turn.started', { turn: 1, ref: 'turn-1', model: 'demo' })] });
  take({ type: 'deltas', deltas: [{ ref: 'turn-1', kind: 'text', text: 'I see \u001B[2J' }] });
  take({ type: 'deltas', deltas: [{ ref: 'turn-1', kind: 'text', text: 'it.' }] });
  t.is(terminal.text, '● running\nI see it.\n● running · turn 1\n');
  take({ type: 'events', events: [event('turn.finished', FINISHED)] });
  take({ type: 'deltas', deltas: [{ ref: 'turn-1', kind: 'text', text: 'it.' }] });
  t.is(terminal.text, '● running\n\nI see it.\n● running · turn 1\n');
  take({ type: 'lost', why: 'It is gone.', retry_at_ms: 0 });
  t.true(terminal.text.replaceAll('\n', ' ').includes('It is gone. Trying again at '));
  screen.close();
  t.is(terminal.text, '● running\n\nI see it.\n');
});

test('the footer says why a queued errand does not start', (t) => {
  const since = TASK.created_at;
  const view = new View({
    ...TASK,
    waiting_for: { kind: 'queue', since, place: 2, reason: 'Docker does not answer.' },
  });
  const foot = () => view.footer({ columns: 80 }, Date.parse(since)).map((line) => paint(line, false));
  const waits = 'waits in the queue, place 2, no errand can be started: Docker does not answer. (0.0 s)';
  t.deepEqual(foot(), [`● queued · ${waits}`]);
  const body = { from: 'queued', to: 'starting', reason: null, detail: null };
  view.take({ type: 'events', events: [event('task.status', body)] }, true);
  t.deepEqual(foot(), ['● starting · waits for a worker (0.0 s)']);
});

test('an unknown event and one with an invalid body are shown by their type', (t) => {
  const view = new View(TASK);
  const lines = view.take({ type: 'events', events: [event('task.blessed', {}), event('log', { text: 7 })] }, false);
  t.deepEqual(lines, [[['dim', 'task.blessed']], [['dim', 'log']]]);
});

test('only the end of a draft is kept', (t) => {
  const drafts = new Drafts();
  for (let n = 0; n < 50; n++) drafts.add({ ref: `tool-${n}`, kind: 'output', text: 'x'.repeat(60_000) });
  t.true(drafts.all().length <= 16);
  t.true(drafts.all().every(({ text }) => text.length <= 8_000));
});

test('the summary is shown at the end, unless the model has just said it', (t) => {
  const diff_stat = { files: 0, insertions: 0, deletions: 0 };
  const result = { summary: 'I see it.', branch: null, commit: null, base_commit: null, diff_stat };
  const ends = (view: View) => view.outcome({ ...TASK, result }).map((line) => paint(line, false));
  const view = new View(TASK);
  t.deepEqual(ends(view), ['  I see it.', '  0 requests, $0']);
  view.take({ type: 'events', events: [event('turn.finished', FINISHED)] }, false);
  t.deepEqual(ends(view), ['  0 requests, $0']);
});

function event(type: string, body: Record<string, unknown>): LogEvent {
  return { id: 1, task_id: newId(), attempt: 1, seq: 1, type, at: new Date().toISOString(), body };
}

const TASK: Task = {
  id: newId(),
  project_id: null,
  repo_url: 'errand://sample',
  prompt: 'Mend it',
  title: 'Mend it',
  base_branch: null,
  model: 'demo',
  budget_usd: 1,
  effort: 'medium',
  max_turns: 10,
  priority: 0,
  status: 'queued',
  reason: null,
  detail: null,
  waiting_for: null,
  queue_place: null,
  retry_at: null,
  cancel_reason: null,
  branch: null,
  attempt: 0,
  usage: { requests: 0, input_tokens: 0, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 0, cost_usd: 0 },
  plan: [],
  result: null,
  created_at: new Date().toISOString(),
  updated_at: new Date().toISOString(),
  started_at: null,
  ended_at: null,
};
const FINISHED = {
  turn: 1,
  ref: 'turn-1',
  model: 'demo',
  content: [{ type: 'text', text: 'I see it.' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 1, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 1 },
  request_id: null,
  duration_ms: 1,
};
