import type { JSX, RefObject } from 'preact';
import type { Need } from '../../../protocol/needs.ts';
import { AttachButton, DraftFileList, takesFiles, useFiles } from './attach.tsx';
import { useSession } from './context.ts';
import { Icon } from './icons.tsx';
import { t } from './speech.ts';
import { continued, useText, without } from './use-text.ts';

/** The words and files of an answer that is being written. */
export type AnswerDraft = {
  ids: () => string[];
  /** These words and files are in the outbox now. */
  sent: (written: string, ids: readonly string[]) => Promise<void>;
};

type OwnWordsProps = {
  need: Need;
  draft: RefObject<AnswerDraft | null>;
  may_be_empty: boolean;
  onSend: (written: string) => void;
};

/** The field for an answer in one's own words, with files. Both survive the app. */
export function OwnWords({ need, draft, may_be_empty, onSend }: OwnWordsProps): JSX.Element {
  const { texts } = useSession();
  const key = `answer ${need.id}`;
  const text = useText(key, '', continued);
  const files = useFiles(key);
  draft.current = {
    ids: files.ids,
    sent: async (written, ids) => {
      files.take(ids);
      await texts.give(key, without(written));
    },
  };
  const label = need.kind === 'push' ? t.needs.send_back : t.needs.answer;
  const can_send = text.value.trim() !== '' || may_be_empty || files.list.value.length > 0;
  return (
    <form
      class="answer"
      {...takesFiles(files)}
      onSubmit={(event) => {
        event.preventDefault();
        if (can_send) onSend(text.value);
      }}
    >
      <input
        value={text.value}
        placeholder={label}
        aria-label={label}
        dir="auto"
        onInput={({ currentTarget }) => (text.value = currentTarget.value)}
      />
      <DraftFileList files={files} />
      <AttachButton files={files} />
      <button type="submit" class="round" aria-label={t.needs.send} disabled={!can_send}>
        <Icon name="send" />
      </button>
    </form>
  );
}
