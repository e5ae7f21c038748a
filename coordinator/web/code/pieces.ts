/** What a piece of code is, as far as the theme has a colour for it. */
export type Kind = 'keyword' | 'string' | 'number' | 'comment' | 'name' | 'type' | 'attribute';
/** A piece of a line, without its line break. */
export type Piece = { text: string; kind: Kind | undefined };

/** What the page asks the highlighter, and what it answers: the pieces of each line. */
export type HighlightRequest = { id: number; language: string; text: string };
export type HighlightAnswer = { id: number; lines: Piece[][] };
