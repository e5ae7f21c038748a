import { useSignal, type Signal } from '@preact/signals';
import type { Hear, Task } from '../../../../protocol/task.ts';
import { useFiles, type DraftFiles } from '../../parts/attach.tsx';
import { useSession } from '../../parts/context.ts';
import { t } from '../../parts/speech.ts';
import { isTooLong } from '../../parts/too-long.tsx';
import { useOnce } from '../../parts/use-once.ts';
import { continued, useText } from '../../parts/use-text.ts';
import type { Fresh } from '../new-errand/fresh.ts';

/** With which model, and how hard it thinks, from a message on. Absent: as before. */
export type Mind = Pick<Fresh, 'model' | 'effort'>;

/** A message that is being written to an errand, and what goes with it. */
export type Saying = {
  text: Signal<string>;
  files: DraftFiles;
  hear: Signal<Hear>;
  mind: Signal<Mind>;
  canSend: () => boolean;
  /** `budget_usd`: the errand goes on with this one. */
  send: (budget_usd?: number) => void;
};

/** Whether a message can wait until the end of the turn: while it works. */
export function canWait({ status }: Task): boolean {
  return status === 'running' || status === 'starting';
}

/** The message that is being written to an errand. It survives the app. */
export function useSaying(task: Task): Saying {
  const session = useSession();
  const text = useText(`say ${task.id}`, '', continued);
  const files = useFiles(`say ${task.id}`);
  const once = useOnce();
  const hear = useSignal<Hear>('next_call');
  const mind = useSignal<Mind>({});
  const canSend = (): boolean =>
    (text.value.trim() !== '' || files.list.value.length > 0) && !isTooLong(text.value) && files.ready;
  const send = (budget_usd?: number): void => {
    if (!canSend()) return;
    const written = text.value;
    const said = written.trim() || t.attach.see;
    const attachments = files.ids();
    const later = canWait(task) && written.trim() !== '' && hear.value === 'after_turn' ? { hear: hear.value } : {};
    const { model, effort } = mind.value;
    const other = {
      ...(model !== undefined && { model }),
      ...(effort !== undefined && { effort }),
      ...(budget_usd !== undefined && { budget_usd }),
    };
    const more = { ...later, ...other, ...(attachments.length > 0 && { attachments }) };
    once(async () => {
      if (!(await session.acts.say(task.id, said, more))) return;
      [hear.value, mind.value] = ['next_call', {}];
      await files.take(attachments);
      await session.texts.give(`say ${task.id}`, { without: written });
    });
  };
  return { text, files, hear, mind, canSend, send };
}
