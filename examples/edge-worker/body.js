// Reads a body of limited size. Its length may be unknown (chunked), so the limit counts what really arrives.

import { Refusal } from './refusal.js';

/** The bytes of a request; 413 as soon as more than `limit` are announced or have come. */
export async function readBody(request, limit) {
  const tooLarge = () => new Refusal(413, `the body is larger than ${limit} bytes`);
  if (Number(request.headers.get('content-length')) > limit) throw tooLarge();
  const chunks = [];
  let size = 0;
  for (const reader = request.body?.getReader(); reader; ) {
    const { done, value } = await reader.read().catch((error) => {
      throw new Refusal(400, `the body broke off after ${size} bytes: ${error.message}`);
    });
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw tooLarge();
    }
    chunks.push(value);
  }
  return join(chunks, size);
}

/** A copy in a buffer of its own, which starts where a Float32Array may. */
function join(chunks, size) {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
