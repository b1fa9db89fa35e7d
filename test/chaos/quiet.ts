import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

/** Only errors of the SDK are said: under faults it has much to say that the judge says better. Once a process. */
export function quietRuntime(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
}
