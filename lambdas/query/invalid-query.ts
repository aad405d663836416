/** An invalid question; the message names the parameter and its allowed values. */
export class InvalidQuery extends Error {
  override readonly name = 'InvalidQuery';
}
