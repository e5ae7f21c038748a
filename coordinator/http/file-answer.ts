import type { Readable } from 'node:stream';
import type { ExtendableContext } from 'koa';

type File = { id: string; stream: Readable; bytes: number; media_type: string; name: string };

/** The answer of a handler that is a file of a person. What has an id never changes. */
export class FileAnswer {
  readonly #file: File;

  constructor(file: File) {
    this.#file = file;
  }

  /** Sends the file. Whatever it holds, a browser saves it and never runs it. */
  send(ctx: ExtendableContext): void {
    const { id, stream, bytes, media_type, name } = this.#file;
    ctx.set('ETag', `"${id}"`);
    if (ctx.fresh) {
      stream.destroy();
      ctx.status = 304;
      return;
    }
    ctx.set('Content-Disposition', `attachment; filename*=UTF-8''${encodeName(name)}`);
    ctx.set('Content-Security-Policy', "default-src 'none'; sandbox");
    ctx.set('Cross-Origin-Resource-Policy', 'same-origin');
    ctx.body = stream;
    ctx.type = media_type;
    ctx.length = bytes;
  }
}

/** As RFC 8187 wants it: `encodeURIComponent` leaves four characters as they are that it does not allow. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
