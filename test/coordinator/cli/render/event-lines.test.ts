import test from 'ava';
import { EventLines } from '../../../../coordinator/cli/render/event-lines.ts';
import { paint } from '../../../../coordinator/cli/render/line.ts';
import { knownEvent } from '../../../../coordinator/client/known-event.ts';
import { FailureReason } from '../../../../protocol/task.ts';

const AT = '2026-11-30T00:00:00Z';

test('what the agent is told shows unless the log said the same before it', (t) => {
  const events = new EventLines();
  const shown = (type: string, body: Record<string, unknown>) => {
    const event = {
      id: 1,
      task_id: '01jd0000000000000000',
      attempt: 1,
      seq: 1,
      type,
      at: AT,
      body,
    };
    return events.of(event, knownEvent(event)).map((line) => paint(line, false));
  };
  const told = (text: string) => shown('input.added', { turn: 1, source: 'harness', text: `[Errand] ${text}` });
  for (const count of [1, 20]) {
    const text = `The commit of the work leaves out:${'\n- a file'.repeat(count)}`;
    t.true(shown('log', { level: 'warn', text }).length > 0);
    t.deepEqual(told(`${text}\n\nAct on it.`), []);
  }
  t.deepEqual(told('Your answer was empty.'), ['harness: [Errand] Your answer was empty.']);
});

test('a result shows only its warning', (t) => {
  const shown = (more: object) => {
    const diff_stat = { files: 1, insertions: 1, deletions: 0 };
    const body = { summary: 'Done.', branch: null, commit: null, diff_stat, ...more };
    const event = { id: 1, task_id: '01jd0000000000000000', attempt: 1, seq: null, type: 'task.result', at: AT, body };
    return new EventLines().of(event, knownEvent(event)).map((line) => paint(line, false));
  };
  t.deepEqual(shown({}), []);
  t.deepEqual(shown({ warning: 'Take care.' }), ['Take care.']);
});

test('an attempt shows its image, unless that is the default of the server', (t) => {
  const shown = (more: object) => {
    const body = { runner: 'docker', worker: 'errand-1', warm: false, ...more };
    const event = {
      id: 1,
      task_id: '01jd0000000000000000',
      attempt: 2,
      seq: null,
      type: 'attempt.started',
      at: AT,
      body,
    };
    return new EventLines().of(event, knownEvent(event)).map((line) => paint(line, false));
  };
  t.deepEqual(shown({ image: 'rust' }), ['attempt 2 in errand-1, image rust']);
  t.deepEqual(shown({ warm: true }), ['attempt 2 in errand-1, started ahead']);
});

test('a failure without a detail shows as a sentence, and one with a detail as that', (t) => {
  const shown = (type: string, body: Record<string, unknown>) => {
    const event = { id: 1, task_id: '01jd0000000000000000', attempt: 1, seq: null, type, at: AT, body };
    return new EventLines().of(event, knownEvent(event)).map((line) => paint(line, false));
  };
  for (const reason of FailureReason.options) {
    const failed = { from: 'running', to: 'failed', reason, detail: null };
    t.regex(shown('task.status', failed).join(), /^● failed — [A-Z][^_]+\.$/);
    const retried = { status: 'failed', reason, detail: null, retry_at: AT };
    t.regex(shown('attempt.ended', retried).join(), /^attempt 1 is over: [A-Z][^_]+\. — the next one at /);
    t.deepEqual(shown('task.status', { ...failed, detail: 'So it was.' }), ['● failed — So it was.']);
  }
});
