// The drill's scenarios.
import type { Scenario } from '../scenario.ts';
import { poisonMessage } from './poison-message.ts';
import { stoppedAggregator, stoppedWriter } from './stopped-half.ts';
import { tableOutage } from './table-outage.ts';
import { throttledStream } from './throttled-stream.ts';
import { wrongParameter } from './wrong-parameter.ts';

/** Every scenario, in the order in which they are played. */
export const SCENARIOS: readonly Scenario[] = [
  tableOutage,
  poisonMessage,
  throttledStream,
  stoppedWriter,
  stoppedAggregator,
  wrongParameter,
];
