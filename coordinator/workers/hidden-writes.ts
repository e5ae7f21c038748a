/** What is known of one attempt: the size of its folders, and how much it has written so far. In bytes. */
export type Writer = {
  /** One attempt. */
  key: object;
  /** Undefined: it could not be measured. */
  visible: number | undefined;
  /** Undefined: unknown. */
  written: number | undefined;
  /** What it may have is held against nobody, since it could not be measured for once. */
  is_excused: boolean;
};

/**
 * What is known of a writer. `base`: the unexplained growth of the disk before it began. `sized`: undefined until its
 * folder was measured. `old`: what that held before the writer wrote anything. `visible`: its size at the last
 * measurement.
 */
type Known = { base: number; sized: { old: number; visible: number } | undefined };

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
   * no more than the disk has lost since they began, those who are excused first, then the largest. For who could not
   * be measured, that includes by how much its folder has grown since.
   */
  measure(used: number, writers: Writer[]): Map<object, number> {
    this.#explain(used, writers);
    const hidden = new Map<object, number>();
    const suspects = writers
      // Who cannot be counted may have written all that the disk has lost: to hide the count must not help.
      .map(({ key, written = Infinity, is_excused }) => {
        const { old, visible } = this.#known.get(key)?.sized ?? { old: 0, visible: 0 };
        return { key, is_excused, most: Math.max(0, written - visible + old) };
      })
      .toSorted((a, b) => Number(b.is_excused) - Number(a.is_excused) || b.most - a.most);
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
      writers.map(({ key, visible, written }) => {
        const before = this.#known.get(key) ?? { base, sized: undefined };
        if (visible === undefined) return [key, before];
        const old = before.sized?.old ?? Math.max(0, visible - (written ?? visible));
        return [key, { base: before.base, sized: { old, visible } }];
      }),
    );
  }

  /**
   * By how much the folder of a writer has grown since it was measured. That of a new one may have been there before,
   * in part.
   */
  #growthOf({ key, visible, written }: Writer): number {
    if (visible === undefined) return 0;
    const before = this.#known.get(key)?.sized;
    return before ? visible - before.visible : Math.min(visible, written ?? visible);
  }
}
