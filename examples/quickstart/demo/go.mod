module github.com/fluo-otel/fluo/examples/quickstart/demo

go 1.26.0
