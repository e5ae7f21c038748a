import { readConfig } from '../../coordinator/base/config.ts';

/** The quotas of events of a server without settings. */
export const EVENT_QUOTAS = readConfig({}).event_quotas;
