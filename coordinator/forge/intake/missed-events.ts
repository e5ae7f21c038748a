import { LIMITS } from '../../../protocol/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { Periodic } from '../../base/periodic.ts';
import { hasToWait, nextTryAt, type BackoffTimes } from '../../base/retry.ts';
import { isoTime } from '../../base/iso-time.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { repositoryIdentity } from '../../../protocol/repository-identity.ts';
import { countWaitingDeliveries } from '../../sqlite/deliveries.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { listForges } from '../../sqlite/forges.ts';
import {
  forgetHeardTo,
  listHeardRepositories,
  listHeardTo,
  putHeardTo,
  type HeardRepository,
} from '../../sqlite/heard-repositories.ts';
import type { ForgeAccess, OpenForge } from '../forge-access.ts';
import { ForgeApiError, isAppRefused, isLasting, isRefusal } from '../forge-api-error.ts';
import type { ChangedThread, ForgeEvent } from '../forge.ts';
import { askOf } from './ask.ts';
import { openFor } from './asker.ts';
import { eventsOfThread, type FoundEvent } from './events-of-thread.ts';
import type { FindForge, KnownForge } from './known-forge.ts';
import { answeringPull } from './pull-of-errand.ts';
import { lookAtNumber } from '../pulls/note-forge-change.ts';
import { storeEvent } from '../store-event.ts';

/** How often each repository is looked at, and how long one waits that could not be, in milliseconds. */
export type LookTimes = { every_ms: number; retry: BackoffTimes };

type Dependencies = {
  log: EventLog;
  access: ForgeAccess;
  findForge: FindForge;
  personAt: (origin: string, subject: string) => string | undefined;
  times: LookTimes;
  /** Milliseconds since 1970. */
  now: () => number;
  logger: Logger;
};

/**
 * A repository to look at. `heard_to`: up to when its events were read; undefined: never. `ways`: whose access shows
 * it.
 */
type Look = { repository: string; heard_to: string | undefined; ways: readonly HeardRepository[] };

/** Repositories that are looked at at once: one that does not answer holds up no other for long. */
const AT_ONCE_MAX = 4;
const LOOK_MS = 60_000;
/** A forge may list a change only a moment after others that are newer. */
const OVERLAP_MS = 60_000;
/** A thread that has changed this long ago does not change again within the same second, as forges tell the time. */
const SETTLED_MS = 10_000;

/**
 * Finds the events that no webhook delivered, because the server was away or no webhook is set up. It asks the forges
 * which issues and pull requests have changed since the last look, and handles what happened there as if a webhook had
 * delivered it. Each comment, review or label acts once, however often it is found. Where nothing has changed, a look
 * is one call for each repository.
 */
export class MissedEvents {
  readonly #deps: Dependencies;
  readonly #periodic: Periodic;
  /** Those that failed, by repository. */
  readonly #failures = new Map<string, { tries: number; next_at_ms: number }>();
  /** What was read of the last change of a thread, by repository. */
  readonly #read = new Map<string, ChangedThread[]>();

