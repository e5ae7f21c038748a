import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useSession } from '../../parts/context.ts';
import { s } from '../screen-speech.ts';

type UpdateBaseProps = {
  task_id: string;
  /** Null: the default branch. */
  base: string | null;
  /** The key of the one that is meant, of several. */
  repository?: string | undefined;
  /** Whether the work conflicts with it. */
  conflicts: boolean;
  onAsked?: () => void;
};

/** The button that has an errand merge the newest state of its base, and whether that is in conflict with its work. */
export function UpdateBase({ task_id, base, repository, conflicts, onAsked }: UpdateBaseProps): JSX.Element {
  const { acts } = useSession();
  const asked = useSignal(false);
  const ask = (): void => {
    asked.value = true;
    void acts.say(task_id, s.archive.update_base_text(base, repository)).then((is_stored) => (asked.value = is_stored));
    onAsked?.();
  };
  return (
    <>
      {conflicts && <p class="fault">{s.pulls.conflicts(base)}</p>}
      <button type="button" class="choice" disabled={asked.value} onClick={ask}>
        {s.archive.update_base}
      </button>
    </>
  );
}
