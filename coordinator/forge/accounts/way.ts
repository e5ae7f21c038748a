import type { SignInWay } from '../../../protocol/forges.ts';
import type { External } from '../../auth/external-logins.ts';
import type { Flow } from './flows.ts';
import type { OAuth } from './oauth.ts';

/** What a device flow has come to. */
export type DevicePoll = { external: External } | { again_s: number };

/** One way to sign in. Every promise may reject with `upstream_unreachable`. */
export type Way = SignInWay & {
  /** Where the browser goes. */
  authorizeUrl: (flow: Flow) => Promise<URL>;
  /** Who came back. Rejects with `link_invalid` or `forbidden`. */
  finish: (flow: Flow, answer: string) => Promise<External>;
  /** Undefined: only browsers can sign in this way. */
  by_device?: {
    start: () => ReturnType<OAuth['startDevice']>;
    poll: (device_code: string) => Promise<DevicePoll>;
  };
};
