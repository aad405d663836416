// Observability: alarms to a topic, and a dashboard that reads from left to right as an event travels.
import { RemovalPolicy } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { type AlarmPlan, alarmPlans } from './alarms.ts';
import type { Configuration } from './configuration.ts';
import { createDashboard } from './dashboard.ts';

/** What is watched. */
export interface Watched {
  readonly api: RestApi;
  readonly stream: Stream;
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly counters: Table;
  readonly ledger: Table;
  readonly functions: Readonly<
    Record<
      'aggregator' | 'writer' | 'redriver' | 'accountant' | 'query' | 'auditor' | 'canary',
      LambdaFunction
    >
  >;
}

/** Alarms, their topic, and the dashboard. */
export class Observability extends Construct {
  readonly alarms: Topic;

  constructor(scope: Construct, id: string, c: Configuration, watched: Watched) {
    super(scope, id);
    this.alarms = new Topic(this, 'Alarms', { enforceSSL: true, displayName: `Tally ${c.stage} alarms` });
    this.alarms.applyRemovalPolicy(RemovalPolicy.DESTROY);
    if (c.alarmEmail !== '') {
      acknowledge(this.alarms, {
        'Serverless-SNSRedrivePolicy':
          'A mail that can not be delivered helps nobody later; the alarm itself stays on.',
      });
      this.alarms.addSubscription(new EmailSubscription(c.alarmEmail));
    }
    const alarms = alarmPlans(c, watched).map((plan) => this.#alarm(plan));
    createDashboard(this, c, watched, alarms);
  }

  #alarm(plan: AlarmPlan): Alarm {
    const alarm = new Alarm(this, plan.id, {
      metric: plan.metric,
      threshold: plan.above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      datapointsToAlarm: plan.datapoints,
      evaluationPeriods: plan.periods,
      // No traffic, no figures.
      treatMissingData: plan.missing ?? TreatMissingData.NOT_BREACHING,
      alarmDescription: `${plan.description} Runbook: docs/runbook.md#${plan.runbook}`,
    });
    alarm.addAlarmAction(new SnsAction(this.alarms));
    return alarm;
  }
}
