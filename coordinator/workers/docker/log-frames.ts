/**
 * The text of Docker's log frames. Each frame has a header of 8 bytes (the stream, and the length of the text), then
 * the text.
 */
export function textOf(frames: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= frames.length;) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    text += frames.toString('utf8', at + 8, end);
    at = end;
  }
  return text;
}
