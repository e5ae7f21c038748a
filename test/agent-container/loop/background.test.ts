import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { DONE, run, textOf } from '../../support/agent-script.ts';
import { bench } from '../../support/agent-work.ts';

const background = (command: string) => run(command, { background: true });

test('waiting for a background command with one and the same call does not end the errand', async (t) => {
  const b = await bench(t, {
    handler: (_, n) => {
      if (n === 0) return { tools: [background('sleep 60')] };
      return n < 14 ? { tools: [run('sleep 0.1; ls')] } : DONE;
    },
  });
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(
    b.of('input.added').filter(({ text }) => text.includes('the same several times')),
    [],
  );
});

test('the end of a background command is told once, with its exit code and output, though nobody looked', async (t) => {
  const b = await bench(t, {
    script: [
      { tools: [background('while [ ! -e go ]; do sleep 0.1; done; echo it broke; exit 3')] },
      { tools: [run('touch go; sleep 1')] },
      { tools: [run('true')] },
      DONE,
    ],
  });
  t.is((await b.run()).status, 'succeeded');
  t.notRegex(textOf(b.model.requests[1]?.body), /has ended/);
  t.regex(textOf(b.model.requests[2]?.body), /\[Errand\] The background command .* has ended \(exit code 3.*it broke/s);
  t.notRegex(textOf(b.model.requests[3]?.body), /has ended/);
  t.is(b.of('input.added').length, 1);
});

test('a command that the model stopped, or that failed at once, is not told again', async (t) => {
  const b = await bench(t, {
    script: [
      { tools: [background('exit 7')] },
      { tools: [background('sleep 300')] },
      (request) => {
        const [, id = ''] = /in the background as ([\w-]+)/.exec(textOf(request)) ?? [];
        return { tools: [{ name: 'stop_command', input: { id } }] };
      },
      { tools: [run('true')] },
      DONE,
    ],
  });
  t.is((await b.run()).status, 'succeeded');
  const texts = [...b.of('tool.finished').flatMap(({ content }) => content), ...b.of('input.added')];
  const telling = texts.filter(({ text }) => String(text).includes('exit code 7'));
  t.is(telling.length, 1);
  t.deepEqual(
    b.of('input.added').filter(({ text }) => !text.includes('exit code 7')),
    [],
  );
});

test('a model that ends its turn to wait for a background command is told that it still runs, once', async (t) => {
  const b = await bench(t, {
    script: [
      { tools: [background('while [ ! -e go ]; do sleep 0.1; done; echo it passed'), background('sleep 300')] },
      { text: 'Waiting for the tests.' },
      { tools: [run('touch go; sleep 1')] },
      DONE,
    ],
  });
  const end = await b.run();
  t.is(end.status, 'succeeded');
  t.regex(textOf(b.model.requests[2]?.body), /still runs: \S+-1, \S+-2\. It ends with your work/);
  t.regex(textOf(b.model.requests[3]?.body), /has ended \(exit code 0.*it passed/s);
  t.is(b.of('input.added').filter(({ text }) => text.includes('still runs')).length, 1);
  t.not(end.summary, 'Waiting for the tests.');
});

test('the end of a background command does not keep the model from ending', async (t) => {
  const b = await bench(t, {
    script: [{ tools: [background('sleep 1.5; echo x > x')] }, { ...DONE, fault: { fault: 'drip', pause_ms: 200 } }],
  });
  t.is((await b.run()).status, 'succeeded');
  t.is(await readFile(join(b.repo_dir, 'x'), 'utf8').catch(() => 'x\n'), 'x\n');
  t.is(b.model.requests.length, 2);
});
