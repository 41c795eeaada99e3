/**
 * A set of agents as ceil(n/8) bytes, least significant bit first (SECAGG.md section 2). Members
 * must lie in 0..n-1.
 */
export function bitmapOf(members: Iterable<number>, n: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(n / 8));
  for (const member of members) {
    if (!Number.isInteger(member) || member < 0 || member >= n) {
      throw new RangeError(`member ${member} of ${n}`);
    }
    bits[member >> 3]! |= 1 << (member & 7);
  }
  return bits;
}

/** The members, ascending; undefined for a wrong length or a spare bit that is set. */
export function membersOf(bits: Uint8Array, n: number): number[] | undefined {
  if (bits.length !== Math.ceil(n / 8)) return undefined;
  const members: number[] = [];
  for (let i = 0; i < bits.length * 8; i++) {
    if (((bits[i >> 3]! >> (i & 7)) & 1) === 0) continue;
    if (i >= n) return undefined;
    members.push(i);
  }
  return members;
}
