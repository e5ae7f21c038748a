import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { sourcePath } from '../../../../coordinator/base/source-path.ts';
import type { PullRequest } from '../../../../protocol/pulls.ts';
import { Api } from '../../../support/api.ts';
import { CoordinatorProcess } from '../../../support/coordinator-process.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import type { GitHub } from '../../../support/forge/github/github.ts';
import { startGitHub } from '../../../support/forge/github/stand-in.ts';
import type { Repository } from '../../../support/forge/world.ts';
import { removeWorkers } from '../../../support/remove-workers.ts';
import { setupCodeOf } from '../../../support/setup-code.ts';
import { until } from '../../../support/until.ts';

/** A coordinator that kills itself at a point of its log. */
const MAIN = fileURLToPath(new URL('../../../chaos/coordinator.ts', import.meta.url));
const LOGIN = { email: 'ada@example.org', password: 'correct horse battery' };
const SAMPLE = sourcePath('coordinator/demo/sample-repository');

/** A real coordinator with real workers and the demo model, and a project at GitHub with the code that it can fix. */
class Scene {
  readonly github: GitHub;
  readonly demo: Repository;
  readonly #data_dir: string;
  readonly #env: Record<string, string>;
  coordinator: CoordinatorProcess;
  api: Api;

  static async start(t: ExecutionContext, failpoint: string): Promise<Scene> {
    t.timeout(240_000);
    const github = await startGitHub(t);
    const ada = github.world.addPerson('ada');
    const demo = await github.world.addRepository({ owner: ada, name: 'demo', files: sampleFiles() });
    const data_dir = await temporaryFolder(t);
    const host = new URL(github.origin).host;
    const env = { ERRAND_RUNNER: 'process', ERRAND_PRIVATE_HOSTS: host, ERRAND_GITHUB_ORIGIN: github.origin };
    const coordinator = CoordinatorProcess.spawn(data_dir, env, [MAIN, failpoint]);
    const scene = new Scene(github, demo, data_dir, env, coordinator, new Api(await coordinator.url()));
    t.teardown(async () => {
      await scene.coordinator.kill();
      await removeWorkers(data_dir);
      if (!t.passed) t.log(scene.coordinator.stdout.slice(-2000), scene.coordinator.stderr.slice(-2000));
    });
    const setup_code = setupCodeOf(data_dir);
    scene.api.token = (await scene.api.call('signup', { body: { ...LOGIN, setup_code } })).access_token;
    return scene;
  }

  private constructor(
    github: GitHub,
    demo: Repository,
    data_dir: string,
    env: Record<string, string>,
    coordinator: CoordinatorProcess,
    api: Api,
  ) {
    this.github = github;
    this.demo = demo;
    this.#data_dir = data_dir;
    this.#env = env;
    this.coordinator = coordinator;
    this.api = api;
  }

  /** The demo model fixes the code of the project, whose errands open a draft. */
  async send(): Promise<string> {
    const git_token = this.github.apps.personalToken(this.demo.owner).value;
    const repo_url = `${this.github.origin}/ada/demo.git`;
    const body = { name: 'demo', repo_url, git_token, pull_requests: 'draft' } as const;
    const { id: project_id } = await this.api.call('createProject', { body });
    return (await this.api.call('createTask', { body: { project_id, prompt: 'Make the tests pass' } })).id;
  }

  async dies(): Promise<void> {
    await until('it has died', () => this.coordinator.ended, 120_000);
  }

  async restart(): Promise<void> {
    await this.coordinator.kill();
    this.coordinator = CoordinatorProcess.spawn(this.#data_dir, this.#env, [MAIN]);
    this.api = new Api(await this.coordinator.url());
    this.api.token = (await this.api.call('login', { body: LOGIN })).access_token;
  }

  /** The pull requests of the errand once one is open. */
  opened(id: string): Promise<PullRequest[]> {
    return until(
      'the pull request is open',
      async () => {
        const { pulls = [] } = await this.api.call('getTask', { params: { id } });
        return pulls.some(({ state }) => state === 'open') ? pulls : undefined;
      },
      120_000,
    );
  }

  get on_forge() {
    return this.demo.issues.filter(({ pull }) => pull !== null);
  }
}

function sampleFiles(): Record<string, string> {
  const names = readdirSync(SAMPLE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(paths.map((path) => [path.slice(SAMPLE.length + 1), readFileSync(path, 'utf8')]));
}

const POINTS = {
  'right after the errand has succeeded': 'after:task.status:3',
  'before it has stored that one is to be opened': 'before:pull.changed:1',
  'before it has asked the forge': 'after:pull.changed:1',
  'after the forge has opened it and before that is stored': 'before:pull.opened:1',
  'after that is stored': 'after:pull.opened:1',
};

for (const [when, failpoint] of Object.entries(POINTS))
  test.serial(`a server that is killed ${when} has opened one pull request after its restart`, async (t) => {
    const scene = await Scene.start(t, failpoint);
    const id = await scene.send();
    await scene.dies();
    await scene.restart();
    const pulls = await scene.opened(id);
    t.is(pulls.length, 1);
    t.is(scene.on_forge.length, 1);
    t.is(scene.on_forge[0]?.number, pulls[0]?.number ?? 0);
    t.true(scene.on_forge[0]?.pull?.draft);
    const { items } = await scene.api.call('listEvents', { params: { id }, query: { limit: 200 } });
    t.is(items.filter(({ type }) => type === 'pull.opened').length, 1);
  });
