import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { bench } from '../../support/agent-work.ts';
import { DONE, run, textOf } from '../../support/agent-script.ts';
import { isAlive } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

const read = (path: string) => ({ name: 'read_file', input: { path } });

test('reads, edits and ends, with the closing text as summary and commit message', async (t) => {
  const b = await bench(t, {
    script: [
      { thinking: 'Let me see.', text: 'I look.', tools: [read('sum.js')] },
      { tools: [{ name: 'edit_file', input: { path: 'sum.js', old_text: '+ 1', new_text: '' } }] },
      DONE,
    ],
  });
  await writeFile(join(b.repo_dir, 'sum.js'), 'export const sum = (a, b) => a + b + 1;\n');
  const end = await b.run();
  t.deepEqual(end, {
    status: 'succeeded',
    reason: null,
    detail: null,
    summary: 'Mend the sum\n\nIt added one too many.',
    commit_message: 'Mend the sum\n\nIt added one too many.\n',
  });
  t.is(await readFile(join(b.repo_dir, 'sum.js'), 'utf8'), 'export const sum = (a, b) => a + b ;\n');
  t.deepEqual(
    b.events.map(({ type }) => type),
    ['step.started', 'conversation.started'].concat(
      ['turn.started', 'turn.finished', 'tool.started', 'tool.finished'],
      ['turn.started', 'turn.finished', 'tool.started', 'tool.finished'],
      ['turn.started', 'turn.finished'],
    ),
  );
  t.is(
    b.deltas
      .filter(({ kind }) => kind === 'thinking')
      .map(({ text }) => text)
      .join(''),
    'Let me see.',
  );
  const [first, second, third] = b.of('turn.finished');
  t.true((second?.usage.cache_read_tokens ?? 0) > (first?.usage.cache_read_tokens ?? 0));
  t.true((third?.usage.cache_read_tokens ?? 0) > (second?.usage.cache_read_tokens ?? 0));
});

test('answers all calls of a turn in one message, in their order, with reads in parallel', async (t) => {
  const b = await bench(t, {
    script: [{ tools: [read('a'), read('b'), read('missing'), run('echo c'), { name: 'nonsense', input: {} }] }, DONE],
  });
  await writeFile(join(b.repo_dir, 'a'), 'A\n');
  await writeFile(join(b.repo_dir, 'b'), 'B\n');
  t.is((await b.run()).status, 'succeeded');
  const order = b.events.flatMap(({ type, body }) =>
    type === 'tool.started' || type === 'tool.finished' ? [[type, body.name]] : [],
  );
  t.deepEqual(
    order.slice(0, 3).map(([type]) => type),
    ['tool.started', 'tool.started', 'tool.started'],
  );
  const request = b.model.requests[1]?.body;
  const calls = request?.messages[1]?.content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []));
  const results = request?.messages[2]?.content.flatMap((block) =>
    block.type === 'tool_result' ? [block.tool_use_id] : [],
  );
  t.is(calls?.length, 5);
  t.deepEqual(results, calls);
  t.deepEqual(
    b
      .of('tool.finished')
      .map(({ name, is_error }) => `${name} ${is_error}`)
      .toSorted(),
    ['nonsense true', 'read_file false', 'read_file false', 'read_file true', 'run_command false'],
  );
});

test('the results of one turn are bounded together: the calls beyond are refused, and can be made again', async (t) => {
  const calls = Array.from({ length: 40 }, (_, n) => ({ name: 'read_file', input: { path: 'long', limit: 1000 + n } }));
  const b = await bench(t, { script: [{ tools: [...calls, run('touch never')] }, DONE], piece_chars: 1000 });
  await writeFile(join(b.repo_dir, 'long'), `${'x'.repeat(95)}\n`.repeat(480));
  t.is((await b.run()).status, 'succeeded');
  const texts = b.of('tool.finished').map(({ content }) => JSON.stringify(content));
  t.is(texts.length, 41);
  t.true(texts.join('').length < 300_000, String(texts.join('').length));
  t.regex(texts[0] ?? '', /xxxx/);
  t.regex(texts.at(-1) ?? '', /the results of this turn are long already/);
  t.false((await readdir(b.repo_dir)).includes('never'));
});

