import test from 'ava';
import { readConfig } from '../../../../coordinator/base/config.ts';
import { trialConfig } from '../../../../coordinator/start/trial/trial-config.ts';
import { startFakeEngine } from '../../../support/fake-engine.ts';
import { SILENT } from '../../../support/silent.ts';

const KEY = { ANTHROPIC_API_KEY: 'sk-ant-test' };
const choose = async (env: Record<string, string>) => {
  const { config, notes } = await trialConfig(readConfig(env), '/tmp/trial', SILENT);
  return { runner: config.runner, key: config.anthropic_api_key, notes: notes.length };
};

test('a trial with Docker and the image uses containers, and the API key if there is one', async (t) => {
  const { docker_host: DOCKER_HOST } = await startFakeEngine(t, { has_image: true });
  t.deepEqual(await choose({ DOCKER_HOST, ...KEY }), { runner: 'docker', key: 'sk-ant-test', notes: 0 });
  t.deepEqual(await choose({ DOCKER_HOST }), { runner: 'docker', key: undefined, notes: 0 });
});

test('a trial without containers never uses the API key, unless ERRAND_RUNNER=process allows it', async (t) => {
  const { docker_host: no_image } = await startFakeEngine(t);
  for (const DOCKER_HOST of [no_image, 'unix:///nonexistent/docker.sock', 'ssh://me@example.org'])
    t.deepEqual(await choose({ DOCKER_HOST, ...KEY }), { runner: 'process', key: undefined, notes: 2 });
  t.deepEqual(await choose({ ERRAND_RUNNER: 'process', ...KEY }), { runner: 'process', key: 'sk-ant-test', notes: 0 });
});

test('a trial offers the images of projects only where it has containers', async (t) => {
  const { docker_host } = await startFakeEngine(t, { has_image: true });
  const offered = async (DOCKER_HOST: string) => {
    const settings = readConfig({ DOCKER_HOST, ERRAND_WORKER_IMAGES: 'go=errand-go' });
    return [...(await trialConfig(settings, '/tmp/trial', SILENT)).config.worker_images.keys()];
  };
  t.deepEqual(await offered(docker_host), ['go']);
  t.deepEqual(await offered('unix:///nonexistent/docker.sock'), []);
});

test("a trial leaves the user's own server alone", async (t) => {
  const own = { ERRAND_DATA: '/srv/errand', PORT: '8787', HOST: '0.0.0.0', ERRAND_BACKUP_TO: '/srv/backups' };
  const { config } = await trialConfig(readConfig({ ERRAND_RUNNER: 'process', ...own }), '/tmp/trial', SILENT);
  t.like(config, { data_dir: '/tmp/trial', port: 0, host: '127.0.0.1', backup: undefined });
});
