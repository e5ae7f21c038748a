import { isIP } from 'node:net';
import { z } from 'zod';
import { ImageName } from '../../protocol/task.ts';

/* The forms that settings have. Each refuses with words to follow the name of the setting. */

/** `unit`: of what, such as `minutes`. */
export const whole = (min: number, max: number, preset: number, unit?: string) =>
  z
    .string()
    .trim()
    .regex(/^-?\d+$/, `is not a whole number${unit === undefined ? '' : ` of ${unit}`} from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `is below ${min}`).max(max, `is above ${max}`))
    .default(preset);
const positive = (max: number) =>
  z
    .string()
    .trim()
    .regex(/^\d+(\.\d+)?$/, 'is not a number above 0')
    .transform(Number)
    .pipe(z.number().positive('must be above 0').max(max, `is above ${max}`));
export const amount = (max: number, preset: number) => positive(max).default(preset);
export const optionalAmount = (max: number) => positive(max).optional();
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'is not an address that begins with http:// or https://' })
  .transform((value) => value.replace(/\/+$/, ''));
/** An address that paths are added to, and that people are shown. */
export const ownUrl = httpUrl
  .refine((value) => {
    const { username, password } = new URL(value);
    return username === '' && password === '';
  }, 'has a user name or a password in it: leave them out')
  .refine((value) => !/[?#]/.test(value), 'has a ? or a # in it: leave out what follows the path');
/** A name that another side compares to the letter: a slash at the end of a path belongs to it. */
export const issuerUrl = z
  .url({ protocol: /^https?$/, error: 'is not an address that begins with http:// or https://' })
  .transform((value) => (new URL(value).pathname === '/' ? value.replace(/\/+$/, '') : value));
/** As in other programs, the scheme may be left out. */
export const proxyUrl = z
  .string()
  .transform((value) => (value.includes('://') ? value : `http://${value}`))
  .pipe(httpUrl)
  .default('');
export const yesNo = z.enum(['true', 'false'], 'is neither true nor false').transform((value) => value === 'true');
/** Wrappers of web apps have schemes of their own, such as `capacitor://localhost`. */
export const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?$/;
export const HOST_AND_PORT = /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/i;

const NAME = /^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$/i;
/** Where to listen. */
export const listenHost = z
  .string()
  .trim()
  .refine(
    (value) => isIP(value) !== 0 || NAME.test(value),
    'is neither an IP address nor a name, such as 0.0.0.0: leave out http://, brackets and the port',
  );

/** Words with commas or spaces between them, in lower case. */
export const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .toLowerCase()
      .split(/[\s,]+/)
      .filter((part) => part !== ''),
  );
export const hostList = list.refine(
  (hosts) => hosts.every((host) => HOST_AND_PORT.test(host)),
  'is not a list of host or host:port',
);

/** The reference of an image, as `docker run` takes it. */
export const imageReference = z
  .string()
  .max(255, 'is too long for an image')
  .regex(/^[a-z0-9][\w.\-/:@]*$/, 'is not the name of an image');

/** The most images in a list: people choose from it. */
const IMAGES_MAX = 20;
/** The references of images by their names, from `name=image` with commas or spaces between. */
export const imageList = z
  .string()
  .default('')
  .transform((value, context): ReadonlyMap<string, string> => {
    const images = new Map<string, string>();
    const addFault = (message: string): void => context.addIssue({ code: 'custom', message });
    for (const entry of value.split(/[\s,]+/).filter((part) => part !== '')) {
      const [, name = '', image = ''] = /^([^=]*)=(.*)$/.exec(entry) ?? [];
      const fault = imageFault(name, image) ?? (images.has(name) ? 'has a name that is there already' : undefined);
      if (fault !== undefined) addFault(`has '${entry}' in it, which ${fault}`);
      else images.set(name, image);
    }
    if (images.size > IMAGES_MAX) addFault(`has more than ${IMAGES_MAX} images`);
    return images;
  });

function imageFault(name: string, image: string): string | undefined {
  if (name === '' || image === '') return 'is not name=image, such as rust=errand-rust';
  if (name === 'default') return 'has the name of the image in ERRAND_WORKER_IMAGE: choose another one';
  const fault = [ImageName.safeParse(name), imageReference.safeParse(image)].find(({ success }) => !success);
  return fault?.error?.issues[0]?.message;
}

/** Where nothing else reads a file of settings, its quotes become a part of the value. */
const QUOTED = /^["'`\u2018-\u201f]|["'`\u2018-\u201f]$/;
/** A password, key or token. A copy often has blanks around it, which none has. */
export const secret = z
  .string()
  .trim()
  .refine((value) => !QUOTED.test(value), { error: 'has quotes around it: leave them out', abort: true });
/** A key that goes into a header as it is. The errors of the HTTP client would quote one that cannot. */
export const headerKey = secret
  .regex(/^[\x21-\x7e]+$/, 'has a space, a line break or another character that no key has')
  .optional();

/** The path of a file or folder. */
export const path = z
  .string()
  .refine((value) => !value.startsWith('~'), 'begins with ~, which only a shell replaces: write the whole path');
