import { mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { WorkInput } from '../../agent-container/base/work.ts';
import { temporaryFolder } from '../support/folder.ts';
import { git, tryGit } from '../support/git-server.ts';
import { addLfsServer, pointerOf } from '../support/lfs-server.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene } from '../support/worker-scene.ts';

const ATTRIBUTES = '*.psd filter=lfs diff=lfs merge=lfs -text\n';
const OLD = 'the old picture\n';
const NEW = 'the new picture\n';

/** A repository with a file of Git LFS, and the work of an agent in it. Returns what `deliver` said each time. */
async function work(
  t: ExecutionContext,
  script: (input: WorkInput, deliver: () => Promise<void>) => Promise<unknown>,
  { files = {}, settings = {}, env = {}, prepare = () => undefined }: Given = {},
) {
  const scene = await setScene(t, {
    files: { '.gitattributes': ATTRIBUTES, 'a.psd': pointerOf(OLD), ...files },
    assignment: { env },
  });
  const lfs = addLfsServer(scene.git);
  lfs.put(OLD);
  prepare(lfs);
  const said: (string | null)[] = [];
  const worker = await scene.start(
    doing((input) => script(input, async () => void said.push(await input.deliver('Change it'))).then(() => undefined)),
    scene.config(settings),
  );
  await callWorker(worker.address, 'POST', '/task', scene.task.assignment());
  t.is(await worker.ended, 0);
  const { task, bare } = scene;
  const pushed = (path: string) => tryGit(bare, 'show', `${task.base.branch}:${path}`);
  const logs = task.events.flatMap((event) => (event.type === 'log' ? [event.body.text] : []));
  return { ...scene, lfs, said, pushed, logs };
}
type Given = {
  files?: Record<string, string>;
  settings?: Record<string, string>;
  env?: Record<string, string>;
  prepare?: (lfs: ReturnType<typeof addLfsServer>) => void;
};

test.serial(
  'a clone has the content of LFS files; a change goes to the LFS server, and its pointer to the branch',
  async (t) => {
    const { lfs, said, pushed, logs, task } = await work(t, async ({ repo_dir }, deliver) => {
      t.is(await readFile(join(repo_dir, 'a.psd'), 'utf8'), OLD);
      t.is(await git(repo_dir, 'status', '--porcelain'), '');
      await writeFile(join(repo_dir, 'a.psd'), NEW);
      await git(repo_dir, 'commit', '-qam', 'By the agent');
      await writeFile(join(repo_dir, 'b.psd'), 'another\n');
      await writeFile(join(repo_dir, 'empty.psd'), '');
      await deliver();
    });
    t.deepEqual(said, [null]);
    t.deepEqual(logs, []);
    t.is((await pushed('a.psd')).stdout, pointerOf(NEW));
    t.is((await pushed('b.psd')).stdout, pointerOf('another\n'));
    t.is((await pushed('empty.psd')).stdout, '');
    const stored = [...lfs.objects.values()].map(String).sort();
    t.deepEqual(stored, ['another\n', NEW, OLD].sort());
    t.is(lfs.verified.length, 2);
    t.is(task.current.result?.status, 'succeeded');
  },
);

test.serial(
  'objects of earlier commits of the agent are uploaded too, and a content in place of a pointer is not pushed',
  async (t) => {
    const { lfs, said, pushed } = await work(t, async ({ repo_dir }, deliver) => {
      for (const text of ['one\n', 'two\n']) {
        await writeFile(join(repo_dir, 'a.psd'), text);
        await git(repo_dir, 'commit', '-qam', text);
      }
      await deliver();
      await writeFile(join(repo_dir, 'a.psd'), 'raw\n');
      await git(repo_dir, '-c', 'filter.lfs.process=', '-c', 'filter.lfs.required=false', 'commit', '-qam', 'raw');
      await deliver();
      await git(repo_dir, 'reset', '-q', '--soft', 'HEAD~1');
      await deliver();
    });
    t.is(said[0], null);
    t.regex(said[1] ?? '', /a\.psd is stored with Git LFS.*one of your commits has its content/);
    t.is(said[2], null);
    for (const text of ['one\n', 'two\n', 'raw\n'])
      t.true([...lfs.objects.values()].some((each) => String(each) === text));
    t.is((await pushed('a.psd')).stdout, pointerOf('raw\n'));
  },
);

test.serial('a secret in a file of Git LFS stops the push, and is named by file and line', async (t) => {
  const { lfs, said, pushed, task } = await work(
    t,
    async ({ repo_dir }, deliver) => {
      await writeFile(join(repo_dir, 'a.psd'), 'one\ntwo correct-horse-battery-7\n');
      await deliver();
    },
    { env: { API_TOKEN: 'correct-horse-battery-7' } },
  );
  t.regex(said[0] ?? '', /a\.psd:2 contains the value of API_TOKEN/);
  t.is(lfs.objects.size, 1);
  t.false((await pushed('a.psd')).ok);
  t.is(task.current.result?.reason, 'push_rejected');
});

test.serial('a key that may be public is pushed in a file of Git LFS too, and people are told', async (t) => {
  const { logs, said } = await work(t, async ({ repo_dir }, deliver) => {
    await writeFile(join(repo_dir, 'a.psd'), 'one\nAIzaSyB9kQ3vZ7mLr2sWd8xTnHf4pGc6yJe1uAo\n');
    await deliver();
  });
  t.deepEqual(said, [null]);
  t.regex(logs.join('\n'), /^a\.psd contains a Google API key, .* and is pushed\. If it is not, revoke it\.$/);
});

for (const status of [401, 403, 404, 413, 422, 507])
  test.serial(`an LFS server that answers ${status} keeps the pointer from being pushed, and says so`, async (t) => {
    const { said, pushed, task, logs } = await work(
      t,
      async ({ repo_dir }, deliver) => {
        t.is(await readFile(join(repo_dir, 'a.psd'), 'utf8'), pointerOf(OLD));
        await writeFile(join(repo_dir, 'b.txt'), 'x\n');
        await deliver();
        await writeFile(join(repo_dir, 'a.psd'), NEW);
        await deliver();
      },
      {
        prepare: (lfs) => {
          lfs.intercept = (_request, response) => {
            response.writeHead(status).end();
            return true;
          };
        },
      },
    );
    t.is(said[0], null, 'a pointer that was not changed is left alone');
    t.regex(said[1] ?? '', /Files of Git LFS could not be uploaded, so the work was not pushed: .*127\.0\.0\.1/);
    t.is((await pushed('a.psd')).stdout, pointerOf(OLD));
    t.regex(logs[0] ?? '', /Files of Git LFS could not be fetched, and are only pointers here/);
    t.is(task.current.result?.reason, 'push_rejected');
  });

test.serial('an upload that was killed, as for want of memory, is tried again', async (t) => {
  const bin = await temporaryFolder(t);
  const once = join(bin, 'killed');
  const script = `#!/bin/sh\nif [ "$1" = pre-push ] && mkdir ${once}; then kill -9 $$; fi\nexec /usr/bin/git-lfs "$@"\n`;
  await writeFile(join(bin, 'git-lfs'), script, { mode: 0o755 });
  const { pushed, task } = await work(t, ({ repo_dir }) => writeFile(join(repo_dir, 'a.psd'), NEW), {
    settings: { PATH: `${bin}:${process.env.PATH}` },
  });
  t.true((await stat(once)).isDirectory());
  t.is((await pushed('a.psd')).stdout, pointerOf(NEW));
  t.is(task.current.result?.status, 'succeeded');
});

test.serial('a pointer to an object that nobody has is not pushed', async (t) => {
  const { said, pushed } = await work(t, async ({ repo_dir }, deliver) => {
    await writeFile(join(repo_dir, 'a.psd'), pointerOf('nowhere'));
    await deliver();
  });
  t.regex(said[0] ?? '', /Files of Git LFS could not be uploaded/);
  t.false((await pushed('a.psd')).ok);
});

test.serial(
  "settings of the agent's repository neither run a program nor lead the worker's git-lfs elsewhere",
  async (t) => {
    const { said, pushed, folder, lfs } = await work(t, async ({ repo_dir }, deliver) => {
      const evil = join(repo_dir, '../evil.sh');
      await writeFile(evil, `#!/bin/sh\ntouch "$(dirname "$0")/ran"\ncat\n`, { mode: 0o755 });
      for (const name of ['clean', 'smudge', 'process']) await git(repo_dir, 'config', `filter.lfs.${name}`, evil);
      await git(repo_dir, 'config', 'lfs.extension.x.clean', evil);
      await git(repo_dir, 'config', 'lfs.customtransfer.x.path', evil);
      await git(repo_dir, 'config', 'lfs.standalonetransferagent', 'x');
      await git(repo_dir, 'config', 'lfs.url', 'http://127.0.0.1:9/evil');
      await writeFile(join(repo_dir, 'a.psd'), NEW);
      await deliver();
    });
    t.deepEqual(said, [null]);
    t.is((await pushed('a.psd')).stdout, pointerOf(NEW));
    t.true([...lfs.objects.values()].some((each) => String(each) === NEW));
    await t.throwsAsync(readFile(join(folder, 'workspace/ran')));
  },
);

test.serial('without git-lfs files stay pointers, and a change is refused with the reason', async (t) => {
  const bin = join('/tmp', `errand-bin-${process.pid}`);
  await mkdir(bin, { recursive: true });
  await symlink('/usr/bin/git', join(bin, 'git')).catch(() => undefined);
  const { said, pushed } = await work(
    t,
    async ({ repo_dir }, deliver) => {
      t.is(await readFile(join(repo_dir, 'a.psd'), 'utf8'), pointerOf(OLD));
      await writeFile(join(repo_dir, 'a.psd'), NEW);
      await deliver();
    },
    { settings: { PATH: bin } },
  );
  t.regex(said[0] ?? '', /a\.psd is stored with Git LFS \(\.gitattributes\), to which Errand cannot upload/);
  t.false((await pushed('a.psd')).ok);
});

const ELSEWHERE = '[lfs]\n\turl = http://lfs.example.test:9/store\n';

test.serial('files whose LFS server is another one stay pointers, and a change is refused with its name', async (t) => {
  const { said, pushed, logs, lfs } = await work(
    t,
    async ({ repo_dir }, deliver) => {
      t.is(await readFile(join(repo_dir, 'a.psd'), 'utf8'), pointerOf(OLD));
      await writeFile(join(repo_dir, 'b.txt'), 'x\n');
      await deliver();
      await writeFile(join(repo_dir, 'a.psd'), NEW);
      await deliver();
    },
    { files: { '.lfsconfig': ELSEWHERE } },
  );
  t.is(said[0], null, 'a pointer that was not changed is left alone');
  t.regex(said[1] ?? '', /a\.psd is stored with Git LFS \(\.gitattributes, at lfs\.example\.test:9 by \.lfsconfig\)/);
  t.regex(logs[0] ?? '', /at lfs\.example\.test:9 \(\.lfsconfig\), which Errand does not reach/);
  t.is((await pushed('a.psd')).stdout, pointerOf(OLD));
  t.deepEqual(lfs.batches, []);
});

test.serial('the agent can lead no object to another LFS server', async (t) => {
  const { said, pushed, lfs } = await work(t, async ({ repo_dir }, deliver) => {
    await writeFile(join(repo_dir, '.lfsconfig'), ELSEWHERE);
    await writeFile(join(repo_dir, 'a.psd'), NEW);
    await deliver();
    await writeFile(join(repo_dir, '.lfsconfig'), '');
    await deliver();
  });
  t.regex(said[0] ?? '', /to which Errand cannot upload/);
  t.is(said[1], null);
  t.is((await pushed('a.psd')).stdout, pointerOf(NEW));
  t.is(lfs.verified.length, 1);
});

test.serial('a clone with more in Git LFS than its bound has pointers, and says how to get one', async (t) => {
  const large = pointerOf(OLD).replace(/size \d+/, `size ${300 * 1024 * 1024}`);
  const { logs, lfs } = await work(
    t,
    async ({ repo_dir }) => t.is(await readFile(join(repo_dir, 'a.psd'), 'utf8'), pointerOf(OLD)),
    { files: { 'large.psd': large } },
  );
  t.regex(logs[0] ?? '', /have 300 MiB together, so they are only pointers here: git lfs pull --include/);
  t.deepEqual(lfs.batches, []);
});

test.serial('a file of Git LFS may be larger than what a forge takes as a file of git', async (t) => {
  const { said, lfs } = await work(t, async ({ repo_dir }, deliver) => {
    await writeFile(join(repo_dir, 'large.psd'), '');
    await truncate(join(repo_dir, 'large.psd'), 101 * 1024 * 1024);
    await deliver();
  });
  t.deepEqual(said, [null]);
  t.true([...lfs.objects.values()].some(({ length }) => length === 101 * 1024 * 1024));
});

test.serial('a new file that is too large for Git LFS is left out, and the rest is pushed', async (t) => {
  const { said, pushed, task } = await work(t, async ({ repo_dir }, deliver) => {
    await writeFile(join(repo_dir, 'huge.psd'), '');
    await truncate(join(repo_dir, 'huge.psd'), 1024 * 1024 * 1024 + 1);
    await writeFile(join(repo_dir, 'b.psd'), NEW);
    await deliver();
    await deliver();
  });
  t.regex(said[0] ?? '', /huge\.psd is above 1024 MiB/);
  t.is(said[1], null);
  t.is((await pushed('b.psd')).stdout, pointerOf(NEW));
  t.is(task.current.result?.status, 'succeeded');
});
