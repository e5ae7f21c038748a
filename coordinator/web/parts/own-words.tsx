import type { JSX, RefObject } from 'preact';
import type { Need } from '../../../protocol/needs.ts';
import { AttachButton, DraftFileList, takesFiles, useFiles } from './attach.tsx';
import { Choices } from './choices.tsx';
import { useSession } from './context.ts';
import { GrowingField } from './growing-field.tsx';
import { Icon } from './icons.tsx';
import { t } from './speech.ts';
import { isTooLong, TooLong } from './too-long.tsx';
import { ticksKey } from '../store/written.ts';
import { continued, useText } from './use-text.ts';

/** The words, files and ticked options of an answer that is being written. */
export type AnswerDraft = {
  ids: () => string[];
  /** These words and files are in the outbox now. */
  sent: (written: string, ids: readonly string[]) => Promise<void>;
};

type OwnWordsProps = {
  need: Need;
  draft: RefObject<AnswerDraft | null>;
  onSend: (choose: readonly string[], written: string) => void;
};

/**
 * The field for an answer in one's own words, with files; and the options, where several may be ticked. All survive
 * the app.
 */
export function OwnWords({ need, draft, onSend }: OwnWordsProps): JSX.Element {
  const { texts } = useSession();
  const key = `answer ${need.id}`;
  const text = useText(key, '', continued);
  const files = useFiles(key);
  const ticks = useText(ticksKey(need.id));
  const ticked = need.multiple ? readTicks(ticks.value, need) : [];
  draft.current = {
    ids: files.ids,
    sent: async (written, ids) => {
      await files.take(ids);
      await texts.give(key, { without: written });
      await texts.give(ticksKey(need.id), { set: '' });
    },
  };
  const label = need.kind === 'push' ? t.needs.send_back : t.needs.answer;
  const has_answer = text.value.trim() !== '' || ticked.length > 0 || files.list.value.length > 0;
  const can_send = has_answer && !isTooLong(text.value) && files.ready;
  const send = (): void => {
    if (can_send) onSend(ticked, text.value);
  };
  const tick = (value: string): void => {
    const others = ticked.filter((each) => each !== value);
    ticks.value = JSON.stringify(others.length < ticked.length ? others : [...ticked, value]);
  };
  return (
    <>
      {need.multiple && (
        <>
          <small>{t.needs.several}</small>
          <Choices need={need} ticked={ticked} onTouch={tick} />
        </>
      )}
      <form
        class="answer"
        {...takesFiles(files)}
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <GrowingField value={text.value} label={label} onSend={send} onInput={(said) => (text.value = said)} />
        <DraftFileList files={files} />
        <TooLong text={text.value} />
        <AttachButton files={files} />
        <button type="submit" class="round" aria-label={t.needs.send} disabled={!can_send}>
          <Icon name="send" />
        </button>
      </form>
    </>
  );
}

/** The options of a decision that were ticked; none if that is not understood. */
function readTicks(text: string, { options }: Need): string[] {
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? options.flatMap(({ value }) => (read.includes(value) ? value : [])) : [];
  } catch {
    return [];
  }
}
