import type { Attachment } from '../../../protocol/attachments.ts';

/** A file that waits on this device to be sent. */
export type KeptFile = Attachment & {
  blob: Blob;
  /** The draft that it belongs to; absent: it is in the outbox. */
  draft?: string;
  /** When the server took it; absent: not yet. */
  sent_at?: number;
};

/** Why a file was not taken. */
export const FILE_FAULTS = ['too_large', 'too_many', 'no_room', 'unreadable', 'not_taken'] as const;
export type FileFault = (typeof FILE_FAULTS)[number];
