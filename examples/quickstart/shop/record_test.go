package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/shop/internal/recording"
)

const traces = "../traces"

// TestFreshRecording records the shop anew and compares it with the facts that
// are committed beside the recording.
func TestFreshRecording(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "shop")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, binary, "record", "-out", dir).CombinedOutput(); err != nil {
		t.Fatalf("shop record: %v\n%s", err, out)
	}
	compare(t, filepath.Join(dir, "shop.jsonl.gz"))
}

// TestCommittedRecording checks that the committed recording and the committed
// facts belong together.
func TestCommittedRecording(t *testing.T) {
	compare(t, filepath.Join(traces, "shop.jsonl.gz"))
}

func compare(t *testing.T, path string) {
	t.Helper()
	want, err := recording.LoadFacts(filepath.Join(traces, "shop.facts.json"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := recording.ReadFacts(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("facts of %s:\n got %+v\nwant %+v", path, got, want)
	}
}
