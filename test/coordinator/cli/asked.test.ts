import test, { type ExecutionContext } from 'ava';
import type { Ended } from '../../support/command-line.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

async function stage(t: ExecutionContext) {
  const { server, session, api, cli } = await loggedIn(t);
  const task = await api.call('createTask', { body: { prompt: 'Mend the bill', repo_url: 'errand://sample' } });
  const errand = new LivelyErrand(server, task);
  errand.begin();
  return { server, session, api, cli, errand };
}

const jsonOf = ({ stdout }: Ended) =>
  stdout
    .trim()
    .split('\n')
    .map((line): { type: string } => JSON.parse(line));

test('watch --until-asked ends with exit code 4 once the errand waits for its person, and has shown what it asks', async (t) => {
  const { cli, errand } = await stage(t);
  const watching = cli.start(['watch', errand.id, '--until-asked']);
  await watching.shows('running');
  errand.ask('Which database?', ['SQLite', 'PostgreSQL']);
  const { code, stdout } = await watching.ended;
  t.is(code, 4, stdout);
  t.regex(stdout, /Which database\?[^]*2 PostgreSQL[^]*answer it with: npx errand answer/);
});

test('watch --until-asked ends at once where the errand waits already, and passes over a wait that is over', async (t) => {
  const { cli, errand } = await stage(t);
  errand.ask('Which database?', ['SQLite', 'PostgreSQL']);
  const asked = await cli.run(['watch', errand.id, '--until-asked', '--json']);
  t.is(asked.code, 4, asked.stderr);
  t.true(jsonOf(asked).some(({ type }) => type === 'need.asked'));

  errand.fail('verify_failed');
  t.is((await cli.run(['retry', errand.id])).code, 0);
  errand.begin();
  const watching = cli.start(['watch', errand.id, '--until-asked']);
  await watching.shows('Which database?');
  errand.askToPush('a'.repeat(40));
  t.is((await watching.ended).code, 4);
});

test('watch --until-asked goes on where the answer was given and the worker has not taken it yet', async (t) => {
  const { cli, errand } = await stage(t);
  const ref = errand.ask('Which database?', ['SQLite', 'PostgreSQL']);
  t.is((await cli.run(['answer', errand.id, '2'])).code, 0);
  const watching = cli.start(['watch', errand.id, '--until-asked']);
  await watching.shows('PostgreSQL');
  errand.report({ type: 'log', body: { level: 'info', text: 'still at work' } });
  await watching.shows('still at work');
  errand.report({ type: 'question.closed', body: { ref, answered: true } });
  errand.ask('Which port?', ['5432', '5433']);
  const { code, stdout } = await watching.ended;
  t.is(code, 4, stdout);
  t.regex(stdout, /Which port\?[^]*answer it with: npx errand answer/);
});

test('watch --until-asked has exit code 4 also where the question is answered at that moment', async (t) => {
  const { server, session, cli, errand } = await stage(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { email } = session.user;
  t.is((await cli.run(['login', '--server', proxy.url, '--email', email], { stdin: `${PASSWORD}\n` })).code, 0);
  const ref = errand.ask('Which database?', ['SQLite', 'PostgreSQL']);
  let is_followed = false;
  proxy.hangs = () => {
    is_followed = true;
    return false;
  };
  proxy.answer = ({ url }, response) => {
    if (is_followed && url === `/tasks/${errand.id}`)
      response.once('finish', () => errand.report({ type: 'question.closed', body: { ref, answered: true } }));
    return false;
  };
  const { code, stdout, stderr } = await cli.run(['watch', errand.id, '--until-asked']);
  t.is(code, 4, stdout + stderr);
});

test('show says how an errand stands and what it asks, and --json prints it as the API has it', async (t) => {
  const { api, cli, errand } = await stage(t);
  errand.ask('Which database?', ['SQLite', 'PostgreSQL']);
  const { code, stdout } = await cli.run(['show', errand.id.slice(-8)]);
  t.is(code, 0);
  t.regex(
    stdout,
    /^Mend the bill\n[^]*● waiting\n\? Which database\?\n {2}1 SQLite\n {2}2 PostgreSQL\nanswer it with: /,
  );
  const [shown] = jsonOf(await cli.run(['show', errand.id, '--json']));
  t.deepEqual(shown, JSON.parse(JSON.stringify(await api.call('getTask', { params: { id: errand.id } }))));

  errand.fail('verify_failed');
  t.regex((await cli.run(['show', errand.id])).stdout, /● failed — /);
});
