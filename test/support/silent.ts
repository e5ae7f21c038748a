import { pino } from 'pino';

/** A logger that writes nothing. */
export const SILENT = pino({ level: 'silent' });
