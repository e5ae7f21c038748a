import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { bench } from '../../support/agent-work.ts';
import { DONE, run } from '../../support/agent-script.ts';

/** A command that runs until the file `go` is there. */
const UNTIL_GO = 'until [ -e go ]; do sleep 0.05; done';

test('a long command keeps the conversation in the cache, with one request', async (t) => {
  const b = await bench(t, { script: [{ tools: [run(UNTIL_GO)] }, DONE] });
  const ending = b.run({}, { keep_cache_ms: 1 });
  t.is((await b.model.request(1)).body?.max_tokens, 0);
  await writeFile(join(b.repo_dir, 'go'), '');
  t.is((await ending).status, 'succeeded');
  t.is(b.model.requests.length, 3);
});

test('a long check keeps the conversation in the cache, whose newest answer has no calls', async (t) => {
  const b = await bench(t, { script: [{ thinking: 'Hm.', ...DONE }, { tools: [run('touch good')] }, DONE] });
  const ending = b.run({ verify_command: `${UNTIL_GO}; test -e good` }, { keep_cache_ms: 1 });
  const { body } = await b.model.request(1);
  t.is(body?.max_tokens, 0);
  t.deepEqual(
    body?.messages.map(({ role }) => role),
    ['user', 'assistant', 'user'],
  );
  await writeFile(join(b.repo_dir, 'go'), '');
  t.is((await ending).status, 'succeeded');
  const after = b.of('turn.finished')[1]?.usage;
  t.true((after?.cache_write_tokens ?? 1e9) + (after?.input_tokens ?? 1e9) < 300);
});

test('the next turn waits for the request that keeps the conversation in the cache, which has a part of the budget', async (t) => {
  const b = await bench(t, { script: [{ tools: [run(UNTIL_GO)] }, DONE] });
  const held = Promise.withResolvers<undefined>();
  b.fetch = async (url, init) => {
    const response = await fetch(url, init);
    if (b.model.requests.length === 2) await held.promise;
    return response;
  };
  const ending = b.run({}, { keep_cache_ms: 1 });
  await b.model.request(1);
  await writeFile(join(b.repo_dir, 'go'), '');
  await b.event('tool.finished');
  // Meanwhile a turn that does not wait would begin.
  const other = await bench(t, { script: [{ tools: [run('true')] }, DONE] });
  t.is((await other.run()).status, 'succeeded');
  t.is(b.model.requests.length, 2);
  held.resolve(undefined);
  t.is((await ending).status, 'succeeded');
});
