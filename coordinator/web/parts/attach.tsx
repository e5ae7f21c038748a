import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Attachment } from '../../../protocol/attachments.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { isShowable } from '../../../protocol/showable.ts';
import type { FileFault } from '../store/kept-file.ts';
import { painted } from '../store/painted.ts';
import { useSession } from './context.ts';
import { Icon } from './icons.tsx';
import { Sheet } from './screen.tsx';
import { format, t } from './speech.ts';

/** A file that was not taken, and why. */
type NotTaken = { name: string; why: FileFault };

/** The files of a draft. They survive the app, as its text does. */
export type DraftFiles = {
  list: Signal<readonly Attachment[]>;
  fault: Signal<NotTaken | undefined>;
  /** More than a message takes: those that came back from the outbox join those that were added since. */
  too_many: boolean;
  /** Whether they can be sent: not before each that was picked has been kept. */
  ready: boolean;
  add: (files: Iterable<File>) => void;
  remove: (id: string) => void;
  ids: () => string[];
  /** Files of the draft go on to the outbox. */
  take: (ids: readonly string[]) => Promise<void>;
};

/** Keeps the files of the draft `key`. */
export function useFiles(key: string): DraftFiles {
  const { files } = useSession();
  const list = useSignal<readonly Attachment[]>([]);
  const fault = useSignal<NotTaken | undefined>(undefined);
  const adding = useSignal(0);
  const changes = files.changes.value;
  const too_many = list.value.length > LIMITS.attachments_per_message_max;
  useEffect(() => {
    void files.ofDraft(key).then((kept) => {
      if (changes > 0 || list.peek().length === 0) list.value = kept;
    });
  }, [key, files, list, changes]);
  return {
    list,
    fault,
    too_many,
    ready: !too_many && adding.value === 0,
    add: (given) => void addAll([...given]),
    remove: (id) => {
      fault.value = undefined;
      list.value = list.peek().filter((file) => file.id !== id);
      void files.forget([id]);
    },
    ids: () => list.peek().map(({ id }) => id),
    take: (ids) => {
      fault.value = undefined;
      list.value = list.peek().filter(({ id }) => !ids.includes(id));
      return files.release(ids);
    },
  };

  async function addAll(given: File[]): Promise<void> {
    fault.value = undefined;
    adding.value++;
    for (const file of given) {
      // What keeps files may be a part of the app that cannot be loaded now.
      const added = await files.add(file, key).catch(() => 'not_taken' as const);
      if (typeof added === 'string') fault.value = { name: file.name, why: added };
      // It may be in the list already, where that was read anew meanwhile.
      else list.value = [...list.peek().filter(({ id }) => id !== added.id), added];
    }
    adding.value--;
  }
}

/** The handlers of a field that takes files. */
export type TakesFiles = {
  onPaste: (event: ClipboardEvent) => void;
  onDrop: (event: DragEvent) => void;
  onDragOver: (event: DragEvent) => void;
};

/** What a field does with files that are pasted or dropped. */
export function takesFiles(files: DraftFiles): TakesFiles {
  const take = (event: Event, data: DataTransfer | null): void => {
    const given = [...(data?.files ?? [])];
    if (given.length === 0) return;
    event.preventDefault();
    files.add(given);
  };
  return {
    onPaste: (event) => {
      if (!isFormattedText(event.clipboardData)) take(event, event.clipboardData);
    },
    onDrop: (event) => take(event, event.dataTransfer),
    onDragOver: (event) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    },
  };
}

/** Whether a text is pasted, which office programs copy with a picture of it. */
function isFormattedText(data: DataTransfer | null): boolean {
  const types = data?.types ?? [];
  return types.includes('text/plain') && (types.includes('text/html') || types.includes('text/rtf'));
}

