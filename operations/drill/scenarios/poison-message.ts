// Something that is no rollup message gets into the queue.
import type { Scenario } from '../scenario.ts';

export const poisonMessage: Scenario = {
  name: 'poison-message',
  title: 'A poison message in the rollup queue',
  fires: ['Parked'],
  play: async (stage) => {
    const { drill } = stage;
    const queue = drill.stack.template
      .ofType('AWS::SQS::Queue')
      .find((each) => each.properties['RedrivePolicy']);
    const bucket = drill.nameOf('AWS::S3::Bucket', 'Archive');
    stage.breaks('somebody sends {"hello":"queue"} to the rollup queue, among the messages of the minute');
    await drill.aws.call('sqs', 'SendMessage', {
      QueueUrl: drill.stack.ref(queue?.logicalId ?? ''),
      MessageBody: '{"hello":"queue"}',
    });
    await stage.untilAlarm('Parked', 5);
    const history = await stage.operator(
      'Parked',
      ['aws s3 ls --recursive s3://BUCKET/parked/', 'aws s3 cp s3://BUCKET/parked/poison/… - | jq .history'],
      async () => {
        const [key, ...others] = await drill.aws.list(bucket, 'parked/poison/');
        if (key === undefined || others.length > 0)
          throw new Error(`${others.length} poison messages are parked`);
        return (JSON.parse(await drill.aws.read(bucket, key)) as { history: { reason: string } }).history;
      },
    );
    stage.say(`parked with its history: ${JSON.stringify(history)}`);
    stage.say(
      'it was never a rollup message: there is nothing to send back, and its neighbours were counted',
    );
  },
};
