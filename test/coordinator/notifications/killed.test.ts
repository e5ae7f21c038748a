import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { Api } from '../../support/api.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Receiver, type Subscription } from '../../support/notifications/push-service.ts';
import { removeWorkers } from '../../support/remove-workers.ts';
import { setupCodeOf } from '../../support/setup-code.ts';
import { until } from '../../support/until.ts';

/** A coordinator that kills itself at a point of its log. */
const MAIN = fileURLToPath(new URL('../../chaos/coordinator.ts', import.meta.url));
const ENV = { ERRAND_RUNNER: 'process', ERRAND_PRIVATE_HOSTS: '127.0.0.1' };
const LOGIN = { email: 'ada@example.org', password: 'correct horse battery' };

/** A person whose device is registered, on a server that can be killed and started again. */
class Scene {
  readonly receiver: Receiver;
  readonly subscription: Subscription;
  readonly #data_dir: string;
  coordinator: CoordinatorProcess;
  api: Api;

  static async start(t: ExecutionContext, failpoint: string): Promise<Scene> {
    const data_dir = await temporaryFolder(t);
    const coordinator = CoordinatorProcess.spawn(data_dir, ENV, [MAIN, failpoint]);
    const scene = new Scene(data_dir, coordinator, new Api(await coordinator.url()), await Receiver.start(t));
    t.teardown(async () => {
      await scene.coordinator.kill();
      await removeWorkers(data_dir);
    });
    const setup_code = setupCodeOf(data_dir);
    scene.api.token = (await scene.api.call('signup', { body: { ...LOGIN, setup_code } })).access_token;
    const app_url = scene.api.url;
    const body = { kind: 'push', name: 'Phone', subscription: scene.subscription.json, app_url } as const;
    await scene.api.call('createChannel', { body });
    return scene;
  }

  private constructor(data_dir: string, coordinator: CoordinatorProcess, api: Api, receiver: Receiver) {
    this.#data_dir = data_dir;
    this.coordinator = coordinator;
    this.api = api;
    this.receiver = receiver;
    this.subscription = receiver.subscribe();
  }

  /** The demo model fixes the sample repository. */
  async send(prompt: string): Promise<string> {
    return (await this.api.call('createTask', { body: { prompt, repo_url: 'errand://sample' } })).id;
  }

  async restart(): Promise<void> {
    await this.coordinator.kill();
    this.coordinator = CoordinatorProcess.spawn(this.#data_dir, ENV, [MAIN]);
    this.api = new Api(await this.coordinator.url());
    this.api.token = (await this.api.call('login', { body: LOGIN })).access_token;
  }

  /** Resolves when this many different messages have come and the last answer is stored. */
  async isTold(count: number): Promise<void> {
    await until('it was told', () => this.told.length >= count, 60_000);
    await until('it is stored', async () =>
      (await this.api.call('listChannels', {})).items.every(({ last_answer }) => last_answer?.ok),
    );
  }

  /** What the device shows: a repeat has the id of the first. */
  get told() {
    return [...new Map(this.subscription.messages.map((each) => [each.data.id, each])).values()];
  }
}

const titles = ({ told }: Scene) => told.map(({ title, data }) => `${title}: ${data.occasion}`);

test('a server that dies between the end of an errand and the notification sends it after its restart, once', async (t) => {
  t.timeout(180_000);
  // The third change of the status is the end. It dies right after that commit, before anybody else learns of it.
  const scene = await Scene.start(t, 'after:task.status:3');
  await scene.send('Make the tests pass');
  await until('it has died', () => scene.coordinator.ended, 90_000);
  t.is(scene.receiver.received.length, 0);
  await scene.restart();
  await scene.isTold(1);
  await scene.restart();
  await scene.send('Once more');
  await scene.isTold(2);
  t.deepEqual(titles(scene), ['Make the tests pass: done', 'Once more: done']);
  t.is(scene.receiver.received.length, 2);
});

test('a server that dies while the push service has not answered sends again, and the device shows it once', async (t) => {
  t.timeout(180_000);
  const scene = await Scene.start(t, '');
  scene.receiver.reply = () => new Promise(() => undefined);
  await scene.send('Make the tests pass');
  await until('it is sent', () => scene.receiver.received.length === 1, 90_000);
  await scene.coordinator.kill();
  scene.receiver.reply = () => ({ status: 201 });
  await scene.restart();
  await scene.isTold(1);
  t.is(scene.receiver.received.length, 2);
  t.deepEqual(titles(scene), ['Make the tests pass: done']);
});
