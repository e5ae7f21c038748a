import { askForPulls } from '../forge/pulls/pull-commands.ts';
import { taskViews } from '../tasks/task-views.ts';
import type { Handlers } from './router.ts';

type PullHandlerDependencies = {
  /** Why no work is started now, or null. */
  gate: { readonly fault: string | null };
};

/** The pull requests of tasks. */
export function pullHandlers({ gate }: PullHandlerDependencies): Pick<Handlers, 'openPull'> {
  return {
    openPull: ({ who, params, body, write }) =>
      write((tx) => {
        const task = askForPulls(tx, who.user_id, params.id, body, new Date().toISOString());
        const [view] = taskViews(tx.db, [task], gate.fault);
        if (!view) throw new Error('There is no view of the task.');
        return view;
      }),
  };
}
