import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useRouter, useSession } from '../../parts/context.ts';
import { Icon } from '../../parts/icons.tsx';
import { Screen } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { Stat } from '../../parts/stat.tsx';
import { takeFocus } from '../../parts/take-focus.ts';
import { useOnce } from '../../parts/use-once.ts';
import { useText } from '../../parts/use-text.ts';
import { NotHere } from '../errand/not-here.tsx';
import { s } from '../screen-speech.ts';
import { fileKey, isSaid, toMessage, type Comment } from './comments.ts';
import { FileList } from './file-list.tsx';
import { FileView } from './file-view.tsx';
import { LostComments } from './lost-comments.tsx';
import type { DiffFile } from './diff-file.ts';
import { PushDecision } from './push-decision.tsx';
import { Tray } from './tray.tsx';
import { useComments } from './use-comments.ts';
import { useDiffs, type RepositoryDiff } from './use-diffs.ts';
import { useOpenFiles, type NamedFile } from './use-open-files.ts';

/** What an errand changed, to be read and commented on; the comments go as one message. */
export function ChangesScreen({ id }: { id: string }): JSX.Element {
  const session = useSession();
  const router = useRouter();
  // An errand that is not in the list is known then too, with all its repositories.
  useEffect(() => session.open(id), [session, id]);
  const errand = session.errand(id).value;
  const diffs = useDiffs(id);
  const wrap = useText('wrap', 'yes');
  const viewed = useText(`viewed ${id}`);
  const once = useOnce();
  const comments = useComments(id, diffs);
  const send = (): void => {
    const leave = router.unlessGone(() => router.back('errand', { id }));
    once(async () => {
      if (await comments.send(toMessage)) leave();
    });
  };
  const marks = readMarks(viewed.value);
  const view = (name: string, mark: string | undefined): void => {
    viewed.value = JSON.stringify({ ...readMarks(viewed.peek()), [name]: mark });
  };
  const named = errand.gone ? [] : diffs.map((one) => ({ ...one, files: nameFiles(one, marks) }));
  const own = commentsByFile(comments.placed);
  const all = named.flatMap((one) => one.files);
  const files = useOpenFiles(all, new Set(own.keys()));
  return (
    <Screen
      title={s.changes.title}
      parent={{ name: 'errand', params: { id } }}
      beside={<Beside files={all.map(({ file }) => file)} wrap={wrap} />}
    >
      <div class={wrap.value === 'yes' ? 'body changes' : 'body changes unwrapped'}>
        <LostComments comments={comments} />
        {named.length > 1 && <Jumps diffs={named} />}
        <FileList named={all} files={files} />
        {errand.gone && <NotHere errand={errand} />}
        {named.map((one) => (
          <Repository key={one.repository ?? ''} {...one}>
            {(each) => (
              <FileView
                key={each.name}
                repository={one.repository}
                named={each}
                files={files}
                fresh={one.since.fresh}
                comments={comments}
                own={own.get(each.name)}
                was_viewed={marks[each.name] !== undefined}
                onView={(mark) => view(each.name, mark)}
              />
            )}
          </Repository>
        ))}
        <PushDecision id={id} />
      </div>
      <Tray id={id} comments={comments.placed.filter(isSaid)} onSend={send} />
    </Screen>
  );
}

type RepositoryProps = Omit<RepositoryDiff, 'files'> & {
  files: readonly NamedFile[];
  children: (file: NamedFile) => JSX.Element;
};

/** The files that changed in one repository, below its name where there are several. */
function Repository({ repository, diff, files, since, failed, children }: RepositoryProps): JSX.Element {
  return (
    <section class="repository" id={repository === undefined ? undefined : `in-${repository}`} aria-label={repository}>
      {repository !== undefined && (
        <h2>
          <span dir="ltr">{repository}</span> <Stat {...sizeOf(files.map(({ file }) => file))} />
        </h2>
      )}
      {diff?.truncated === true && <p class="fault">{s.changes.truncated}</p>}
      {since.gone.length > 0 && (
        <p class="same" dir="auto">
          {s.changes.gone(since.gone.join(', '))}
        </p>
      )}
      {diff && files.length === 0 && (
        <p class={repository === undefined ? 'empty' : 'same'}>
          {repository === undefined ? s.changes.none : s.repositories.unchanged}
        </p>
      )}
      {!diff && <p class={repository === undefined ? 'empty' : 'same'}>{failed ? s.changes.not_here : t.loading}</p>}
      {files.map(children)}
    </section>
  );
}

/** A way to each repository. The address stays: a fragment would be one more step back. */
function Jumps({ diffs }: { diffs: readonly Pick<RepositoryProps, 'repository' | 'files'>[] }): JSX.Element {
  return (
    <nav class="chips" aria-label={s.errand.repository}>
      {diffs.map(({ repository = '', files }) => (
        <button key={repository} type="button" class="option" onClick={() => jumpTo(repository)}>
          {repository} <span>{files.length}</span>
        </button>
      ))}
    </nav>
  );
}

function jumpTo(repository: string): void {
  const section = document.getElementById(`in-${repository}`);
  section?.scrollIntoView();
  takeFocus(section);
}

function sizeOf(files: readonly DiffFile[]): { insertions: number; deletions: number } {
  const sum = (key: 'insertions' | 'deletions') => files.reduce((total, file) => total + file[key], 0);
  return { insertions: sum('insertions'), deletions: sum('deletions') };
}

/** The size of it all, and whether long lines wrap. */
function Beside({ files, wrap }: { files: readonly DiffFile[]; wrap: Signal<string> }): JSX.Element {
  return (
    <>
      <Stat {...sizeOf(files)} />
      <button
        type="button"
        class="icon-button wrap"
        aria-label={s.changes.wrap}
        aria-pressed={wrap.value === 'yes'}
        onClick={() => (wrap.value = wrap.value === 'yes' ? 'no' : 'yes')}
      >
        <Icon name="wrap" />
      </button>
    </>
  );
}

type Marks = Record<string, string | undefined>;

function nameFiles({ repository, files }: RepositoryDiff, marks: Marks): NamedFile[] {
  return files.map((file) => {
    const name = fileKey({ repository, path: file.path });
    return { name, file, is_viewed: marks[name] === file.mark };
  });
}

/** The comments of each file that has some, as a text that differs where they or their places in the list do. */
function commentsByFile(placed: readonly Comment[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [i, comment] of placed.entries()) {
    const name = fileKey(comment);
    if (comment.lost !== true) found.set(name, (found.get(name) ?? '') + JSON.stringify([i, comment]));
  }
  return found;
}

/** The files that were viewed, each with the mark of its diff at that time. */
function readMarks(text: string): Marks {
  try {
    return text === '' ? {} : (JSON.parse(text) as Marks);
  } catch {
    return {};
  }
}
