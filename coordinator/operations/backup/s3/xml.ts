/*
 * The few fields that are read of an S3 store's answers. Those are flat: no element that is read here has attributes, or holds another of its
 * own name. What does not look so is refused by whoever reads it, for the field is then missing.
 */

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Whether the document is one of this root element. */
export function hasRoot(xml: string, root: string): boolean {
  return new RegExp(`^\\s*(<\\?xml[^>]*\\?>\\s*)?<${root}[\\s>]`).test(xml);
}

/** The contents of all elements of this name, as they stand there. */
export function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, 'g'))].map(([, content = '']) => content);
}

/** The text of the one element of this name. Undefined: there is none, or more than one, or it holds other elements. */
export function text(xml: string, name: string): string | undefined {
  const [content, ...others] = elements(xml, name);
  if (content === undefined || others.length > 0 || content.includes('<')) return undefined;
  return content.replace(
    /&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? whole;
      return String.fromCodePoint(decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal));
    },
  );
}

/** A text as it stands in a document. */
export function escape(value: string): string {
  return value.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;' })[character] ?? '&gt;');
}
