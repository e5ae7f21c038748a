/** The codes of OpenSSL for a certificate whose authority nobody here knows, such as one that has signed itself. */
const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What the owner can do where a connection has failed with this code, with a space before it; empty: nothing. */
export function tlsHint(code: string | undefined): string {
  if (code === undefined || !UNKNOWN_AUTHORITY.has(code)) return '';
  return ' The certificate there is of an authority that this server does not know: NODE_EXTRA_CA_CERTS can name a file with the certificate of that authority.';
}
