// Observability: alarms in groups, one topic that hears of the groups, and a dashboard.
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmBase,
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
import { alarmGroups, aloneAlarms } from './alarms/alarm-groups.ts';
import type { AlarmGroup, AlarmPlan, GroupId } from './alarms/alarm-plan.ts';
import type { Configuration } from './configuration.ts';
import { createDashboard } from './dashboard.ts';
import type { Watched } from './watched.ts';

/** For how long a group's mail waits for the group that would suppress it, and goes on waiting when that one is over. */
const SUPPRESSOR_WAIT = Duration.minutes(5);
const SUPPRESSOR_EXTENSION = Duration.minutes(15);

/** Alarms, their topic, and the dashboard. */
export class Observability extends Construct {
  readonly alarms: Topic;
  readonly #stage: string;

  constructor(scope: Construct, id: string, c: Configuration, watched: Watched) {
    super(scope, id);
    this.#stage = c.stage;
    this.alarms = new Topic(this, 'Alarms', { enforceSSL: true, displayName: `Tally ${c.stage} alarms` });
    this.alarms.applyRemovalPolicy(RemovalPolicy.DESTROY);
    this.#letAlarmsPublish();
    if (c.alarmEmail !== '') {
      acknowledge(this.alarms, {
        'Serverless-SNSRedrivePolicy':
          'A mail that can not be delivered helps nobody later; the alarm itself stays on.',
      });
      this.alarms.addSubscription(new EmailSubscription(c.alarmEmail));
    }
    const composites = new Map<GroupId, CompositeAlarm>();
    const single: Alarm[] = [];
    for (const group of alarmGroups(c, watched)) {
      const children = group.alarms.map((plan) => this.#alarm(plan));
      single.push(...children);
      composites.set(group.id, this.#composite(group, children, composites));
    }
    const alone = aloneAlarms(c).map((plan) => this.#alarm(plan));
    const notifying = [...composites.values(), ...alone];
    for (const alarm of notifying) this.#notify(alarm);
    createDashboard(this, c, watched, { notifying, others: single });
  }

  /** enforceSSL gives the topic a policy, which takes the place of the one that lets the whole account publish. */
  #letAlarmsPublish(): void {
    const { account, region, partition } = Stack.of(this);
    const alarms = `arn:${partition}:cloudwatch:${region}:${account}:alarm:${this.#name('*')}`;
    this.alarms.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisStage',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.alarms.topicArn],
        conditions: { ArnLike: { 'aws:SourceArn': alarms }, StringEquals: { 'aws:SourceAccount': account } },
      }),
    );
  }

  #alarm(plan: AlarmPlan): Alarm {
    const { threshold } = plan;
    return new Alarm(this, plan.id, {
      alarmName: this.#name(plan.id),
      metric: plan.metric,
      ...('above' in threshold
        ? { threshold: threshold.above, comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD }
        : { threshold: threshold.below, comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD }),
      datapointsToAlarm: plan.datapoints,
      evaluationPeriods: plan.periods,
      treatMissingData: plan.missing ?? TreatMissingData.NOT_BREACHING,
      alarmDescription: described(plan),
    });
  }

  #composite(
    group: AlarmGroup,
    children: readonly Alarm[],
    earlier: ReadonlyMap<GroupId, CompositeAlarm>,
  ): CompositeAlarm {
    const suppressor = group.suppressedBy && earlier.get(group.suppressedBy);
    return new CompositeAlarm(this, group.id, {
      compositeAlarmName: this.#name(group.id),
      alarmRule: AlarmRule.anyOf(...children),
      alarmDescription: described(group),
      ...(suppressor && {
        actionsSuppressor: suppressor,
        actionsSuppressorWaitPeriod: SUPPRESSOR_WAIT,
        actionsSuppressorExtensionPeriod: SUPPRESSOR_EXTENSION,
      }),
    });
  }

  /** One mail when a trouble begins, one when it is over. */
  #notify(alarm: AlarmBase): void {
    alarm.addAlarmAction(new SnsAction(this.alarms));
    alarm.addOkAction(new SnsAction(this.alarms));
  }

  /** Names that can be typed: mails, runbook and filters of a subscription use them. */
  #name(id: string): string {
    return `tally-${this.#stage}-${id}`;
  }
}

function described({ description, runbook }: Pick<AlarmPlan, 'description' | 'runbook'>): string {
  return `${description} Runbook: docs/runbook.md#${runbook}`;
}
