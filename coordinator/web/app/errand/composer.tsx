import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Hear, Task } from '../../../../protocol/task.ts';
import { isEnded } from '../../../../protocol/without-schemas.ts';
import { AttachButton, DraftFileList, takesFiles, useFiles } from '../../parts/attach.tsx';
import { useSession } from '../../parts/context.ts';
import { GrowingField } from '../../parts/growing-field.tsx';
import { Icon } from '../../parts/icons.tsx';
import { Confirm } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { TooLong, isTooLong } from '../../parts/too-long.tsx';
import { s } from '../screen-speech.ts';
import { useOnce } from '../../parts/use-once.ts';
import { continued, useText } from '../../parts/use-text.ts';
import type { Fresh } from '../new-errand/fresh.ts';
import { ModelSheet } from '../new-errand/option-sheets.tsx';

/** Where one speaks to an errand: say something, answer, stop, try again. */
export function Composer({ task }: { task: Task }): JSX.Element {
  const session = useSession();
  const text = useText(`say ${task.id}`, '', continued);
  const files = useFiles(`say ${task.id}`);
  const once = useOnce();
  const hear = useSignal<Hear>('next_call');
  const mind = useSignal<Mind>({});
  const ended = isEnded(task.status);
  const has_files = files.list.value.length > 0;
  const can_send = (text.value.trim() !== '' || has_files) && !isTooLong(text.value) && files.ready;
  // While it works, a message can wait until the end of the turn.
  const can_wait = (task.status === 'running' || task.status === 'starting') && text.value.trim() !== '';
  const send = (): void => {
    if (!can_send) return;
    const written = text.value;
    const said = written.trim() || t.attach.see;
    const attachments = files.ids();
    const later = can_wait && hear.value === 'after_turn' ? { hear: hear.value } : {};
    const { model, effort } = mind.value;
    const other = { ...(model !== undefined && { model }), ...(effort !== undefined && { effort }) };
    const more = { ...later, ...other, ...(attachments.length > 0 && { attachments }) };
    once(async () => {
      if (!(await session.acts.say(task.id, said, more))) return;
      [hear.value, mind.value] = ['next_call', {}];
      await files.take(attachments);
      await session.texts.give(`say ${task.id}`, { without: written });
    });
  };
  return (
    <form
      class="composer"
      {...takesFiles(files)}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <DraftFileList files={files} />
      <TooLong text={text.value} />
      {text.value.trim() !== '' && (
        <div class="when">
          <MindChoice task={task} mind={mind} />
        </div>
      )}
      {can_wait && <AfterTurn hear={hear} />}
      {ended ? <TryAgain task={task} /> : <Stop task={task} />}
      <GrowingField
        class="composer-field"
        value={text.value}
        label={labelOf(task)}
        onSend={send}
        onInput={(said) => (text.value = said)}
      />
      <AttachButton files={files} />
      <button type="submit" class="round" aria-label={s.errand.send} disabled={!can_send}>
        <Icon name="send" />
      </button>
    </form>
  );
}

function labelOf({ status }: Task): string {
  if (isEnded(status)) return s.errand.go_on;
  return status === 'waiting' || status === 'parked' ? s.errand.answer : s.errand.say;
}

function AfterTurn({ hear }: { hear: Signal<Hear> }): JSX.Element {
  return (
    <label class="when">
      <input
        type="checkbox"
        checked={hear.value === 'after_turn'}
        onChange={({ currentTarget }) => (hear.value = currentTarget.checked ? 'after_turn' : 'next_call')}
      />
      {s.errand.hear.after_turn}
    </label>
  );
}

/** With which model, and how hard it thinks, from a message on. Absent: as before. */
type Mind = Pick<Fresh, 'model' | 'effort'>;

function MindChoice({ task, mind }: { task: Task; mind: Signal<Mind> }): JSX.Element {
  const chooses = useSignal(false);
  const { model = task.model, effort = task.effort } = mind.value;
  return (
    <>
      <button type="button" class="option mind" onClick={() => (chooses.value = true)}>
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
