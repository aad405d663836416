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

export class Observability extends Construct {
  readonly #topic: Topic;
  readonly #stage: string;

  constructor(scope: Construct, id: string, watched: Watched) {
    super(scope, id);
    const c = watched.configuration;
    this.#stage = c.stage;
    this.#topic = new Topic(this, 'Alarms', { enforceSSL: true, displayName: `Tally ${c.stage} alarms` });
    this.#topic.applyRemovalPolicy(RemovalPolicy.DESTROY);
    this.#letAlarmsPublish();
    if (c.alarmEmail !== '') {
      acknowledge(this.#topic, {
        'Serverless-SNSRedrivePolicy':
          'A mail that cannot be delivered is of no use later, and the alarm stays on.',
      });
      this.#topic.addSubscription(new EmailSubscription(c.alarmEmail));
    }
    const late = lateAlarms(watched).map((plan) => this.#alarm(plan));
    const countsLate = new CompositeAlarm(this, LATE.id, {
      compositeAlarmName: this.#name(LATE.id),
      alarmRule: AlarmRule.anyOf(...late),
      alarmDescription: described(LATE),
    });
    const notifying = [countsLate, ...alarms(watched).map((plan) => this.#alarm(plan))];
    // One mail when a problem begins, and one when it ends.
    for (const alarm of notifying) {
      alarm.addAlarmAction(new SnsAction(this.#topic));
      alarm.addOkAction(new SnsAction(this.#topic));
    }
    createDashboard(this, watched, [...notifying, ...late]);
  }

  /** enforceSSL adds a policy to the topic, which replaces the default one that lets the whole account publish. */
  #letAlarmsPublish(): void {
    const { account, region, partition } = Stack.of(this);
    const alarms = `arn:${partition}:cloudwatch:${region}:${account}:alarm:${this.#name('*')}`;
    this.#topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisStage',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.#topic.topicArn],
        conditions: { ArnLike: { 'aws:SourceArn': alarms }, StringEquals: { 'aws:SourceAccount': account } },
      }),
    );
  }

  #alarm(plan: AlarmPlan): Alarm {
    return new Alarm(this, plan.id, {
      alarmName: this.#name(plan.id),
      metric: plan.metric,
      threshold: plan.above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      datapointsToAlarm: plan.datapoints,
      evaluationPeriods: plan.periods,
      treatMissingData: plan.missing ?? TreatMissingData.NOT_BREACHING,
      alarmDescription: described(plan),
    });
  }

  /** Readable names, for mails, the runbook and a subscription's filters. */
  #name(id: string): string {
    return `tally-${this.#stage}-${id}`;
  }
}

function described({
  id,
  description,
  runbook = sectionOf(id),
}: Pick<AlarmPlan, 'id' | 'description' | 'runbook'>): string {
  return `${description} Runbook: docs/runbook.md#${runbook}`;
}

/** `RecordsLost` → `records-lost`. */
function sectionOf(id: string): string {
  return id.replace(/(?!^)[A-Z]/g, '-$&').toLowerCase();
}
