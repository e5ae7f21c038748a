import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Block, ToolItem } from '../../../client/errand/items.ts';
import { t } from '../../parts/speech.ts';
import { Sheet } from '../../parts/screen.tsx';
import { s } from '../screen-speech.ts';

/** What browsers show. Anything may come from a worker. */
const KINDS = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

/** An address of nothing, which counts as a broken picture. */
const NOTHING = 'data:,';

/** The addresses of a result's pictures; undefined: one that is not here yet. */
export function addressesOf({ pictures, cut = [] }: ToolItem): (string | undefined)[] {
  return pictures.map((picture) => (cut.length > 0 ? undefined : addressOf(picture)));
}

function addressOf({ source }: Block): string {
  if (typeof source !== 'object' || source === null || !('media_type' in source) || !('data' in source)) return NOTHING;
  const { media_type, data } = source;
  if (typeof media_type !== 'string' || typeof data !== 'string' || !KINDS.has(media_type)) return NOTHING;
  return `data:${media_type};base64,${data}`;
}

type PictureProps = {
  /** Its address; undefined: it is not here. */
  src: string | undefined;
  /** What it shows, in words. */
  label: string;
};

/** A picture, small; a touch shows it as large as the screen, and another one as large as it is. */
export function Picture({ src, label }: PictureProps): JSX.Element {
  const is_large = useSignal(false);
  /** Whether it is as large as it is, and can be moved, in place of fitting the screen. */
  const is_whole = useSignal(false);
  const is_broken = useSignal(false);
  if (src === undefined || is_broken.value)
    return <p class="picture none">{is_broken.value ? s.errand.picture_broken : s.errand.picture_away}</p>;
  const close = () => (is_large.value = false);
  return (
    <>
      <button type="button" class="picture" onClick={() => (is_large.value = true)}>
        <img src={src} alt={label} decoding="async" onError={() => (is_broken.value = true)} />
      </button>
      {is_large.value && (
        <Sheet label={label} onClose={close}>
          <button
            type="button"
            class="large"
            aria-pressed={is_whole.value}
            onClick={() => (is_whole.value = !is_whole.value)}
          >
            <img src={src} alt={label} />
          </button>
          <button type="button" class="quiet" onClick={close}>
            {t.close}
          </button>
        </Sheet>
      )}
    </>
  );
}

/** Whether the agent shows the person a picture by this call. */
export function showsPicture({ name, state, pictures }: ToolItem): boolean {
  return name === 'show_picture' && state === 'done' && pictures.length > 0;
}

/** A picture that the agent shows, with its caption. */
export function ShownPicture({ tool }: { tool: ToolItem }): JSX.Element {
  const { input } = tool;
  const { caption } = { caption: '', ...(typeof input === 'object' && input) };
  const label = typeof caption === 'string' ? caption : '';
  return (
    <figure>
      <Picture src={addressesOf(tool)[0]} label={label} />
      <figcaption dir="auto">{label}</figcaption>
    </figure>
  );
}
