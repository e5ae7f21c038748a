type Options = {
  /** A comment, so that documents differ. */
  mark?: string;
  /** Where the table of the objects is said to be, in place of where it is. */
  table_at?: number;
};

/** A small PDF with this many pages. */
export function pdfOf(pages: number, { mark = '', table_at }: Options = {}): Buffer {
  const objects = [
    `<</Type /Catalog /Pages 2 0 R>> % ${mark}`,
    `<</Type /Pages /Count ${pages}>>`,
    ...Array.from({ length: pages }, () => '<</Type /Page /Parent 2 0 R>>'),
  ].map((body, i) => `${i + 1} 0 obj ${body}\nendobj\n`);
  const body = `%PDF-1.7\n${objects.join('')}`;
  const end = `xref\n0 1\n0000000000 65535 f \ntrailer <</Root 1 0 R>>\nstartxref\n${table_at ?? body.length}\n%%EOF\n`;
  return Buffer.from(body + end);
}
