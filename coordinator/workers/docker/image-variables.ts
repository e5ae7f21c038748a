import { Variables, VARIABLES_MAX } from '../../../protocol/variables.ts';
import type { Image } from './client.ts';

/**
 * The names of the variables that an image sets, for the commands in its workers, within the bounds of a project's
 * variables. What Errand sets for a worker is none of the image's.
 */
export function imageVariables({ Config }: Image): string[] {
  const names = (Config?.Env ?? []).flatMap((entry) => {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(entry) ?? [];
    return !name.startsWith('ERRAND_') && name !== 'HOME' && Variables.safeParse({ [name]: value }).success
      ? [name]
      : [];
  });
  return names.slice(0, VARIABLES_MAX);
}
