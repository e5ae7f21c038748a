import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Api } from '../support/api.ts';
import { serverCommands } from '../support/backups.ts';
import { docker, dockerTest, whyNot } from '../support/docker.ts';
import { ended, eventsOf, startErrand, type Person, type WholeErrand } from '../support/errand.ts';
import { filesOf } from '../support/files-of.ts';
import { temporaryFolder } from '../support/folder.ts';
import { git } from '../support/git-server.ts';
import { agree, PUBLIC_URL } from '../support/forge/sign-in-scene.ts';
import type { App } from '../support/forge/apps.ts';
import type { GitHub } from '../support/forge/github/github.ts';
import { startGitHub } from '../support/forge/github/stand-in.ts';
import { BROKEN, MEND, turnOf } from './scenario.ts';

const no_image = await whyNot('errand-agent');

dockerTest(
  'an errand clones and pushes with the linked account; no token stands anywhere but sealed',
  async (t) => {
    t.timeout(120_000);
    const github = await startGitHub(t);
    const ann = github.world.addPerson('ann');
    const app = github.apps.addApp(ann, { name: 'Errand', callback_urls: [`${PUBLIC_URL}/signed-in`] });
    github.apps.install(app, ann);
    await github.world.addRepository({ owner: ann, name: 'adder', files: BROKEN, private: true });
    // The agent prints the environment of its commands, and its own.
    const environment = {
      tools: [{ name: 'run_command', input: { command: 'env; tr "\\0" "\\n" < /proc/$PPID/environ; git config -l' } }],
    };
    const turns = [environment, ...MEND];
    const in_containers: string[] = [];
    const whole = await startErrand(t, {
      runner: 'docker',
      env: settings(github, app),
      model: {
        handler: async (request) => {
          const turn = turnOf(request);
          if (turn === 1)
            in_containers.push(...(await searchContainer(whole.workers()[0] ?? '', secretsOf(github, app))));
          return turns[turn] ?? { text: 'Done.' };
        },
      },
    });
    const owner = await whole.person('owner');
    const [way] = (await new Api(whole.errand.url).call('listSignInWays', {})).items;
    const started = await owner.api.call('startLink', { params: { id: way?.id ?? '' } });
    await owner.api.call('finishLink', { body: { flow: started.flow, answer: await agree(started, ann) } });

    const body = { prompt: 'Mend it', repo_url: `${github.origin}/ann/adder`, make_project: true };
    const { id } = await owner.api.call('createTask', { body });
    const done = await ended(owner, id, 90_000);
    t.is(done.status, 'succeeded', done.detail ?? '');
    const branches = await git(join(github.world.git_server.root, 'ann/adder.git'), 'branch', '--list', 'errand/*');
    t.regex(branches, new RegExp(`errand/${id}`));

    // Revoked in the middle: it ends with the reason, and says what to do.
    github.apps.revokeAll(ann);
    await owner.api.call('createMessage', { params: { id }, body: { text: 'Once more' } });
    const again = await ended(owner, id, 90_000);
    t.is(again.status, 'failed');
    t.regex(again.detail ?? '', /Link the account again/);

    const secrets = secretsOf(github, app);
    t.true(secrets.length > 4);
    t.deepEqual(in_containers, ['/workspace/repo/add.js'], 'the control is found, and nothing else');
    const places = { ...(await placesOf(t, whole, owner, id)), task: JSON.stringify(again) };
    for (const [place, text] of Object.entries(places))
      for (const secret of secrets) t.false(text.includes(secret), place);
  },
  no_image,
);

/** What anybody can read of an errand: its server's answers, log, requests and files. */
async function placesOf(t: ExecutionContext, whole: WholeErrand, person: Person, id: string) {
  const { api } = person;
  const places: Record<string, string> = {
    log: whole.lines.join(''),
    events: JSON.stringify(await eventsOf(person, id)),
    diff: JSON.stringify(await api.call('getDiff', { params: { id } })),
    audit: JSON.stringify(await api.call('listAudit', { query: {} })),
    links: JSON.stringify(await api.call('listLinkedAccounts', {})),
    settings: JSON.stringify(await api.call('listSettings', {})),
    model: JSON.stringify(whole.model.requests),
    ...(await filesOf(whole.data_dir)),
    ...(await filesOfBackup(t, whole.data_dir)),
  };
  return places;
}

function secretsOf(github: GitHub, app: App): string[] {
  const tokens = github.apps.tokens.flatMap(({ value, refresh }) => [value, ...(refresh ? [refresh.value] : [])]);
  return [...tokens, app.client_secret, app.pem.split('\n')[1] ?? '-', app.webhook_secret];
}

/** The files and environments of a container that have one of these texts, or a line of the repository as a control. */
async function searchContainer(worker: string, texts: string[]): Promise<string[]> {
  const wanted = [...texts, BROKEN['add.js'] ?? ''].map((text) => `-e '${text.trim()}'`).join(' ');
  const places = '/workspace /tmp /home /root /run /var /etc /opt /proc/[0-9]*/environ';
  const found = await docker('exec', worker, 'sh', '-c', `grep -rlaF ${wanted} ${places} 2>/dev/null || true`);
  const about = await docker('inspect', worker);
  return [...found.split('\n').filter((path) => path !== ''), ...texts.filter((text) => about.includes(text))];
}

/** The files of a backup, and those that come of restoring it, which are not compressed. */
async function filesOfBackup(t: ExecutionContext, data_dir: string): Promise<Record<string, string>> {
  const folder = await temporaryFolder(t);
  const to = { kind: 'folder' as const, path: join(folder, 'backups') };
  const made = await (await serverCommands(t, data_dir, to)).run('backup');
  t.is(made.code, 0, made.stderr);
  const restored = await (await serverCommands(t, join(folder, 'data'), to)).run('restore');
  t.is(restored.code, 0, restored.stderr);
  const files = await filesOf(folder);
  t.true(files[join(folder, 'data', 'errand.db')]?.includes('linked_accounts'), 'the backup has the accounts');
  return files;
}

function settings(github: GitHub, app: App): Record<string, string> {
  return {
    ERRAND_PUBLIC_URL: PUBLIC_URL,
    ERRAND_GITHUB_ORIGIN: github.origin,
    ERRAND_GITHUB_CLIENT_ID: app.client_id,
    ERRAND_GITHUB_CLIENT_SECRET: app.client_secret,
    ERRAND_GITHUB_APP_ID: String(app.id),
    ERRAND_GITHUB_PRIVATE_KEY: app.pem,
    ERRAND_PRIVATE_HOSTS: github.host,
  };
}
