import test from 'ava';
import { bench } from '../../support/agent-work.ts';
import { DONE, run, textOf } from '../../support/agent-script.ts';
import type { Turn } from '../../support/model/server.ts';

test('never runs a call of a turn that was cut off, and stops after three such turns', async (t) => {
  const cut: Turn = {
    text: 'I write',
    tools: [{ name: 'write_file', input: { path: 'a', content: 'hello world' } }],
    input_chars: 30,
  };
  const b = await bench(t, { script: [cut, cut, cut] });
  const end = await b.run();
  t.is(end.reason, 'stuck');
  t.is(b.of('tool.started').length, 0);
  t.is(b.of('tool.finished').length, 3);
  t.regex(textOf(b.model.requests[1]?.body), /Not executed/);
});

test('continues after a turn that was cut off in its text, paused, or empty', async (t) => {
  const b = await bench(t, {
    script: [
      { text: 'So I', stop_reason: 'max_tokens' },
      { text: 'Hold on', stop_reason: 'pause_turn' },
      { tools: [run('true')] },
      { text: '' },
      DONE,
    ],
  });
  t.is((await b.run()).status, 'succeeded');
  t.regex(textOf(b.model.requests[1]?.body), /cut off/);
  t.regex(textOf(b.model.requests[2]?.body), /Go on/);
  t.regex(textOf(b.model.requests[4]?.body), /empty/);
});

test('fails after a refusal, and asks again in the next attempt', async (t) => {
  const b = await bench(t, {
    script: [{ text: 'I was about to', refusal: { category: 'cyber', explanation: 'Not this.' } }, DONE],
  });
  const end = await b.run();
  t.is(end.reason, 'refused');
  t.regex(end.detail ?? '', /Not this/);
  b.messages.say('Then only the docs.');
  t.is((await b.run()).status, 'succeeded');
  t.regex(textOf(b.model.requests[1]?.body), /Then only the docs/);
  t.is(b.model.requests[1]?.body?.messages.length, 1);
});

test('stops at the limit of turns, after warnings', async (t) => {
  const b = await bench(t, { handler: (_, n) => ({ tools: [run(`echo ${n}`)] }) });
  const end = await b.run({ max_turns: 5 });
  t.is(end.reason, 'turn_limit');
  t.is(b.of('turn.finished').length, 5);
  t.deepEqual(
    b.of('limit.near').map(({ limit, used, of }) => [limit, used, of]),
    [
      ['turns', 4, 5],
      ['turns', 5, 5],
    ],
  );
  t.regex(textOf(b.model.requests[3]?.body), /turn 4 of at most 5/);
});

test('stops when the time is up, even during a command', async (t) => {
  const b = await bench(t, { script: [{ tools: [run('sleep 60')] }] });
  const end = await b.run({ time_limit_ms: 700 });
  t.is(end.status, 'failed');
  t.is(end.reason, 'time_limit');
});

test('does not begin if the budget is spent already', async (t) => {
  const b = await bench(t);
  t.is((await b.run({ spent_usd: 5 })).reason, 'budget_exhausted');
  t.is(b.model.requests.length, 0);
});

test('an agent that repeats itself is told how to repeat a command, and that the next time ends the errand', async (t) => {
  const b = await bench(t, {
    handler: (_, n) => {
      if (n < 4) return { tools: [run('echo passed')] };
      return n === 4 ? { tools: [run('for i in 1 2 3; do echo passed; done')] } : DONE;
    },
  });
  t.is((await b.run()).status, 'succeeded');
  t.regex(textOf(b.model.requests[4]?.body), /a loop in one command/);
  t.regex(textOf(b.model.requests[4]?.body), /the same once more ends the errand/);
});

test('stops an agent that repeats itself', async (t) => {
  const b = await bench(t, { handler: () => ({ tools: [run('echo same')] }) });
  const end = await b.run();
  t.is(end.reason, 'stuck');
  t.is(b.of('turn.finished').length, 5);
  t.deepEqual(
    b.of('input.added').map(({ source }) => source),
    ['harness'],
  );
});

test('stops an agent that repeats a failing command, though its output differs', async (t) => {
  const b = await bench(t, { handler: () => ({ tools: [run('date +%s.%N; exit 1')] }) });
  t.is((await b.run()).reason, 'stuck');
  t.is(b.of('turn.finished').length, 9);
});

test('goes on if the model stops for an unknown reason; if it does so again and again, it fails and names it', async (t) => {
  const b = await bench(t, { script: [{ text: 'Hm.', stop_reason: 'stop_sequence' as 'end_turn' }] });
  t.is((await b.run()).status, 'succeeded');
  const unknown = { text: 'Hm.', stop_reason: 'quite_new' as 'end_turn' };
  const once = await bench(t, { script: [unknown, { text: 'Done.' }] });
  t.is((await once.run()).status, 'succeeded');
  const c = await bench(t, { handler: () => unknown });
  const end = await c.run();
  t.is(end.reason, 'stuck');
  t.regex(end.detail ?? '', /quite_new/);
});
