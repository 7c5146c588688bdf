// Errors that leave the library start at the caller's own line. An engine prints the line from which an uncaught error was
// thrown, and the bundle is a single one: V8 takes that line from the error's stack, so cutting the library's frames off it
// shows the line that called.

interface Capturing {
  captureStackTrace?(error: object, above: unknown): void;
}

/** Cuts the frames of `above` and of what it called off the stack of an error. */
export function trim(error: unknown, above: unknown): void {
  if (error instanceof Error && Object.isExtensible(error)) (Error as Capturing).captureStackTrace?.(error, above);
}

/** A function whose errors start at its caller. */
export function guard<This, A extends unknown[], R>(run: (this: This, ...args: A) => R): (this: This, ...args: A) => R {
  return function guarded(this: This, ...args: A): R {
    try {
      return run.apply(this, args);
    } catch (error) {
      trim(error, guarded);
      throw error;
    }
  };
}

/** Guards methods and getters of a prototype. */
export function guardMethods(prototype: object, names: readonly string[]): void {
  for (const name of names) {
    const property = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
    const { get, value } = property;
    Object.defineProperty(
      prototype,
      name,
      get ? { ...property, get: guard(get) } : { ...property, value: guard(value) },
    );
  }
}
