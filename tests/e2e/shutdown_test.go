package e2e

import (
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
)

// TestShutdownWithDeadExporter ends a collector whose logs go where requests
// are taken and never answered.
func TestShutdownWithDeadExporter(t *testing.T) {
	t.Parallel()
	dead, err := net.Listen("tcp", freeAddresses(t, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close() // requests wait in its backlog for ever
	scratch := t.TempDir()
	c, err := collector.Start(t.Context(), collector.Options{
		Binary: otelcol, Config: filepath.Join(quickstart, "collector.yaml"), Dir: quickstart, Scratch: scratch,
		Env:  []string{"FLUO_SETTLE=1s", "FLUO_DEAD=http://" + dead.Addr().String()},
		Args: []string{"--config", absolute("testdata/dead-exporter.yaml")},
	})
	if err != nil {
		t.Fatal(err)
	}
	all := requests(t, shopTraces)
	send(t, c, all)
	waitFor(t, "signals to be offered", func() bool { return own(t, c, "otelcol_connector_fluo_signals_queued") == shopSignals })
	http.DefaultClient.CloseIdleConnections() // the receiver waits for its clients

	began := time.Now()
	err = c.Stop()
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("the collector ended after %v, want 5 s and a moment for the rest of it", took)
	} else {
		t.Logf("the collector ended after %v", took)
	}
	if err == nil {
		t.Error("the collector does not say that it lost signals")
	}
}
