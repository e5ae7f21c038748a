import { lstat, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attachment } from '../../protocol/attachments.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { readRegularFile } from '../base/regular-file.ts';
import type { WorkInput } from '../base/work.ts';
import type { ContentBlock } from '../model/message.ts';
import { fitImage, imageBlock, isImage } from '../tools/image.ts';
import { isPdf, pdfBlock } from '../tools/pdf.ts';
import { ToolError } from '../tools/tool.ts';
import type { RecordEvent, Transcript } from './transcript.ts';

type Options = {
  /** `scratch_dir`: the model can read it, and it is outside of the repository: no commit has what is in it. */
  input: Pick<WorkInput, 'scratch_dir' | 'fetchAttachment'>;
  transcript: Transcript;
  record: RecordEvent;
  signal: AbortSignal;
};

/** The files that people send: they are written beside the repository, and the model is told of each, once. */
export class Attachments {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Writes the files, and shows those that are not part of the conversation. Rejects only with the signal's reason. */
  async show(attachments: readonly Attachment[]): Promise<void> {
    const { transcript, record, signal } = this.#options;
    for (const attachment of attachments) {
      signal.throwIfAborted();
      const path = await this.#write(attachment);
      signal.throwIfAborted();
      if (transcript.attachment_ids.has(attachment.id)) continue;
      const shown = path instanceof Error ? { text: missing(attachment, path) } : await describe(attachment, path);
      const source = 'person' as const;
      await record({
        type: 'input.added',
        body: { turn: transcript.turn, source, attachment_id: attachment.id, ...shown },
      });
    }
  }

  /** The path of the file, or why it could not be written. */
  async #write({ id, name, bytes }: Attachment): Promise<string | Error> {
    const { input, signal } = this.#options;
    const folder = join(input.scratch_dir, 'attachments', id);
    const path = join(folder, fileName(name));
    try {
      const found = await lstat(path).catch(() => undefined);
      if (found?.isFile() && found.size === bytes) return path;
      await mkdir(folder, { recursive: true });
      const part = join(folder, '.part');
      await input.fetchAttachment(id, part, signal);
      await rename(part, path);
      return path;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

const NAME_BYTES_MAX = 120;

/** A name that is safe in any command: letters, digits, dots, dashes and underscores. */
function fileName(name: string): string {
  const safe = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._-]+/gu, '_')
    .replace(/^[.-]+/, '');
  let cut = safe;
  while (Buffer.byteLength(cut) > NAME_BYTES_MAX) cut = Array.from(cut).slice(1).join('');
  return cut.replace(/^[.-]+/, '') || 'file';
}

/** The text for the model about a file, and the file itself where it can be shown. */
async function describe({ bytes }: Attachment, path: string): Promise<{ text: string; content?: ContentBlock[] }> {
  const about = `[Attached file] ${path} (${bytes} bytes)`;
  const outside = 'It is outside of the repository, and no commit will have it unless you copy it there.';
  // After a summary the text is said again, without the file.
  const once = `It is shown once, as it comes: read_file shows it again. ${outside}`;
  const content = await readRegularFile(path, LIMITS.attachment_bytes_max);
  if (content === undefined) return { text: `${about}. ${outside}` };
  try {
    if (isImage(content)) {
      const image = await fitImage(path, content);
      return { text: `${about}, a picture${image.note}. ${once}`, content: [imageBlock(image)] };
    }
    if (isPdf(content)) return { text: `${about}, a document. ${once}`, content: [pdfBlock(path, content)] };
  } catch (error) {
    if (error instanceof ToolError) return { text: `${about}. ${outside} ${error.message}` };
    throw error;
  }
  return { text: `${about}. ${outside}` };
}

const missing = ({ name }: Attachment, error: Error): string =>
  `[Attached file] ${fileName(name)} could not be fetched: ${error.message} Go on without it, and say so at the end.`;
