import { ForgeApiError } from './forge-api-error.ts';

/** What a call gives; undefined: the forge refuses it to this token, or shows it nothing there. Rejects otherwise. */
export async function unlessRefused<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ForgeApiError && (error.fault === 'forbidden' || error.fault === 'not_found'))
      return undefined;
    throw error;
  }
}
