import { S3ServiceException } from '@aws-sdk/client-s3';
import type { S3Destination } from '../../../base/backup-destination.ts';
import { BackupError, messageOf } from '../error.ts';

/** Whether the store refused with this code, such as `NoSuchKey`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof S3ServiceException && error.name === code;
}

/** For `catch`: ignores a refusal with this code, and rethrows any other error. */
export function ignoreCode(code: string): (error: unknown) => void {
  return (error) => {
    if (!hasCode(error, code)) throw error;
  };
}

/** The error for an answer that no S3 store would give. */
export function notUnderstood({ endpoint }: S3Destination): BackupError {
  return new BackupError(`The answer of the store at ${endpoint} was not understood: is it S3-compatible?`);
}

/** Translates an error of the SDK for the server's owner. A `BackupError` stays as it is. */
export function toStoreError(error: unknown, destination: S3Destination, idle_ms: number): BackupError {
  if (error instanceof BackupError) return error;
  if (error instanceof S3ServiceException) return new BackupError(refusal(error, destination), { cause: error });
  const store = `The store at ${destination.endpoint}`;
  if (error instanceof Error && error.name === 'TimeoutError')
    return new BackupError(`${store} is too slow: nothing moved for ${Math.ceil(idle_ms / 1000)} s.`, { cause: error });
  return new BackupError(`${store} could not be reached: ${messageOf(error)}.`, { cause: error });
}

function refusal({ name, $metadata }: S3ServiceException, { endpoint, bucket }: S3Destination): string {
  const status = $metadata.httpStatusCode ?? 0;
  // The code is whatever the store sent. Only what looks like a code is shown.
  const reason = /^\w{1,100}$/.test(name) ? `${status} ${name}` : `${status}`;
  const store = `The store at ${endpoint}`;
  if (status === 401 || status === 403)
    return (
      `${store} refused (${reason}): check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do ` +
      `in the bucket ${bucket}.`
    );
  if (name === 'NoSuchBucket') return `${store} has no bucket ${bucket}.`;
  if (status === 507) return `${store} is full (${reason}).`;
  if (status >= 300 && status < 400)
    return `The bucket ${bucket} is not at ${endpoint} (${reason}): check ERRAND_BACKUP_S3_REGION.`;
  return `${store} answered ${reason}.`;
}
