// The counter table answers nothing for five minutes.
import { tableAway } from '../faults.ts';
import type { Scenario } from '../scenario.ts';

export const tableOutage: Scenario = {
  name: 'table-outage',
  title: 'The counter table is away for five minutes',
  fires: ['FrontDoorErrors'],
  mayFire: { QueriesFailed: 'the canary asks for counts', CanaryLate: 'its events wait like others' },
  play: async (stage) => {
    const { drill } = stage;
    stage.breaks('every call of a function to the counter table is answered 500');
    drill.stack.setFault(tableAway(drill, 'Counters'));
    await stage.minutes(5);
    await stage.operatorRuns('Dead letters', ['dead-letters', 'list']);
    const { inFlight, dead } = await drill.stack.status();
    stage.say(
      `the table is back; in flight ${inFlight}, dead ${dead}: nothing is lost, nothing is counted yet`,
    );
    drill.stack.setFault(undefined);
    await stage.operatorRuns('Dead letters', ['dead-letters', 'redrive', '--all']);
  },
};
