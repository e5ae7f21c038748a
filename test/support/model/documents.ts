import { invalid } from './api-error.ts';
import type { Message, RequestBlock } from './request.ts';

type Document = Extract<RequestBlock, { type: 'document' }>;

/** The pages of all documents of a request together. */
const PAGES_MAX = 100;

/**
 * Checks the PDFs of a request. Throws the API's 400 for the first that it does not take; one text of it names no
 * place.
 */
export function checkDocuments(messages: Message[]): void {
  let pages = 0;
  for (const [where, document] of documentsIn(messages)) {
    const text = pdfText(document);
    if (text === undefined) continue;
    const refused = (what: string) => invalid(`${where}.pdf.source.base64.data: ${what}`);
    if (!/^%PDF-[^]*\d obj\b[^]*%%EOF/.test(text)) throw refused('The PDF specified was not valid.');
    if (/\/Encrypt\b/.test(text)) throw refused('The PDF specified is password protected.');
    const table_at = Number(/startxref\s+(\d+)/.exec(text)?.[1]);
    if (!/^(xref|\d+ \d+ obj)/.test(text.slice(table_at))) throw invalid('Could not process PDF');
    pages += Number(/\/Count (\d+)/.exec(text)?.[1] ?? 0);
    if (pages > PAGES_MAX) throw refused(`A maximum of ${PAGES_MAX} PDF pages may be provided.`);
  }
}

/** All documents, in results of calls too, each with its place. */
function* documentsIn(messages: Message[]): Generator<[string, Document]> {
  for (const [i, { content }] of messages.entries())
    for (const [j, block] of content.entries()) {
      const where = `messages.${i}.content.${j}`;
      if (block.type === 'document') yield [where, block];
      if (block.type !== 'tool_result' || !Array.isArray(block.content)) continue;
      for (const [k, part] of block.content.entries())
        if (part.type === 'document') yield [`${where}.tool_result.content.${k}`, part];
    }
}

/** The bytes of a PDF, each as a character; undefined for documents of other kinds. */
function pdfText({ source }: Document): string | undefined {
  return source.type === 'base64' ? Buffer.from(source.data, 'base64').toString('latin1') : undefined;
}
