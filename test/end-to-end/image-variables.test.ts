import { join } from 'node:path';
import { buildImageFrom, dockerTest, whyNot } from '../support/docker.ts';
import { ended, startErrand } from '../support/errand.ts';
import { git } from '../support/git-server.ts';
import { BROKEN, byConversation, turnOf } from './scenario.ts';

const NAMES = ['JAVA_HOME', 'RUSTUP_HOME', 'CARGO_HOME', 'HOME', 'GIT_EDITOR', 'NODE_COMPILE_CACHE', 'NODE_VERSION'];
const SHOW = `(for name in ${NAMES.join(' ')}; do echo "$name=$(printenv $name)"; done; env | grep ^ERRAND_) > env.txt`;

dockerTest(
  'docker: commands have the variables that the image of their worker sets, and nothing else of that worker',
  async (t) => {
    const image = await buildImageFrom(t, 'errand-agent', [
      'ENV JAVA_HOME=/opt/jdk RUSTUP_HOME=/opt/rustup CARGO_HOME=/opt/cargo HOME=/root GIT_EDITOR=vi NODE_VERSION=1',
    ]);
    const whole = await startErrand(t, {
      runner: 'docker',
      env: { ERRAND_WORKER_IMAGES: `own=${image}` },
      model: byConversation((request) =>
        turnOf(request) === 0
          ? { tools: [{ name: 'run_command', input: { command: SHOW } }] }
          : { text: 'Show the variables\n\nThey are there.' },
      ),
    });
    const ann = await whole.person('ann');
    const given = { image: 'own', env: { RUSTUP_HOME: '/of/the/project' } };
    const project_id = await whole.project(ann, 'variables', BROKEN, given);
    const { id } = await ann.api.call('createTask', { body: { prompt: 'Show the variables', project_id } });
    const done = await ended(ann, id);
    t.is(done.status, 'succeeded', done.detail ?? '');
    const shown = await git(join(whole.forge.root, 'variables.git'), 'show', `${done.branch}:env.txt`);
    t.deepEqual(
      shown.split('\n').filter((line) => !line.startsWith('ERRAND_COMMANDS_OF=')),
      [
        'JAVA_HOME=/opt/jdk',
        'RUSTUP_HOME=/of/the/project',
        'CARGO_HOME=',
        'HOME=/workspace/home',
        'GIT_EDITOR=true',
        'NODE_COMPILE_CACHE=',
        'NODE_VERSION=',
      ],
    );
  },
  await whyNot('errand-agent'),
);
