import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../../protocol/limits.ts';
import { BrowserGuard } from '../base/browser-guard.ts';
import type { Config } from '../base/config.ts';
import { listenFault } from '../base/listen-error.ts';
import { addressOf } from '../base/listen.ts';
import { protectionOf } from '../forge/branch-protection.ts';
import type { ForgeAccess } from '../forge/forge-access.ts';
import { AttachmentFiles } from '../tasks/attachment-files.ts';
import { requireRepository } from '../tasks/require-repository.ts';
import type { TaskRedaction } from '../tasks/task-redaction.ts';
import type { TaskSettings } from '../tasks/task-settings.ts';
import { attachmentProxy } from '../worker-api/attachment-proxy.ts';
import { askForHost } from '../worker-api/egress/ask-for-host.ts';
import { EgressProxy } from '../worker-api/egress/egress-proxy.ts';
import { GitProxy, type GitDependencies } from '../worker-api/git/git-proxy.ts';
import { pushApproval, uploadApproval } from '../worker-api/git/push-approval.ts';
import { pushedCommits } from '../worker-api/git/pushed-commits.ts';
import { ModelProxy } from '../worker-api/model/model-proxy.ts';
import type { Upstream } from '../worker-api/model/upstream.ts';
import { WorkerApi, type WorkerApiDependencies } from '../worker-api/worker-api.ts';
import type { NoteUse, WorkerAudit } from '../worker-api/worker-audit.ts';
import type { WorkerListeners } from '../workers/runner.ts';
import { Watchdogs, watchdogTimes } from '../workers/watchdogs.ts';
import type { Core, Opened } from './core.ts';

/* Puts together what workers call. `opened` closes it. */

/** Starts what notices that a worker has gone, has stalled, or takes too long. */
export function startWatchdogs({ config, pace, log, relay, gate, logger }: Core, opened: Opened): Watchdogs {
  const { heartbeat_ms, lease_ms } = pace;
  // A quicker pace than usual makes silence count sooner, too.
  const silent_ms = Math.min(LIMITS.silent_ms, heartbeat_ms * 2.5);
  const times = watchdogTimes({ lease_ms, silent_ms, time_limit_ms: config.time_limit_ms });
  const watchdogs = new Watchdogs({ log, relay, gate, logger, times });
  watchdogs.start();
  opened.defer(() => watchdogs.stop());
  return watchdogs;
}

type WorkerApiParts = Pick<WorkerApiDependencies, 'tokens' | 'assignment'> & {
  settings: TaskSettings;
  watchdogs: Watchdogs;
  audit: WorkerAudit;
  redaction: TaskRedaction;
  /** The model that answers. */
  upstream: Upstream;
  /** Serves the sample repository. */
  sample: GitDependencies['sample'];
  /** To ask forges about branches. */
  access: ForgeAccess;
};

/** The callbacks of workers, and the proxies to the model, to git and to other hosts. It does not listen yet. */
export function openWorkerApi(core: Core, parts: WorkerApiParts, opened: Opened): WorkerApi {
  const { config, prices, log, relay, gate, counters, threads, logger } = core;
  const ownAddresses = core.own_addresses.all;
  const { private_hosts, data_dir, proxy } = config;
  const { settings, watchdogs, audit, tokens, assignment, redaction, upstream, sample, access } = parts;
  const noteUse: NoteUse = (...fact) => audit.note(...fact);
  const packs_dir = join(data_dir, 'packs');
  // What a server left there that was killed.
  rmSync(packs_dir, { recursive: true, force: true });
  const rules = (task_id: string) => settings.models(task_id);
  const llm = new ModelProxy({ log, gate, logger, prices, caps: config, rules, upstream, threads, proxy });
  opened.defer(() => llm.close());
  // The start does not wait for the API, and one that does not answer holds nothing.
  if (!core.demo) void llm.tryKey();
  const egress = {
    policy: (task_id: string) => settings.egress(task_id),
    private_hosts,
    ownAddresses,
    noteUse,
    askForHost: askForHost(log, logger),
    logger,
  };
  return new WorkerApi({
    log,
    relay,
    tokens,
    leases: watchdogs.leases,
    progress: watchdogs.progress,
    event_quotas: config.event_quotas,
    budget_bound: config,
    browser_guard: new BrowserGuard(config.hosts),
    assignment,
    llm,
    git: new GitProxy({
      repository: (where) => settings.repository(where),
      private_hosts,
      ownAddresses,
      proxy,
      sample,
      packs_dir,
      workBranch: (where) => requireRepository(log.db, where).work_branch,
      protection: (where, branch, signal) => {
        const { task, ...repository } = requireRepository(log.db, where);
        return protectionOf(access, { ...repository, user_id: task.user_id }, branch, signal);
      },
      pushed: pushedCommits(log),
      approval: pushApproval(log),
      uploadApproval: uploadApproval(log),
      noteUse,
      logger,
    }),
    attachments: attachmentProxy(log.db, new AttachmentFiles(data_dir)),
    egress: new EgressProxy(egress),
    redactorOf: (task_id) => redaction.redactorOf(task_id),
    threads,
    onRefused: (code) => counters.refused.add({ code }),
    logger,
  });
}

/** The ways by which workers can call. The TCP port is opened only where a runner asks for it. */
export function openListeners(api: WorkerApi, config: Config, opened: Opened): WorkerListeners {
  let tcp: Promise<string> | undefined;
  return {
    listenOnSocket: (path, worker) => api.listenOnSocket(path, worker),
    listenOnTcp: () => (tcp ??= listenOnTcp(api, config, opened)),
  };
}

async function listenOnTcp(api: WorkerApi, config: Config, opened: Opened): Promise<string> {
  const [host, port] = [config.callback_host, config.callback_port];
  const listening = await api.listenOnTcp(host, port).catch((error: unknown) => {
    throw listenFault(error, { host, port }, 'ERRAND_CALLBACK_HOST or ERRAND_CALLBACK_PORT');
  });
  opened.defer(() => listening.close());
  return addressOf(host, listening.port);
}
