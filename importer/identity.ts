// Who a file is, and the ids of its events. Both depend on content alone: not on names, folders or compression.

import { createHash } from 'node:crypto';

/** Bytes of the uncompressed beginning that tell files apart. */
export const headBytesMax = 64 * 1024;

/**
 * The identity of a file: a hash of its first bytes, and of the label the user gave it if its content alone does not
 * tell it apart from another.
 */
export function fileIdentity(head: Buffer, label: string): string {
  return createHash('sha256')
    .update(`tally import 1\n${label}\n${head.length}\n`)
    .update(head)
    .digest('base64url')
    .slice(0, 22);
}

/**
 * Makes event ids for one file under one metric: `identity.offset.checksum`. The checksum is that of all the file's
 * bytes up to the end of the line: so a line keeps its id when others are appended, and two files that begin alike
 * share ids only for the lines up to where they begin to differ.
 * @returns a function of the line's offset and that checksum; ids have at most 44 characters
 */
export function eventIds(identity: string, metric: string): (offset: number, crc: number) => string {
  const file = createHash('sha256').update(`${identity}\n${metric}`).digest('base64url').slice(0, 22);
  return (offset, crc) => `${file}.${offset.toString(36)}.${crc.toString(36)}`;
}
