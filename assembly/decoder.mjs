// In place of TextDecoder in the bundles: the loader makes one when it is loaded, which takes a millisecond, for strings that these
// kernels have none of.

export class LateDecoder {
  constructor(...settings) {
    this.settings = settings;
  }

  decode(bytes) {
    return new globalThis.TextDecoder(...this.settings).decode(bytes);
  }
}
