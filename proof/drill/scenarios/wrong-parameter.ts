// The retry parameter is misspelt, then corrected with values that park messages at the first failure.
import { tableAway } from '../faults.ts';
import type { Scenario, Stage } from '../scenario.ts';

export const wrongParameter: Scenario = {
  name: 'wrong-parameter',
  title: 'The retry parameter is wrong, twice',
  fires: ['RetryParameter', 'Parked'],
  mayFire: { FrontDoorErrors: 'the canary asks for counts while the table is away' },
  play: async (stage) => {
    const { drill } = stage;
    const name = drill.nameOf('AWS::SSM::Parameter', 'Retries');
    const { Parameter } = await drill.stack.call('ssm', 'GetParameter', { Name: name });
    const good = (Parameter as { Value: string }).Value;

    stage.breaks('the parameter has a field that does not exist: {"attemps":5}');
    await put(stage, name, '{"attemps":5}');
    await stage.untilAlarm('RetryParameter', 6);
    stage.say('the last good value holds: everything is counted as before');

    stage.say('a hurried fix: {"attempts":1,"redriveRounds":0}, and the counter table is away for a minute');
    await put(stage, name, '{"attempts":1,"redriveRounds":0}');
    await stage.minutes(1);
    drill.stack.setFault(tableAway(drill, 'Counters'));
    await stage.minutes(1);
    drill.stack.setFault(undefined);
    await stage.untilAlarm('Parked', 4);
    stage.say(`parked: ${(await drill.stack.status()).parked} events`);
    await stage.operator(
      'Retry parameter',
      `aws ssm put-parameter --overwrite --name ${name} --value '${good}'`,
      () => put(stage, name, good),
    );
    await stage.operatorRuns('Parked', ['dead-letters', 'replay', '--all']);
  },
};

async function put(stage: Stage, Name: string, Value: string): Promise<void> {
  await stage.drill.stack.call('ssm', 'PutParameter', { Name, Value, Type: 'String', Overwrite: true });
}
