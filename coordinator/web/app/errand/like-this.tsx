import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { Task } from '../../../../protocol/task.ts';
import { useRouter, useSession } from '../../parts/context.ts';
import { Confirm } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { faultWords } from '../../parts/words.ts';
import { writeLike } from '../new-errand/like-this.ts';
import { s } from '../screen-speech.ts';

/** Begins a new errand like this one. It asks before the one that is half written goes. */
export function LikeThis({ task }: { task: Task }): JSX.Element {
  const session = useSession();
  const router = useRouter();
  const asks = useSignal(false);
  const fault = useSignal('');
  const works = useSignal(false);
  const shown = useMemo(() => new AbortController(), []);
  useEffect(() => () => shown.abort(), [shown]);
  const write = (replaces: boolean): void => {
    [works.value, fault.value] = [true, ''];
    writeLike(session, task, { replaces, signal: shown.signal })
      .then((is_written) => {
        if (!is_written) asks.value = true;
        else if (!shown.signal.aborted) router.go('new_errand');
      })
      .catch((error: unknown) => (fault.value = faultWords(error)))
      .finally(() => (works.value = false));
  };
  return (
    <>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <button type="button" class="choice" disabled={works.value} onClick={() => write(false)}>
        {works.value ? t.access.working : s.errand.like_this}
      </button>
      {asks.value && (
        <Confirm
          title={s.discard_title}
          about={s.fresh.title}
          text={s.discard_text}
          yes={s.discard}
          danger
          onYes={() => write(true)}
          onClose={() => (asks.value = false)}
        />
      )}
    </>
  );
}
