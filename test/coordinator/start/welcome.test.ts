import test from 'ava';
import { paint } from '../../../coordinator/cli/render/line.ts';
import { welcome } from '../../../coordinator/start/welcome.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { temporaryFolder } from '../../support/folder.ts';

const shown = (url: string, setup_code: string | undefined, elsewhere: string[] = []) =>
  welcome({ url, elsewhere, runner: 'docker', demo: false, setup_code, qr: (text) => [[`<${text}>`]] })
    .map((line) => paint(line, false))
    .join('\n');

test('a new server draws its link for a phone where one can reach it, and says what is missing where none can', (t) => {
  t.regex(shown('https://errand.example.org', 'c0de'), /phone:\n<https:\/\/errand\.example\.org\/#setup=c0de>\n/);
  for (const url of ['http://127.0.0.1:8787', 'http://[::1]:8787', 'http://localhost:8787']) {
    t.regex(shown(url, 'c0de'), /A phone cannot reach that address/);
    t.notRegex(shown(url, 'c0de'), /</);
  }
  t.notRegex(shown('https://errand.example.org', undefined), /phone/);
});

test('a server on all addresses shows those that a phone can use, with the link, and what plain HTTP lacks', (t) => {
  const elsewhere = ['http://192.168.1.5:8787', 'http://10.0.0.2:8787'];
  const words = shown('http://localhost:8787', 'c0de', elsewhere);
  for (const address of elsewhere) t.regex(words, new RegExp(`^  ${address}/#setup=c0de$`, 'm'));
  t.regex(words, /\n<http:\/\/192\.168\.1\.5:8787\/#setup=c0de>\nWithout TLS /);
  t.notRegex(words, /cannot reach/);
  for (const address of elsewhere)
    t.true(shown('http://localhost:8787', undefined, elsewhere).includes(`${address}\n`), 'its owner sees them too');
});

test('each address that a server prints answers', async (t) => {
  for (const HOST of ['0.0.0.0', '::']) {
    const env = { HOST, ERRAND_RUNNER: 'process' };
    const server = CoordinatorProcess.start(t, await temporaryFolder(t), env);
    await server.shows('npx errand task');
    const printed = new Set(server.stdout.match(/http:\/\/[^/\s]+/g));
    t.true(printed.has(await server.url()));
    for (const address of printed) t.is((await fetch(`${address}/healthz`)).status, 200, `${address} of ${HOST}`);
    await server.stop();
  }
});

test('a published address is the only one that is printed', async (t) => {
  const env = { HOST: '0.0.0.0', ERRAND_RUNNER: 'process', ERRAND_PUBLIC_URL: 'https://errand.example.org' };
  const server = CoordinatorProcess.start(t, await temporaryFolder(t), env);
  await server.shows('npx errand task');
  t.deepEqual([...new Set(server.stdout.match(/https?:\/\/[^/\s]+/g))], ['https://errand.example.org']);
});

test('at a narrow terminal lines are broken between words, and a command is whole', async (t) => {
  const under = ['sh', '-c', `exec script -qefc "stty cols 60 && exec '$0' '$1'" /dev/null`];
  const env = { ERRAND_RUNNER: 'process', TERM: 'xterm', NO_COLOR: '1' };
  const server = CoordinatorProcess.spawn(await temporaryFolder(t), env, undefined, under);
  t.teardown(() => server.kill());
  await server.shows('npx errand task');
  const rows = server.stdout.split('\r\n');
  t.true(rows.includes('WARNING: workers run as plain processes of this machine,'), server.stdout);
  t.deepEqual(
    rows.filter((row) => row.length > 60 && !row.includes('npx errand')),
    [],
  );
  t.true(
    rows.some((row) => row.includes('npx errand signup') && row.includes('#setup=')),
    server.stdout,
  );
});
