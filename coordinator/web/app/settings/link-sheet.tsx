import type { JSX } from 'preact';
import type { OneTimeLink } from '../../../../protocol/accounts.ts';
import { isLocalAddress } from '../../../client/local-address.ts';
import { linkFor } from '../../../client/one-time-link.ts';
import { CopyLink } from '../../parts/copy-link.tsx';
import { now } from '../../parts/now.ts';
import { Sheet } from '../../parts/screen.tsx';
import { format, t } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { QrCode } from './qr-code.tsx';

type LinkSheetProps = {
  title: string;
  text: string;
  made: OneTimeLink;
  /** What became of it, in words, once it was used. */
  used?: string | undefined;
  server: string;
  onClose: () => void;
};

/** Shows a link that works once: as a QR code for another device's camera, and to copy. Then what became of it. */
export function LinkSheet({ title, text, made, used, server, onClose }: LinkSheetProps): JSX.Element {
  return (
    <Sheet label={title} onClose={onClose}>
      <h2>{title}</h2>
      <p role="status">{used}</p>
      {used === undefined && <Link text={text} made={made} server={server} />}
      <button type="button" class="choice" onClick={onClose}>
        {t.close}
      </button>
    </Sheet>
  );
}

function Link({ text, made, server }: Pick<LinkSheetProps, 'text' | 'made' | 'server'>): JSX.Element {
  const link = linkFor(made, server);
  const left_ms = Date.parse(made.expires_at) - now.value;
  return (
    <>
      <p>{text}</p>
      {left_ms > 0 ? <QrCode text={link} /> : <p class="fault">{s.settings.link_expired}</p>}
      <p class="link-text">{link}</p>
      {isLocalAddress(link) && <p class="fault">{s.settings.link_local}</p>}
      <p class="soft">{left_ms > 0 && s.settings.link_valid(format.duration(left_ms))}</p>
      <CopyLink link={link} class="choice main" />
    </>
  );
}
