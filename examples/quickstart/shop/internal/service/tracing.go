package service

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
)

// tracer makes the spans that the shop's own code adds beside those of the
// HTTP instrumentation.
var tracer = otel.Tracer("github.com/fluo-otel/fluo/examples/quickstart/shop")

// startTracing installs the SDK as an application would: the exporter's
// endpoint and the batch delay come from the standard OTEL_ variables.
func startTracing(ctx context.Context, service string) (func(context.Context) error, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	res, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			semconv.ServiceName(service),
			semconv.ServiceInstanceID(service+"-1"),
			semconv.ServiceVersion("1.0.0"),
		))
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return provider.Shutdown, nil
}

// serverSpan is the span that the HTTP instrumentation opened for a request.
func serverSpan(ctx context.Context) trace.Span { return trace.SpanFromContext(ctx) }
