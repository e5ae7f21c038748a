import type { JSX, RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import { AttachButton, DraftFileList, takesFiles, useFiles, type DraftFiles, type TakesFiles } from './attach.tsx';

/** The files of an answer, for the field that it is written in. */
export type AnswerDraft = DraftFiles & TakesFiles;

type AnswerFilesProps = { need_id: string; draft: RefObject<AnswerDraft | null>; onCount: (count: number) => void };

/** The files that go with an answer, and the button that picks them. */
export function AnswerFiles({ need_id, draft, onCount }: AnswerFilesProps): JSX.Element {
  const files = useFiles(`answer ${need_id}`);
  draft.current = { ...files, ...takesFiles(files) };
  const count = files.list.value.length;
  useEffect(() => onCount(count), [count]);
  return (
    <>
      <DraftFileList files={files} />
      <AttachButton files={files} />
    </>
  );
}
