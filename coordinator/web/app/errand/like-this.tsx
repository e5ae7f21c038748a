import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Task } from '../../../../protocol/task.ts';
import { useRouter, useSession } from '../../parts/context.ts';
import { Confirm } from '../../parts/screen.tsx';
import { faultWords } from '../../parts/words.ts';
import { writeLike } from '../new-errand/like-this.ts';
import { s } from '../screen-speech.ts';

/** Begins a new errand like this one. It asks before the one that is half written goes. */
export function LikeThis({ task }: { task: Task }): JSX.Element {
  const session = useSession();
  const router = useRouter();
  const asks = useSignal(false);
  const fault = useSignal('');
  const write = (replaces: boolean): void => {
    const go = router.unlessGone(() => router.go('new_errand'));
    fault.value = '';
    writeLike(session, task, replaces)
      .then((is_written) => (is_written ? go() : (asks.value = true)))
      .catch((error: unknown) => (fault.value = faultWords(error)));
  };
  return (
    <>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <button type="button" class="choice" onClick={() => write(false)}>
        {s.errand.like_this}
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
