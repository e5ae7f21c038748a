import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { isEnded, type Task } from '../../../../protocol/task.ts';
import { useSession } from '../../parts/context.ts';
import { Confirm, Sheet } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { faultWords } from '../../parts/words.ts';
import type { Session } from '../../store/session.ts';
import { useSwipe } from './use-swipe.ts';

type Act = 'stop' | 'again' | 'remove';

type RowActionsProps = { task: Task; open: Signal<boolean> };

/** What one can do to an errand without opening it: behind its row, for a swipe, and in a sheet, for its button. */
export function RowActions({ task, open }: RowActionsProps): JSX.Element {
  const session = useSession();
  const panel = useRef<HTMLDivElement>(null);
  const asks = useSignal<'stop' | 'remove' | undefined>(undefined);
  const fault = useSignal('');
  const swiped = useSwipe(panel);
  const acts = actsOf(task, session);
  const touch = (act: Act): void => {
    [open.value, swiped.value] = [false, false];
    if (act === 'again') void session.retry(task.id);
    else asks.value = act;
  };
  const buttons = (kind: string): JSX.Element[] =>
    acts.map((act) => (
      <button
        key={act}
        type="button"
        class={act === 'again' ? kind : `${kind} danger`}
        // Hidden behind the row, they are reached by the sheet.
        tabIndex={kind === 'choice' || swiped.value ? 0 : -1}
        onClick={() => touch(act)}
      >
        {t.inbox.acts[act]}
      </button>
    ));
  const remove = (): void => {
    session.remove(task.id).catch((error: unknown) => {
      fault.value = faultWords(error);
      open.value = true;
    });
  };
  return (
    <>
      <div class="row-actions" ref={panel} aria-hidden={!swiped.value}>
        {buttons('row-action')}
      </div>
      {open.value && (
        <Sheet label={t.inbox.actions(task.title)} onClose={() => (open.value = false)}>
          <h2 dir="auto">{task.title}</h2>
          <p class="fault" role="alert">
            {fault.value}
          </p>
          {acts.length === 0 && <p>{t.inbox.no_actions}</p>}
          {buttons('choice')}
          <button type="button" class="choice" onClick={() => (open.value = false)}>
            {t.cancel}
          </button>
        </Sheet>
      )}
      {asks.value && <Ask act={asks.value} task={task} onRemove={remove} onClose={() => (asks.value = undefined)} />}
    </>
  );
}

type AskProps = { act: 'stop' | 'remove'; task: Task; onRemove: () => void; onClose: () => void };

/** Asks before something that cannot be undone. */
function Ask({ act, task, onRemove, onClose }: AskProps): JSX.Element {
  const session = useSession();
  const words = {
    stop: { title: t.errand.stop_title, text: t.errand.stop_text, yes: t.errand.stop },
    remove: { title: t.errand.delete_title, text: t.errand.delete_text, yes: t.errand.delete },
  };
  const onYes = act === 'stop' ? () => void session.stopErrand(task.id) : onRemove;
  return <Confirm {...words[act]} danger onYes={onYes} onClose={onClose} />;
}

function actsOf({ id, status, reason, cancel_reason }: Task, { entries }: Session): Act[] {
  const waits = (what: 'stop' | 'retry') =>
    entries.value.some(({ action, refused }) => action.do === what && action.task_id === id && !refused);
  if (!isEnded(status)) return cancel_reason === null && !waits('stop') ? ['stop'] : [];
  const again = status !== 'succeeded' && reason !== 'budget_exhausted' && !waits('retry');
  return again ? ['again', 'remove'] : ['remove'];
}
