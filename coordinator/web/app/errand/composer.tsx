import { useSignal, type Signal } from '@preact/signals';
import type { JSX, RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import type { Hear, Task } from '../../../../protocol/task.ts';
import { isEnded, openNeeds } from '../../../../protocol/without-schemas.ts';
import { AttachButton, DraftFileList, takesFiles } from '../../parts/attach.tsx';
import { useSession } from '../../parts/context.ts';
import { GrowingField } from '../../parts/growing-field.tsx';
import { Icon } from '../../parts/icons.tsx';
import { Confirm } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { TooLong } from '../../parts/too-long.tsx';
import { s } from '../screen-speech.ts';
import { ModelSheet } from '../new-errand/option-sheets.tsx';
import { canWait, type Mind, type Saying } from './use-saying.ts';

type ComposerProps = { task: Task; saying: Saying; onFocus: () => void };

/** Where one speaks to an errand: say something, answer, stop, try again. */
export function Composer({ task, saying, onFocus }: ComposerProps): JSX.Element {
  const { text, files, hear, mind } = saying;
  const { acts } = useSession();
  const form = useRef<HTMLFormElement>(null);
  const writes = text.value.trim() !== '';
  const has_files = files.list.value.length > 0;
  // Without more of it every message would only fail again.
  const is_spent = task.reason === 'budget_exhausted' && !acts.asked('retry', task.id);
  const can_send = saying.canSend() && !is_spent;
  const send = (): void => {
    if (can_send) saying.send();
  };
  const has_field = useHasField(task, form, writes || has_files);
  return (
    <form
      ref={form}
      class={writes ? 'composer writes' : 'composer'}
      {...takesFiles(files)}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <DraftFileList files={files} />
      <TooLong text={text.value} />
      {writes && (
        <div class="when">
          <MindChoice task={task} mind={mind} />
          {canWait(task) && <AfterTurn hear={hear} />}
        </div>
      )}
      {is_spent && (writes || has_files) && (
        <p class="soft" role="status">
          {s.errand.budget_first}
        </p>
      )}
      {has_field && (
        <GrowingField
          class="composer-field"
          value={text.value}
          label={labelOf(task)}
          onFocus={onFocus}
          onSend={send}
          onInput={(said) => (text.value = said)}
        />
      )}
      <div class="tools">
        {isEnded(task.status) ? <TryAgain task={task} /> : <Stop task={task} />}
        {has_field && <AttachButton files={files} />}
        {has_field && (
          <button type="submit" class="round send" aria-label={s.errand.send} disabled={!can_send}>
            <Icon name="send" />
          </button>
        )}
      </div>
    </form>
  );
}

/**
 * Whether there is a field. An open decision has one of its own: with two, one may answer in the wrong one. `holds`:
 * something is written here, which stays.
 */
function useHasField(task: Task, form: RefObject<HTMLFormElement | null>, holds: boolean): boolean {
  const is_asked = useIsAsked(task);
  const had_field = useRef(false);
  const has_focus = form.current?.contains(document.activeElement) === true;
  const stays = useRef(false);
  stays.current = is_asked && (stays.current || holds || (had_field.current && has_focus));
  had_field.current = !is_asked || stays.current;
  return had_field.current;
}

/** Whether the card of a decision shows a field. */
function useIsAsked(task: Task): boolean {
  const answers = useSession().acts.entries.value.flatMap(({ action }) =>
    action.do === 'answer' ? [action.need_id] : [],
  );
  const open = isEnded(task.status) ? [] : openNeeds(task);
  return open.some(({ id, takes_text, multiple }) => (takes_text || multiple) && !answers.includes(id));
}

function labelOf({ status }: Task): string {
  if (isEnded(status)) return s.errand.go_on;
  return status === 'waiting' || status === 'parked' ? s.errand.answer : s.errand.say;
}

function AfterTurn({ hear }: { hear: Signal<Hear> }): JSX.Element {
  return (
    <label class="hear">
      <input
        type="checkbox"
        checked={hear.value === 'after_turn'}
        onChange={({ currentTarget }) => (hear.value = currentTarget.checked ? 'after_turn' : 'next_call')}
      />
      {s.errand.hear.after_turn}
    </label>
  );
}

function MindChoice({ task, mind }: { task: Task; mind: Signal<Mind> }): JSX.Element {
  const chooses = useSignal(false);
  const { model = task.model, effort = task.effort } = mind.value;
  const is_chosen = model !== task.model || effort !== task.effort;
  return (
    <>
      <button
        type="button"
        class={is_chosen ? 'option mind chosen' : 'option mind'}
        onClick={() => (chooses.value = true)}
      >
        {model} <span>{t.effort[effort]}</span>
      </button>
      {chooses.value && (
        <ModelSheet
          fresh={mind.value}
          unset={{ model: task.model, effort: s.errand.unchanged }}
          onChoose={(change) => (mind.value = { ...mind.value, ...change })}
          onClose={() => (chooses.value = false)}
        />
      )}
    </>
  );
}

function Stop({ task }: { task: Task }): JSX.Element {
  const session = useSession();
  const asks = useSignal(false);
  const stops = task.cancel_reason !== null || session.acts.asked('stop', task.id);
  return (
    <>
      <button
        type="button"
        class="round still"
        aria-label={s.errand.stop}
        disabled={stops}
        onClick={() => (asks.value = true)}
      >
        <Icon name="stop" />
      </button>
      {asks.value && (
        <Confirm
          title={s.errand.stop_title}
          about={task.title}
          text={s.errand.stop_text}
          yes={s.errand.stop}
          no={s.errand.keep_on}
          danger
          onYes={() => void session.acts.stopErrand(task.id)}
          onClose={() => (asks.value = false)}
        />
      )}
    </>
  );
}

/** An errand that failed, or that was stopped, goes on from where it was. */
function TryAgain({ task }: { task: Task }): JSX.Element | null {
  const session = useSession();
  if (task.status === 'succeeded' || task.reason === 'budget_exhausted') return null;
  const asked = session.acts.asked('retry', task.id);
  return (
    <button
      type="button"
      class="round still again"
      aria-label={s.errand.try_again}
      title={s.errand.try_again}
      disabled={asked}
      onClick={() => void session.acts.retry(task.id)}
    >
      <Icon name="again" />
    </button>
  );
}