/** The button that picks files; on a phone it asks which way. */
export function AttachButton({ files }: { files: DraftFiles }): JSX.Element {
  const asks = useSignal(false);
  const pick = useRef<HTMLInputElement>(null);
  const kept = useSession().files;
  useEffect(() => void painted().then(() => kept.prepare()), [kept]);
  const open = (): void => {
    if (matchMedia('(hover: hover) and (pointer: fine)').matches) pick.current?.click();
    else asks.value = true;
  };
  const chosen = ({ currentTarget }: { currentTarget: HTMLInputElement }): void => {
    files.add([...(currentTarget.files ?? [])]);
    currentTarget.value = '';
    asks.value = false;
  };
  return (
    <>
      <button type="button" class="round still attach" aria-label={t.attach.add} title={t.attach.add} onClick={open}>
        <Icon name="attach" />
      </button>
      <input ref={pick} type="file" multiple hidden aria-label={t.attach.add} onChange={chosen} />
      {asks.value && (
        <Sheet label={t.attach.add} onClose={() => (asks.value = false)}>
          <h2>{t.attach.add}</h2>
          <label class="choice main">
            {t.attach.camera}
            <input class="hidden" type="file" accept="image/*" capture="environment" onChange={chosen} />
          </label>
          <label class="choice main">
            {t.attach.pictures}
            <input class="hidden" type="file" accept="image/*" multiple onChange={chosen} />
          </label>
          <label class="choice main">
            {t.attach.files}
            <input class="hidden" type="file" multiple onChange={chosen} />
          </label>
          <button type="button" class="choice" onClick={() => (asks.value = false)}>
            {t.cancel}
          </button>
        </Sheet>
      )}
    </>
  );
}

/** The files of a draft, each with a button that removes it. */
export function DraftFileList({ files }: { files: DraftFiles }): JSX.Element | null {
  const { list } = files;
  const left = files.fault.value;
  if (list.value.length === 0 && !left) return null;
  return (
    <div class="draft-files">
      <FileList files={list.value} onRemove={files.remove} />
      {(left ?? files.too_many) && (
        <p class="fault" role="alert">
          {left ? `${left.name}: ${fileFaultWords(left.why)}` : fileFaultWords('too_many')}
        </p>
      )}
    </div>
  );
}

/** Why a file was not taken, in words. */
export function fileFaultWords(fault: FileFault): string {
  return t.attach.fault[fault](format.bytes(LIMITS.attachment_bytes_max));
}

type FileListProps = { files: readonly Attachment[]; onRemove?: (id: string) => void };

/** Files, pictures as pictures. Each has its progress while it is being sent. */
export function FileList({ files, onRemove }: FileListProps): JSX.Element | null {
  const { progress } = useSession().files;
  if (files.length === 0) return null;
  return (
    <ul class="files">
      {files.map((file) => {
        const { sent = file.bytes } = progress.value[file.id] ?? {};
        return (
          <li key={file.id}>
            {isShowable(file) ? <Picture file={file} /> : <Icon name="attach" />}
            <span>
              <bdi>{file.name}</bdi>
              <small>{format.bytes(file.bytes)}</small>
              {sent < file.bytes && <progress value={sent / file.bytes} aria-label={t.attach.sending(file.name)} />}
            </span>
            {onRemove && (
              <button
                type="button"
                class="quiet"
                aria-label={t.attach.remove(file.name)}
                onClick={() => onRemove(file.id)}
              >
                ✕
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** A small picture; a touch shows or saves the whole. */
function Picture({ file }: { file: Attachment }): JSX.Element {
  const { files } = useSession();
  const url = useSignal<string | undefined>(undefined);
  useEffect(() => {
    let made: string | undefined;
    const gone = new AbortController();
    void files
      .blob(file, gone.signal)
      .then((blob) => {
        if (blob && !gone.signal.aborted) url.value = made = URL.createObjectURL(blob);
      })
      // Offline: the name stays.
      .catch(() => undefined);
    return () => {
      gone.abort();
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [file.id, files]);
  return url.value === undefined ? <Icon name="attach" /> : <img src={url.value} alt="" decoding="async" />;
}

/** The files that this device keeps under these ids. */
export function useKeptFiles(ids: readonly string[]): readonly Attachment[] {
  const { files } = useSession();
  const kept = useSignal<readonly Attachment[]>([]);
  const key = ids.join(' ');
  useEffect(() => {
    void Promise.all((key === '' ? [] : key.split(' ')).map((id) => files.read(id))).then((found) => {
      kept.value = found.filter((file) => file !== undefined);
    });
  }, [key, files, kept]);
  return kept.value;
}
