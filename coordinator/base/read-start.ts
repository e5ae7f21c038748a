/** The start of a body as text, up to about `bytes_max` bytes. The rest is not read. Rejects as the body does. */
export async function readStart(body: AsyncIterable<Buffer>, bytes_max: number): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= bytes_max) break;
  }
  return Buffer.concat(pieces).toString('utf8');
}
