module github.com/fluo-otel/fluo/tests/e2e

go 1.26.0

require github.com/fluo-otel/fluo/examples/quickstart/demo v0.0.0

replace github.com/fluo-otel/fluo/examples/quickstart/demo => ../../examples/quickstart/demo
