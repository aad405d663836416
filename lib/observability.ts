// Observability: alarms, the topic they notify, and a dashboard.
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmRule,
  ComparisonOperator,
  CompositeAlarm,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { type AlarmPlans, alarms, lateAlarms, type Watched } from './alarms.ts';
import { createDashboard } from './dashboard.ts';

export function observability(watched: Watched): void {
  const { stack, configuration: c } = watched;
  const here = new Construct(stack, 'Observability');
  /** Readable names, for mails, the runbook and a subscription's filters. */
  const named = (id: string) => `tally-${c.stage}-${id}`;
  const topic = new Topic(here, 'Alarms', { enforceSSL: true, displayName: `Tally ${c.stage} alarms` });
  topic.applyRemovalPolicy(RemovalPolicy.DESTROY);
  letAlarmsPublish(topic, named('*'));
  if (c.alarmEmail !== '') {
    acknowledge(topic, {
      'Serverless-SNSRedrivePolicy':
        'A mail that cannot be delivered is of no use later, and the alarm stays on.',
    });
    topic.addSubscription(new EmailSubscription(c.alarmEmail));
  }
  const created = (plans: AlarmPlans) =>
    Object.entries(plans).map(
      ([id, { description, runbook = sectionOf(id), ...plan }]) =>
        new Alarm(here, id, {
          alarmName: named(id),
          threshold: 0,
          comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
          datapointsToAlarm: 3,
          evaluationPeriods: 3,
          treatMissingData: TreatMissingData.NOT_BREACHING,
          alarmDescription: described(description, runbook),
          ...plan,
        }),
    );
  const late = created(lateAlarms(watched));
  // One mail for an outage, not one for each alarm on late counts.
  const countsLate = new CompositeAlarm(here, 'CountsLate', {
    compositeAlarmName: named('CountsLate'),
    alarmRule: AlarmRule.anyOf(...late),
    alarmDescription: described(
      'Events wait longer than they should. Nothing is lost; counting goes on when the cause is mended.',
      'counts-late',
    ),
  });
  const notifying = [countsLate, ...created(alarms(watched))];
  // One mail when a problem begins, and one when it ends.
  for (const alarm of notifying) {
    alarm.addAlarmAction(new SnsAction(topic));
    alarm.addOkAction(new SnsAction(topic));
  }
  createDashboard(here, watched, [...notifying, ...late]);
}

/** enforceSSL adds a policy to the topic, which replaces the default one that lets the whole account publish. */
function letAlarmsPublish(topic: Topic, names: string): void {
  const { account, region, partition } = Stack.of(topic);
  const alarms = `arn:${partition}:cloudwatch:${region}:${account}:alarm:${names}`;
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsOfThisStage',
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { ArnLike: { 'aws:SourceArn': alarms }, StringEquals: { 'aws:SourceAccount': account } },
    }),
  );
}

function described(description: string, section: string): string {
  return `${description} Runbook: docs/runbook.md#${section}`;
}

/** `RecordsLost` → `records-lost`. */
function sectionOf(id: string): string {
  return id.replace(/(?!^)[A-Z]/g, '-$&').toLowerCase();
}
