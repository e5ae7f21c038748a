/**
 * The trie of some words with its failure links (Aho and Corasick), as arrays: a node is a number, and the root is 0.
 * Nodes are numbered in the order of the sorted words, so the first child of a node is the next number. The arrays are
 * in shared memory: threads get them without a copy.
 */
export type Automaton = {
  /** The children of the root, by their character; 0: there is none. */
  first: Int32Array;
  /** The character that leads to each node from its parent. */
  label: Uint16Array;
  depth: Int32Array;
  /** The failure link: the node of the longest proper suffix of each node's text that is in the trie too. */
  fail: Int32Array;
  /** The index of the longest word that is a suffix of each node's text; -1: none. */
  word: Int32Array;
  word_length: Int32Array;
  /**
   * The children of other nodes that are not the first one, as a hash table with open addressing. `edge_to` 0: the slot
   * is free.
   */
  edge_from: Int32Array;
  edge_to: Int32Array;
};

/** Builds the trie of words that are not empty. Time and memory grow with their characters (14 bytes for each). */
export function buildAutomaton(words: readonly string[]): Automaton {
  const sorted = words.map((word, index) => ({ word, index })).sort((a, b) => (a.word < b.word ? -1 : 1));
  const shared = sorted.map(({ word }, i) => commonPrefix(sorted[i - 1]?.word ?? '', word));
  const nodes = sorted.reduce((sum, { word }, i) => sum + word.length - (shared[i] ?? 0), 1);
  const slots = 2 ** Math.ceil(Math.log2(2 * words.length + 2));
  const automaton: Automaton = {
    first: int32(1 + (sorted.at(-1)?.word.charCodeAt(0) ?? 0)),
    label: new Uint16Array(new SharedArrayBuffer(2 * nodes)),
    depth: int32(nodes),
    fail: int32(nodes),
    word: int32(nodes).fill(-1),
    word_length: Int32Array.from(words, ({ length }) => length),
    edge_from: int32(slots),
    edge_to: int32(slots),
  };
  const parents = new Int32Array(nodes);
  /** The nodes of the newest word, by their depth. */
  const path = new Int32Array(1 + words.reduce((most, { length }) => Math.max(most, length), 0));
  let newest = 0;
  for (const [i, { word, index }] of sorted.entries()) {
    for (let depth = shared[i] ?? 0; depth < word.length; depth++) {
      newest += 1;
      parents[newest] = path[depth] ?? 0;
      path[depth + 1] = newest;
      addNode(automaton, newest, { parent: path[depth] ?? 0, depth: depth + 1, char: word.charCodeAt(depth) });
    }
    automaton.word[path[word.length] ?? 0] = index;
  }
  linkSuffixes(automaton, parents, path.length - 1);
  return automaton;
}

/** The child of a node by this character; 0: it has none. */
export function childOf(automaton: Automaton, node: number, char: number): number {
  const { first, label, depth, edge_from, edge_to } = automaton;
  if (node === 0) return first[char] ?? 0;
  const next = node + 1;
  if (label[next] === char && (depth[next] ?? 0) > (depth[node] ?? 0)) return next;
  const mask = edge_to.length - 1;
  for (let slot = hash(node, char) & mask; ; slot = (slot + 1) & mask) {
    const to = edge_to[slot] ?? 0;
    if (to === 0 || (edge_from[slot] === node && label[to] === char)) return to;
  }
}

/** Whether a node's text is a proper prefix of a word. */
export function hasChild({ depth }: Automaton, node: number): boolean {
  return (depth[node + 1] ?? 0) > (depth[node] ?? 0);
}

function addNode(
  { first, label, depth: depths, edge_from, edge_to }: Automaton,
  node: number,
  { parent, depth, char }: { parent: number; depth: number; char: number },
): void {
  label[node] = char;
  depths[node] = depth;
  if (parent === 0) first[char] = node;
  else if (node !== parent + 1) {
    const mask = edge_to.length - 1;
    let slot = hash(parent, char) & mask;
    while (edge_to[slot] !== 0) slot = (slot + 1) & mask;
    edge_from[slot] = parent;
    edge_to[slot] = node;
  }
}

/** Sets `fail` for all nodes, and `word` where only a proper suffix is a word. Nodes near the root come first. */
function linkSuffixes(automaton: Automaton, parents: Int32Array, depth_max: number): void {
  const { label, depth, fail, word } = automaton;
  /** Linked lists of the nodes of each depth: `some` has the first one, `other` the next; 0: no more. */
  const some = new Int32Array(depth_max + 1);
  const other = new Int32Array(depth.length);
  for (let node = 1; node < depth.length; node++) {
    const at = depth[node] ?? 0;
    other[node] = some[at] ?? 0;
    some[at] = node;
  }
  for (let at = 1; at <= depth_max; at++)
    for (let node = some[at] ?? 0; node !== 0; node = other[node] ?? 0) {
      const parent = parents[node] ?? 0;
      if (parent !== 0) fail[node] = suffixWith(automaton, fail[parent] ?? 0, label[node] ?? 0);
      if (word[node] === -1) word[node] = word[fail[node] ?? 0] ?? -1;
    }
}

/** The node of the longest suffix of a node's text that is in the trie with this character appended; 0: none is. */
function suffixWith(automaton: Automaton, node: number, char: number): number {
  for (let end = node; ; end = automaton.fail[end] ?? 0) {
    const child = childOf(automaton, end, char);
    if (child !== 0 || end === 0) return child;
  }
}

function int32(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * length));
}

function hash(node: number, char: number): number {
  const mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(char, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/** The length of the longest common prefix of two texts. */
function commonPrefix(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  for (let at = 0; at < most; at++) if (a.charCodeAt(at) !== b.charCodeAt(at)) return at;
  return most;
}
