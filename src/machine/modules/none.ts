// In place of further.ts where entries import modules that their host compiled.

/** Nobody asks. */
export const moduleFrom = undefined;
