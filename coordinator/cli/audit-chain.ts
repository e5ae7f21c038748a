import { createHash } from 'node:crypto';
import { auditText, type AuditEntry } from '../../protocol/audit.ts';
import { Failure } from '../client/errors.ts';

/** Verifies entries of an audit log, oldest first: that each is as it was written, and that none is missing between. */
export class AuditChain {
  #first: AuditEntry | undefined;
  #last: AuditEntry | undefined;
  #count = 0;

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
  }

  /** What was verified. Undefined: nothing. */
  get verified(): { count: number; first: AuditEntry; last: AuditEntry } | undefined {
    if (!this.#first || !this.#last) return undefined;
    return { count: this.#count, first: this.#first, last: this.#last };
  }
}
