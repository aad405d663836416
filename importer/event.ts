// The events the importer sends, checked by the service's own rules before they are sent.

/** Why the service would refuse an event with this entity; undefined if it takes it. */
export function entityProblem(entity: string): string | undefined {
  if (entity.length === 0) return 'the entity is empty';
  // The service counts characters, not UTF-16 units.
  if (entity.length > entityCharactersMax && [...entity].length > entityCharactersMax) {
    return `the entity is longer than ${entityCharactersMax} characters`;
  }
  return controlCharacter.test(entity) ? 'the entity holds a control character' : undefined;
}

const entityCharactersMax = 512;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the API refuses exactly these.
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;

/** What the API takes as a metric's name. */
export const metricPattern = /^[A-Za-z0-9_.-]{1,64}$/;

/** An event on its way: its JSON and where it came from. */
export interface OutgoingEvent {
  /** Offset of its line in the uncompressed file. */
  readonly offset: number;
  readonly lineNumber: number;
  readonly id: string;
  /** The event as the API takes it. */
  readonly json: string;
}
