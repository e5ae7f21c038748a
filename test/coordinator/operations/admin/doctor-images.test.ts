import test from 'ava';
import { readConfig } from '../../../../coordinator/base/config.ts';
import { checkDocker } from '../../../../coordinator/operations/admin/checks/docker.ts';
import { startFakeEngine } from '../../../support/fake-engine.ts';

test('doctor looks at each image that projects may name: one that is missing, too old, or built from another agent', async (t) => {
  const agent = (layers: string[], labels = { 'errand.contract': '1' }) => ({
    Config: { Labels: labels, Entrypoint: ['node', 'agent'] },
    RootFS: { Layers: layers },
  });
  const { docker_host } = await startFakeEngine(t, {
    images: {
      'errand-agent': agent(['a', 'b']),
      'errand-rust': agent(['a', 'b', 'rust']),
      'errand-go': agent(['a', 'old', 'go']),
      'errand-old': agent(['a', 'b'], { 'errand.contract': '0' }),
      'errand-new': agent(['a', 'b'], { 'errand.contract': '9' }),
      damaged: { Config: 'damaged' },
      mine: { Config: { Labels: null, Entrypoint: ['python3', 'worker.py'] }, RootFS: { Layers: ['c'] } },
    },
  });
  const ERRAND_WORKER_IMAGES =
    'rust=errand-rust,go=errand-go,old=errand-old,new=errand-new,mine=mine,damaged=damaged,typo=errand-rsut';
  const examineAt = async (engine: string) => {
    const findings = await checkDocker(readConfig({ DOCKER_HOST: engine, ERRAND_WORKER_IMAGES }));
    return findings.map(({ check, ok, detail }) => `${ok ? 'ok' : 'problem'} ${check}: ${detail}`);
  };
  const rebuild = 'Build it again with its Dockerfile: docker build --tag errand-';
  const speaks = (version: number) =>
    `The worker speaks version ${version} of the worker contract, and this server speaks version 1`;
  t.deepEqual(await examineAt(docker_host), [
    'ok docker: Docker 99.1',
    'ok image: errand-agent, worker contract 1',
    'ok image: rust: errand-rust',
    `problem image: go: errand-go. It was not built from the errand-agent that is here now. ${rebuild}go - < Dockerfile`,
    `problem image: old: errand-old. ${speaks(0)}: rebuild the worker image. First build errand-agent: npm run image. ${rebuild}old - < Dockerfile`,
    `problem image: new: errand-new. ${speaks(9)}: upgrade the server.`,
    'ok image: mine: mine',
    'problem image: damaged: damaged. Docker did not tell whether it is there.',
    "problem image: typo: errand-rsut. Docker has no image 'errand-rsut': build it, or correct ERRAND_WORKER_IMAGES.",
  ]);
  const broken = await startFakeEngine(t, { broken: true });
  t.is((await examineAt(broken.docker_host)).length, 1);
  t.deepEqual(
    broken.calls.filter((call) => call.includes('errand-rust')),
    [],
    'an engine that is broken is not asked for each image, which may take long',
  );
  const away = await examineAt('unix:///nonexistent/docker.sock');
  t.is(away.length, 1, 'the engine is told of once');
});
