import { TaskTokens } from '../auth/task-tokens.ts';
import { startDemoModel } from '../demo/demo-model.ts';
import { sampleBackend } from '../demo/sample-backend.ts';
import { ensureSampleOf, samplesIn } from '../demo/sample-repository.ts';
import { DEMO_MODEL } from '../domain/prices.ts';
import type { TaskRow } from '../domain/task.ts';
import type { ForgeAccess } from '../forge/forge-access.ts';
import { readNamedThreads } from '../forge/named/named-threads.ts';
import { readMeta } from '../sqlite/meta.ts';
import { findTask } from '../sqlite/tasks.ts';
import { buildAssignment, type AssignmentDependencies } from '../tasks/assignment.ts';
import { TaskRedaction } from '../tasks/task-redaction.ts';
import { TaskSettings } from '../tasks/task-settings.ts';
import type { Upstream } from '../worker-api/model/upstream.ts';
import { WorkerAudit } from '../worker-api/worker-audit.ts';
import { chooseRunner, type RunnerContext } from '../workers/choice/choose-runner.ts';
import { Dispatcher } from '../workers/dispatcher.ts';
import { ImageWatch } from '../workers/image-watch.ts';
import type { Runner } from '../workers/runner.ts';
import { Trash } from '../workers/trash.ts';
import { Workers } from '../workers/workers.ts';
import { Workspaces } from '../workers/workspaces.ts';
import type { Core, Opened } from './core.ts';
import type { Shared } from './open-forges.ts';
import { openListeners, openWorkerApi, startWatchdogs } from './open-worker-api.ts';
import { startRetention } from './upkeep.ts';

/** What starts workers, and what they call. */
export type Work = { runner: Runner; dispatcher: Dispatcher; images: ImageWatch; trash: Trash };

export type WorkOptions = {
  /** Prints a line for the person at the terminal. */
  say?: (line: string) => void;
  /** Makes the runner, for one that does not ship with Errand. By default the settings choose. */
  openRunner?: (context: RunnerContext) => Promise<Runner>;
};

/** Starts what gives tasks to workers, and the API that they call. */
export async function startWork({ core, forge_accounts }: Shared, options: WorkOptions, opened: Opened): Promise<Work> {
  const { config, pace, keys, log, gate, disk, threads, logger } = core;
  const { openRunner = chooseRunner, say = () => undefined } = options;
  const settings = new TaskSettings({ db: log.db, keys, config, linked: forge_accounts.access });
  // The issuer names the history of the database: after a restore, workers of the history before it must not write into
  // this one.
  const tokens = new TaskTokens(keys.task, readMeta(log.db, 'history'));
  const issueToken = (task_id: string, n: number) => tokens.issue(task_id, n);
  const { redaction, audit, assignment } = openAssignments(core, {
    settings,
    issueToken,
    access: forge_accounts.access,
  });
  const watchdogs = startWatchdogs(core, opened);
  const upstream = await openModel(core, opened);
  const sample = sampleBackend((task_id) => ensureSampleOf(config.data_dir, task_id));
  const parts = { settings, tokens, watchdogs, redaction, audit, assignment, upstream, sample };
  const api = openWorkerApi(core, { ...parts, access: forge_accounts.access }, opened);
  const trash = new Trash(config.data_dir, logger);
  trash.start();
  opened.defer(() => trash.stop());
  const workspaces = new Workspaces(config.data_dir, trash);
  const listeners = openListeners(api, config, opened);
  const instance = readMeta(log.db, 'instance');
  const runner = await openRunner({ config, instance, workspaces, listeners, trash, logger, say });
  opened.defer(() => runner.close());
  const limits = {
    memory_bytes: config.worker_memory_bytes,
    cpus: config.worker_cpus,
    pids_max: config.worker_pids_max,
  };
  const workers = new Workers({ runner, image: config.worker_image, images: config.worker_images, limits });
  const images = new ImageWatch(workers, logger, say);
  await images.start();
  opened.defer(() => images.stop());
  const dispatcher = new Dispatcher({
    log,
    workers,
    workspaces,
    gate,
    logger,
    workers_max: config.workers,
    workspace_bytes_max: config.workspace_bytes_max,
    warm_workers: config.warm_workers,
    heartbeat_ms: pace.heartbeat_ms,
    buildAssignment: assignment,
    redact: (task_id, text) => redaction.redact(task_id, text),
    grant: async (task_id, n) => ({ task_id, token: await issueToken(task_id, n) }),
    threads,
  });
  await disk.start();
  await dispatcher.start();
  opened.defer(() => dispatcher.stop());
  const samples = samplesIn(config.data_dir);
  startRetention(core, { attempts: dispatcher.attempts, workspaces, samples }, opened);
  return { runner, dispatcher, images, trash };
}

type AssignmentParts = Pick<AssignmentDependencies, 'issueToken'> & { settings: TaskSettings; access: ForgeAccess };

/** What builds assignments. The secrets in them are redacted from then on, and their use is recorded. */
function openAssignments(
  { config, pace, keys, log, threads, logger }: Core,
  { settings, issueToken, access }: AssignmentParts,
) {
  const redaction = new TaskRedaction(log, keys);
  const audit = new WorkerAudit({ log, redactorOf: (task_id) => redaction.redactorOf(task_id), logger });
  const workerSettings = (task: TaskRow) => settings.forWorker(task);
  const deps = { ...config, db: log.db, settings: workerSettings, issueToken, pace, threads };
  const assignment = async (task_id: string, n: number, signal?: AbortSignal) => {
    const material = await readNamedThreads({ log, access, logger }, task_id, signal);
    redaction.handOver(task_id);
    const { json, secrets } = await buildAssignment(deps, task_id, n, material);
    const user_id = findTask(log.db, task_id)?.user_id;
    if (secrets.length > 0 && user_id !== undefined)
      audit.note({ task_id, user_id, attempt: n }, 'secrets.used', { names: secrets });
    return json;
  };
  return { redaction, audit, assignment };
}

/** Claude, or without a key the demo model. */
async function openModel({ config }: Core, opened: Opened): Promise<Upstream> {
  const { anthropic_base_url: base_url, anthropic_api_key: api_key } = config;
  if (api_key !== undefined) return { base_url, api_key };
  const demo = await startDemoModel();
  opened.defer(() => demo.close());
  return { base_url: demo.base_url, api_key: DEMO_MODEL };
}
