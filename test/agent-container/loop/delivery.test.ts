import test from 'ava';
import { bench, transcriptOf } from '../../support/agent-work.ts';
import type { Turn } from '../../support/model/server.ts';

const DONE: Turn = { text: 'Mend the sum\n\nIt added one too many.' };
const AGAIN: Turn = { text: 'Mend it well\n\nAs asked.' };
const run = (command: string): Turn => ({ tools: [{ name: 'run_command', input: { command } }] });

test('the model is told why its work was not pushed, and ends again', async (t) => {
  const b = await bench(t, { script: [DONE, run('true'), AGAIN] });
  b.refusals.push('The repository rejected the push: no.');
  t.like(await b.run(), { status: 'succeeded', summary: 'Mend it well\n\nAs asked.' });
  t.deepEqual(
    b.deliveries.map((message) => message.split('\n')[0]),
    ['Mend the sum', 'Mend it well'],
  );
  t.regex(JSON.stringify(b.model.requests[1]?.body?.messages.at(-1)), /rejected the push: no\.[^]*end again/);
});

test('the work is verified again after the model acted on a refused push', async (t) => {
  const b = await bench(t, { script: [DONE, AGAIN] });
  b.refusals.push('No.');
  t.is((await b.run({ verify_command: 'true' })).status, 'succeeded');
  t.is(b.of('verify.finished').length, 2);
});

test('a push that is refused again and again ends the work with the reason', async (t) => {
  const b = await bench(t, { handler: (_, n) => (n % 2 === 0 ? run(`echo ${n}`) : DONE) });
  b.refusals.push('One.', 'Two.', 'Three.', 'Four.', 'Five.');
  t.like(await b.run(), { status: 'failed', reason: 'push_rejected', detail: 'Four.' });
});

test('a refused push ends the work where no turn is left', async (t) => {
  const b = await bench(t, { script: [DONE] });
  b.refusals.push('No.');
  t.like(await b.run({ max_turns: 1 }), { status: 'failed', reason: 'push_rejected', detail: 'No.' });
});

test('a delivery says whether the model has another turn to act in', async (t) => {
  const b = await bench(t, { handler: (_, n) => (n % 2 === 0 ? run(`echo ${n}`) : DONE) });
  b.refusals.push('One.', 'Two.', 'Three.', 'Four.');
  await b.run();
  t.deepEqual(b.partial_deliveries, [false, false, false, true]);
  const other = await bench(t, { script: [DONE] });
  await other.run({ max_turns: 1 });
  t.deepEqual(other.partial_deliveries, [true]);
});

test('what a push would meet is told before the work is verified, and what verifying left is pushed around', async (t) => {
  const b = await bench(t, { script: [DONE, run('true'), AGAIN] });
  b.reviews.push('The commit of the work leaves out:\n- dist/ is ignored');
  t.is((await b.run({ verify_command: 'true' })).status, 'succeeded');
  t.is(b.of('verify.finished').length, 1);
  t.regex(JSON.stringify(b.model.requests[1]?.body?.messages.at(-1)), /leaves out:[^]*dist[^]*end again/);
  t.deepEqual(b.partial_deliveries, [true]);
});

test('work that is reviewed with a fault again and again is verified and delivered in the end', async (t) => {
  const b = await bench(t, { handler: (_, n) => (n % 2 === 0 ? run(`echo ${n}`) : DONE) });
  b.reviews.push('One.', 'Two.', 'Three.', 'Four.');
  b.refusals.push('Five.');
  t.like(await b.run({ verify_command: 'true' }), { status: 'failed', reason: 'push_rejected', detail: 'Five.' });
  t.is(b.of('verify.finished').length, 1);
});

test('work whose push would be refused, and that the model cannot mend any more, is not verified', async (t) => {
  const b = await bench(t, { script: [DONE] });
  b.has_problem = true;
  b.reviews.push('There is a secret in it.');
  const end = await b.run({ verify_command: 'true', max_turns: 1 });
  t.like(end, { status: 'failed', reason: 'push_rejected', detail: 'There is a secret in it.' });
  t.is(b.of('verify.finished').length, 0);
  t.deepEqual(b.deliveries, []);
});

