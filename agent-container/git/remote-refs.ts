/** The remote's branches with their commits, and the branch that its HEAD points to, if that exists. */
export type RemoteRefs = {
  head: string | undefined;
  branches: Map<string, string>;
  object_format: 'sha1' | 'sha256';
};

/** The object format of a repository that has this id. */
export const formatOf = (id: string): RemoteRefs['object_format'] => (id.length === 64 ? 'sha256' : 'sha1');
