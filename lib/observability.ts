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
import { type AlarmPlan, alarms, LATE, lateAlarms, type Watched } from './alarms.ts';
import { createDashboard } from './dashboard.ts';

export function observability(scope: Construct, watched: Watched): void {
  const here = new Construct(scope, 'Observability');
  const { configuration: c } = watched;
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
  const alarmOf = (plan: AlarmPlan) =>
    new Alarm(here, plan.id, {
      alarmName: named(plan.id),
      metric: plan.metric,
      threshold: plan.above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      datapointsToAlarm: plan.datapoints,
      evaluationPeriods: plan.periods,
      treatMissingData: plan.missing ?? TreatMissingData.NOT_BREACHING,
      alarmDescription: described(plan),
    });
  const late = lateAlarms(watched).map(alarmOf);
  const countsLate = new CompositeAlarm(here, LATE.id, {
    compositeAlarmName: named(LATE.id),
    alarmRule: AlarmRule.anyOf(...late),
    alarmDescription: described(LATE),
  });
  const notifying = [countsLate, ...alarms(watched).map(alarmOf)];
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

function described({ id, description, runbook }: Pick<AlarmPlan, 'id' | 'description' | 'runbook'>): string {
  return `${description} Runbook: docs/runbook.md#${runbook ?? sectionOf(id)}`;
}

/** `RecordsLost` → `records-lost`. */
function sectionOf(id: string): string {
  return id.replace(/(?!^)[A-Z]/g, '-$&').toLowerCase();
}