test('gives the model the output of a failed verify command, and succeeds once it passes', async (t) => {
  const b = await bench(t, { script: [DONE, { tools: [run('touch good')] }, DONE] });
  const end = await b.run({ verify_command: 'echo checking; test -e good' });
  t.is(end.status, 'succeeded');
  t.deepEqual(
    b.of('verify.finished').map(({ passed, exit_code }) => [passed, exit_code]),
    [
      [false, 1],
      [true, 0],
    ],
  );
  t.regex(textOf(b.model.requests[1]?.body), /verify command failed \(exit code 1.*checking/s);
  t.is(b.of('input.added')[0]?.source, 'verify');
});

test('each run of the verify command starts at the root of the repository, with the variables that setup exported', async (t) => {
  const change = { tools: [run('mkdir -p web')] };
  const b = await bench(t, { script: [DONE, change, DONE, change, DONE] });
  const end = await b.run({
    setup_command: 'mkdir lib && cd lib && export FLAVOUR=mint',
    verify_command:
      'set -e; echo "$FLAVOUR in $(basename "$PWD")"; export FLAVOUR=lime; cd web; echo >> runs; [ $(wc -l < runs) = 2 ] || exit 1',
  });
  t.is(end.status, 'succeeded', end.detail ?? '');
  t.deepEqual(
    b.of('verify.finished').map(({ output }) => output.split('\n')[0]),
    ['mint in repo', 'mint in repo', 'mint in repo'],
  );
});

test('fails if the verify command never passes: when turns run out, or when the model changes nothing', async (t) => {
  const b = await bench(t, { handler: () => DONE });
  t.is((await b.run({ verify_command: 'false' })).reason, 'verify_failed');
  t.is(b.of('verify.finished').length, 3);
  const c = await bench(t, { handler: () => DONE });
  const end = await c.run({ verify_command: 'echo why; false', max_turns: 1 });
  t.is(end.reason, 'verify_failed');
  t.regex(end.detail ?? '', /why/);
});

test('runs the setup command first, keeps its exports, and fails if it fails', async (t) => {
  const b = await bench(t, { script: [{ tools: [run('echo "$FLAVOUR in $(basename "$PWD")"')] }, DONE] });
  const end = await b.run({
    setup_command: 'mkdir sub && cd sub && export FLAVOUR=mint',
    verify_command: 'test $FLAVOUR = mint',
  });
  t.is(end.status, 'succeeded');
  t.regex(textOf(b.model.requests[1]?.body), /mint in repo/);
  const c = await bench(t);
  const failed = await c.run({ setup_command: 'echo no such package; exit 3' });
  t.is(failed.reason, 'setup_failed');
  t.regex(failed.detail ?? '', /no such package/);
  t.like(c.of('setup.finished')[0], { exit_code: 3 });
});

test('redacts the secrets of the project in the conversation and the events', async (t) => {
  const secret = 'tok-5b1f0d2c9e';
  const b = await bench(t, {
    script: [{ tools: [run('echo "it is $NPM_TOKEN"; echo $NPM_TOKEN > f'), read('f')] }, DONE],
  });
  t.is((await b.run({ env: { NPM_TOKEN: secret }, verify_command: 'cat f' })).status, 'succeeded');
  t.false(JSON.stringify([b.events, b.deltas]).includes(secret));
  t.false(b.model.requests.some(({ raw }) => raw.includes(secret)));
  t.regex(textOf(b.model.requests[1]?.body), /it is \[secret NPM_TOKEN\]/);
});

test('redacts a secret also where a long result is cut', async (t) => {
  const secret = 'tok-5b1f0d2c9e';
  const b = await bench(t, { script: [{ tools: [{ name: 'list_files', input: {} }] }, DONE] });
  const names = Array.from({ length: 400 }, (_, i) => String(i).padStart(3, '0').padEnd(199, 'x'));
  // The head of the result ends before the last character of the secret.
  names[59] = `${'059'.padEnd(184, 'x')}${secret}x`;
  await Promise.all(names.map((name) => writeFile(join(b.repo_dir, name), '')));
  await b.run({ env: { NPM_TOKEN: secret } });
  const text = String(b.of('tool.finished')[0]?.content[0]?.['text']);
  t.regex(text, /characters left out/);
  t.notRegex(text, /tok-5b/);
});

test('a plain variable is read as it is, and no mask of a secret reaches a file', async (t) => {
  const env = { NODE_ENV: 'production-like', NPM_TOKEN: 'tok-5b1f0d2c9e' };
  const mask = '[secret NPM_TOKEN]';
  const b = await bench(t, {
    script: [
      {
        tools: [
          run('echo "//r/:_authToken=$NPM_TOKEN" > .npmrc; echo "mode: $NODE_ENV" > f'),
          read('.npmrc'),
          read('f'),
        ],
      },
      { tools: [{ name: 'write_file', input: { path: 'copy', content: `x=${mask}\n` } }] },
      { tools: [{ name: 'edit_file', input: { path: '.npmrc', old_text: '//r', new_text: `${mask}//r` } }] },
      { tools: [run(`echo '${mask}' > copy`)] },
      { tools: [{ name: 'edit_file', input: { path: 'f', old_text: env.NODE_ENV, new_text: 'development' } }] },
      DONE,
    ],
  });
  t.is((await b.run({ env, secrets: ['NPM_TOKEN'] })).status, 'succeeded');
  t.regex(textOf(b.model.requests[1]?.body), /mode: production-like/);
  const refused = b.of('tool.finished').filter(({ is_error }) => is_error);
  t.is(refused.length, 3);
  for (const { content } of refused) t.regex(String(content[0]?.['text']), /hides the value of the variable NPM_TOKEN/);
  const text = (name: string) => readFile(join(b.repo_dir, name), 'utf8');
  t.is(await text('.npmrc'), `//r/:_authToken=${env.NPM_TOKEN}\n`);
  t.is(await text('f'), 'mode: development\n');
  await t.throwsAsync(text('copy'));
});

test('sends the instructions of the repository with the task', async (t) => {
  const b = await bench(t, { script: [DONE] });
  await writeFile(join(b.repo_dir, 'AGENTS.md'), 'Use tabs.\n');
  await b.run();
  t.regex(textOf(b.model.requests[0]?.body), /<file path=\\"AGENTS.md\\">\\nUse tabs/);
});

test('a cancel ends commands and their children at once', async (t) => {
  const b = await bench(t, { script: [{ text: 'I run it.', tools: [run('sleep 300 & echo $! > pid; wait')] }] });
  const ending = b.run();
  const file = join(b.repo_dir, 'pid');
  await until('the pid is there', async () => (await readFile(file, 'utf8').catch(() => '')).endsWith('\n'));
  b.abort.abort();
  const end = await ending;
  t.like(end, { status: 'cancelled', reason: null, summary: 'I run it.' });
  const pid = Number(await readFile(file, 'utf8'));
  await until('the process has gone', () => !isAlive(pid));
});

test('background commands end with the work', async (t) => {
  const b = await bench(t, {
    script: [{ tools: [run('echo $$ > pid; sleep 300', { background: true })] }, DONE, DONE],
  });
  t.is((await b.run()).status, 'succeeded');
  const pid = Number(await readFile(join(b.repo_dir, 'pid'), 'utf8'));
  t.false(isAlive(pid));
});

test('makes the same form of request for every model', async (t) => {
  const b = await bench(t, { script: [DONE] });
  await b.run({ model: 'claude-haiku-5-5' });
  t.like(b.model.requests[0]?.body, {
    stream: true,
    thinking: { type: 'adaptive', display: 'summarized' },
    max_tokens: 64_000,
  });
  t.is(b.model.requests[0]?.headers['anthropic-beta'], 'thinking-binding-controls-2026-08-01');
});

test('makes checkpoints', async (t) => {
  const b = await bench(t, { handler: (_, n) => (n < 3 ? { tools: [run(`echo ${n}`)] } : DONE) });
  await b.run({}, { checkpoint_ms: 0 });
  t.is(b.checkpoints, 3);
  const c = await bench(t, { script: [{ tools: [run('true')] }, DONE] });
  await c.run();
  t.is(c.checkpoints, 0);
});

test('the work goes on while a checkpoint runs, and no other one begins meanwhile', async (t) => {
  const { promise: pushed, resolve: push } = Promise.withResolvers<void>();
  const b = await bench(t, {
    handler: (_, n) => {
      if (n < 3) return { tools: [run(`echo ${n}`)] };
      push();
      return DONE;
    },
  });
  b.checkpoint = () => pushed;
  t.is((await b.run({}, { checkpoint_ms: 0 })).status, 'succeeded');
  t.is(b.checkpoints, 1);
});

test('a checkpoint that stands still ends before the work is pushed, and with any other end of the work', async (t) => {
  /** Stands still until it is ended. */
  const stalled = (seen: string[]) => async (ended: AbortSignal | undefined) => {
    if (ended !== undefined && !ended.aborted) await once(ended, 'abort');
    seen.push('ended');
  };
  const seen: string[] = [];
  const b = await bench(t, { script: [{ tools: [run('true')] }, DONE] });
  b.checkpoint = stalled(seen);
  t.is((await b.run({}, { checkpoint_ms: 0, checkpoint_end_ms: 1 })).status, 'succeeded');
  t.deepEqual([b.checkpoints, seen.length, b.deliveries.length], [1, 1, 1]);
  const c = await bench(t, {
    script: [{ tools: [run('true')] }, { text: '', refusal: { category: 'cyber', explanation: null } }],
  });
  const others: string[] = [];
  c.checkpoint = stalled(others);
  t.is((await c.run({}, { checkpoint_ms: 0 })).reason, 'refused');
  t.deepEqual(others, ['ended']);
});

test('the effort of the errand goes with each request; without one it is medium', async (t) => {
  const b = await bench(t, { script: [DONE, DONE] });
  await b.run({ effort: 'max' });
  const other = await bench(t, { script: [DONE] });
  await other.run();
  t.deepEqual(b.model.requests[0]?.body?.output_config, { effort: 'max' });
  t.deepEqual(other.model.requests[0]?.body?.output_config, { effort: 'medium' });
});

test('a command that removes the repository does not end the work', async (t) => {
  const b = await bench(t, { script: [{ tools: [run('rm -r "$PWD"')] }, { tools: [run('pwd')] }, DONE] });
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(
    b.of('tool.finished').map(({ is_error }) => is_error),
    [false, false],
  );
});