test('where nothing was changed the verify command does not run, and people are told so', async (t) => {
  const b = await bench(t, { script: [DONE] });
  b.is_unchanged = true;
  t.is((await b.run({ verify_command: 'false' })).status, 'succeeded');
  t.is(b.of('verify.finished').length, 0);
  t.deepEqual(b.deliveries, []);
  t.regex(b.of('log')[0]?.text ?? '', /did not run: nothing was changed/);
  const changed = await bench(t, { handler: () => DONE });
  t.is((await changed.run({ verify_command: 'false' })).reason, 'verify_failed');
});

for (const [what, verify_command, code] of [
  ['was not found', 'no-such-program', 127],
  ['may not be executed', '/etc/passwd', 126],
] as const)
  test(`a verify command that ${what} goes back to the model once, and people are told at the first time`, async (t) => {
    const warned: number[] = [];
    const b = await bench(t, {
      handler: () => {
        warned.push(b.of('log').filter(({ level }) => level === 'warn').length);
        return DONE;
      },
    });
    t.like(await b.run({ verify_command }), { status: 'failed', reason: 'verify_failed' });
    t.deepEqual(
      b.of('verify.finished').map(({ exit_code }) => exit_code),
      [code, code],
    );
    t.deepEqual(warned, [0, 1]);
    t.regex(b.of('log')[0]?.text ?? '', /verify or the setup command of the project has to be changed/);
  });

test('a verify command that can be run after the model has mended it is verified as any other', async (t) => {
  const b = await bench(t, { script: [DONE, run('echo "exit 1" > check'), DONE, run('echo true > check'), DONE] });
  t.is((await b.run({ verify_command: 'test -e check || exit 127; sh check' })).status, 'succeeded');
  t.is(b.of('verify.finished').length, 3);
});

test('a verify command that cannot be run goes back to the model anew once it has run in between', async (t) => {
  const writes = (check: string) => run(`echo "${check}" > check`);
  const script = [writes('exit 127'), DONE, writes('exit 1'), DONE, writes('exit 127'), DONE, writes('true'), DONE];
  const b = await bench(t, { script });
  t.is((await b.run({ verify_command: 'sh check' })).status, 'succeeded');
  const pushed = await bench(t, { script: [...script.slice(0, 2), writes('true'), DONE, ...script.slice(4)] });
  pushed.refusals.push('The repository rejected the push: no.');
  t.is((await pushed.run({ verify_command: 'sh check' })).status, 'succeeded');
});

test('work that was not verified is not pushed', async (t) => {
  const b = await bench(t, { script: [DONE, DONE, DONE] });
  t.is((await b.run({ verify_command: 'false' })).reason, 'verify_failed');
  t.deepEqual(b.deliveries, []);
});

test('an attempt in another workspace than that of the transcript takes a turn before it ends', async (t) => {
  const b = await bench(t, { handler: (_, n) => [run('true'), DONE][n] ?? AGAIN });
  t.is((await b.run()).status, 'succeeded');
  const whole = [...b.events];
  b.workspace_note = 'The workspace is gone.';
  for (let at = 1; at <= whole.length; at++) {
    const transcript = transcriptOf(whole.slice(0, at));
    const before = [b.events.length, b.model.requests.length] as const;
    const end = await b.run({ transcript, attempt: 2 });
    const where = `after event ${at}, ${whole[at - 1]?.type}`;
    t.is(end.status, 'succeeded', where);
    t.is(b.model.requests.length - before[1], 1, where);
    t.regex(JSON.stringify(b.model.requests.at(-1)?.body?.messages.at(-1)), /The workspace is gone/, where);
    t.false(
      b.events.slice(before[0]).some(({ type }) => type === 'tool.started'),
      `${where}: no call for the other workspace is run`,
    );
  }
});
