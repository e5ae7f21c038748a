import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Task } from '../../../../protocol/task.ts';
import { isEnded } from '../../../../protocol/without-schemas.ts';
import { useSession } from '../../parts/context.ts';
import { Confirm, Sheet } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { faultWords } from '../../parts/words.ts';
import type { Session } from '../../store/session.ts';
import { s } from '../screen-speech.ts';
import { setArchived } from './archive-undo.tsx';
import { useSwipe } from './use-swipe.ts';

type Act = keyof typeof s.archive.acts;
const DANGERS: readonly Act[] = ['stop', 'remove'];

/** `touch`: the one that the row began to listen with. */
type RowActionsProps = { task: Task; open: Signal<boolean>; touch: PointerEvent | undefined };

/**
 * What one can do to an errand without opening it: in a sheet, for its button, and behind its row, for a swipe. A swipe
 * deletes nothing: it is done too easily for that.
 */
export function RowActions({ task, open, touch: first }: RowActionsProps): JSX.Element {
  const session = useSession();
  const panel = useRef<HTMLDivElement>(null);
  const asks = useSignal<'stop' | 'remove' | undefined>(undefined);
  const fault = useSignal('');
  const swiped = useSwipe(panel, first);
  const acts = actsOf(task, session);
  const close = (): void => {
    [open.value, fault.value] = [false, ''];
  };
  const touch = (act: Act): void => {
    close();
    swiped.value = false;
    switch (act) {
      case 'again':
        return void session.acts.retry(task.id);
      case 'archive':
      case 'unarchive':
        return setArchived(session, task, act === 'archive');
      case 'stop':
      case 'remove':
        asks.value = act;
    }
  };
  const remove = (): void => {
    session.remove(task.id).catch((error: unknown) => {
      fault.value = faultWords(error);
      open.value = true;
    });
  };
  return (
    <>
      <div class="row-actions" ref={panel} aria-hidden={!swiped.value}>
        <ActButtons
          kind="row-action"
          acts={acts.filter((act) => act !== 'remove')}
          onTouch={touch}
          // Hidden behind the row, they are reached by the sheet.
          hidden={!swiped.value}
        />
      </div>
      {open.value && (
        <Sheet label={t.inbox.actions(task.title)} onClose={close}>
          <h2 dir="auto">{task.title}</h2>
          <p class="fault" role="alert">
            {fault.value}
          </p>
          {acts.length === 0 && <p>{s.archive.none}</p>}
          <ActButtons kind="choice" acts={acts} onTouch={touch} />
          <button type="button" class="choice" onClick={close}>
            {t.cancel}
          </button>
        </Sheet>
      )}
      {asks.value && <Ask act={asks.value} task={task} onRemove={remove} onClose={() => (asks.value = undefined)} />}
    </>
  );
}

type ActButtonsProps = { kind: string; acts: readonly Act[]; onTouch: (act: Act) => void; hidden?: boolean };

function ActButtons({ kind, acts, onTouch, hidden = false }: ActButtonsProps): JSX.Element {
  return (
    <>
      {acts.map((act) => (
        <button
          key={act}
          type="button"
          class={DANGERS.includes(act) ? `${kind} danger` : kind}
          tabIndex={hidden ? -1 : 0}
          onClick={() => onTouch(act)}
        >
          {s.archive.acts[act]}
        </button>
      ))}
    </>
  );
}

type AskProps = { act: 'stop' | 'remove'; task: Task; onRemove: () => void; onClose: () => void };

/** Asks before something that cannot be undone. */
function Ask({ act, task, onRemove, onClose }: AskProps): JSX.Element {
  const session = useSession();
  const words = {
    stop: { title: s.errand.stop_title, text: s.errand.stop_text, yes: s.errand.stop },
    remove: { title: s.errand.delete_title, text: s.errand.delete_text, yes: s.errand.delete },
  };
  const onYes = act === 'stop' ? () => void session.acts.stopErrand(task.id) : onRemove;
  return <Confirm {...words[act]} about={task.title} danger onYes={onYes} onClose={onClose} />;
}

function actsOf({ id, status, reason, cancel_reason, archived }: Task, session: Session): Act[] {
  if (!isEnded(status)) return cancel_reason === null && !session.acts.asked('stop', id) ? ['stop'] : [];
  const again = status !== 'succeeded' && reason !== 'budget_exhausted' && !session.acts.asked('retry', id);
  return [...(again ? (['again'] as const) : []), archived === true ? 'unarchive' : 'archive', 'remove'];
}
