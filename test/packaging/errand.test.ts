import { docker, dockerTest, whyNot } from '../support/docker.ts';
import { CommandLine } from '../support/command-line.ts';
import { until } from '../support/until.ts';

const COORDINATOR = 'errand-coordinator';
const why_not = (await whyNot('errand-agent')) ?? (await whyNot(COORDINATOR));

dockerTest(
  'an errand succeeds with the coordinator in a container, started as compose.yaml does',
  async (t) => {
    t.timeout(180_000);
    const name = `errand-test-${process.pid}`;
    // Workers bear no label of the test's, but the path of its volume.
    const workers = async () => {
      const ids = (await docker('ps', '--all', '--quiet', '--filter', 'label=errand.instance')).split('\n');
      const mounts = await Promise.all(
        ids.filter((id) => id !== '').map(async (id) => [id, await docker('inspect', id).catch(() => '')] as const),
      );
      return mounts.filter(([, inspected]) => inspected.includes(`/${name}/`)).map(([id]) => id);
    };
    t.teardown(async () => {
      await docker('rm', '--force', name).catch(() => undefined);
      for (const id of await workers()) await docker('rm', '--force', '--volumes', id);
      await docker('volume', 'rm', '--force', name);
    });
    await docker('volume', 'create', '--label', 'errand.test=1', name);
    const volumes = ['--volume', `${name}:/data`, '--volume', '/var/run/docker.sock:/var/run/docker.sock'];
    const published = ['--publish', '127.0.0.1::8787'];
    await docker(
      'run',
      '--detach',
      '--init',
      '--name',
      name,
      '--label',
      'errand.test=1',
      ...published,
      ...volumes,
      COORDINATOR,
    );
    const [address = ''] = (await docker('port', name, '8787')).split('\n');
    const url = `http://${address}`;
    await until(
      'the coordinator is ready',
      () =>
        fetch(`${url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      60_000,
    );

    const cli = await CommandLine.create(t);
    const login = ['login', '--signup', '--server', url, '--email', 'ada@example.org'];
    t.is((await cli.run(login, { env: { ERRAND_PASSWORD: 'correct horse battery' } })).code, 0);
    const sent = await cli.run(['task', 'Make the tests pass', '--repo', 'errand://sample', '--follow']);
    t.is(sent.code, 0, `${sent.stdout}${sent.stderr}\n${await docker('logs', name)}`);
    const branch = /^branch (\S+) \(/m.exec(sent.stdout)?.[1] ?? '';
    t.true(branch.startsWith('errand/'), sent.stdout);
    t.regex(await docker('exec', name, 'git', '-C', '/data/sample.git', 'branch', '--list', branch), /errand\//);

    await docker('stop', '--time', '30', name);
    t.is(await docker('inspect', name, '--format', '{{.State.ExitCode}}'), '0');
    await until('no worker is left', async () => (await workers()).length === 0, 20_000);
  },
  why_not,
);
