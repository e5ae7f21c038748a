/** What is known of one attempt: the size of its folders, and how much it has written so far. In bytes. */
export type Writer = {
  /** One attempt. */
  key: object;
  visible: number;
  /** Undefined: unknown. */
  written: number | undefined;
};

/**
 * What is known of a writer. `base`: the unexplained growth of the disk before it began. `old`: what its folder held
 * before it wrote anything. `visible`: the size of its folder at the last measurement.
 */
type Known = { base: number; old: number; visible: number };

/**
 * Finds who fills the disk with files that no folder shows, such as those that are unlinked and still open. The disk
 * tells how much there is: what it has in use beyond the growth of all folders. Who has written more than their folder
 * holds may have it. Who has written and deleted much, as a build does, is not blamed while the disk has lost nothing.
 */
export class HiddenWrites {
  #used: number | undefined;
  /** By how much the use of the disk has grown beyond that of the folders since the start. */
  #unexplained = 0;
  #known = new Map<object, Known>();

  /**
   * Takes in one measurement of the disk and of all who write to it. Returns what each of them hides, at most: together
   * no more than the disk has lost since they began, the largest first.
   */
  measure(used: number, writers: Writer[]): Map<object, number> {
    this.#explain(used, writers);
    const hidden = new Map<object, number>();
    const suspects = writers
      // Who cannot be counted may have written all that the disk has lost: to hide the count must not help.
      .map(({ key, visible, written = Infinity }) => ({ key, most: Math.max(0, written - visible + this.#oldOf(key)) }))
      .toSorted((a, b) => b.most - a.most);
    let given = 0;
    for (const { key, most } of suspects) {
      const lost = Math.max(0, this.#unexplained - (this.#known.get(key)?.base ?? 0));
      const bytes = Math.min(most, Math.max(0, lost - given));
      hidden.set(key, bytes);
      given += bytes;
    }
    return hidden;
  }

  #explain(used: number, writers: Writer[]): void {
    const base = this.#unexplained;
    if (this.#used !== undefined) {
      const explained = writers.reduce((sum, writer) => sum + this.#growthOf(writer), 0);
      this.#unexplained += used - this.#used - explained;
    }
    this.#used = used;
    this.#known = new Map(
      writers.map(({ key, visible, written = visible }) => {
        const { old, base: from } = this.#known.get(key) ?? { base, old: Math.max(0, visible - written) };
        return [key, { base: from, old, visible }];
      }),
    );
  }

  #oldOf(key: object): number {
    return this.#known.get(key)?.old ?? 0;
  }

  /** By how much the folder of a writer has grown. That of a new one may have been there before, in part. */
  #growthOf({ key, visible, written = visible }: Writer): number {
    const before = this.#known.get(key);
    return before ? visible - before.visible : Math.min(visible, written);
  }
}
