import { isAbsolute, resolve } from 'node:path';

/** A bucket of an S3-compatible store. */
export type S3Destination = {
  kind: 's3';
  /** The store's address, without the bucket. */
  endpoint: string;
  region: string;
  bucket: string;
  /** The start of all keys: empty, or ending in a slash. */
  prefix: string;
  access_key_id: string;
  secret_access_key: string;
};

/** Where backups are kept. */
export type BackupDestination = { kind: 'folder'; path: string } | S3Destination;

/** The settings of a destination, as they were given. */
type Settings = {
  [
    name in
      | 'ERRAND_BACKUP_TO'
      | 'ERRAND_BACKUP_S3_ENDPOINT'
      | 'ERRAND_BACKUP_S3_REGION'
      | 'AWS_ACCESS_KEY_ID'
      | 'AWS_SECRET_ACCESS_KEY'
  ]?: string | undefined;
};

export const S3_REGION_DEFAULT = 'us-east-1';
const RELATIVE =
  'ERRAND_BACKUP_TO is a relative path, which depends on where a command is started: write the whole path';
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Characters that every store accepts in a key, and that need no escaping. */
const PREFIX = /^[\w./-]{0,500}$/;

/** Reads the destination of backups from the settings, or says what is wrong with them. Undefined: none is set. */
export function readDestination(given: Settings): BackupDestination | { faults: string[] } | undefined {
  const to = given.ERRAND_BACKUP_TO;
  if (to === undefined) return undefined;
  if (!/^[a-z0-9]+:\/\//i.test(to)) {
    if (isAbsolute(to)) return { kind: 'folder', path: resolve(to) };
    // The form of the setting names a ~ already.
    return { faults: to.startsWith('~') ? [] : [`${RELATIVE}, such as ${resolve(to)}`] };
  }
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)\/*(.*)$/.exec(to) ?? [];
  const faults: string[] = [];
  if (!to.startsWith('s3://') || !BUCKET.test(bucket) || !PREFIX.test(path))
    faults.push('ERRAND_BACKUP_TO is neither the path of a folder nor s3://bucket/prefix');
  const access_key_id = given.AWS_ACCESS_KEY_ID?.trim();
  const secret_access_key = given.AWS_SECRET_ACCESS_KEY?.trim();
  if (access_key_id === undefined) faults.push('AWS_ACCESS_KEY_ID is missing: ERRAND_BACKUP_TO is a bucket');
  if (secret_access_key === undefined) faults.push('AWS_SECRET_ACCESS_KEY is missing: ERRAND_BACKUP_TO is a bucket');
  if (faults.length > 0 || access_key_id === undefined || secret_access_key === undefined) return { faults };
  const region = given.ERRAND_BACKUP_S3_REGION ?? S3_REGION_DEFAULT;
  return {
    kind: 's3',
    endpoint: (given.ERRAND_BACKUP_S3_ENDPOINT ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, ''),
    region,
    bucket,
    prefix: path === '' ? '' : `${path.replace(/\/+$/, '')}/`,
    access_key_id,
    secret_access_key,
  };
}
