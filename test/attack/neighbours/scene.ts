import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Session } from '../../../protocol/accounts.ts';
import { isEnded } from '../../../protocol/task.ts';
import { Api } from '../../support/api.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { CuttableDisk } from '../../support/cuttable-disk.ts';
import { FORGE, MODEL } from '../../support/errand.ts';
import { startGitServer, type GitServer } from '../../support/git-server.ts';
import { startModel, type ModelServer } from '../../support/model/server.ts';
import { removeWorkers } from '../../support/remove-workers.ts';
import { setupCodeOf } from '../../support/setup-code.ts';
import { taskTokensOf } from '../../support/task-tokens.ts';
import { until } from '../../support/until.ts';
import { ATTACK_PROMPT, HostileModel } from '../hostile-model.ts';
import { Neighbours } from './neighbours.ts';

const PASSWORD = 'correct horse battery';
/** The disk of the server, and what one workspace may take of it. */
const DISK_MB = 4096;
const WORKSPACE_MB = 512;
const HOSTILE = new URL('./hostile-worker.ts', import.meta.url);
/** More than the neighbours send to the model. */
const MODEL_BODY_BYTES = 1024 * 1024;
/** How long the neighbours' model thinks in each turn. */
const THINK_MS = 700;
/** The longest command of the attacker. */
const COMMAND_S_MAX = 45;

type Parts = Pick<NeighbourScene, 'neighbours' | 'coordinator'> & {
  folder: string;
  disk: CuttableDisk;
  forge: GitServer;
  model: ModelServer;
  hostile: HostileModel;
  attacker: Api;
  finish: () => void;
};

/** Errand as `npm start` runs it, on a small disk: errands in containers that go on, and one that does its worst. */
export class NeighbourScene {
  readonly neighbours: Neighbours;
  readonly coordinator: CoordinatorProcess;
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.neighbours = parts.neighbours;
    this.coordinator = parts.coordinator;
    this.#parts = parts;
  }

  static async start(count: number): Promise<NeighbourScene> {
    const folder = await mkdtemp(join(tmpdir(), 'errand-neighbours-'));
    const disk = new CuttableDisk(folder, DISK_MB);
    const hostile = new HostileModel();
    let finished = false;
    const [forge, model] = await Promise.all([
      startGitServer(FORGE),
      startModel({
        // It runs in the process that measures: to parse what an attacker sends would be measured too.
        body_bytes_max: MODEL_BODY_BYTES,
        handler: async (request) => {
          if (JSON.stringify(request.messages[0]).includes(ATTACK_PROMPT)) return hostile.turn(request);
          await delay(THINK_MS);
          if (finished) return { text: 'Work\n\nIt is done.' };
          return { tools: [{ name: 'run_command', input: { command: 'date' } }] };
        },
      }),
    ]);
    const coordinator = CoordinatorProcess.spawn(disk.dir, {
      ERRAND_RUNNER: 'docker',
      ERRAND_MODEL: MODEL,
      ERRAND_WORKERS: String(count + 1),
      ERRAND_WORKSPACE_MB: String(WORKSPACE_MB),
      ERRAND_DISK_FREE_MB_MIN: '300',
      ERRAND_BUDGET_USD: '100',
      ERRAND_MAX_TURNS: '1000',
      ERRAND_PRIVATE_HOSTS: forge.host,
      ERRAND_SIGNUP: 'open',
      ANTHROPIC_API_KEY: model.api_key,
      ANTHROPIC_BASE_URL: model.base_url,
    });
    const url = await coordinator.url();
    const owner = await signUp(url, 'owner', setupCodeOf(disk.dir));
    const attacker = await signUp(url, 'attacker');
    const repo_url = await forge.createRepository('work.git', { 'README.md': 'A small repository.\n' });
    const project = { name: 'work', repo_url, git_token: FORGE.password };
    const { id } = await owner.api.call('createProject', { body: project });
    const neighbours = await Neighbours.start(url, owner.api, owner.session, id, count);
    const finish = () => (finished = true);
    return new NeighbourScene({
      folder,
      disk,
      forge,
      model,
      hostile,
      coordinator,
      neighbours,
      finish,
      attacker: attacker.api,
    });
  }

  /**
   * One worker does this for this many seconds; if its errand is ended, the next one goes on. Returns how each ended.
   */
  async attack(what: string, seconds: number): Promise<string[]> {
    const until_ms = performance.now() + seconds * 1000;
    const outcomes: string[] = [];
    while (performance.now() < until_ms - 1000) outcomes.push(await this.#attackOnce(what, until_ms));
    return outcomes;
  }

  /** The neighbours finish their work. Resolves with how they ended. */
  async finish(): Promise<string[]> {
    this.#parts.finish();
    return this.neighbours.ended();
  }

  async close(): Promise<void> {
    const { hostile, coordinator, disk, model, forge, folder } = this.#parts;
    hostile.end();
    await coordinator.stop();
    await removeWorkers(disk.dir);
    await Promise.all([model.close(), forge.close()]);
    disk.remove();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async #attackOnce(what: string, until_ms: number): Promise<string> {
    const { attacker, hostile, disk } = this.#parts;
    const body = { prompt: ATTACK_PROMPT, repo_url: 'errand://sample' };
    const { id } = await attacker.call('createTask', { body });
    const read = () => attacker.call('getTask', { params: { id } });
    const begun = await until(
      'the attacker has a worker',
      async () => (await read()).status === 'running',
      90_000,
    ).catch(() => false);
    if (!begun) return 'got no worker';
    let printed = 'no time was left';
    const hasEnded = async () => isEnded((await read()).status);
    const end = until('its errand has ended', hasEnded, 3_600_000);
    // Whoever awaits it hears of its fault. After another fault nobody does.
    end.catch(() => undefined);
    while (performance.now() < until_ms - 1000 && !(await hasEnded())) {
      const seconds = Math.min(COMMAND_S_MAX, Math.ceil((until_ms - performance.now()) / 1000));
      const token = await taskTokensOf(disk.dir).issue(id, 1);
      const program = (await readFile(HOSTILE)).toString('base64');
      const run = `echo ${program} | base64 -d > /tmp/hostile.ts; node /tmp/hostile.ts '${what}' ${id} 1 ${token} ${seconds}`;
      const answer = await Promise.race([hostile.run(run), end]);
      if (typeof answer === 'string') printed = resultIn(answer);
    }
    if (!(await hasEnded())) await attacker.call('cancelTask', { params: { id } }).catch(() => undefined);
    await end;
    hostile.forget();
    const { status, reason, detail } = await read();
    return status === 'failed' ? `ended: ${reason} (${detail})` : printed;
  }
}

const Results = z.array(z.object({ content: z.array(z.object({ text: z.string() })) }));

/** The last line that the hostile program printed, out of the result of its tool. */
function resultIn(answer: string): string {
  const results = Results.safeParse(JSON.parse(answer));
  if (!results.success) return answer.slice(0, 200);
  const text = results.data.flatMap(({ content }) => content.map((part) => part.text)).join('');
  return (
    text
      .replace(/\s*\[exit code.*$/s, '')
      .split('\n')
      .at(-1) ?? ''
  ).slice(0, 200);
}

async function signUp(url: string, name: string, setup_code?: string): Promise<{ api: Api; session: Session }> {
  const api = new Api(url);
  const code = setup_code === undefined ? {} : { setup_code };
  const session = await api.call('signup', { body: { email: `${name}@example.org`, password: PASSWORD, ...code } });
  api.token = session.access_token;
  return { api, session };
}
