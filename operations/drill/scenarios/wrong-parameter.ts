// The retry parameter is misspelt, then put right with values that park messages at the first trouble.
import type { Drill } from '../drill.ts';
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
    const { Parameter } = await drill.aws.call('ssm', 'GetParameter', { Name: name });
    const good = (Parameter as { Value: string }).Value;

    stage.breaks('the parameter has a field that does not exist: {"attemps":5}');
    await put(stage, name, '{"attemps":5}');
    await stage.untilAlarm('RetryParameter', 6);
    stage.say('the last good value holds: everything is counted as before');

    stage.say(
      'somebody mends it in a hurry: {"attempts":1,"redriveRounds":0}, and the counter table is away for a minute',
    );
    await put(stage, name, '{"attempts":1,"redriveRounds":0}');
    await stage.minutes(1);
    drill.stack.setFunctionFault(tableAway(drill, 'Counters'));
    await stage.minutes(1);
    drill.stack.setFunctionFault(undefined);
    await stage.untilAlarm('Parked', 4);
    stage.say(`parked: ${(await drill.stack.status()).parked} events`);
    await stage.operator(
      'Parked',
      [`aws ssm put-parameter --overwrite --name ${name} --value '${good}'`],
      () => put(stage, name, good),
    );
    const sent = await stage.operator(
      'Parked',
      [
        'aws s3 cp s3://BUCKET/parked/SEGMENT/PART.json OBJECT',
        'aws sqs send-message --queue-url ROLLUP_QUEUE --message-body "$(jq -r .body OBJECT)"',
      ],
      () => replayParked(drill),
    );
    stage.say(`${sent} parked messages sent back`);
  },
};

async function put(stage: Stage, Name: string, Value: string): Promise<void> {
  await stage.drill.aws.call('ssm', 'PutParameter', { Name, Value, Type: 'String', Overwrite: true });
}

/** Sends every parked rollup message back, twice, since an operator who is not sure does so. @returns how many there were */
export async function replayParked(drill: Drill): Promise<number> {
  const bucket = drill.nameOf('AWS::S3::Bucket', 'Archive');
  const queue = drill.stack.template
    .ofType('AWS::SQS::Queue')
    .find((each) => each.properties['RedrivePolicy']);
  const QueueUrl = drill.stack.ref(queue?.logicalId ?? '');
  const keys = (await drill.aws.list(bucket, 'parked/')).filter((key) => !key.includes('/poison/'));
  for (const key of [...keys, ...keys]) {
    const { body } = JSON.parse(await drill.aws.read(bucket, key)) as { body: string };
    await drill.aws.call('sqs', 'SendMessage', { QueueUrl, MessageBody: body });
  }
  return keys.length;
}
