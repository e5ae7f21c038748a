import { createHash } from 'node:crypto';
import { auditText, type AuditEntry } from '../../protocol/audit.ts';
import { Failure } from '../client/errors.ts';

/** Verifies entries of an audit log, oldest first: that each is as it was written, and that none is missing between. */
export class AuditChain {
  #first: AuditEntry | undefined;
  #last: AuditEntry | undefined;
  #count = 0;
  /** The last entry that says which ones were deleted. */
  #cut: AuditEntry | undefined;

  /** Throws a `Failure` that names the entry if it is not the one that followed the entry before. */
  add(entry: AuditEntry): void {
    const hash = createHash('sha256').update(auditText(entry)).digest('hex');
    if (hash !== entry.hash) throw new Failure(`The entry ${entry.id} was changed: its hash does not fit.`);
    const before = this.#last;
    if (before && entry.id !== before.id + 1)
      throw new Failure(`Entries are missing: ${entry.id} follows ${before.id}.`);
    if (before ? entry.previous_hash !== before.hash : entry.id === 1 && entry.previous_hash !== '')
      throw new Failure(`The entry ${entry.id} does not follow the one before: that one was changed or exchanged.`);
    this.#first ??= entry;
    this.#last = entry;
    this.#count += 1;
    if (entry.action === 'audit.cut') this.#cut = entry;
  }

  /**
   * Throws a `Failure` if the oldest entries are missing and no entry says that the server deleted them. Call it after
   * the last one.
   */
  requireStart(): void {
    const [first, cut] = [this.#first, this.#cut?.detail];
    if (!first || first.id === 1) return;
    if (cut?.up_to !== first.id - 1 || cut.hash !== first.previous_hash)
      throw new Failure(`The entries before ${first.id} are missing, and no entry says that the server deleted them.`);
  }

  /** What was verified. Undefined: nothing. */
  get verified(): { count: number; first: AuditEntry; last: AuditEntry } | undefined {
    if (!this.#first || !this.#last) return undefined;
    return { count: this.#count, first: this.#first, last: this.#last };
  }
}