  constructor(deps: Dependencies) {
    this.#deps = deps;
    this.#periodic = new Periodic({
      every_ms: deps.times.every_ms,
      work: (signal) => this.#lookAtAll(signal),
      onError: (err) => deps.logger.error({ err }, 'missed webhooks could not be looked for'),
    });
  }

  start(): void {
    void this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  async #lookAtAll(signal: AbortSignal): Promise<void> {
    const { log, now } = this.#deps;
    const all = Map.groupBy(listHeardRepositories(log.db), ({ repo_url }) => repositoryIdentity(repo_url));
    const heard = listHeardTo(log.db);
    for (const repository of heard.keys()) if (!all.has(repository)) this.#forget(repository);
    const due = [...all].filter(([repository]) => !hasToWait(this.#failures.get(repository)?.next_at_ms ?? 0, now()));
    const next = due.values();
    const lane = async () => {
      for (const [repository, ways] of next) {
        if (signal.aborted) return;
        await this.#lookAt(
          { repository, heard_to: heard.get(repository), ways },
          AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]),
        );
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE_MAX }, lane));
  }

  /** Never rejects. A repository that fails is asked later. */
  async #lookAt(look: Look, signal: AbortSignal): Promise<void> {
    const { now, times, logger } = this.#deps;
    const { repository } = look;
    try {
      await this.#hear(look, signal);
      this.#failures.delete(repository);
    } catch (error) {
      const tries = this.#failures.get(repository)?.tries ?? 0;
      const not_before = error instanceof ForgeApiError ? error.retry_at?.getTime() : undefined;
      const next_at_ms = nextTryAt(times.retry, { tries, now: now(), not_before });
      this.#failures.set(repository, { tries: tries + 1, next_at_ms });
      logger.warn({ err: error, repository }, 'forge does not say what has changed');
    }
  }

  /** Rejects where nobody's access shows the repository now. */
  async #hear({ repository, heard_to, ways }: Look, signal: AbortSignal): Promise<void> {
    const { log, access, now } = this.#deps;
    if (heard_to === undefined) {
      const from = new Date(now()).toISOString();
      return log.write(({ db }) => putHeardTo(db, repository, from));
    }
    let failure: unknown;
    for (const way of ways) {
      // A token that cannot be renewed now is that of one person.
      const open = await openFor(access, way, way.repo_url).catch((error: unknown): undefined => {
        if (!(error instanceof ErrandError || error instanceof ForgeApiError)) throw error;
        failure = error;
      });
      if (!open) continue;
      try {
        return await this.#hearWith(open, { repository, heard_to }, signal);
      } catch (error) {
        if (!concernsToken(error)) throw error;
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  async #hearWith(
    open: OpenForge,
    { repository, heard_to }: { repository: string; heard_to: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { log, now, logger } = this.#deps;
    const forge = this.#forgeAt(open.client.origin);
    if (!forge) return;
    const { client, repository: name, token } = open;
    // Older events are ignored, as those of webhooks are.
    const since = isoTime(Math.max(Date.parse(heard_to) - OVERLAP_MS, now() - LIMITS.delivery_age_s_max * 1000));
    const { items, cut } = await client.changedThreads({ token, signal }, name, since);
    if (cut) logger.warn({ repository, heard_to }, 'too many issues have changed: some are not looked at');
    const settled_before = now() - SETTLED_MS;
    const read = this.#read.get(repository) ?? [];
    const fresh = items
      .map(({ number, updated_at }) => ({ number, updated_at: isoTime(Date.parse(updated_at)) }))
      .filter((one) => !read.some(({ number, updated_at }) => number === one.number && updated_at === one.updated_at))
      .sort((one, other) => one.updated_at.localeCompare(other.updated_at));
    if (fresh.length === 0) return;
    const info = await client.repository({ token, signal }, name);
    const ids = { forge_id: forge.id, repository_id: info.id };
    log.write((tx) => fresh.forEach(({ number }) => lookAtNumber(tx, { ...ids, number }, isoTime(now()))));
    let heard = heard_to;
    // Many threads may take longer than a look has, and the forge may fail: the next look goes on from there.
    try {
      for (const thread of fresh) {
        const found = await eventsOfThread(open, info, thread.number, since, signal).catch(noneIfWrong);
        await this.#take(forge, found);
        heard = later(heard, thread.updated_at);
        if (Date.parse(thread.updated_at) < settled_before) read.push(thread);
      }
    } finally {
      const oldest = isoTime(Date.parse(heard) - OVERLAP_MS);
      this.#read.set(
        repository,
        read.filter(({ updated_at }) => updated_at >= oldest),
      );
      if (heard !== heard_to) log.write(({ db }) => putHeardTo(db, repository, heard));
    }
  }

  /** Stores what may lead to something, as deliveries of their own that are known when they are found again. */
  async #take(forge: KnownForge, found: readonly FoundEvent[]): Promise<void> {
    const { log, now } = this.#deps;
    const wanted = found.filter(({ event }) => this.#isWanted(forge, event));
    if (wanted.length === 0) return;
    if (countWaitingDeliveries(log.db, forge.id) >= LIMITS.deliveries_waiting_max)
      throw new Error('Too many deliveries wait to be handled.');
    const received_at = isoTime(now());
    await log.enqueue((tx) => {
      for (const { name, event } of wanted)
        storeEvent(tx, forge.id, { ...event, delivery_id: `found:${event.repository.id}:${name}` }, received_at);
    });
  }

  #isWanted({ id: forge_id, client, names }: KnownForge, event: ForgeEvent): boolean {
    const { log, personAt } = this.#deps;
    if (event.type === 'review') {
      const { number, repository } = event;
      if (answeringPull(log.db, { forge_id, repository_id: repository.id, number })) return true;
    }
    return personAt(client.origin, event.sender.id) !== undefined && askOf(event, names) !== undefined;
  }

  /** What happens there until somebody needs it again is never caught up on. */
  #forget(repository: string): void {
    this.#failures.delete(repository);
    this.#read.delete(repository);
    this.#deps.log.write(({ db }) => forgetHeardTo(db, repository));
  }

  #forgeAt(origin: string): KnownForge | undefined {
    const row = listForges(this.#deps.log.db).find((forge) => forge.origin === origin);
    return row && this.#deps.findForge(row.id);
  }
}

/** A thread that the forge does not show, or answers wrongly, holds up no other. */
function noneIfWrong(error: unknown): FoundEvent[] {
  if (!isLasting(error)) throw error;
  return [];
}

/** Whether another token may get another answer: the forge refuses this one or the app that it is of, or limits it. */
function concernsToken(error: unknown): boolean {
  return isRefusal(error) || isAppRefused(error) || (error instanceof ForgeApiError && error.fault === 'rate_limited');
}

function later(one: string, other: string): string {
  return one > other ? one : other;
}
