import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { throughMounts } from '../../../../coordinator/workers/docker/host-paths.ts';
import { BASE_IMAGE, docker, dockerTest } from '../../../support/docker.ts';
import { temporaryFolder } from '../../../support/folder.ts';

const mount = (Source: string, Destination: string, RW = true) => ({ Source, Destination, RW });

test('a path is converted by the mount with the longest matching path', (t) => {
  const mounts = [
    mount('/var/lib/docker/volumes/a/_data', '/srv'),
    mount('/home/me/errand', '/srv/data'),
    mount('/x', '/'),
  ];
  t.is(throughMounts(mounts, '/srv/data')('/srv/data/workers/w/worker'), '/home/me/errand/workers/w/worker');
  t.is(throughMounts(mounts, '/srv/database')('/srv/database/w'), '/var/lib/docker/volumes/a/_data/database/w');
  t.is(throughMounts(mounts, '/data')('/data/w'), '/x/data/w');
});

test('a data folder on no volume, or on a read-only one, is refused with the fix', (t) => {
  for (const mounts of [[], [mount('/a', '/data2')], [mount('/a', '/data', false)]])
    t.throws(() => throughMounts(mounts, '/data'), {
      message: /data folder \/data is not on a writable volume, .*Mount a volume there/,
    });
});

/** Converts the path of a data folder from inside a container. */
async function askInside(data: string[], data_dir: string): Promise<string> {
  const root = join(import.meta.dirname, '../../../..');
  const modules = await realpath(join(root, 'node_modules'));
  const script = `
    import { Agent } from 'node:http';
    import { EngineClient } from '${root}/coordinator/workers/docker/client.ts';
    import { findHostPath } from '${root}/coordinator/workers/docker/host-paths.ts';
    const ask = findHostPath(new EngineClient({ socketPath: '/var/run/docker.sock' }, new Agent(), 20_000), '${data_dir}');
    console.log(await ask.then((hostPath) => hostPath('${data_dir}/workers/w'), (error) => error.message));`;
  const mounts = [
    ...data,
    `${root}:${root}:ro`,
    `${modules}:${modules}:ro`,
    '/var/run/docker.sock:/var/run/docker.sock',
  ];
  const volumes = mounts.flatMap((volume) => ['--volume', volume]);
  const settings = ['--label', 'errand.test=1', '--hostname', 'my-own-name', '--workdir', root, ...volumes];
  return docker('run', '--rm', ...settings, BASE_IMAGE, 'node', '--input-type=module', '--eval', script);
}

dockerTest('a coordinator in a container finds the host path of its data folder', async (t) => {
  const folder = await temporaryFolder(t);
  t.is(await askInside([`${folder}:/data`], '/data/errand'), `${folder}/errand/workers/w`);
  t.regex(await askInside([], '/data/errand'), /data folder \/data\/errand is not on a writable volume/);
});
