import { isLocalAddress } from '../client/local-address.ts';
import { print, type Io } from './io.ts';
import { localTime } from './render/format.ts';
import { qrLines } from './render/qr.ts';

/** Prints a link that works once, as a QR code on a terminal and as text. `does`: such as `logs one device in`. */
export function printLink(io: Io, link: string, does: string, expires_at: string): void {
  if (io.live) print(io, qrLines(link));
  print(io, [[['command', link]], [`It ${does}, once, until ${localTime(expires_at)}.`], ...unreachable(link)]);
}

/** Whether a phone can open the link. */
function unreachable(link: string): [string][] {
  if (!isLocalAddress(link)) return [];
  return [['Only this machine reaches that address. For a phone, see "TLS" in coordinator/README.md.']];
}
