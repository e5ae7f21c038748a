/**
 * Copies a text, at a touch of `button`. Resolves with whether it could. Without TLS a browser has no clipboard, but
 * still copies what is selected: in a sheet, only what is in that sheet.
 */
export async function copyText(text: string, button: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    Object.assign(field, { value: text, readOnly: true, className: 'hidden' });
    button.after(field);
    field.focus();
    field.select();
    const copied = document.execCommand('copy');
    field.remove();
    button.focus();
    return copied;
  }
}
