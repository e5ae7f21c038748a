import { networkOf } from '../base/network-of.ts';
import type { Db } from '../sqlite/database.ts';
import { isKnownAddress, putKnownAddress } from '../sqlite/login-failures.ts';

/** A phone moves among many networks in a day. The ones it was on last are kept. */
const ADDRESSES_MAX = 50;

/** Notes that somebody proved from this address that the account is theirs: by password or by refresh token. */
export function noteAddress(db: Db, user_id: string, address: string, at: string): void {
  putKnownAddress(db, user_id, networkOf(address), at, ADDRESSES_MAX);
}

/** Whether the account was used from this address lately. */
export function isKnown(db: Db, user_id: string, address: string): boolean {
  return isKnownAddress(db, user_id, networkOf(address));
}
