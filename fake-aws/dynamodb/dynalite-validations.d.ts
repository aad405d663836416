// dynalite's expression parsers; the package has no types.
declare module 'dynalite/validations/index.js' {
  /** Parses a request's expressions into `_updates`, `_condition` and so on. @returns the error, if any */
  export function validateExpressions(request: object): string | undefined;
}
