// dynalite's parsers of expressions; the package has no types.
declare module 'dynalite/validations/index.js' {
  /** Parses a request's expressions into `_updates`, `_condition` and so on. @returns what is wrong with them, if anything is */
  export function validateExpressions(request: object): string | undefined;
}
