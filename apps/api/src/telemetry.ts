import type { Request, RequestHandler, Response } from 'express';

export interface Telemetry {
  /** Makes a span of each request, below that of its `traceparent` where it has one. */
  readonly middleware: RequestHandler;
  /** Sends what waits. */
  close(): Promise<void>;
}

/** How long what waits may take to be sent at the end. */
const CLOSE_MILLISECONDS = 3_000;

/**
 * OpenTelemetry traces by OTLP over HTTP. Loaded only where an endpoint is set; the SDK reads its other variables (OTEL_*)
 * itself. No text, no key and no query string is in a span. @param endpoint to which `/v1/traces` is added.
 */
export async function openTelemetry(endpoint: string): Promise<Telemetry> {
  const [{ context, propagation, SpanKind, SpanStatusCode }, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': process.env['OTEL_SERVICE_NAME'] ?? 'kimera-embed' }),
    spanProcessors: [new sdk.BatchSpanProcessor(exporter)],
  });
  provider.register();
  const tracer = provider.getTracer('kimera-embed');
  const middleware = (request: Request, response: Response, next: () => void): void => {
    const parent = propagation.extract(context.active(), request.headers);
    const span = tracer.startSpan(
      request.method,
      { kind: SpanKind.SERVER, attributes: { 'http.request.method': request.method, 'url.path': request.path } },
      parent,
    );
    response.once('close', () => {
      const route = routeOf(request);
      const { statusCode } = response;
      span.updateName(`${request.method} ${route}`);
      span.setAttributes({ 'http.route': route, 'http.response.status_code': statusCode });
      const tokens = Number(response.getHeader('x-compute-tokens') ?? Number.NaN);
      if (!Number.isNaN(tokens)) span.setAttribute('kimera.tokens', tokens);
      const space = response.getHeader('x-embedding-space');
      if (typeof space === 'string') span.setAttribute('kimera.space', space);
      if (!response.writableFinished || statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    next();
  };
  return {
    middleware,
    close: async () => {
      const late = new Promise((resolve) => setTimeout(resolve, CLOSE_MILLISECONDS).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
}

/** As the routes have it, whatever stands for its parameters. */
function routeOf({ route }: Request): string {
  const matched: unknown = route;
  return typeof matched === 'object' && matched !== null && 'path' in matched ? String(matched.path) : 'other';
}
