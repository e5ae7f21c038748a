import { useComputed, useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Diff } from '../../../../protocol/api.ts';
import { useRouter, useSession } from '../../parts/context.ts';
import { Icon } from '../../parts/icons.tsx';
import { Screen } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { Stat } from '../../parts/stat.tsx';
import { useText } from '../../parts/use-text.ts';
import { readComments, toMessage, type Comment } from './comments.ts';
import { FileView } from './file-view.tsx';
import { parseDiff, type DiffFile } from './parse.ts';

/** What an errand changed, to be read and commented on; the comments go as one message. */
export function ChangesScreen({ id }: { id: string }): JSX.Element {
  const session = useSession();
  const router = useRouter();
  const diff = useSignal<Diff | undefined>(undefined);
  const failed = useSignal(false);
  const wrap = useText('wrap', 'yes');
  const kept = useText(`comments ${id}`);
  const viewed = useText(`viewed ${id}`);
  const files = useComputed(() => (diff.value ? parseDiff(diff.value.diff) : []));
  const comments = useComputed(() => readComments(kept.value));
  const ended_at = session.tasks.value?.find((task) => task.id === id)?.ended_at;
  const live = session.live.value?.kind === 'live';
  useEffect(() => {
    session
      .diff(id, (read) => (diff.value = read))
      .then(
        () => (failed.value = false),
        () => (failed.value = true),
      );
  }, [session, id, ended_at, live]);
  const change = (next: readonly Comment[]) => (kept.value = next.length === 0 ? '' : JSON.stringify(next));
  const send = (): void => {
    const leave = router.unlessGone(() => router.back('errand', { id }));
    void session.say(id, toMessage(comments.value)).then(() => {
      change([]);
      leave();
    });
  };
  const marks = readMarks(viewed.value);
  return (
    <Screen
      title={t.changes.title}
      parent={{ name: 'errand', params: { id } }}
      beside={<Beside files={files.value} wrap={wrap} />}
    >
      <div class={wrap.value === 'yes' ? 'body changes' : 'body changes unwrapped'}>
        {diff.value?.truncated === true && <p class="fault">{t.changes.truncated}</p>}
        {diff.value && files.value.length === 0 && <p class="empty">{t.changes.none}</p>}
        {!diff.value && <p class="empty">{failed.value ? t.changes.not_here : t.loading}</p>}
        {files.value.map((file) => (
          <FileView
            key={file.path}
            file={file}
            comments={comments.value}
            viewed={marks[file.path]}
            onView={(mark) => (viewed.value = JSON.stringify({ ...marks, [file.path]: mark }))}
            onChange={change}
          />
        ))}
      </div>
      {comments.value.length > 0 && (
        <button type="button" class="tray" onClick={send}>
          {t.changes.send(comments.value.length)}
          <Icon name="send" />
        </button>
      )}
    </Screen>
  );
}

/** The size of it all, and whether long lines wrap. */
function Beside({ files, wrap }: { files: readonly DiffFile[]; wrap: Signal<string> }): JSX.Element {
  const sum = (key: 'insertions' | 'deletions') => files.reduce((total, file) => total + file[key], 0);
  return (
    <>
      <Stat insertions={sum('insertions')} deletions={sum('deletions')} />
      <button
        type="button"
        class="icon-button wrap"
        aria-label={t.changes.wrap}
        aria-pressed={wrap.value === 'yes'}
        onClick={() => (wrap.value = wrap.value === 'yes' ? 'no' : 'yes')}
      >
        <Icon name="wrap" />
      </button>
    </>
  );
}

/** The files that were viewed, each with the mark of its diff at that time. */
function readMarks(text: string): Record<string, string | undefined> {
  try {
    return text === '' ? {} : (JSON.parse(text) as Record<string, string | undefined>);
  } catch {
    return {};
  }
}
