// What a request did wrong: an HTTP status, a message for its sender, and headers that belong to the status.

export class Refusal extends Error {
  constructor(status, message, headers = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** How the library's messages open. What else is thrown is a bug, not the sender's mistake. */
const FROM_LIBRARY = /^(tensor|softmax|sigmoid|crossEntropy|componentCrossEntropy|bceWithLogits)(\.forward)?: /;

/** The refusal that an exception stands for; undefined for a bug. The library names the argument and what is wrong with it. */
export function refusalOf(error) {
  if (error instanceof Refusal) return error;
  const kind = error instanceof TypeError || error instanceof RangeError;
  if (!kind || !FROM_LIBRARY.test(error.message)) return undefined;
  return new Refusal(400, error.message.replace(/^(tensor: source|softmax: input|sigmoid: input)/, 'logits'));
}
