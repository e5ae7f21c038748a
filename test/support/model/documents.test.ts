import test from 'ava';
import { pdfOf } from '../pdf.ts';
import { checkDocuments } from './documents.ts';
import { MessagesRequest } from './request.ts';

const document = (bytes: Buffer) => ({
  type: 'document',
  source: { type: 'base64', media_type: 'application/pdf', data: bytes.toString('base64') },
});
const result = (...content: object[]) => ({ type: 'tool_result', tool_use_id: 'a', content });

/** What the API says to a message of the user. */
function refusalOf(...content: object[]): string | undefined {
  const { messages } = MessagesRequest.parse({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content }] });
  try {
    checkDocuments(messages);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

test("a PDF is refused in the API's words, with its place where the API names it", (t) => {
  const place = 'messages.0.content.0.pdf.source.base64.data:';
  const locked = pdfOf(1).toString('latin1').replace('trailer <<', 'trailer <</Encrypt 9 0 R ');
  t.is(refusalOf(document(pdfOf(100))), undefined);
  t.is(refusalOf(document(Buffer.from('%PDF-1.7 %%EOF'))), `${place} The PDF specified was not valid.`);
  t.is(refusalOf(document(Buffer.from(locked, 'latin1'))), `${place} The PDF specified is password protected.`);
  t.is(refusalOf(document(pdfOf(101))), `${place} A maximum of 100 PDF pages may be provided.`);
  t.is(refusalOf(document(pdfOf(1, { table_at: 3 }))), 'Could not process PDF');
});

test('the pages of all documents count together, those in results of calls too', (t) => {
  t.is(refusalOf(document(pdfOf(60)), result(document(pdfOf(40)))), undefined);
  t.is(
    refusalOf(document(pdfOf(60)), result({ type: 'text', text: 'x' }, document(pdfOf(41)))),
    'messages.0.content.1.tool_result.content.1.pdf.source.base64.data: A maximum of 100 PDF pages may be provided.',
  );
});
