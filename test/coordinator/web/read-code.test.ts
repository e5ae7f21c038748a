import test from 'ava';
import { languageOf } from '../../../coordinator/web/code/languages.ts';
import { readCode } from '../../../coordinator/web/code/read-code.ts';

test('code is read into the pieces of each line, and a comment over lines stays one', (t) => {
  t.deepEqual(readCode('typescript', 'const a = 1; /* two\nlines */\n'), [
    [
      { text: 'const', kind: 'keyword' },
      { text: ' a = ', kind: undefined },
      { text: '1', kind: 'number' },
      { text: '; ', kind: undefined },
      { text: '/* two', kind: 'comment' },
    ],
    [{ text: 'lines */', kind: 'comment' }],
    [],
  ]);
});

test('the pieces are the text, character by character, whatever it is', (t) => {
  const text = 'a <b class="x">\u202e&amp;</b>\r\n\u001b[31m\n\n${`${1}`} \ud800 "unclosed';
  const names = ['typescript', 'xml', 'python', 'markdown', 'bash', 'none'];
  for (const name of names)
    t.is(
      readCode(name, text)
        .map((pieces) => pieces.map((piece) => piece.text).join(''))
        .join('\n'),
      text,
      name,
    );
});

test('the language of a file is read from its name, and that of a block from what Markdown calls it', (t) => {
  const names = [
    'src/a.TSX',
    'Dockerfile',
    'a.b/Makefile',
    'x.py',
    'python',
    'ts',
    'notes',
    'toString',
    'constructor',
    '__proto__',
    '',
  ];
  t.deepEqual(
    names.map((name) => languageOf(name)),
    ['typescript', 'dockerfile', 'makefile', 'python', 'python', 'typescript', ...Array<undefined>(5).fill(undefined)],
  );
});
