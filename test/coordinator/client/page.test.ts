import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { addLogEvents, runTask, taskOf } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';

const PAGE = readFileSync(new URL('../../../coordinator/client/README.md', import.meta.url), 'utf8');

test('the client of the page keeps a list and a log current, over a lost connection', async (t) => {
  const [, program = ''] = /```js\n([^]*?)```/.exec(PAGE) ?? [];
  const lines = program.split('\n').filter((line) => line.trim() !== '');
  t.true(lines.length <= 45, `${lines.length} lines`);
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session, password } = await server.person();
  const errand = await sendErrand(api, { prompt: 'First' });
  const file = join(await temporaryFolder(t), 'client.mjs');
  writeFileSync(file, program);
  const env = { SERVER: network.url, EMAIL: session.user.email, PASSWORD: password, OPEN: errand.id };
  const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill());
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  await until(
    'it shows the list and the log',
    () => /First: queued/.test(output) && /event task\.created/.test(output),
  );
  runTask(server.log, errand.id);
  await until('it follows both', () => /First: running/.test(output) && /event task\.status/.test(output));
  network.cut();
  await sendErrand(api, { prompt: 'Second' });
  addLogEvents(server.log, taskOf(server.log, errand.id), 3);
  await until('it catches up', () => /Second: queued/.test(output) && output.split('event log\n').length === 4);
  t.is(output.split('event task.created').length, 2, 'each event once');
});
