// A message that is not a rollup message gets into the queue.
import { rollupQueueIn } from '../../../local/template/names.ts';
import type { Scenario } from '../scenario.ts';

export const poisonMessage: Scenario = {
  name: 'poison-message',
  title: 'A poison message in the rollup queue',
  fires: ['Parked'],
  play: async (stage) => {
    const { drill } = stage;
    stage.breaks(
      'a stray client sends {"hello":"queue"} to the rollup queue, among the messages of the minute',
    );
    await drill.stack.call('sqs', 'SendMessage', {
      QueueUrl: rollupQueueIn(drill.stack.template).ref,
      MessageBody: '{"hello":"queue"}',
    });
    await stage.untilAlarm('Parked', 5);
    const listed = await stage.operatorRuns('Parked', ['dead-letters', 'list', '--parked']);
    const [name] = /poison\/[\w-]+/.exec(listed) ?? [];
    if (name === undefined) throw new Error('no poison is parked');
    const why = 'no rollup message: a stray client';
    await stage.operatorRuns('Parked', ['dead-letters', 'discard', name, '--why', why, '--yes']);
    stage.say('its neighbours were counted, and it was never an event: nothing is lost');
  },
};
