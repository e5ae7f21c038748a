import { LIMITS } from '../../protocol/limits.ts';
import type { PULL_ROUTES } from '../../protocol/pull-routes.ts';
import type { PullReady } from '../../protocol/pulls.ts';
import type { Task } from '../../protocol/task.ts';
import { Rate } from '../base/rate.ts';
import type { TaskRow } from '../domain/task.ts';
import type { ForgeAccess } from '../forge/forge-access.ts';
import { actOnPull, mergeMethodsOf, storeActed, type AskedFor, type PullAct } from '../forge/pulls/act-on-pull.ts';
import { choosePull } from '../forge/pulls/chosen-pull.ts';
import { askForPulls } from '../forge/pulls/pull-commands.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { requireTask } from '../tasks/task-commands.ts';
import { taskViews } from '../tasks/task-views.ts';
import type { Call } from './call.ts';
import type { JsonText } from './json-text.ts';
import type { Handlers } from './router.ts';

type PullHandlerDependencies = {
  log: EventLog;
  forges: ForgeAccess;
  /** Why no work is started now, or null. */
  gate: { readonly fault: string | null };
};

type ActCall = Pick<
  Call<(typeof PULL_ROUTES)['readyPull']>,
  'who' | 'params' | 'writeAfter' | 'audit' | 'requireLiving'
> & { body: { repository?: string | undefined } };

/** The pull requests of tasks. */
export function pullHandlers({ log, forges, gate }: PullHandlerDependencies): Pick<Handlers, keyof typeof PULL_ROUTES> {
  const rate = new Rate(LIMITS.merge_methods_per_minute_max, 'You ask the forge too often.');
  const seen = (tx: Tx, task: TaskRow): Task => {
    const [view] = taskViews(tx.db, [task], gate.fault);
    if (!view) throw new Error('There is no view of the task.');
    return view;
  };
  const act = async (call: ActCall, wish: PullAct): Promise<Task | JsonText> => {
    const { who, params, body, writeAfter, audit, requireLiving } = call;
    rate.take(who.user_id);
    const prepare = async () => {
      const chosen = choosePull(log.db, who.user_id, params.id, body.repository);
      const action = wish.do === 'merge' ? 'pull.merge_asked' : 'pull.ready_asked';
      const note = (tx: Tx, { method, ...asked }: AskedFor) => {
        requireLiving();
        audit(tx, { action, subject: params.id, detail: { ...asked, ...(method !== null && { method }) } });
      };
      return { chosen, acted: await actOnPull({ log, access: forges, note }, chosen, wish) };
    };
    return writeAfter(prepare, (tx, { chosen, acted }) => {
      storeActed(tx, chosen, acted);
      return seen(tx, requireTask(tx.db, who.user_id, params.id));
    });
  };
  return {
    openPull: ({ who, params, body, write }) =>
      write((tx) => seen(tx, askForPulls(tx, who.user_id, params.id, body, new Date().toISOString()))),
    readyPull: (call) => act(call, { do: 'ready', ...seenOf(call.body) }),
    listMergeMethods: async ({ who, params, query }) => {
      rate.take(who.user_id);
      const chosen = choosePull(log.db, who.user_id, params.id, query.repository);
      return { methods: await mergeMethodsOf(forges, chosen) };
    },
    mergePull: (call) => act(call, { do: 'merge', ...seenOf(call.body), method: call.body.method }),
  };
}

/** What the person has seen of the pull request. */
function seenOf({ commit, base }: PullReady): Pick<PullReady, 'commit' | 'base'> {
  return { commit, base };
}
