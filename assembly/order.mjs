// Functions that are alike stand near each other, so that gzip, which looks back 32 KiB, finds what they share.

/** What gzip may look back at, less than its window, since one byte is now and then written as two. */
const REACH = 24_000;
/** Bytes that make a place where two functions are alike. */
const LENGTH = 5;

/** The bodies of a module's functions. */
export function bodiesOf(binary) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = binary[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  while (at < binary.length) {
    const code = binary[at++] === 10;
    const size = number();
    if (code) {
      return Array.from({ length: number() }, () => {
        const length = number();
        at += length;
        return binary.subarray(at - length, at);
      });
    }
    at += size;
  }
  throw new Error('a module without code');
}

/** The order of the functions: the largest first, then over and over the one of which most stands in those just before. */
export function order(bodies) {
  const parts = bodies.map((body) => {
    const own = new Set();
    for (let i = 0; i + LENGTH <= body.length; i++) own.add(body.toString('latin1', i, i + LENGTH));
    return own;
  });
  const left = new Set(bodies.keys());
  const found = [];
  for (let next = [...left].reduce((a, b) => (bodies[b].length > bodies[a].length ? b : a)); left.size > 0; ) {
    found.push(next);
    left.delete(next);
    const near = new Set();
    for (let i = found.length - 1, bytes = 0; i >= 0 && bytes < REACH; i--) {
      bytes += bodies[found[i]].length;
      for (const part of parts[found[i]]) near.add(part);
    }
    let best = -1;
    for (const i of left) {
      let shared = 0;
      for (const part of parts[i]) if (near.has(part)) shared++;
      const share = shared / (parts[i].size + 20);
      if (share > best) [best, next] = [share, i];
    }
  }
  return found;
}

/** The text of a module with its functions in another order. */
export function reorder(text, places) {
  const functions = [...text.matchAll(/^ \(func [^\n]*\n(?: {2}.*\n)* \)\n/gm)];
  if (functions.length !== places.length)
    throw new Error(`${functions.length} functions in text, ${places.length} bodies`);
  let out = '';
  let at = 0;
  for (const [i, { 0: own, index }] of functions.entries()) {
    out += text.slice(at, index) + functions[places[i]][0];
    at = index + own.length;
  }
  return out + text.slice(at);
}
