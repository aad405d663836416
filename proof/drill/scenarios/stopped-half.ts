// One half is stopped: its event source mapping is disabled, and an operator enables it again.
import type { Scenario, Stage } from '../scenario.ts';

/** A matter of minutes: they look at how long it took, when it is over. */
const LATE = {
  CompleteThroughLag: 'completeThrough stands still as long as the half does',
  IteratorAge: 'the first batches after the return are old',
  Freshness: 'what waited is counted late',
};

export const stoppedWriter: Scenario = {
  name: 'stopped-writer',
  title: 'The writer stands still; the queue holds everything',
  fires: ['QueueAge', 'CanaryLate'],
  mayFire: LATE,
  play: (stage) => stopHalf(stage, 'writer', 'QueueAge', 'Queue age'),
};

export const stoppedAggregator: Scenario = {
  name: 'stopped-aggregator',
  title: 'The aggregator stands still; the stream holds everything',
  fires: ['CompleteThroughLag', 'CanaryLate'],
  mayFire: LATE,
  play: (stage) => stopHalf(stage, 'aggregator', 'CompleteThroughLag', 'Complete-through lag'),
};

async function stopHalf(stage: Stage, noun: string, alarm: string, section: string): Promise<void> {
  const { drill } = stage;
  const mapping = drill.mapping(noun);
  stage.breaks(`the mapping of the ${noun} is disabled`);
  await mapping.pause();
  await stage.untilAlarm(alarm, 24);
  const { received, counted, inFlight } = await drill.stack.status();
  stage.say(
    noun === 'writer'
      ? `received ${received}, counted ${counted}: ${inFlight} events wait in the queue`
      : `accepted ${drill.expected()}, read ${received}: ${drill.expected() - received} events wait in the stream`,
  );
  await stage.operator(
    section,
    "aws lambda list-event-source-mappings --function-name FUNCTION --query 'EventSourceMappings[].[UUID,State]'",
    () => stage.say('State: Disabled'),
  );
  await stage.operator(
    'Stopping one half',
    'aws lambda update-event-source-mapping --uuid UUID --enabled',
    () => mapping.resume(),
  );
}
