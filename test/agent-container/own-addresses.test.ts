import test, { type ExecutionContext } from 'ava';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { WorkInput } from '../../agent-container/base/work.ts';
import { temporaryFolder } from '../support/folder.ts';
import { git } from '../support/git-server.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene, type Scene } from '../support/worker-scene.ts';

const OTHERS = { web: {}, api: {} };
const CREDENTIAL = { username: 'errand', password: 'ghp_secret' };

/** Runs a command as the agent does; gives its exit code and all that it printed. */
async function shell({ repo_dir, command_env }: WorkInput, command: string): Promise<{ code: number; text: string }> {
  const running = promisify(execFile)('bash', ['-c', `exec 2>&1; ${command}`], { cwd: repo_dir, env: command_env });
  return running.then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    (error: { code: number; stdout: string }) => ({ code: error.code, text: error.stdout }),
  );
}

/** Carries out the newest attempt of the task. */
async function run(t: ExecutionContext, scene: Scene, script: (input: WorkInput) => Promise<void>): Promise<void> {
  const worker = await scene.start(doing(script));
  await callWorker(worker.address, 'POST', '/task', scene.task.assignment());
  t.is(await worker.ended, 0);
  t.is(scene.task.current.result?.status, 'succeeded', JSON.stringify(scene.task.current.result));
}

/** Adds links of submodules with these addresses to `main` of the first repository. */
async function addSubmodules(t: ExecutionContext, scene: Scene, addresses: Record<string, string>): Promise<void> {
  const clone = await temporaryFolder(t);
  await git(clone, 'clone', '-q', scene.bare, '.');
  const head = await git(join(scene.git.root, 'owner', 'web'), 'rev-parse', 'main');
  const sections = Object.entries(addresses).map(
    ([path, url]) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`,
  );
  await writeFile(join(clone, '.gitmodules'), sections.join(''));
  for (const path of Object.keys(addresses))
    await git(clone, 'update-index', '--add', '--cacheinfo', `160000,${head},${path}`);
  await git(clone, 'add', '.gitmodules');
  await git(clone, 'commit', '-qm', 'Link');
  await git(clone, 'push', '-q', 'origin', 'HEAD:main');
}

test.serial('a command reaches the repositories of its errand at their own addresses, in each form', async (t) => {
  const scene = await setScene(t, { others: OTHERS, credential: CREDENTIAL, assignment: { egress: 'none' } });
  const { origin } = scene.git;
  const forms = [
    `${origin}/owner/web`,
    `${origin}/owner/web.git`,
    `${origin}/owner/web/`,
    'ssh://git@127.0.0.1/owner/web.git',
    'git@127.0.0.1:owner/web.git',
    'git@127.0.0.1:owner/web',
    `${origin}/owner/name.git`,
  ];
  await run(t, scene, async (input) => {
    for (const [i, address] of forms.entries()) {
      const { code, text } = await shell(
        input,
        `git clone -q ${address} ../scratch/c${i} && cat ../scratch/c${i}/README.md`,
      );
      t.is(code, 0, `${address}: ${text}`);
      t.is(text, address.includes('web') ? '# web\n' : '# A repository\n');
    }
    const { text } = await shell(input, 'env; git config --list; cat .git/config; cat ../scratch/c0/.git/config');
    t.false(text.includes(CREDENTIAL.password));
    t.false(text.includes(scene.task.token));
  });
});

test.serial('of other repositories there a command gets what everybody gets', async (t) => {
  const scene = await setScene(t, { others: OTHERS, credential: CREDENTIAL });
  const { origin } = scene.git;
  await scene.git.createRepository('owner/secret');
  await scene.git.createRepository('owner/web-extra');
  await run(t, scene, async (input) => {
    for (const name of ['secret', 'web-extra', 'web.github.io', 'web/../secret', 'web%2f..%2fsecret'])
      for (const address of [`${origin}/owner/${name}`, `${origin}/owner/${name}.git`]) {
        const { code, text } = await shell(input, `git clone -q ${address} ../scratch/x`);
        t.not(code, 0, address);
        t.regex(text, /could not read Username|not found/, address);
      }
  });
});

test.serial('a repository whose name only begins as that of the errand is reached where it is', async (t) => {
  const scene = await setScene(t, { others: OTHERS });
  await scene.git.createRepository('owner/web-extra', { 'README.md': '# Another\n' });
  await run(t, scene, async (input) => {
    const command = `git clone -q ${scene.git.origin}/owner/web-extra ../scratch/x && cat ../scratch/x/README.md`;
    t.regex((await shell(input, command)).text, /# Another\n$/);
  });
});

test.serial('a push to such an address is one of the errand, with its rules', async (t) => {
  const scene = await setScene(t, { others: OTHERS, credential: CREDENTIAL });
  await run(t, scene, async (input) => {
    const { code, text } = await shell(
      input,
      `cd ../web && git commit -q --allow-empty -m x && git push -q ${scene.git.origin}/owner/web HEAD:refs/heads/main`,
    );
    t.not(code, 0);
    t.regex(text, /remote rejected|403|forbidden/i);
  });
});

test.serial(
  'submodules of the errand are checked out by their relative, full and ssh addresses, also later',
  async (t) => {
    const scene = await setScene(t, { others: OTHERS, credential: CREDENTIAL });
    await addSubmodules(t, scene, {
      'lib/relative': '../web.git',
      'lib/full': `${scene.git.origin}/owner/web`,
      'lib/ssh': 'git@127.0.0.1:owner/web.git',
    });
    const paths = ['lib/relative', 'lib/full', 'lib/ssh'];
    const all = paths.map((path) => `${path}/README.md`).join(' ');
    await run(t, scene, async (input) => {
      const { code, text } = await shell(input, `git submodule --quiet update --init && cat ${all}`);
      t.is(code, 0, text);
      t.is(text, '# web\n'.repeat(3));
      await writeFile(join(input.repo_dir, 'a.txt'), 'a\n');
    });
    const { branch } = scene.task.base;
    t.regex(await git(scene.bare, 'ls-tree', '-r', branch), /160000 commit \w+\tlib\/full/);
    t.regex(await git(scene.bare, 'show', `${branch}:a.txt`), /^a$/);
    // The loopback proxy of a later attempt has another port.
    scene.task.nextAttempt();
    await run(t, scene, async (input) => {
      const each = 'git submodule --quiet foreach "git fetch -q origin && git remote get-url origin"';
      const { code, text } = await shell(input, `git fetch -q origin && ${each}`);
      t.is(code, 0, text);
      const settings = await readFile(join(input.repo_dir, '.git', 'config'), 'utf8');
      t.regex(settings, new RegExp(`url = "?${scene.git.origin}/owner/name"?\n`));
      t.notRegex(settings, /\/at\/|127\.0\.0\.1:\d+\/git/);
    });
  },
);
