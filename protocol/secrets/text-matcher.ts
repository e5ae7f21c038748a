import { buildAutomaton, childOf, hasChild, type Automaton } from './automaton.ts';

/**
 * A part of a text that words cover: from `start` to `end` (exclusive). `index`: the longest of the words that begin
 * where it starts.
 */
export type Covered = { start: number; end: number; index: number };

/**
 * Finds all of many words in one pass over a text. The time is linear in the text, even for hostile words and texts.
 */
export class TextMatcher {
  readonly automaton: Automaton;

  /** The words must not be empty. In place of them: the automaton of another matcher. */
  constructor(words: readonly string[] | Automaton) {
    this.automaton = 'label' in words ? words : buildAutomaton(words);
  }

  /**
   * The parts of a text that words cover, in their order: words that overlap or touch are one part. `open`: the length
   * of the longest suffix of the text that is a proper prefix of a word. `steps`: how many nodes were visited, at most
   * two for each character.
   */
  cover(text: string): { parts: Covered[]; open: number; steps: number } {
    const { automaton } = this;
    const { fail, word, word_length, depth } = automaton;
    const parts: Covered[] = [];
    let [node, steps] = [0, 0];
    for (let at = 0; at < text.length; at++) {
      const char = text.charCodeAt(at);
      let child = childOf(automaton, node, char);
      for (steps++; child === 0 && node !== 0; steps++) {
        node = fail[node] ?? 0;
        child = childOf(automaton, node, char);
      }
      node = child;
      const index = word[node] ?? -1;
      if (index !== -1) join(parts, { start: at + 1 - (word_length[index] ?? 0), end: at + 1, index });
    }
    while (node !== 0 && !hasChild(automaton, node)) node = fail[node] ?? 0;
    return { parts, open: depth[node] ?? 0, steps };
  }
}

/** Adds a part that ends after all others. Those that it reaches become one with it. */
function join(parts: Covered[], part: Covered): void {
  for (let last = parts.at(-1); last && last.end >= part.start; last = parts.at(-1)) {
    parts.pop();
    if (last.start < part.start) ({ start: part.start, index: part.index } = last);
  }
  parts.push(part);
}
