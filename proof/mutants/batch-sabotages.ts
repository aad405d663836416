// Mutations of what makes two events twins.
import { one, type Sabotage } from './sabotage.ts';

const EVENT = 'lambdas/core/event.ts';
const UNEXPLORED = 'events of small worlds have ids, each of one metric and entity';
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template.
const BY_ID = '`${metric}\\n${entity}\\n${id}`';
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template.
const BY_PLACE = '`${metric}\\r${entity}\\r${place}\\r${batch}`';

const twins = (name: string, find: string, put: string): Sabotage => ({
  ...one(`twins: ${name}`, EVENT, find, put),
  unexplored: UNEXPLORED,
});

export const BATCH_SABOTAGES: readonly Sabotage[] = [
  twins('by their id alone', BY_ID, 'id'),
  twins('without an id there are none in a batch', BY_PLACE, 'undefined'),
  twins("by the batch's key alone", BY_PLACE, 'batch'),
  twins("by the batch's key and their place alone", BY_PLACE, `\`\${place}\\r\${batch}\``),
  twins('by their place in any batch', BY_PLACE, `\`\${metric}\\r\${entity}\\r\${place}\``),
];
